/**
 * The tracepoints of the netfs read helper and their label tables, eras E0 to E3.
 *
 * Called by netfs/ (emit), the importers (parse) and the store (tables). Kernel:
 * include/trace/events/netfs.h. Columns are what is printed; see NETFS formats in the docs.
 */
import { symbols } from '../symbols.js';
import { flagWord, int, int16, label, tracepoint, u64, uint } from '../tracepoint.js';

const KERNEL = 'include/trace/events/netfs.h';

/** Why a read request was made. */
export const netfsReadTraces = symbols('netfs_read_traces', {
  E0: [
    ['expanded', 'EXPANDED '],
    ['readahead', 'READAHEAD'],
    ['readpage', 'READPAGE '],
  ],
  E1: [
    ['expanded', 'EXPANDED '],
    ['readahead', 'READAHEAD'],
    ['readpage', 'READPAGE '],
    ['write_begin', 'WRITEBEGN'],
  ],
  E4: null,
});

/** Where a request comes from (printed from E3 on). */
export const netfsRreqOrigins = symbols('netfs_rreq_origins', {
  E3: [
    ['readahead', 'RA'],
    ['readpage', 'RP'],
    ['read_for_write', 'RW'],
  ],
  E4: null,
});

/** Stages of a request. */
export const netfsRreqTraces = symbols('netfs_rreq_traces', {
  E0: [
    ['assess', 'ASSESS'],
    ['done', 'DONE  '],
    ['free', 'FREE  '],
    ['resubmit', 'RESUBM'],
    ['unlock', 'UNLOCK'],
    ['unmark', 'UNMARK'],
    ['write', 'WRITE '],
  ],
  E3: [
    ['assess', 'ASSESS '],
    ['write', 'COPY   '],
    ['done', 'DONE   '],
    ['free', 'FREE   '],
    ['resubmit', 'RESUBMT'],
    ['unlock', 'UNLOCK '],
    ['unmark', 'UNMARK '],
  ],
  E4: null,
});

/** Where a subrequest's data comes from. */
export const netfsSreqSources = symbols('netfs_sreq_sources', {
  E0: [
    ['zero', 'ZERO'],
    ['down', 'DOWN'],
    ['read', 'READ'],
    ['invalid', 'INVL'],
  ],
  E4: null,
});

/** Stages of a subrequest. */
export const netfsSreqTraces = symbols('netfs_sreq_traces', {
  E0: [
    ['download_instead', 'RDOWN'],
    ['free', 'FREE '],
    ['prepare', 'PREP '],
    ['resubmit_short', 'SHORT'],
    ['submit', 'SUBMT'],
    ['terminated', 'TERM '],
    ['write', 'WRITE'],
    ['write_term', 'WTERM'],
  ],
  E1: [
    ['download_instead', 'RDOWN'],
    ['free', 'FREE '],
    ['prepare', 'PREP '],
    ['resubmit_short', 'SHORT'],
    ['submit', 'SUBMT'],
    ['terminated', 'TERM '],
    ['write', 'WRITE'],
    ['write_skip', 'SKIP '],
    ['write_term', 'WTERM'],
  ],
  E4: null,
});

/** Where something failed. */
export const netfsFailures = symbols('netfs_failures', {
  E1: [
    ['check_write_begin', 'check-write-begin'],
    ['copy_to_cache', 'copy-to-cache'],
    ['read', 'read'],
    ['short_readpage', 'short-readpage'],
    ['short_write_begin', 'short-write-begin'],
    ['prepare_write', 'prep-write'],
  ],
  E3: [
    ['check_write_begin', 'check-write-begin'],
    ['copy_to_cache', 'copy-to-cache'],
    ['read', 'read'],
    ['short_readpage', 'short-read'],
    ['short_write_begin', 'short-read'],
    ['prepare_write', 'prep-write'],
  ],
  E4: null,
});

/** Who takes or drops a reference of a request. */
export const netfsRreqRefTraces = symbols('netfs_rreq_ref_traces', {
  E3: [
    ['get_hold', 'GET HOLD   '],
    ['get_subreq', 'GET SUBREQ '],
    ['put_complete', 'PUT COMPLT '],
    ['put_discard', 'PUT DISCARD'],
    ['put_failed', 'PUT FAILED '],
    ['put_hold', 'PUT HOLD   '],
    ['put_subreq', 'PUT SUBREQ '],
    ['put_zerolen', 'PUT ZEROLEN'],
    ['new', 'NEW        '],
  ],
  E4: null,
});

/** Who takes or drops a reference of a subrequest. */
export const netfsSreqRefTraces = symbols('netfs_sreq_ref_traces', {
  E3: [
    ['get_copy_to_cache', 'GET COPY2C '],
    ['get_resubmit', 'GET RESUBMIT'],
    ['get_short_read', 'GET SHORTRD'],
    ['new', 'NEW        '],
    ['put_clear', 'PUT CLEAR  '],
    ['put_failed', 'PUT FAILED '],
    ['put_merged', 'PUT MERGED '],
    ['put_no_copy', 'PUT NO COPY'],
    ['put_terminated', 'PUT TERM   '],
  ],
  E4: null,
});

const rreq = uint('rreq', 'Request number, printed R=; starts again when the module is loaded.');
const len = (of: string) => u64('len', `Length of the ${of}, bytes.`);

/** A read request begins, or its range was expanded. */
export const netfsRead = tracepoint({
  name: 'netfs_read',
  system: 'netfs',
  doc: 'A read request begins, or its range was expanded.',
  kernel: KERNEL,
  record: 32,
  columns: [
    rreq,
    label('what', netfsReadTraces, 'What asked for the read.'),
    uint(
      'cookie',
      'Debug number of the fscache cookie (of its object before v5.17); 0 = no cache.',
    ),
    u64('netfs_inode', 'Inode number of the file; from v5.17.'),
    u64('start', 'File position where the range starts, bytes.'),
    len('range'),
  ],
  optional: [
    u64('i_size', 'Size of the file, bytes; from v6.12.'),
    uint('object', 'Debug number of the cache object; development kernels.'),
  ],
  formats: {
    E0: { format: 'R=%08x %s c=%08x s=%llx %zx', args: ['rreq', 'what', 'cookie', 'start', 'len'] },
    E2: {
      format: 'R=%08x %s c=%08x ni=%x s=%llx %zx',
      args: ['rreq', 'what', 'cookie', 'netfs_inode', 'start', 'len'],
    },
    E4: null,
  },
});

/** A request reaches a stage. */
export const netfsRreq = tracepoint({
  name: 'netfs_rreq',
  system: 'netfs',
  doc: 'A request reaches a stage.',
  kernel: KERNEL,
  record: 33,
  columns: [
    rreq,
    label('origin', netfsRreqOrigins, 'Where the request comes from; from v5.18.'),
    label('what', netfsRreqTraces, 'The stage.'),
    flagWord('flags', 'rreq', 'Flag bits of the request (NETFS_RREQ_*) at that instant.'),
  ],
  optional: [],
  formats: {
    E0: { format: 'R=%08x %s f=%02x', args: ['rreq', 'what', 'flags'] },
    E3: { format: 'R=%08x %s %s f=%02x', args: ['rreq', 'origin', 'what', 'flags'] },
    E4: null,
  },
});

const SREQ_FORMAT = 'R=%08x[%u] %s %s f=%02x s=%llx %zx/%zx e=%d';

/** A subrequest reaches a stage. */
export const netfsSreq = tracepoint({
  name: 'netfs_sreq',
  system: 'netfs',
  doc: 'A subrequest reaches a stage.',
  kernel: KERNEL,
  record: 34,
  columns: [
    rreq,
    uint('index', 'Number of the subrequest in its request, counted from 0.'),
    label('source', netfsSreqSources, 'Where its data comes from.'),
    label('what', netfsSreqTraces, 'The stage.'),
    flagWord('flags', 'sreq', 'Flag bits of the subrequest (NETFS_SREQ_*) at that instant.'),
    u64('start', 'File position where it starts, bytes.'),
    u64('transferred', 'Bytes obtained so far.'),
    len('subrequest'),
    int('error', 'Negative error number, 0 = none.'),
  ],
  optional: [uint('slot', 'Slot of the folio queue; from v6.14.')],
  formats: {
    E0: {
      format: SREQ_FORMAT,
      args: ['rreq', 'index', 'what', 'source', 'flags', 'start', 'transferred', 'len', 'error'],
    },
    E3: {
      format: SREQ_FORMAT,
      args: ['rreq', 'index', 'source', 'what', 'flags', 'start', 'transferred', 'len', 'error'],
    },
    E4: null,
  },
});

const FAILURE_ARGS = [
  'rreq',
  'index',
  'source',
  'flags',
  'start',
  'transferred',
  'len',
  'what',
  'error',
] as const;

/** Something failed. */
export const netfsFailure = tracepoint({
  name: 'netfs_failure',
  system: 'netfs',
  doc: 'Something failed.',
  kernel: KERNEL,
  record: 35,
  columns: [
    rreq,
    int16('index', 'Number of the subrequest; without one 0, from v5.18 -1.'),
    label('source', netfsSreqSources, 'Where its data was to come from; INVL without subrequest.'),
    flagWord('flags', 'sreq', 'Flag bits of the subrequest.'),
    u64('start', 'File position where it starts, bytes.'),
    u64('transferred', 'Bytes obtained before the failure.'),
    len('subrequest (from v5.18 of the request where there is none)'),
    label('what', netfsFailures, 'What failed.'),
    int('error', 'Negative error number.'),
  ],
  optional: [],
  formats: {
    E1: { format: 'R=%08x[%u] %s f=%02x s=%llx %zx/%zx %s e=%d', args: FAILURE_ARGS },
    E3: { format: 'R=%08x[%d] %s f=%02x s=%llx %zx/%zx %s e=%d', args: FAILURE_ARGS },
    E4: null,
  },
});

/** A reference of a request is taken or dropped. */
export const netfsRreqRef = tracepoint({
  name: 'netfs_rreq_ref',
  system: 'netfs',
  doc: 'A reference of a request is taken or dropped.',
  kernel: KERNEL,
  record: 36,
  columns: [
    rreq,
    label('what', netfsRreqRefTraces, 'Who takes or drops it.'),
    uint('ref', 'References after that.'),
  ],
  optional: [],
  formats: { E3: { format: 'R=%08x %s r=%u', args: ['rreq', 'what', 'ref'] }, E4: null },
});

/** A reference of a subrequest is taken or dropped. */
export const netfsSreqRef = tracepoint({
  name: 'netfs_sreq_ref',
  system: 'netfs',
  doc: 'A reference of a subrequest is taken or dropped.',
  kernel: KERNEL,
  record: 37,
  columns: [
    rreq,
    uint('subreq', 'Number of the subrequest in its request, counted from 0.'),
    label('what', netfsSreqRefTraces, 'Who takes or drops it.'),
    uint('ref', 'References after that.'),
  ],
  optional: [],
  formats: {
    E3: { format: 'R=%08x[%x] %s r=%u', args: ['rreq', 'subreq', 'what', 'ref'] },
    E4: null,
  },
});
