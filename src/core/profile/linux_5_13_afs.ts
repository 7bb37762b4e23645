/**
 * Linux 5.13 with AFS: the system of the 2021 patchset. No clamp, a whole slice in one FetchData,
 * server operations that complete inside the call.
 */
import type { Profile } from './types.js';

/** The default profile. */
export const linux513Afs: Profile = {
  name: 'linux-5.13-afs',
  kernel: 'v5.13',
  era: 'E1',
  client: 'afs',
  evidence: 'derived from reading the source; not compared with a running 5.13 kernel',
  interruptFlags: '..s.',
  readAheadKb: 128,
  mm: {
    batchLimitInclusive: true,
    eofCheckedFirst: false,
    leftoversRemoved: false,
  },
  netfs: {
    failureWithoutSubreq: { index: 0, showsLength: false },
    storesOnWorker: false,
    freeFirst: false,
    marksPageOnce: false,
  },
  fscache: {
    transitions: 'caller',
    unusedMax: 64,
    unusedNs: Number.POSITIVE_INFINITY,
    commits: 'unused',
    retriesLookup: true,
    events: false,
    statistics: 'objects',
    firstCookie: 1,
  },
  cachefiles: {
    named: 'at-once',
    roomAskedBy: 'prepare_read',
    noDataToRead: false,
    onWorker: false,
    events: false,
  },
  afs: {
    largeFolios: false,
    validates: 'open',
    bulkStatus: false,
    copiesStores: 'after',
    pinsCookie: false,
    directIo: true,
    laundersAtPageStart: true,
  },
  fixed: {
    msize: { why: 'has no transport with messages; see --rsize' },
    cacheMode: { why: 'has no cache modes' },
  },
};
