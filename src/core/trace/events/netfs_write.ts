/**
 * The netfs tracepoints about writing, folios and collecting results, from v6.8 on.
 *
 * Called by the importers (parse) and the store (tables). Kernel: include/trace/events/netfs.h.
 */
import { label, text, tracepointsOf, u64, uint } from '../tracepoint.js';
import {
  netfsCollectContigTraces,
  netfsDonateTraces,
  netfsFolioqTraces,
  netfsFolioTraces,
  netfsWriteTraces,
} from './netfs_write_labels.js';

export * from './netfs_write_labels.js';

const netfs = tracepointsOf('netfs', 'include/trace/events/netfs.h');

const rreq = uint('rreq', 'Request number, printed R=.');
const wreq = uint('wreq', 'Number of the write (or read) request, printed R=.');
const cookie = uint('cookie', 'Debug number of the fscache cookie; 0 = no cache.');
const object = uint('object', 'Debug number of the cache object; development kernels.');
const stream = uint('stream', 'Stream: 0 = to the server, 1 = to the cache.');
const subreq = uint('subreq', 'Number of the subrequest in its request.');
const start = u64('start', 'File position where it starts, bytes.');
const index = u64('index', 'First page of the folio in the file, pages.');
const last = u64('last', 'Last page of the folio in the file, pages.');
const collectedTo = u64('collected_to', 'File position up to which results are in, bytes.');
const cleanedTo = u64('cleaned_to', 'File position up to which folios were dealt with, bytes.');

/** Something happens to a folio. */
export const netfsFolio = netfs({
  name: 'netfs_folio',
  doc: 'Something happens to a folio.',
  record: 38,
  columns: [
    u64('ino', 'Inode number of the file.'),
    index,
    last,
    label('why', netfsFolioTraces, 'What happens.'),
  ],
  optional: [u64('pfn', 'Page frame number; development kernels.')],
});

/** A write call of the application. */
export const netfsWriteIter = netfs({
  name: 'netfs_write_iter',
  doc: 'A write call of the application.',
  record: 39,
  columns: [
    start,
    u64('len', 'Length of the write, bytes.'),
    uint('flags', 'Flags of the kiocb (IOCB_*).'),
  ],
  optional: [uint('ino', 'Inode number of the file; from v6.10.')],
});

/** A write request begins. */
export const netfsWrite = netfs({
  name: 'netfs_write',
  doc: 'A write request begins.',
  record: 40,
  columns: [
    wreq,
    label('what', netfsWriteTraces, 'What asked for the write.'),
    cookie,
    start,
    u64('last', 'File position of the last byte.'),
  ],
  optional: [uint('ino', 'Inode number of the file; from v6.10.'), object],
});

/** The collector looks at the results of a request. */
export const netfsCollect = netfs({
  name: 'netfs_collect',
  doc: 'The collector looks at the results of a request.',
  record: 41,
  columns: [
    wreq,
    u64('start', 'File position up to which it is done, bytes.'),
    u64('end', 'File position where the request ends, bytes.'),
  ],
});

/** The collector finds a contiguous run. */
export const netfsCollectContig = netfs({
  name: 'netfs_collect_contig',
  doc: 'The collector finds a contiguous run.',
  record: 42,
  columns: [
    wreq,
    u64('contiguity', 'File position up to which results are contiguous, bytes.'),
    u64('to', 'File position up to which they are now, bytes.'),
    label('type', netfsCollectContigTraces, 'What is done.'),
  ],
});

/** The collector takes a subrequest. */
export const netfsCollectSreq = netfs({
  name: 'netfs_collect_sreq',
  doc: 'The collector takes a subrequest.',
  record: 43,
  columns: [
    wreq,
    stream,
    subreq,
    start,
    uint('transferred', 'Bytes done.'),
    uint('len', 'Length of the subrequest, bytes.'),
  ],
});

/** The collector deals with a folio. */
export const netfsCollectFolio = netfs({
  name: 'netfs_collect_folio',
  doc: 'The collector deals with a folio.',
  record: 44,
  columns: [wreq, index],
  optional: [
    u64('start', 'File position of the folio, bytes.'),
    u64('fend', 'File position where the folio ends, bytes.'),
    cleanedTo,
    collectedTo,
    u64('last', 'Last page of the folio in the file, pages; development kernels.'),
  ],
});

/** How far the collector is. */
export const netfsCollectState = netfs({
  name: 'netfs_collect_state',
  doc: 'How far the collector is.',
  record: 45,
  columns: [wreq, collectedTo, cleanedTo, uint('notes', 'What it noticed, bits.')],
  optional: [u64('contiguity', 'File position up to which results are contiguous; to v6.11.')],
});

/** The collector skips a gap between subrequests. */
export const netfsCollectGap = netfs({
  name: 'netfs_collect_gap',
  doc: 'The collector skips a gap between subrequests.',
  record: 46,
  columns: [
    wreq,
    stream,
    u64('from', 'File position where the gap starts, bytes.'),
    u64('to', 'File position where it ends, bytes.'),
    text('type', 'Kind of gap, one character.'),
  ],
});

/** How far a stream is. */
export const netfsCollectStream = netfs({
  name: 'netfs_collect_stream',
  doc: 'How far a stream is.',
  record: 47,
  columns: [wreq, stream, collectedTo],
  optional: [
    u64('front', 'File position of its first subrequest, bytes; to v6.19.'),
    u64('issued_to', 'File position up to which subrequests were issued, bytes; from v7.0.'),
  ],
});

/** A read subrequest makes progress through the folios; v6.12 and v6.13. */
export const netfsProgress = netfs({
  name: 'netfs_progress',
  doc: 'A read subrequest makes progress through the folios; v6.12 and v6.13.',
  record: 48,
  columns: [
    rreq,
    subreq,
    u64('f_start', 'File position of the folio, bytes.'),
    uint('consumed', 'Bytes of the subrequest that were dealt with.'),
    uint('transferred', 'Bytes obtained.'),
    uint('f_part', 'Bytes of the folio in question.'),
    uint('f_avail', 'Bytes of the folio that are there.'),
    uint('slot', 'Slot of the folio queue.'),
  ],
});

/** A subrequest gives part of its data to a neighbour; v6.12 and v6.13. */
export const netfsDonate = netfs({
  name: 'netfs_donate',
  doc: 'A subrequest gives part of its data to a neighbour; v6.12 and v6.13.',
  record: 49,
  columns: [
    rreq,
    uint('from', 'Subrequest that gives.'),
    uint('to', 'Subrequest that gets.'),
    label('trace', netfsDonateTraces, 'To whom.'),
    uint('amount', 'Bytes.'),
  ],
});

/** Something happens to a folio queue; v6.14 to v7.3. */
export const netfsFolioq = netfs({
  name: 'netfs_folioq',
  doc: 'Something happens to a folio queue; v6.14 to v7.3.',
  record: 50,
  columns: [
    rreq,
    uint('fq', 'Number of the folio queue (its field is called id).'),
    label('trace', netfsFolioqTraces, 'What happens.'),
  ],
});

/** What was read is copied to the cache by a request of its own. */
export const netfsCopy2cache = netfs({
  name: 'netfs_copy2cache',
  doc: 'What was read is copied to the cache by a request of its own.',
  record: 51,
  columns: [
    rreq,
    uint('creq', 'Request that writes it to the cache.'),
    cookie,
    uint('ino', 'Inode number of the file.'),
  ],
  optional: [object],
});

/** How far a read request is; from v7.2.12. */
export const netfsReadProgressAt = netfs({
  name: 'netfs_read_progress_at',
  doc: 'How far a read request is; from v7.2.12.',
  record: 52,
  columns: [
    rreq,
    u64('cleaned_to', 'Bytes of the request whose folios were dealt with.'),
    u64('progress_at', 'Bytes of the request after which progress is made.'),
  ],
});

/** A file is cut; seen in mails of 2025 about kernels under test. */
export const netfsTruncate = netfs({
  name: 'netfs_truncate',
  doc: 'A file is cut; seen in mails of 2025 about kernels under test.',
  record: 53,
  columns: [
    u64('ino', 'Inode number of the file.'),
    u64('i_size', 'Size of the file, bytes.'),
    u64('remote_i_size', 'Size of the file on the server, bytes.'),
    u64('zero_point', 'File position from which on the server has no data, bytes.'),
    u64('to', 'Size it gets, bytes.'),
  ],
});
