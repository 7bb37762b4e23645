/** What kernels of era E13 (development) print otherwise than those of E12. */
import type { EraData } from './types.js';

/** Changes that come with E13. */
export const e13 = {
  events: {
    netfs_read: [
      'R=%08x %s c=%08x o=%08x ni=%llx s=%llx l=%zx sz=%llx',
      'rreq what cookie object netfs_inode start len i_size',
    ],
    netfs_folio: ['p=%lx i=%05llx ix=%05lx-%05lx %s', 'pfn ino index last why'],
    netfs_write: [
      'R=%08x %s c=%08x o=%08x i=%x by=%llx-%llx',
      'wreq what cookie object ino start last',
    ],
    netfs_collect_folio: ['R=%08x ix=%05lx-%05lx', 'wreq index last'],
    netfs_folioq: null,
    netfs_copy2cache: ['R=%08x CR=%08x c=%08x o=%08x i=%x ', 'rreq creq cookie object ino'],
    cachefiles_no_space: ['o=%08x %s', 'obj where'],
  },
  labels: {
    netfs_rreq_origins: { writethrough: null },
    netfs_rreq_traces: {
      all_queued: ['ALL-Q  ', ''],
      cache_cancelled: ['CA-CNCL', 'assess'],
      cache_failed: ['CA-FAIL', 'cache_cancelled'],
      cache_fail_collect: ['CA-F-CO', 'cache_failed'],
      cache_no_space: ['CA-NOSP', 'cache_fail_collect'],
      inval_cache: ['INVL-CA', 'intr'],
      retry_begin: ['RETRY-BEGIN', 'resubmit'],
      retry_end: ['RETRY-END', 'retry_begin'],
    },
    netfs_sreq_traces: {
      cache_nofile: ['CA-!F', 'added'],
      cache_waitfail: ['CA-!W', 'cache_prepare'],
    },
    netfs_failures: { copy_to_cache: null, upload: ['upload', 'prepare_write'] },
    netfs_folio_traces: {
      alloc_buffer: null,
      clear: null,
      clear_cc: null,
      clear_g: null,
      clear_s: null,
      put: null,
      wthru: null,
      wthru_plus: null,
      endwb: ['endwb', 'end_copy'],
      endwb_cc: ['endwb-cc', 'endwb'],
      endwb_g: ['endwb-g', 'endwb_cc'],
      endwb_s: ['endwb-s', 'endwb_g'],
    },
    netfs_write_traces: { writethrough: null },
    netfs_folioq_traces: {
      alloc_buffer: null,
      clear: null,
      delete: null,
      make_space: null,
      rollbuf_init: null,
      read_progress: null,
    },
    cachefiles_error_traces: {
      create_nospace: ['create-nospace', ''],
      mkdir_nospace: ['mkdir-nospace', 'mkdir'],
      write_nospace: 'write-nospace',
      write_nospace_2: 'write-nospace-2',
    },
  },
  flags: {
    rreq: {
      8: 'CACHE_STOP',
      9: 'CACHE_ERROR',
      11: null,
      12: 'OFFLOAD_COLLECTION',
      13: 'NO_UNLOCK_FOLIO',
      14: 'UPLOAD_TO_SERVER',
      15: 'USE_IO_ITER',
    },
    sreq: { 11: 'CANCELLED' },
  },
} as const satisfies EraData;
