/** What kernels of era E3 (v5.18 - v6.7) print otherwise than those of E2. */
import type { EraData } from './types.js';

/** Changes that come with E3. */
export const e3 = {
  events: {
    netfs_rreq: ['R=%08x %s %s f=%02x', 'rreq origin what flags'],
    netfs_sreq: [
      'R=%08x[%u] %s %s f=%02x s=%llx %zx/%zx e=%d',
      'rreq index source what flags start transferred len error',
    ],
    netfs_failure: [
      'R=%08x[%d] %s f=%02x s=%llx %zx/%zx %s e=%d',
      'rreq index source flags start transferred len what error',
    ],
    netfs_rreq_ref: ['R=%08x %s r=%u', 'rreq what ref'],
    netfs_sreq_ref: ['R=%08x[%x] %s r=%u', 'rreq subreq what ref'],
    cachefiles_prep_read: [
      [
        'R=%08x[%u] %s %s f=%02x s=%llx %zx ni=%x B=%x',
        'rreq index source why flags start len netfs_inode cache_inode',
      ],
      [
        'o=%08x %s %s f=%02x s=%llx %zx ni=%x B=%x',
        'obj source why flags start len netfs_inode cache_inode',
      ],
    ],
    '9p_client_req': ['client %lu request %s tag  %d', 'clnt type tag'],
    '9p_client_res': ['client %lu response %s tag  %d err %d', 'clnt type tag err'],
    '9p_protocol_dump': ['clnt %lu %s(tag = %d)\n%s\n', 'clnt type tag line'],
    '9p_fid_ref': ['%s fid %d, refcount %d', 'type fid refcount'],
    afs_call: ['c=%08x %s r=%d o=%d sp=%s', 'call what ref outstanding where'],
    afs_call_done: ['   c=%08x ret=%d ab=%d [%p]', 'call ret abort_code rx_call_ptr'],
    afs_call_state: ['c=%08x %u->%u r=%d ab=%d', 'call from to ret abort'],
    afs_make_fs_call: ['c=%08x %06llx:%06llx:%06x %s', 'call vid vnode unique operation'],
    afs_make_fs_call1: [
      'c=%08x %06llx:%06llx:%06x %s "%s"',
      'call vid vnode unique operation name',
    ],
    afs_make_fs_call2: [
      'c=%08x %06llx:%06llx:%06x %s "%s" "%s"',
      'call vid vnode unique operation name name2',
    ],
    afs_make_fs_calli: ['c=%08x %06llx:%06llx:%06x %s i=%u', 'call vid vnode unique operation i'],
    afs_make_vl_call: ['c=%08x %s', 'call operation'],
    afs_notify_call: ['c=%08x s=%u u=%u', 'call state unmarshall'],
    afs_receive_data: [
      'c=%08x r=%llu u=%u w=%u s=%u ret=%d',
      'call remain unmarshall want_more state ret',
    ],
    afs_send_data: [' c=%08x o=%llx n=%llx f=%x', 'call offset count flags'],
    afs_sent_data: [' c=%08x o=%llx n=%llx r=%x', 'call offset count ret'],
    afs_io_error: ['c=%08x r=%d %s', 'call error where'],
    afs_file_error: ['%llx:%llx:%x r=%d %s', 'vid vnode unique error where'],
    afs_protocol_error: ['c=%08x %s', 'call cause'],
    afs_folio_dirty: ['vn=%p %lx %s %lx-%lx%s', 'vnode_ptr index where from to mapped'],
    afs_cb_break: ['%llx:%llx:%x b=%x s=%u %s', 'vid vnode unique cb_break skipped reason'],
    afs_cb_call: ['c=%08x %s', 'call operation'],
    afs_lookup: ['d=%llx:%llx:%x "%s" f=%llx:%x', 'vid dvnode dunique name vnode unique'],
    nfs_aop_readahead: [
      'fileid=%02x:%02x:%llu fhandle=0x%08x version=%llu offset=%lld nr_pages=%u',
      'dev_major dev_minor fileid fhandle version offset nr_pages',
    ],
    nfs_aop_readahead_done: [
      'fileid=%02x:%02x:%llu fhandle=0x%08x version=%llu nr_pages=%u ret=%d',
      'dev_major dev_minor fileid fhandle version nr_pages ret',
    ],
    nfs_aop_readpage: [
      'fileid=%02x:%02x:%llu fhandle=0x%08x version=%llu offset=%lld count=%zu',
      'dev_major dev_minor fileid fhandle version offset count',
    ],
    nfs_aop_readpage_done: [
      'fileid=%02x:%02x:%llu fhandle=0x%08x version=%llu offset=%lld count=%zu ret=%d',
      'dev_major dev_minor fileid fhandle version offset count ret',
    ],
    nfs_initiate_read: [
      'fileid=%02x:%02x:%llu fhandle=0x%08x offset=%lld count=%u',
      'dev_major dev_minor fileid fhandle offset count',
    ],
    nfs_readpage_done: [
      'error=%d fileid=%02x:%02x:%llu fhandle=0x%08x offset=%lld count=%u res=%u%s',
      'error dev_major dev_minor fileid fhandle offset count res eof',
    ],
    nfs_readpage_short: [
      'error=%d fileid=%02x:%02x:%llu fhandle=0x%08x offset=%lld count=%u res=%u%s',
      'error dev_major dev_minor fileid fhandle offset count res eof',
    ],
    nfs_pgio_error: [
      'error=%d fileid=%02x:%02x:%llu fhandle=0x%08x offset=%lld count=%u res=%u pos=%llu',
      'error dev_major dev_minor fileid fhandle offset count res pos',
    ],
    nfs_initiate_write: [
      'fileid=%02x:%02x:%llu fhandle=0x%08x offset=%lld count=%u stable=%s',
      'dev_major dev_minor fileid fhandle offset count stable',
    ],
    nfs_writeback_done: [
      'error=%d fileid=%02x:%02x:%llu fhandle=0x%08x offset=%lld count=%u res=%u stable=%s verifier=%s',
      'error dev_major dev_minor fileid fhandle offset count res stable verifier',
    ],
    nfs_write_error: [
      'error=%d fileid=%02x:%02x:%llu fhandle=0x%08x offset=%lld count=%u',
      'error dev_major dev_minor fileid fhandle offset count',
    ],
    nfs_comp_error: [
      'error=%d fileid=%02x:%02x:%llu fhandle=0x%08x offset=%lld count=%u',
      'error dev_major dev_minor fileid fhandle offset count',
    ],
    nfs_commit_error: [
      'error=%d fileid=%02x:%02x:%llu fhandle=0x%08x offset=%lld count=%u',
      'error dev_major dev_minor fileid fhandle offset count',
    ],
    nfs_initiate_commit: [
      'fileid=%02x:%02x:%llu fhandle=0x%08x offset=%lld count=%u',
      'dev_major dev_minor fileid fhandle offset count',
    ],
    nfs_commit_done: [
      'error=%d fileid=%02x:%02x:%llu fhandle=0x%08x offset=%lld stable=%s verifier=%s',
      'error dev_major dev_minor fileid fhandle offset stable verifier',
    ],
    nfs_writeback_folio: [
      'fileid=%02x:%02x:%llu fhandle=0x%08x version=%llu offset=%lld count=%zu',
      'dev_major dev_minor fileid fhandle version offset count',
    ],
    nfs_writeback_folio_done: [
      'fileid=%02x:%02x:%llu fhandle=0x%08x version=%llu offset=%lld count=%zu ret=%d',
      'dev_major dev_minor fileid fhandle version offset count ret',
    ],
    nfs4_read: [
      'error=%ld (%s) fileid=%02x:%02x:%llu fhandle=0x%08x offset=%lld count=%u res=%u stateid=%s layoutstateid=%s',
      'error error_name dev_major dev_minor fileid fhandle offset count res stateid layoutstateid',
    ],
    nfs4_write: [
      'error=%ld (%s) fileid=%02x:%02x:%llu fhandle=0x%08x offset=%lld count=%u res=%u stateid=%s layoutstateid=%s',
      'error error_name dev_major dev_minor fileid fhandle offset count res stateid layoutstateid',
    ],
    smb3_read_enter: [
      'R=%08x[%x] xid=%u sid=0x%llx tid=0x%x fid=0x%llx offset=0x%llx len=0x%x',
      'rreq index xid sid tid fid offset len',
    ],
    smb3_read_done: [
      'R=%08x[%x] xid=%u sid=0x%llx tid=0x%x fid=0x%llx offset=0x%llx len=0x%x',
      'rreq index xid sid tid fid offset len',
    ],
    smb3_read_err: [
      'R=%08x[%x] xid=%u sid=0x%llx tid=0x%x fid=0x%llx offset=0x%llx len=0x%x rc=%d',
      'rreq index xid sid tid fid offset len rc',
    ],
    smb3_write_enter: [
      'R=%08x[%x] xid=%u sid=0x%llx tid=0x%x fid=0x%llx offset=0x%llx len=0x%x',
      'rreq index xid sid tid fid offset len',
    ],
    smb3_write_done: [
      'R=%08x[%x] xid=%u sid=0x%llx tid=0x%x fid=0x%llx offset=0x%llx len=0x%x',
      'rreq index xid sid tid fid offset len',
    ],
    smb3_write_err: [
      'R=%08x[%x] xid=%u sid=0x%llx tid=0x%x fid=0x%llx offset=0x%llx len=0x%x rc=%d',
      'rreq index xid sid tid fid offset len rc',
    ],
    smb3_cmd_enter: ['sid=0x%llx tid=0x%x cmd=%u mid=%llu', 'sid tid cmd mid'],
    smb3_cmd_done: ['sid=0x%llx tid=0x%x cmd=%u mid=%llu', 'sid tid cmd mid'],
    smb3_cmd_err: [
      'sid=0x%llx tid=0x%x cmd=%u mid=%llu status=0x%x rc=%d',
      'sid tid cmd mid status rc',
    ],
    smb3_open_enter: [
      'xid=%u sid=0x%llx tid=0x%x path=%s cr_opts=0x%x des_access=0x%x',
      'xid sid tid path cr_opts des_access',
    ],
    smb3_open_done: [
      'xid=%u sid=0x%llx tid=0x%x fid=0x%llx cr_opts=0x%x des_access=0x%x',
      'xid sid tid fid cr_opts des_access',
    ],
    smb3_open_err: [
      'xid=%u sid=0x%llx tid=0x%x cr_opts=0x%x des_access=0x%x rc=%d',
      'xid sid tid cr_opts des_access rc',
    ],
    smb3_close_enter: ['xid=%u sid=0x%llx tid=0x%x fid=0x%llx', 'xid sid tid fid'],
    smb3_close_done: ['xid=%u sid=0x%llx tid=0x%x fid=0x%llx', 'xid sid tid fid'],
    smb3_close_err: ['xid=%u sid=0x%llx tid=0x%x fid=0x%llx rc=%d', 'xid sid tid fid rc'],
    smb3_rw_credits: [
      'R=%08x[%x] %s cred=%u chg=%d pool=%u ifl=%d',
      'rreq index trace subreq_credits credit_change server_credits in_flight',
    ],
    smb3_reconnect: ['conn_id=0x%llx server=%s current_mid=%llu', 'conn_id server current_mid'],
    smb3_slow_rsp: [
      'cmd=%u mid=%llu pid=%u, when_sent=%lu when_rcv=%lu',
      'cmd mid pid when_sent when_rcv',
    ],
    afs_page_dirty: null,
  },
  labels: {
    netfs_rreq_origins: { readahead: 'RA', readpage: 'RP', read_for_write: 'RW' },
    netfs_rreq_traces: {
      assess: 'ASSESS ',
      write: ['COPY   ', 'assess'],
      done: 'DONE   ',
      free: 'FREE   ',
      resubmit: 'RESUBMT',
      unlock: 'UNLOCK ',
      unmark: 'UNMARK ',
    },
    netfs_failures: {
      short_readpage: 'short-read',
      short_write_begin: ['short-read', 'prepare_write'],
    },
    netfs_rreq_ref_traces: {
      get_hold: 'GET HOLD   ',
      get_subreq: 'GET SUBREQ ',
      put_complete: 'PUT COMPLT ',
      put_discard: 'PUT DISCARD',
      put_failed: 'PUT FAILED ',
      put_hold: 'PUT HOLD   ',
      put_subreq: 'PUT SUBREQ ',
      put_zero_len: 'PUT ZEROLEN',
      new: 'NEW        ',
    },
    netfs_sreq_ref_traces: {
      get_copy_to_cache: 'GET COPY2C ',
      get_resubmit: 'GET RESUBMIT',
      get_short_read: 'GET SHORTRD',
      new: 'NEW        ',
      put_clear: 'PUT CLEAR  ',
      put_failed: 'PUT FAILED ',
      put_merged: 'PUT MERGED ',
      put_no_copy: 'PUT NO COPY',
      put_terminated: 'PUT TERM   ',
    },
    fscache_volume_traces: {
      get_withd: ['GET withd', 'get_hcoll'],
      put_withd: ['PUT withd', 'put_relnq'],
    },
    P9_FID_REFTYPE: { create: 'create ', get: 'get    ', put: 'put    ', destroy: 'destroy' },
    afs_call_traces: {
      alloc: 'ALLOC',
      free: 'FREE ',
      get: 'GET  ',
      put: 'PUT  ',
      wake: 'WAKE ',
      work: 'QUEUE',
    },
    nfs_stable: { unstable: 'UNSTABLE', data_sync: 'DATA_SYNC', file_sync: 'FILE_SYNC' },
    smb3_rw_credits_traces: {
      read_call_adjust: 'rd-call-adj',
      write_call_adjust: 'wr-call-adj',
      free_subreq: 'free-subreq',
      read_issue_adjust: 'rd-issu-adj',
      write_issue_adjust: 'wr-issu-adj',
      no_adjust_up: 'no-adj-up  ',
      old_session: 'old-session',
      read_response_add: 'rd-resp-add',
      read_response_clear: 'rd-resp-clr',
      read_resubmit: 'rd-resubmit',
      read_submit: 'rd-submit  ',
      write_prepare: 'wr-prepare ',
      write_response_add: 'wr-resp-add',
      write_response_clear: 'wr-resp-clr',
      zero_in_flight: 'ZERO-IN-FLT',
    },
  },
  flags: {
    rreq: { 1: 'COPY_TO_CACHE' },
    sreq: { 0: 'COPY_TO_CACHE', 2: 'SHORT_IO', 5: 'ONDEMAND' },
  },
} as const satisfies EraData;
