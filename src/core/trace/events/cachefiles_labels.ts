/**
 * Label tables of the cachefiles events.
 *
 * Called by the definitions of the events. Kernel: include/trace/events/cachefiles.h.
 */
import { CACHEFILES_SINCE as C } from '../eras.js';
import { since, symbols } from '../symbols.js';

/** Why an object is thrown away. */
export const cachefilesObjKillTraces = symbols('cachefiles_obj_kill_traces', [
  ['stale', { [C.C1]: 'stale' }],
  ['weird', { [C.C2]: 'weird' }],
  ['inval', { [C.C2]: 'inval' }],
  ['no_space', { [C.C1]: 'no_space' }],
  ['was_retired', { [C.C1]: 'was_retired' }],
  ['was_culled', { [C.C1]: 'was_culled' }],
  ['volume_weird', { [C.C2]: 'volume_weird' }],
]);

/** Who takes or drops a reference of an object. The last four are in stable kernels. */
export const cachefilesObjRefTraces = symbols('cachefiles_obj_ref_traces', [
  ['get_add_to_deps', { [C.C1]: 'GET add_to_deps', [C.C2]: null }],
  ['get_queue', { [C.C1]: 'GET queue', [C.C2]: null }],
  ['put_alloc_fail', { [C.C1]: 'PUT alloc_fail', [C.C2]: null }],
  ['put_attach_fail', { [C.C1]: 'PUT attach_fail', [C.C2]: null }],
  ['put_drop_obj', { [C.C1]: 'PUT drop_obj', [C.C2]: null }],
  ['put_enq_dep', { [C.C1]: 'PUT enq_dep', [C.C2]: null }],
  ['put_queue', { [C.C1]: 'PUT queue', [C.C2]: null }],
  ['put_work', { [C.C1]: 'PUT work', [C.C2]: null }],
  ['put_wait_retry', { [C.C1]: 'PUT wait_retry', [C.C2]: null }],
  ['put_wait_timeo', { [C.C1]: 'PUT wait_timeo', [C.C2]: null }],
  ['get_ioreq', { [C.C2]: 'GET ioreq' }],
  ['new_obj', { [C.C2]: 'NEW obj' }],
  ['put_alloc_fail', { [C.C2]: 'PUT alloc_fail' }],
  ['put_detach', { [C.C2]: 'PUT detach' }],
  ['put_ioreq', { [C.C2]: 'PUT ioreq' }],
  ['see_clean_commit', { [C.C2]: 'SEE clean_commit' }],
  ['see_clean_delete', { [C.C2]: 'SEE clean_delete' }],
  ['see_clean_drop_tmp', { [C.C2]: 'SEE clean_drop_tmp' }],
  ['see_lookup_cookie', { [C.C2]: 'SEE lookup_cookie' }],
  ['see_lookup_failed', { [C.C2]: 'SEE lookup_failed' }],
  ['see_withdraw_cookie', { [C.C2]: 'SEE withdraw_cookie' }],
  ['see_withdrawal', { [C.C2]: 'SEE withdrawal' }],
  ['get_ondemand_fd', { [C.C2]: 'GET ondemand_fd', E12: null }],
  ['put_ondemand_fd', { [C.C2]: 'PUT ondemand_fd', E12: null }],
  ['get_read_req', { [C.C2]: 'GET read_req', E12: null }],
  ['put_read_req', { [C.C2]: 'PUT read_req', E12: null }],
]);

/** What a check of the attributes of a cache file found. */
export const cachefilesCoherencyTraces = symbols(
  'cachefiles_coherency_traces',
  since(C.C2, [
    ['bad_aux', 'BAD aux '],
    ['bad_cont', 'BAD cont'],
    ['bad_dirt', 'BAD dirt'],
    ['bad_len', 'BAD len '],
    ['bad_osiz', 'BAD osiz'],
    ['ok', 'OK      '],
    ['bad_type', 'BAD type'],
    ['bad_xatt', 'BAD xatt'],
    ['set_fail', 'SET fail'],
    ['set_ok', 'SET ok  '],
    ['vol_bad_cmp', 'VOL BAD cmp '],
    ['vol_ok', 'VOL OK      '],
    ['vol_bad_resv', 'VOL BAD resv'],
    ['vol_bad_xatt', 'VOL BAD xatt'],
    ['vol_set_fail', 'VOL SET fail'],
    ['vol_set_ok', 'VOL SET ok  '],
  ]),
);

/** Why the size of a cache file is changed. */
export const cachefilesTruncTraces = symbols(
  'cachefiles_trunc_traces',
  since(C.C2, [
    ['dioadj', 'DIOADJ'],
    ['exptmp', 'EXPTMP'],
    ['shrink', 'SHRINK'],
  ]),
);

/** Why the cache chose a source. */
export const cachefilesPrepareReadTraces = symbols(
  'cachefiles_prepare_read_traces',
  since(C.C2, [
    ['after_eof', 'after-eof '],
    ['found_hole', 'found-hole'],
    ['found_part', 'found-part'],
    ['have_data', 'have-data '],
    ['no_data', 'no-data   '],
    ['no_file', 'no-file   '],
    ['seek_error', 'seek-error'],
    ['seek_enxio', 'seek-enxio'],
  ]),
);

/** What failed. */
export const cachefilesErrorTraces = symbols('cachefiles_error_traces', [
  ['create_nospace', { [C.C4]: 'create-nospace' }],
  ['fallocate', { [C.C2]: 'fallocate' }],
  ['getxattr', { [C.C2]: 'getxattr' }],
  ['link', { [C.C2]: 'link' }],
  ['lookup', { [C.C2]: 'lookup' }],
  ['mkdir', { [C.C2]: 'mkdir' }],
  ['mkdir_nospace', { [C.C4]: 'mkdir-nospace' }],
  ['notify_change', { [C.C2]: 'notify_change' }],
  ['open', { [C.C2]: 'open' }],
  ['read', { [C.C2]: 'read' }],
  ['remxattr', { [C.C2]: 'remxattr' }],
  ['rename', { [C.C2]: 'rename' }],
  ['seek', { [C.C2]: 'seek' }],
  ['setxattr', { [C.C2]: 'setxattr' }],
  ['statfs', { [C.C2]: 'statfs' }],
  ['tmpfile', { [C.C2]: 'tmpfile' }],
  ['trunc', { [C.C2]: 'trunc' }],
  ['unlink', { [C.C2]: 'unlink' }],
  ['write', { [C.C2]: 'write' }],
  ['write_nospace', { [C.C4]: 'write-nospace' }],
  ['write_nospace_2', { [C.C4]: 'write-nospace-2' }],
]);
