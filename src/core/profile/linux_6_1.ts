/** What every profile of Linux 6.1 has in common, whatever its network filesystem. */
import type { Profile } from './types.js';

/** What the clients of 6.1 do their own way, whatever a lab is asked for. */
export const fixed61 = {
  stripeUnit: { why: 'does not widen readahead windows (it has no expand_readahead)' },
  clearTail: { is: true, why: 'always zeroes what a short reply leaves out' },
  completion: { is: 'sync', why: 'ends a download inside the call that issued it' },
  streams: { why: 'ends each download before it issues the next' },
  cacheWrites: { why: 'always stores what is written in the cache, too' },
} as const satisfies Profile['fixed'];

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
} as const satisfies Partial<Profile>;
