/**
 * The fscache tracepoints: those of the first form (to v5.14; pointers, printed hashed), and those
 * of the rewrite in v5.17 (debug numbers).
 *
 * Called by fscache/ (emit), the importers (parse) and the store (tables). Kernel:
 * include/trace/events/fscache.h. What was printed as a pointer has a column `..._ptr`.
 */
import { int, label, text, tracepointsOf, u64, uint } from '../tracepoint.js';
import {
  fscacheAccessTraces,
  fscacheActiveTraces,
  fscacheCacheTraces,
  fscacheCookieTraces,
  fscacheOpTraces,
  fscacheOsmTraces,
  fscachePageOpTraces,
  fscachePageTraces,
  fscacheVolumeTraces,
} from './fscache_labels.js';

export * from './fscache_labels.js';

const fscache = tracepointsOf('fscache', 'include/trace/events/fscache.h');

const cache = uint('cache', 'Debug number of the cache.');
const volume = uint('volume', 'Debug number of the volume.');
const cookie = uint('cookie', 'Debug number of the cookie.');
const ref = int('ref', 'References after that.');
const accesses = int('n_accesses', 'Accesses under way.');
const flags = uint('flags', 'Flag bits of the cookie (FSCACHE_COOKIE_*).');
const cookiePtr = text('cookie_ptr', 'Hashed address of the cookie, hexadecimal; to v5.14.');
const parentPtr = text('parent_ptr', 'Hashed address of its parent, hexadecimal; to v5.14.');
const opPtr = text('op_ptr', 'Hashed address of the operation, hexadecimal.');
const usage = int('usage', 'References.');
const children = int('n_children', 'Cookies below it; to v5.14.');
const active = int('n_active', 'Users of the cookie.');
const page = u64('page', 'Page of the file.');

/** A reference of a cache is taken or dropped. */
export const fscacheCache = fscache({
  name: 'fscache_cache',
  doc: 'A reference of a cache is taken or dropped.',
  record: 64,
  columns: [cache, label('where', fscacheCacheTraces, 'Who takes or drops it.'), usage],
});

/** A reference of a volume is taken or dropped. */
export const fscacheVolume = fscache({
  name: 'fscache_volume',
  doc: 'A reference of a volume is taken or dropped.',
  record: 65,
  columns: [volume, label('where', fscacheVolumeTraces, 'Who takes or drops it.'), usage],
});

/** A reference of a cookie is taken or dropped. */
export const fscacheCookie = fscache({
  name: 'fscache_cookie',
  doc: 'A reference of a cookie is taken or dropped.',
  record: 66,
  columns: [cookie, label('where', fscacheCookieTraces, 'Who takes or drops it.'), ref],
  optional: [cookiePtr, parentPtr, children, active, flags],
});

/** A cookie comes into use or goes out of it. */
export const fscacheActive = fscache({
  name: 'fscache_active',
  doc: 'A cookie comes into use or goes out of it.',
  record: 67,
  columns: [cookie, label('why', fscacheActiveTraces, 'Which.'), ref, accesses, active],
});

const why = label('why', fscacheAccessTraces, 'What begins or ends.');

/** An access to a cache begins or ends. */
export const fscacheAccessCache = fscache({
  name: 'fscache_access_cache',
  doc: 'An access to a cache begins or ends.',
  record: 68,
  columns: [cache, why, ref, accesses],
});

/** An access to a volume begins or ends. */
export const fscacheAccessVolume = fscache({
  name: 'fscache_access_volume',
  doc: 'An access to a volume begins or ends.',
  record: 69,
  columns: [volume, cookie, why, ref, accesses],
});

/** An access to a cookie begins or ends. */
export const fscacheAccess = fscache({
  name: 'fscache_access',
  doc: 'An access to a cookie begins or ends.',
  record: 70,
  columns: [cookie, why, ref, accesses],
});

/** A network filesystem gets a cookie. */
export const fscacheAcquire = fscache({
  name: 'fscache_acquire',
  doc: 'A network filesystem gets a cookie.',
  record: 71,
  columns: [
    cookie,
    volume,
    int('v_ref', 'References of the volume.'),
    int('v_n_cookies', 'Cookies of the volume.'),
  ],
  optional: [
    cookiePtr,
    parentPtr,
    int('p_usage', 'References of the parent; to v5.14.'),
    int('p_n_children', 'Cookies below the parent; to v5.14.'),
    uint('p_flags', 'Flag bits of the parent; to v5.14.'),
    text('name', 'Name of the kind of cookie; to v5.14.'),
  ],
});

/** A network filesystem gives a cookie back. */
export const fscacheRelinquish = fscache({
  name: 'fscache_relinquish',
  doc: 'A network filesystem gives a cookie back.',
  record: 72,
  columns: [
    cookie,
    volume,
    ref,
    active,
    flags,
    uint('retire', '1 = the data is to be thrown away.'),
  ],
  optional: [cookiePtr, parentPtr, children],
});

/** The data of a cookie is invalidated. */
export const fscacheInvalidate = fscache({
  name: 'fscache_invalidate',
  doc: 'The data of a cookie is invalidated.',
  record: 73,
  columns: [cookie, u64('new_size', 'Size of the file, bytes.')],
});

/** The file of a cookie changes its size. */
export const fscacheResize = fscache({
  name: 'fscache_resize',
  doc: 'The file of a cookie changes its size.',
  record: 74,
  columns: [
    cookie,
    u64('old_size', 'Size it had, bytes.'),
    u64('new_size', 'Size it gets, bytes.'),
  ],
});

/** A network filesystem registers; to v5.14. */
export const fscacheNetfs = fscache({
  name: 'fscache_netfs',
  doc: 'A network filesystem registers; to v5.14.',
  record: 75,
  columns: [cookiePtr, text('name', 'Name of the network filesystem.')],
});

/** A cookie is enabled; to v5.14. */
export const fscacheEnable = fscache({
  name: 'fscache_enable',
  doc: 'A cookie is enabled; to v5.14.',
  record: 76,
  columns: [cookiePtr, usage, children, active, flags],
});

/** A cookie is disabled; to v5.14. */
export const fscacheDisable = fscache({
  name: 'fscache_disable',
  doc: 'A cookie is disabled; to v5.14.',
  record: 77,
  columns: [cookiePtr, usage, children, active, flags],
});

/** The state machine of an object runs; to v5.14. */
export const fscacheOsm = fscache({
  name: 'fscache_osm',
  doc: 'The state machine of an object runs; to v5.14.',
  record: 78,
  columns: [
    cookiePtr,
    text('object_ptr', 'Hashed address of the object, hexadecimal.'),
    text('state', 'State, eight characters.'),
    label('what', fscacheOsmTraces, 'Whether it waits or works, and out of band.'),
    int('event_num', 'Event, -1 = none.'),
  ],
});

/** Something happens to a page; to v5.14. */
export const fscachePage = fscache({
  name: 'fscache_page',
  doc: 'Something happens to a page; to v5.14.',
  record: 79,
  columns: [cookiePtr, label('why', fscachePageTraces, 'What happens.'), page],
});

/** It is asked whether a page is being stored; to v5.14. */
export const fscacheCheckPage = fscache({
  name: 'fscache_check_page',
  doc: 'It is asked whether a page is being stored; to v5.14.',
  record: 80,
  columns: [
    cookiePtr,
    text('page_ptr', 'Hashed address of the page, hexadecimal.'),
    text('val', 'What is known of it, hashed, hexadecimal.'),
    int('n', 'Pages.'),
  ],
});

/** Those who wait for a cookie are woken; to v5.14. */
export const fscacheWakeCookie = fscache({
  name: 'fscache_wake_cookie',
  doc: 'Those who wait for a cookie are woken; to v5.14.',
  record: 81,
  columns: [cookiePtr],
});

/** Something happens to an operation; to v5.14. */
export const fscacheOp = fscache({
  name: 'fscache_op',
  doc: 'Something happens to an operation; to v5.14.',
  record: 82,
  columns: [cookiePtr, opPtr, label('why', fscacheOpTraces, 'What happens.')],
});

/** An operation on a page; to v5.14. */
export const fscachePageOp = fscache({
  name: 'fscache_page_op',
  doc: 'An operation on a page; to v5.14.',
  record: 83,
  columns: [cookiePtr, label('what', fscachePageOpTraces, 'Which operation.'), page, opPtr],
});

/** A page was stored; to v5.14. */
export const fscacheWrotePage = fscache({
  name: 'fscache_wrote_page',
  doc: 'A page was stored; to v5.14.',
  record: 84,
  columns: [cookiePtr, page, opPtr, int('ret', 'Result, a negative error number or 0.')],
});

/** Pages that are to be stored are looked up; to v5.14. */
export const fscacheGangLookup = fscache({
  name: 'fscache_gang_lookup',
  doc: 'Pages that are to be stored are looked up; to v5.14.',
  record: 85,
  columns: [
    cookiePtr,
    opPtr,
    u64('results0', 'First page found.'),
    int('n', 'Pages found.'),
    u64('store_limit', 'Page behind the last that may be stored.'),
  ],
});
