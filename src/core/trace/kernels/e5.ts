/** What kernels of era E5 (v6.10 - v6.11) print otherwise than those of E4. */
import type { EraData } from './types.js';

/** Changes that come with E5. */
export const e5 = {
  events: {
    netfs_sreq: [
      'R=%08x[%x] %s %s f=%02x s=%llx %zx/%zx e=%d',
      'rreq index source what flags start transferred len error',
    ],
    netfs_failure: [
      'R=%08x[%x] %s f=%02x s=%llx %zx/%zx %s e=%d',
      'rreq index source flags start transferred len what error',
    ],
    netfs_write_iter: ['WRITE-ITER i=%x s=%llx l=%zx f=%x', 'ino start len flags'],
    netfs_write: ['R=%08x %s c=%08x i=%x by=%llx-%llx', 'wreq what cookie ino start last'],
    netfs_collect: ['R=%08x s=%llx-%llx', 'wreq start end'],
    netfs_collect_contig: ['R=%08x %llx -> %llx %s', 'wreq contiguity to type'],
    netfs_collect_sreq: [
      'R=%08x[%u:%02x] s=%llx t=%x/%x',
      'wreq stream subreq start transferred len',
    ],
    netfs_collect_folio: [
      'R=%08x ix=%05lx r=%llx-%llx t=%llx/%llx',
      'wreq index start fend cleaned_to collected_to',
    ],
    netfs_collect_state: [
      'R=%08x cto=%llx fto=%llx ctg=%llx n=%x',
      'wreq collected_to cleaned_to contiguity notes',
    ],
    netfs_collect_gap: ['R=%08x[%x:] %llx->%llx %c', 'wreq stream from to type'],
    netfs_collect_stream: ['R=%08x[%x:] cto=%llx frn=%llx', 'wreq stream collected_to front'],
  },
  labels: {
    netfs_rreq_origins: { launder_write: null, copy_to_cache: ['CC', 'read_for_write'] },
    netfs_rreq_traces: {
      collect: ['COLLECT', 'write'],
      set_pause: ['PAUSE  ', 'resubmit'],
      unlock_pgpriv2: ['UNLCK-2', 'unlock'],
      wait_pause: ['WT-PAUS', 'wait_ip'],
      unpause: ['UNPAUSE', 'wake_ip'],
    },
    netfs_sreq_traces: {
      discard: ['DSCRD', ''],
      fail: ['FAIL ', 'download_instead'],
      prep_failed: ['PRPFL', 'prepare'],
      retry: ['RETRY', 'resubmit_short'],
    },
    netfs_rreq_ref_traces: {
      get_work: ['GET WORK   ', 'get_subreq'],
      put_work_complete: ['PUT WORK CP', 'put_work'],
      put_work_nq: ['PUT WORK NQ', 'put_work_complete'],
    },
    netfs_sreq_ref_traces: {
      get_submit: ['GET SUBMIT', 'get_resubmit'],
      put_cancel: ['PUT CANCEL ', 'new'],
      put_done: ['PUT DONE   ', 'put_discard'],
      put_oom: ['PUT OOM    ', 'put_no_copy'],
    },
    netfs_folio_traces: {
      launder: null,
      redirty: null,
      cancel_copy: ['cancel-copy', 'streaming_cont_filled_page'],
      clear_cc: ['clear-cc', 'clear'],
      clear_s: ['clear-s', 'clear_g'],
      copy_to_cache: 'mark-copy',
      kill_cc: ['kill-cc', 'kill'],
      kill_g: ['kill-g', 'kill_cc'],
      kill_s: ['kill-s', 'kill_g'],
      not_under_wback: ['!wback', 'mkwrite_plus'],
      store_copy: ['store-copy', 'store'],
    },
    netfs_write_traces: { launder: null, copy_to_cache: ['COPY2CACH', ''] },
    netfs_collect_contig_traces: { collect: 'Collect', jump: '-->JUMP-->', unlock: 'Unlock' },
  },
  flags: {
    rreq: { 11: 'PAUSE', 12: 'USE_IO_ITER', 13: 'ALL_QUEUED', 31: 'USE_PGPRIV2' },
    sreq: { 6: 'BOUNDARY', 8: 'IN_PROGRESS', 9: 'NEED_RETRY', 10: 'RETRYING', 11: 'FAILED' },
  },
} as const satisfies EraData;
