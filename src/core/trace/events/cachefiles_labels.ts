/**
 * Label tables of the cachefiles events.
 *
 * Called by the definitions of the events. Kernel: include/trace/events/cachefiles.h.
 */
import { symbols } from '../symbols.js';

/** Why an object is thrown away. */
export const cachefilesObjKillTraces = symbols('cachefiles_obj_kill_traces');

/** Who takes or drops a reference of an object. The last four are in stable kernels. */
export const cachefilesObjRefTraces = symbols('cachefiles_obj_ref_traces');

/** What a check of the attributes of a cache file found. */
export const cachefilesCoherencyTraces = symbols('cachefiles_coherency_traces');

/** Why the size of a cache file is changed. */
export const cachefilesTruncTraces = symbols('cachefiles_trunc_traces');

/** Why the cache chose a source. */
export const cachefilesPrepareReadTraces = symbols('cachefiles_prepare_read_traces');

/** What failed. */
export const cachefilesErrorTraces = symbols('cachefiles_error_traces');
