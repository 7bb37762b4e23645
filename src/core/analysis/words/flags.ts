/** What each flag bit means, in a sentence, by its name. Called by words/index.ts. */
import type { PerEra } from '../../trace/eras.js';
import type { FlagSet } from '../../trace/flag_bits.js';
import type { Sentences } from './types.js';

/** Sentences for NETFS_RREQ_* and NETFS_SREQ_*. */
export const FLAG_WORDS: Readonly<Record<FlagSet, Sentences>> = {
  rreq: {
    INCOMPLETE_IO: 'some slice failed or came short',
    WRITE_TO_CACHE: 'what is read is to be stored in the cache',
    COPY_TO_CACHE: 'what is read is to be stored in the cache',
    NO_UNLOCK_PAGE: 'the page stays locked, as a write needs it',
    NO_UNLOCK_FOLIO: 'the folio stays locked, as a write needs it',
    DONT_UNLOCK_PAGES: 'pages stay locked when the request is done',
    DONT_UNLOCK_FOLIOS: 'folios stay locked when the request is done',
    FAILED: 'a slice failed for good',
    IN_PROGRESS: 'the request is not done yet; waiters sleep on this bit',
    UPLOAD_TO_SERVER: 'the data go to the server',
    NONBLOCK: 'nothing may wait',
    BLOCKED: 'the submitter is blocked',
    PAUSE: 'the submitter is to pause until a failed slice was dealt with',
    USE_IO_ITER: 'the data lie in an iterator, not in folios of the page cache',
    ALL_QUEUED: 'every slice has been queued: when they end, the request ends',
    NEED_RETRY: 'some slice has to be retried',
    OFFLOAD_COLLECTION: 'a worker collects the results, not the submitter',
    FOLIO_COPY_TO_CACHE: 'the folio at hand is to be copied to the cache',
    RETRYING: 'the collector waits for slices in flight before it retries',
    SHORT_TRANSFER: 'less was transferred than asked for',
    CANCEL_CACHING: 'nothing of this request may be stored in the cache any more',
    NEED_PUT_RA_REFS: "the submitter still holds readahead's references to the folios",
    CACHE_STOP: 'writing to the cache stops for this request',
    CACHE_ERROR: 'the cache reported an error',
    USE_PGPRIV2: 'folios that are being stored are marked PG_private_2 (ceph, NFS)',
  },
  sreq: {
    WRITE_TO_CACHE: 'the slice is to be stored in the cache',
    COPY_TO_CACHE: 'the slice is to be stored in the cache',
    CLEAR_TAIL: 'what the source does not fill is zeroed',
    SHORT_READ: 'the slice came short and was issued again',
    SHORT_IO: 'the slice came short and was issued again',
    SEEK_DATA_READ: 'the cache is to skip holes when it reads',
    NO_PROGRESS: 'the last attempt brought no bytes',
    MADE_PROGRESS: 'the last attempt brought bytes',
    ONDEMAND: 'the data come from the on-demand daemon of cachefiles',
    BOUNDARY: 'the slice ends at a boundary that writes must not cross',
    HIT_EOF: 'the read reached the end of the file',
    IN_PROGRESS: 'the slice is in flight',
    NEED_RETRY: 'the slice has to be retried',
    RETRYING: 'the slice is being retried',
    FAILED: 'the slice failed for good',
    CANCELLED: 'the slice was cancelled',
  },
};

type Note = readonly [mask: number, name: string, means: string];

/** Bits of n= in netfs_collect_state: what a round of the collector found. */
export const COLLECT_NOTES: PerEra<readonly Note[]> = {
  E5: [
    [0x001, 'HIT_PENDING', 'a front slice is still in flight'],
    [0x002, 'SOME_EMPTY', 'a stream has no slice left'],
    [0x004, 'ALL_EMPTY', 'no stream has a slice left'],
    [0x008, 'MAYBE_DISCONTIG', 'a front slice may not follow what was collected'],
    [0x010, 'NEED_REASSESS', 'another round is needed'],
    [0x020, 'REASSESS_DISCONTIG', 'whether slices follow each other is looked at again'],
    [0x040, 'MADE_PROGRESS', 'the round made progress'],
    [0x080, 'BUFFERED', 'folios of the page cache are involved'],
    [0x100, 'NEED_RETRY', 'a front slice wants a retry'],
    [0x200, 'SAW_FAILURE', 'a stream failed for good'],
  ],
  E6: [
    [0x01, 'HIT_PENDING', 'a front slice is still in flight'],
    [0x02, 'NEED_REASSESS', 'another round is needed'],
    [0x04, 'MADE_PROGRESS', 'the round made progress, so another follows'],
    [0x08, 'BUFFERED', 'folios of the page cache are involved'],
    [0x10, 'NEED_RETRY', 'a front slice wants a retry'],
    [0x20, 'SAW_FAILURE', 'a stream failed for good'],
    [0x40, 'COPY_TO_CACHE', 'a slice is to be copied to the cache'],
    [0x80, 'ABANDON_SREQ', 'the rest of a slice is being abandoned'],
  ],
};
