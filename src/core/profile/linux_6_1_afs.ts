/**
 * Linux 6.1 with AFS: one FetchData a slice, large folios, files validated before what is cached of
 * them is used.
 */
import { fixed61, linux61 } from './linux_6_1.js';
import type { Profile } from './types.js';

/** Profile `linux-6.1-afs`. */
export const linux61Afs: Profile = {
  ...linux61,
  name: 'linux-6.1-afs',
  client: 'afs',
  readAheadKb: 128,
  afs: {
    largeFolios: true,
    validates: 'use',
    bulkStatus: true,
    copiesStores: 'beside',
    pinsCookie: true,
    directIo: false,
    laundersAtPageStart: false,
  },
  fixed: {
    ...fixed61,
    rsize: { why: 'fetches a slice whole (it has no clamp_length)' },
    msize: { why: 'has no transport with messages' },
    cacheMode: { why: 'has no cache modes' },
  },
};
