/**
 * Label tables of the fscache events.
 *
 * Called by the definitions of the events. Kernel: include/trace/events/fscache.h.
 */
import { symbols } from '../symbols.js';

/** Who takes or drops a reference of a cache. */
export const fscacheCacheTraces = symbols('fscache_cache_traces');

/** Who takes or drops a reference of a volume. */
export const fscacheVolumeTraces = symbols('fscache_volume_traces');

/** Who takes or drops a reference of a cookie. */
export const fscacheCookieTraces = symbols('fscache_cookie_traces');

/** Whether a cookie comes into use or goes out of it. */
export const fscacheActiveTraces = symbols('fscache_active_traces');

/** Who begins or ends an access. */
export const fscacheAccessTraces = symbols('fscache_access_traces');

/** What happens to a page; not in the order of the enum. */
export const fscachePageTraces = symbols('fscache_page_traces');

/** What happens to an operation. */
export const fscacheOpTraces = symbols('fscache_op_traces');

/** What is done to a page. */
export const fscachePageOpTraces = symbols('fscache_page_op_traces');

/** How the state machine of an object was called. */
export const fscacheOsmTraces = symbols('fscache_osm');
