/** What kernels of era E6 (v6.12 - v6.13) print otherwise than those of E5. */
import type { EraData } from './types.js';

/** Changes that come with E6. */
export const e6 = {
  events: {
    netfs_read: [
      'R=%08x %s c=%08x ni=%x s=%llx l=%zx sz=%llx',
      'rreq what cookie netfs_inode start len i_size',
    ],
    netfs_collect_contig: null,
    netfs_collect_state: ['R=%08x col=%llx cln=%llx n=%x', 'wreq collected_to cleaned_to notes'],
    netfs_progress: [
      'R=%08x[%02x] s=%llx ct=%x/%x pa=%x/%x sl=%x',
      'rreq subreq f_start consumed transferred f_part f_avail slot',
    ],
    netfs_donate: ['R=%08x[%02x] -> [%02x] %s am=%x', 'rreq from to trace amount'],
    afs_make_fs_call: [
      ['c=%08x %06llx:%06llx:%06x %s', 'call vid vnode unique operation'],
      ['c=%08x V=%llx i=%llx:%x %s', 'call vid vnode unique operation'],
    ],
    afs_make_fs_call1: [
      ['c=%08x %06llx:%06llx:%06x %s "%s"', 'call vid vnode unique operation name'],
      ['c=%08x V=%llx i=%llx:%x %s "%s"', 'call vid vnode unique operation name'],
    ],
    afs_make_fs_call2: [
      ['c=%08x %06llx:%06llx:%06x %s "%s" "%s"', 'call vid vnode unique operation name name2'],
      ['c=%08x V=%llx i=%llx:%x %s "%s" "%s"', 'call vid vnode unique operation name name2'],
    ],
    afs_make_fs_calli: [
      ['c=%08x %06llx:%06llx:%06x %s i=%u', 'call vid vnode unique operation i'],
      ['c=%08x V=%llx i=%llx:%x %s i=%u', 'call vid vnode unique operation i'],
    ],
    afs_make_call: [
      'c=%08x %s+%u %s %llx:%llx:%x',
      'call transport srx_service operation vid vnode unique',
    ],
    afs_cb_call: [
      ['c=%08x %s sv=%u sx=%u en=%u', 'call operation service_id security_ix enctype'],
      ['c=%08x %s', 'call operation'],
    ],
    afs_rotate: [
      'OP=%08x it=%02x %s fl=%x sx=%d ax=%d ext=%d',
      'operation iteration reason flags server_index addr_index extra',
    ],
  },
  labels: {
    netfs_read_traces: { read_gaps: ['READ-GAPS', 'readpage'] },
    netfs_rreq_origins: {
      copy_to_cache: null,
      read_gaps: ['RG', 'readpage'],
      dio_read: ['DR', 'read_for_write'],
      pgpriv2_copy_to_cache: '2C',
    },
    netfs_sreq_sources: { unknown: ['----', ''] },
    netfs_sreq_traces: {
      resubmit_short: null,
      add_donations: ['+DON ', ''],
      added: ['ADD  ', 'add_donations'],
      clear: ['CLEAR', 'added'],
      donate_to_prev: ['DON-P', 'discard'],
      donate_to_next: ['DON-N', 'donate_to_prev'],
      hit_eof: ['EOF  ', 'free'],
      io_progress: ['IO   ', 'hit_eof'],
      progress: ['PRGRS', 'prep_failed'],
      reprep_failed: ['REPFL', 'progress'],
      short: ['SHORT', 'retry'],
      split: ['SPLIT', 'short'],
    },
    netfs_sreq_ref_traces: { put_discard: null, put_consumed: ['PUT CONSUME', 'put_clear'] },
    netfs_folio_traces: {
      abandon: ['abandon', 'streaming_cont_filled_page'],
      cancel_store: ['cancel-store', 'cancel_copy'],
      put: ['put', 'not_under_wback'],
      read: ['read', 'put'],
      read_done: ['read-done', 'read'],
      read_unlock: ['read-unlock', 'read_gaps'],
    },
    netfs_donate_traces: {
      tail_to_prev: 'tail-to-prev',
      to_prev: 'to-prev',
      to_next: 'to-next',
      to_deferred_next: 'defer-next',
    },
    afs_call_traces: { async_abort: ['ASYAB', 'alloc'], async_kill: ['ASYKL', 'async_abort'] },
    afs_rotate_traces: {
      aborted: 'Abortd',
      busy_sleep: 'BsySlp',
      check_vol_status: 'VolStt',
      failed: 'Failed',
      iter: 'Iter  ',
      iterate_addr: 'ItAddr',
      next_server: 'NextSv',
      no_more_servers: 'NoMore',
      nomem: 'Nomem ',
      probe_error: 'PrbErr',
      probe_fileserver: 'PrbFsv',
      probe_none: 'PrbNon',
      probe_response: 'PrbRsp',
      probe_superseded: 'PrbSup',
      restart: 'Rstart',
      retry_server: 'RtrySv',
      selected_server: 'SlctSv',
      stale_lock: 'StlLck',
      start: 'Start ',
      stop: 'Stop  ',
      stopped: 'Stoppd',
    },
  },
  flags: { rreq: { 0: null, 7: null, 14: 'NEED_RETRY' }, sreq: { 2: null, 7: 'HIT_EOF' } },
} as const satisfies EraData;
