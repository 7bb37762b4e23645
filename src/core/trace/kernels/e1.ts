/** What kernels of era E1 (v5.13 - v5.16) print otherwise than those of E0. */
import type { EraData } from './types.js';

/** Changes that come with E1. */
export const e1 = {
  events: {
    netfs_failure: [
      'R=%08x[%u] %s f=%02x s=%llx %zx/%zx %s e=%d',
      'rreq index source flags start transferred len what error',
    ],
  },
  labels: {
    netfs_read_traces: { write_begin: 'WRITEBEGN' },
    netfs_sreq_traces: { write_skip: ['SKIP ', 'write'] },
    netfs_failures: {
      check_write_begin: 'check-write-begin',
      copy_to_cache: 'copy-to-cache',
      read: 'read',
      short_readpage: 'short-readpage',
      short_write_begin: 'short-write-begin',
      prepare_write: 'prep-write',
    },
  },
} as const satisfies EraData;
