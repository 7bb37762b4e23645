/**
 * Tracepoints of the Ceph client, which has them since about v6.18: the life of a request to a
 * metadata server, and what servers say of capabilities. Reads and writes of data are netfs events.
 *
 * Called by the importers (parse) and the store (tables). Kernel: include/trace/events/ceph.h. They
 * are read from source; no capture was seen.
 */
import { symbols } from '../symbols.js';
import { int, label, text, tracepointsOf, u64, uint } from '../tracepoint.js';

const ceph = tracepointsOf('ceph', 'include/trace/events/ceph.h');

const tid = u64('tid', 'Number of the request, printed R= in decimal; not one of netfs.');
const op = text('operation', 'What is asked for: lookup, open, ...');
const mds = int('mds', 'Number of the metadata server.');
const file = [
  u64('ino', 'Number of the file, 0 = none.'),
  u64('snap', 'Snapshot; 0xfffffffffffffffe = the file itself.'),
] as const;

/** Why a request has to wait. */
const cephMdscSuspendReasons = symbols('ceph_mdsc_suspend_reasons');

/** A request is made. */
export const cephMdscSubmitRequest = ceph({
  name: 'ceph_mdsc_submit_request',
  doc: 'A request to a metadata server is made.',
  record: 250,
  columns: [tid, op, ...file],
});

/** A request has to wait. */
export const cephMdscSuspendRequest = ceph({
  name: 'ceph_mdsc_suspend_request',
  doc: 'A request to a metadata server has to wait.',
  record: 251,
  columns: [tid, op, label('reason', cephMdscSuspendReasons, 'Why.')],
});

/** A request goes on. */
export const cephMdscResumeRequest = ceph({
  name: 'ceph_mdsc_resume_request',
  doc: 'A request that had to wait goes on.',
  record: 252,
  columns: [tid, op],
});

/** A request is sent. */
export const cephMdscSendRequest = ceph({
  name: 'ceph_mdsc_send_request',
  doc: 'A request is sent to a metadata server.',
  record: 253,
  columns: [tid, op, mds],
});

/** A request has ended. */
export const cephMdscCompleteRequest = ceph({
  name: 'ceph_mdsc_complete_request',
  doc: 'A request to a metadata server has ended, well or not.',
  record: 254,
  columns: [
    tid,
    op,
    int('error', 'Negative error number, 0 = none.'),
    u64('latency_ns', 'How long it took, nanoseconds.'),
  ],
});

/** A server grants or revokes capabilities. */
export const cephHandleCaps = ceph({
  name: 'ceph_handle_caps',
  doc: 'A metadata server grants or revokes capabilities of a file.',
  record: 255,
  columns: [
    mds,
    op,
    ...file,
    uint('seq', 'Number of the message within the capability.'),
    uint('issue_seq', 'Number of the message that issued it.'),
    uint('mseq', 'How often the capability has moved between servers.'),
  ],
});
