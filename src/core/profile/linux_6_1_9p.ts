/**
 * Linux 6.1 with 9p: a transport with a largest message, one slice however many messages it takes,
 * reads that end in the reader's context, a cache whose objects are committed when their files have
 * been closed for a while.
 */
import { fixed61, linux61 } from './linux_6_1.js';
import type { Profile } from './types.js';

/** Profile `linux-6.1-9p`. */
export const linux619p: Profile = {
  ...linux61,
  name: 'linux-6.1-9p',
  client: '9p',
  // What a message of 128 KiB has room for.
  readAheadKb: 124,
  fixed: {
    ...fixed61,
    rsize: { why: 'takes it from --msize' },
    callbackNs: { why: 'has no callbacks: nothing is revalidated' },
  },
};
