/** What every profile of Linux 6.1 has in common, whatever its network filesystem. */
import type { Profile } from './types.js';

/** The kernel of the profiles `linux-6.1-*`. */
export const linux61 = {
  kernel: 'v6.1',
  era: 'E3',
  evidence: 'compared event by event with captures of a running 6.1 kernel',
  interruptFlags: 'd.h2',
  mm: {
    batchLimitInclusive: false,
    eofCheckedFirst: true,
    leftoversRemoved: true,
  },
  netfs: {
    failureWithoutSubreq: { index: -1, showsLength: true },
    storesOnWorker: true,
    freeFirst: true,
    marksPageOnce: true,
  },
  fscache: {
    transitions: 'worker',
    unusedMax: Number.POSITIVE_INFINITY,
    unusedNs: 10e9,
    commits: 'withdrawn',
    retriesLookup: false,
    events: true,
    statistics: 'cookies',
    // The kernel's first cookie is the second.
    firstCookie: 2,
  },
  cachefiles: {
    named: 'committed',
    roomAskedBy: 'prepare_write',
    noDataToRead: true,
    onWorker: true,
    events: true,
  },
  clearTail: true,
} as const satisfies Partial<Profile>;
