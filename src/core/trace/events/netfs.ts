/**
 * The netfs tracepoints of requests and subrequests, all eras.
 *
 * Called by netfs/ (emit), the importers (parse) and the store (tables). Kernel:
 * include/trace/events/netfs.h. Columns are what is printed; see NETFS formats in the docs.
 */
import { flagWord, int, int16, label, tracepointsOf, u64, uint } from '../tracepoint.js';
import {
  netfsFailures,
  netfsReadTraces,
  netfsRreqOrigins,
  netfsRreqRefTraces,
  netfsRreqTraces,
  netfsSreqRefTraces,
  netfsSreqSources,
  netfsSreqTraces,
} from './netfs_labels.js';

export * from './netfs_labels.js';

const netfs = tracepointsOf('netfs', 'include/trace/events/netfs.h');

const rreq = uint('rreq', 'Request number, printed R=; starts again when the module is loaded.');
const len = (of: string) => u64('len', `Length of the ${of}, bytes.`);

/** A read request begins, or its range was expanded. */
export const netfsRead = netfs({
  name: 'netfs_read',
  doc: 'A read request begins, or its range was expanded.',
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
});

/** A request reaches a stage. */
export const netfsRreq = netfs({
  name: 'netfs_rreq',
  doc: 'A request reaches a stage.',
  record: 33,
  columns: [
    rreq,
    label('origin', netfsRreqOrigins, 'Where the request comes from; from v5.18.'),
    label('what', netfsRreqTraces, 'The stage.'),
    flagWord('flags', 'rreq', 'Flag bits of the request (NETFS_RREQ_*) at that instant.'),
  ],
});

/** A subrequest reaches a stage. */
export const netfsSreq = netfs({
  name: 'netfs_sreq',
  doc: 'A subrequest reaches a stage.',
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
});

/** Something failed. */
export const netfsFailure = netfs({
  name: 'netfs_failure',
  doc: 'Something failed.',
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
});

/** A reference of a request is taken or dropped. */
export const netfsRreqRef = netfs({
  name: 'netfs_rreq_ref',
  doc: 'A reference of a request is taken or dropped.',
  record: 36,
  columns: [
    rreq,
    label('what', netfsRreqRefTraces, 'Who takes or drops it.'),
    uint('ref', 'References after that.'),
  ],
});

/** A reference of a subrequest is taken or dropped. */
export const netfsSreqRef = netfs({
  name: 'netfs_sreq_ref',
  doc: 'A reference of a subrequest is taken or dropped.',
  record: 37,
  columns: [
    rreq,
    uint('subreq', 'Number of the subrequest in its request, counted from 0.'),
    label('what', netfsSreqRefTraces, 'Who takes or drops it.'),
    uint('ref', 'References after that.'),
  ],
});
