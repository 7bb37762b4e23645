/**
 * Label tables of the fscache events.
 *
 * Called by the definitions of the events. Kernel: include/trace/events/fscache.h.
 */
import { FSCACHE_SINCE as F } from '../eras.js';
import { since, symbols } from '../symbols.js';

/** Who takes or drops a reference of a cache. */
export const fscacheCacheTraces = symbols(
  'fscache_cache_traces',
  since(F.F2, [
    ['collide', '*COLLIDE*'],
    ['get_acq', 'GET acq  '],
    ['new_acq', 'NEW acq  '],
    ['put_alvol', 'PUT alvol'],
    ['put_cache', 'PUT cache'],
    ['put_pfail', 'PUT pfail'],
    ['put_relnq', 'PUT relnq'],
    ['put_vol', 'PUT vol  '],
  ]),
);

/** Who takes or drops a reference of a volume. */
export const fscacheVolumeTraces = symbols('fscache_volume_traces', [
  ['collide', { [F.F2]: '*COLLIDE*' }],
  ['get_cook', { [F.F2]: 'GET cook ' }],
  ['get_creat', { [F.F2]: 'GET creat' }],
  ['get_hcoll', { [F.F2]: 'GET hcoll' }],
  ['get_withd', { [F.F3]: 'GET withd' }],
  ['free', { [F.F2]: 'FREE     ' }],
  ['new_acq', { [F.F2]: 'NEW acq  ' }],
  ['put_cook', { [F.F2]: 'PUT cook ' }],
  ['put_creat', { [F.F2]: 'PUT creat' }],
  ['put_hcoll', { [F.F2]: 'PUT hcoll' }],
  ['put_relnq', { [F.F2]: 'PUT relnq' }],
  ['put_withd', { [F.F3]: 'PUT withd' }],
  ['see_creat', { [F.F2]: 'SEE creat' }],
  ['see_hwake', { [F.F2]: 'SEE hwake' }],
  ['wait_crea', { [F.F2]: 'WAIT crea' }],
]);

/** Who takes or drops a reference of a cookie. */
export const fscacheCookieTraces = symbols('fscache_cookie_traces', [
  ['collision', { [F.F1]: '*COLLISION*', [F.F2]: null }],
  ['discard', { [F.F1]: 'DISCARD', [F.F2]: null }],
  ['get_prn', { [F.F1]: 'GET prn', [F.F2]: null }],
  ['get_obj', { [F.F1]: 'GET obj', [F.F2]: null }],
  ['get_raq', { [F.F1]: 'GET raq', [F.F2]: null }],
  ['get_net', { [F.F1]: 'GET net', [F.F2]: null }],
  ['put_nbf', { [F.F1]: 'PUT nbf', [F.F2]: null }],
  ['put_dnt', { [F.F1]: 'PUT dnt', [F.F2]: null }],
  ['put_rlq', { [F.F1]: 'PUT rlq', [F.F2]: null }],
  ['put_obj', { [F.F1]: 'PUT obj', [F.F2]: null }],
  ['put_prn', { [F.F1]: 'PUT prn', [F.F2]: null }],
  ['collide', { [F.F2]: '*COLLIDE*' }],
  ['discard', { [F.F2]: 'DISCARD  ' }],
  ['failed', { [F.F2]: 'FAILED   ' }],
  ['get_attch', { [F.F2]: 'GET attch' }],
  ['get_hcoll', { [F.F2]: 'GET hcoll' }],
  ['gq_endac', { [F.F2]: 'GQ  endac' }],
  ['gq_inval', { [F.F2]: 'GQ  inval' }],
  ['get_lru', { [F.F2]: 'GET lru  ' }],
  ['gq_use', { [F.F2]: 'GQ  use  ' }],
  ['new_acq', { [F.F2]: 'NEW acq  ' }],
  ['put_hcoll', { [F.F2]: 'PUT hcoll' }],
  ['put_lru', { [F.F2]: 'PUT lru  ' }],
  ['put_obj', { [F.F2]: 'PUT obj  ' }],
  ['pq_overq', { [F.F2]: 'PQ  overq' }],
  ['put_relnq', { [F.F2]: 'PUT relnq' }],
  ['put_wthdn', { [F.F2]: 'PUT wthdn' }],
  ['pq_work', { [F.F2]: 'PQ  work ' }],
  ['activ', { [F.F2]: '-   activ' }],
  ['x_lru', { [F.F2]: '-   x-lru' }],
  ['lrudc', { [F.F2]: '-   lrudc' }],
  ['lrudo', { [F.F2]: '-   lrudo' }],
  ['x_rlq', { [F.F2]: '-   x-rlq' }],
  ['x_wth', { [F.F2]: '-   x-wth' }],
  ['work', { [F.F2]: '-   work ' }],
]);

/** Whether a cookie comes into use or goes out of it. */
export const fscacheActiveTraces = symbols(
  'fscache_active_traces',
  since(F.F2, [
    ['use', 'USE          '],
    ['use_m', 'USE-m        '],
    ['unuse', 'UNUSE        '],
  ]),
);

/** Who begins or ends an access. */
export const fscacheAccessTraces = symbols(
  'fscache_access_traces',
  since(F.F2, [
    ['begin_acq_vol', 'BEGIN acq_vol'],
    ['end_acq_vol', 'END   acq_vol'],
    ['pin_cache', 'PIN   cache  '],
    ['unpin_cache', 'UNPIN cache  '],
    ['begin_inval', 'BEGIN inval  '],
    ['end_inval', 'END   inval  '],
    ['end_io', 'END   io     '],
    ['end_io_notl', 'END   io_notl'],
    ['begin_io_read', 'BEGIN io_read'],
    ['begin_io_resz', 'BEGIN io_resz'],
    ['wait_io', 'WAIT  io     '],
    ['begin_io_writ', 'BEGIN io_writ'],
    ['begin_lookup', 'BEGIN lookup '],
    ['end_lookup', 'END   lookup '],
    ['end_lookupf', 'END   lookupf'],
    ['begin_rlq_vol', 'BEGIN rlq_vol'],
    ['end_rlq_vol', 'END   rlq_vol'],
    ['end_unlive', 'END   unlive '],
  ]),
);

/** What happens to a page; not in the order of the enum. */
export const fscachePageTraces = symbols('fscache_page_traces', [
  ['cached', { [F.F1]: 'Cached ', [F.F2]: null }],
  ['invalpg', { [F.F1]: 'InvalPg', [F.F2]: null }],
  ['mayrels', { [F.F1]: 'MayRels', [F.F2]: null }],
  ['uncache', { [F.F1]: 'Uncache', [F.F2]: null }],
  ['rxcstr', { [F.F1]: 'RxCStr ', [F.F2]: null }],
  ['rxdel', { [F.F1]: 'RxDel  ', [F.F2]: null }],
  ['rxins', { [F.F1]: 'RxIns  ', [F.F2]: null }],
  ['rxp2s', { [F.F1]: 'RxP2S  ', [F.F2]: null }],
  ['rxspend', { [F.F1]: 'RxSPend ', [F.F2]: null }],
  ['writepg', { [F.F1]: 'WritePg', [F.F2]: null }],
  ['endpgwr', { [F.F1]: 'EndPgWr', [F.F2]: null }],
  ['endpgwp', { [F.F1]: 'EndPgWP', [F.F2]: null }],
  ['endpgnc', { [F.F1]: 'EndPgNC', [F.F2]: null }],
  ['wtonwrt', { [F.F1]: 'WtOnWrt', [F.F2]: null }],
]);

/** What happens to an operation. */
export const fscacheOpTraces = symbols('fscache_op_traces', [
  ['cancel1', { [F.F1]: 'Cancel1', [F.F2]: null }],
  ['cancela', { [F.F1]: 'CancelA', [F.F2]: null }],
  ['canclld', { [F.F1]: 'Canclld', [F.F2]: null }],
  ['complet', { [F.F1]: 'Complet', [F.F2]: null }],
  ['enqasyn', { [F.F1]: 'EnqAsyn', [F.F2]: null }],
  ['enqmyth', { [F.F1]: 'EnqMyTh', [F.F2]: null }],
  ['gc', { [F.F1]: 'GC     ', [F.F2]: null }],
  ['init', { [F.F1]: 'Init   ', [F.F2]: null }],
  ['put', { [F.F1]: 'Put    ', [F.F2]: null }],
  ['run', { [F.F1]: 'Run    ', [F.F2]: null }],
  ['signal', { [F.F1]: 'Signal ', [F.F2]: null }],
  ['submit', { [F.F1]: 'Submit ', [F.F2]: null }],
  ['submitx', { [F.F1]: 'SubmitX', [F.F2]: null }],
  ['work', { [F.F1]: 'Work   ', [F.F2]: null }],
]);

/** What is done to a page. */
export const fscachePageOpTraces = symbols('fscache_page_op_traces', [
  ['alloc1', { [F.F1]: 'Alloc1 ', [F.F2]: null }],
  ['attrchg', { [F.F1]: 'AttrChg', [F.F2]: null }],
  ['checkcn', { [F.F1]: 'CheckCn', [F.F2]: null }],
  ['inval', { [F.F1]: 'Inval  ', [F.F2]: null }],
  ['retrmul', { [F.F1]: 'RetrMul', [F.F2]: null }],
  ['retr1', { [F.F1]: 'Retr1  ', [F.F2]: null }],
  ['write1', { [F.F1]: 'Write1 ', [F.F2]: null }],
]);

/** How the state machine of an object was called. */
export const fscacheOsmTraces = symbols('fscache_osm', [
  ['wait', { [F.F1]: 'WAIT ', [F.F2]: null }],
  ['work', { [F.F1]: 'WORK ', [F.F2]: null }],
  ['wait_oob', { [F.F1]: 'WAIT OOB ', [F.F2]: null }],
  ['work_oob', { [F.F1]: 'WORK OOB ', [F.F2]: null }],
]);
