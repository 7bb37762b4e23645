/**
 * Events of our own, in the trace system `netfslab`: what no kernel of the era tells, kept for
 * analyses. Called by cachefiles/ (emit) and the reducer. They are never printed among the
 * kernel's events unless asked for by name.
 */

import { ownSymbols } from '../symbols.js';
import { label, prints, text, tracepointsOf, u64, uint } from '../tracepoint.js';
import { cachefilesPrepareReadTraces } from './cachefiles_labels.js';
import { netfsSreqSources } from './netfs_labels.js';

/** The trace system of the events that are not a kernel's. */
export const OWN_SYSTEM = 'netfslab';

const netfslab = tracepointsOf(OWN_SYSTEM, 'none: an event of netfslab');

/** Why a source was chosen: the words of v6.1, in every era, with the kernel's numbers. */
export const netfslabVerdicts = ownSymbols(
  'netfslab_verdicts',
  cachefilesPrepareReadTraces.ids.map(
    (id) =>
      [id, cachefilesPrepareReadTraces.text('E2', cachefilesPrepareReadTraces.id[id])] as const,
  ),
);

/** Who sees data in a range of a cache file. */
export const netfslabPresence = ownSymbols('netfslab_presence', [
  ['map', 'map'],
  ['disk', 'disk'],
]);

/** The cache chooses the source of a slice; where the kernel has no `cachefiles_prep_read`. */
export const netfslabPrepRead = netfslab({
  name: 'netfslab_prep_read',
  doc: 'The cache chooses the source of a slice; in eras without cachefiles_prep_read.',
  record: 240,
  columns: [
    uint('rreq', 'Request number.'),
    uint('index', 'Number of the subrequest in its request.'),
    label('source', netfsSreqSources, 'The source.'),
    label('why', netfslabVerdicts, 'Why.'),
    u64('start', 'File position where the slice starts, bytes.'),
    u64('len', 'Length it becomes, bytes.'),
  ],
  formats: {
    E0: prints('R=%08x[%u] %s %s s=%llx %zx', 'rreq index source why start len'),
    E2: null,
  },
});

/** Content map and filesystem disagree about what is cached. */
export const netfslabDisagreement = netfslab({
  name: 'netfslab_disagreement',
  doc: 'Content map and filesystem disagree about what is cached; the range is downloaded.',
  record: 241,
  columns: [
    uint('obj', 'Debug number of the object.'),
    u64('netfs_inode', 'Inode number of the file.'),
    u64('start', 'File position where it starts, bytes.'),
    u64('len', 'Length, bytes.'),
    label('only', netfslabPresence, 'Who alone sees data there: the map, or the disk.'),
  ],
  formats: { E0: prints('o=%08x ni=%llx s=%llx %zx only=%s', 'obj netfs_inode start len only') },
});

/** An object is removed to make room. */
export const netfslabCull = netfslab({
  name: 'netfslab_cull',
  doc: 'An object of the cache is removed to make room.',
  record: 242,
  columns: [u64('bytes', 'Bytes that it took up.'), text('file', 'Its path in the cache.', 'file')],
  formats: { E0: prints('bytes=%llu %s', 'bytes file') },
});

/** A workload has ended: what the application read, by where it was when it was first used. */
export const netfslabUse = netfslab({
  name: 'netfslab_use',
  doc: 'A workload has ended: bytes that the application read, by where they had come from.',
  record: 243,
  columns: [
    u64('memory', 'From the page cache: of pages that had been used before.'),
    u64('cache', 'Of pages that the disk cache had and that were used for the first time.'),
    u64('server', 'Of pages from the server, used for the first time.'),
    u64('zero', 'Of pages that were filled with zeros, used for the first time.'),
    u64('shared', 'Used before, but still on its way when the read began.'),
    u64('written', 'Of what local writes put there, used for the first time.'),
  ],
  formats: {
    E0: prints(
      'mem=%llu READ=%llu DOWN=%llu ZERO=%llu shared=%llu written=%llu',
      'memory cache server zero shared written',
    ),
  },
});
