/**
 * Linux 6.1 with 9p: a transport with a largest message, one slice however many messages it takes,
 * reads that end in the reader's context, a cache whose objects are committed when their files have
 * been closed for a while.
 */
import type { Profile } from './types.js';

/** Profile `linux-6.1-9p`. */
export const linux619p: Profile = {
  name: 'linux-6.1-9p',
  kernel: 'v6.1',
  era: 'E3',
  client: '9p',
  evidence: 'compared event by event with captures of a running 6.1 kernel',
  interruptFlags: 'd.h2',
  // What a message of 128 KiB has room for.
  readAheadKb: 124,
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
  clearTail: true,
};
