/**
 * What functions of netfs, FS-Cache, CacheFiles and their filesystems are for, so that a call trace
 * can be read. Called by splats.ts.
 */

/** Part of the read helper, or filesystem, that functions belong to; the first that fits counts. */
const PHASES: readonly (readonly [RegExp, string])[] = [
  [/^netfs_retry_read|^netfs_reissue_read|^netfs_unlock_abandoned/, 'read retry'],
  [/^netfs_(?:retry_write|reissue_write|pause)/, 'write retry'],
  [
    /^netfs_(?:consume_read|read_collect|collect_read|rreq_assess|rreq_unlock|unlock_read|read_subreq|rreq_term|rreq_completed|cache_read_term|read_cache_to|rreq_work|subreq_clear|clear_unread|dio_read_coll|single_collect|assess_)/,
    'read collection',
  ],
  [
    /^netfs_(?:write_collect|collect_write|writeback_unlock|writeback_lookup|write_subrequest_term|folio_written)/,
    'write collection',
  ],
  [/^netfs_(?:rreq_write_to_cache|pgpriv2|copy_to_cache)/, 'copy to the cache'],
  [
    /^netfs_(?:writepages|write_folio|issue_write|advance_write|prepare_write|begin_write(?:back|through)|do_issue_write|create_write|writeback|wb_|reissue|update_i_size|kill_dirty|advance_writethrough)/,
    'write-back',
  ],
  [
    /^netfs_(?:perform_write|buffered_write|file_write|page_mkwrite|write_begin|prefetch_for_write|skip_folio|start_io_write|end_io_write|grab_folio|flush_content)/,
    'buffered write',
  ],
  [/^netfs_(?:unbuffered|dio|direct|start_io_direct|extract_user)/, 'direct or unbuffered I/O'],
  [
    /^netfs_(?:readahead|read_folio|readpage|read_to_pagecache|issue_read|begin_read|prepare_read|limit_iter|rreq_submit|rreq_prepare|rreq_expand|queue_read|create_read|read_gaps|read_single|single_dispatch|file_read|buffered_read|start_io_read|cache_prepare)/,
    'issuing reads',
  ],
  [
    /^netfs_(?:alloc|free|put|get|clear_subreq|trace_|deinit|wake|wait_for_out)/,
    'the life of a request',
  ],
  [/^netfs_wait/, 'waiting for a request'],
  [/^netfs_(?:invalidate|release|clear_inode|truncate|evict)/, 'giving up pages'],
  [/^(?:netfs_)?(?:rolling_buffer|folioq|bvecq)/, 'the queue of folios'],
  [/^netfs_/, 'the read helper'],
  [
    /^_*fscache_(?:cookie|lookup|perform|relinquish|drop|use|unuse|acquire_cookie|hash|caching|withdraw_cookie|prepare_to)/,
    'the cookie state machine',
  ],
  [/^_*fscache_.*volume/, 'volumes of FS-Cache'],
  [
    /^_*fscache_(?:begin|end|wait_for_op|operation|write|read|resize|invalidate|clear)/,
    'cache access',
  ],
  [/^_*fscache_/, 'FS-Cache'],
  [
    /^_*cachefiles_(?:lookup|look|create|open|commit|get_dir|bury|unlink|withdraw|drop|close|mark|acquire|check|set_object)/,
    "cache files' names and states",
  ],
  [/^_*cachefiles_(?:read|write|prepare|do_prep|query|begin)/, 'cache I/O'],
  [/^_*cachefiles_(?:daemon|cull|has_space|bind|add_cache|ondemand)/, 'the cache daemon'],
  [/^_*cachefiles_/, 'CacheFiles'],
  [/^_*(?:v9fs|p9)_/, '9p'],
  [/^_*(?:afs|yfs|rxrpc|kafs)_/, 'AFS'],
  [/^_*(?:nfs|nfs[34]|rpc|xprt)_/, 'NFS'],
  [/^_*(?:cifs|smb2|smb3|SMB2|smbd)_/, 'CIFS'],
  [/^_*ceph_/, 'ceph'],
];

/** What a function is for, null if it is none of netfs or its filesystems. */
export function phaseOf(name: string): string | null {
  return PHASES.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}

/** True for a function of the helper or of its cache. */
export function isOwnFunction(name: string): boolean {
  return /^_*(?:netfs|fscache|cachefiles|folioq|rolling_buffer|folio_wait_private_2|__traceiter_(?:netfs|fscache|cachefiles))/.test(
    name,
  );
}

/** What the kernel does to sleep, or to find a trace: says nothing of what is waited for. */
const PLUMBING =
  /^(?:__schedule|schedule\w*|__wait_on\w*|wait_on_\w+|out_of_line_wait\w*|bit_wait\w*|io_schedule\w*|prepare_to_wait\w*|rwsem_\w+|down_\w+|__down_\w+|up_\w+|__?mutex_\w+|mutex_\w+|wait_for_completion\w*|__wait_for_common|var_wake\w*|dump_stack\w*|show_\w+|print_\w+|kasan_\w+|__asan_\w+|report_bug|__warn\w*|exc_\w+|asm_exc_\w+|handle_bug|die\w*|do_error_trap|panic|preempt_\w+|__cond_resched|_raw_spin\w*|native_\w+|__switch_to\w*)$/;

/** True for a function that stands between a task and what it waits for. */
export function isPlumbing(name: string): boolean {
  return PLUMBING.test(name);
}
