/**
 * Tracepoints of AFS that tell of calls to the server, of their errors, of callbacks and of dirty
 * folios, as v6.1 and v6.12 print them.
 *
 * Called by fs/afs (emit), the importers (parse) and the store (tables). Kernel:
 * include/trace/events/afs.h. Words without padding are kept as text; the field `op` has a column
 * `operation` or `what`, as every event has a column `op` of its own.
 */
import { symbols } from '../symbols.js';
import { int, int16, label, text, tracepointsOf, u64, uint } from '../tracepoint.js';

const afs = tracepointsOf('afs', 'include/trace/events/afs.h');

const call = uint('call', 'Debug number of the call.');
const fid = [
  u64('vid', 'Number of the volume.'),
  u64('vnode', 'Number of the file in the volume.'),
  uint('unique', 'Which file of that number.'),
] as const;
const operation = text('operation', 'Operation, as FS.FetchData64.');
const name = text('name', 'Name in the directory.', 'file');
const state = uint('state', 'State of the call.');
const ref = int('ref', 'References after that.');
const error = int('error', 'Negative error number.');

/** What happens to a call. */
const afsCallTraces = symbols('afs_call_traces');

/** Why a server is chosen or given up. */
const afsRotateTraces = symbols('afs_rotate_traces');

/** Something happens to a call. */
export const afsCall = afs({
  name: 'afs_call',
  doc: 'Something happens to a call.',
  record: 144,
  columns: [
    call,
    label('what', afsCallTraces, 'What happens.'),
    ref,
    int('outstanding', 'Calls alive.'),
    text('where', 'Place in the kernel.'),
  ],
});

/** A call ends. */
export const afsCallDone = afs({
  name: 'afs_call_done',
  doc: 'A call ends.',
  record: 145,
  columns: [
    call,
    int('ret', 'Result, a negative error number or 0.'),
    int('abort_code', 'Code with which the server aborted it, 0 = none.'),
    text('rx_call_ptr', 'Hashed address of the rxrpc call, hexadecimal.'),
  ],
});

/** A call changes its state. */
export const afsCallState = afs({
  name: 'afs_call_state',
  doc: 'A call changes its state.',
  record: 146,
  columns: [
    call,
    uint('from', 'State it had.'),
    uint('to', 'State it has.'),
    int('ret', 'Result, a negative error number or 0.'),
    int('abort', 'Code with which the server aborted it, 0 = none.'),
  ],
});

/** A call to a file server is made. */
export const afsMakeFsCall = afs({
  name: 'afs_make_fs_call',
  doc: 'A call to a file server is made.',
  record: 147,
  columns: [call, ...fid, operation],
});

/** A call to a file server with a name is made. */
export const afsMakeFsCall1 = afs({
  name: 'afs_make_fs_call1',
  doc: 'A call to a file server with a name is made.',
  record: 148,
  columns: [call, ...fid, operation, name],
});

/** A call to a file server with two names is made. */
export const afsMakeFsCall2 = afs({
  name: 'afs_make_fs_call2',
  doc: 'A call to a file server with two names is made.',
  record: 149,
  columns: [call, ...fid, operation, name, text('name2', 'Second name.', 'file')],
});

/** A call to a file server with a number is made. */
export const afsMakeFsCalli = afs({
  name: 'afs_make_fs_calli',
  doc: 'A call to a file server with a number is made.',
  record: 150,
  columns: [call, ...fid, operation, uint('i', 'The number.')],
});

/** A call is sent to a server; v6.8 and later. */
export const afsMakeCall = afs({
  name: 'afs_make_call',
  doc: 'A call is sent to a server; v6.8 and later.',
  record: 151,
  columns: [
    call,
    text('transport', 'Address and port of the server.', 'host'),
    uint('srx_service', 'Service of the server: 1 = files, 52 = volume locations.'),
    operation,
    ...fid,
  ],
});

/** A call to a volume location server is made. */
export const afsMakeVlCall = afs({
  name: 'afs_make_vl_call',
  doc: 'A call to a volume location server is made.',
  record: 152,
  columns: [call, operation],
});

/** A call has news. */
export const afsNotifyCall = afs({
  name: 'afs_notify_call',
  doc: 'A call has news.',
  record: 153,
  columns: [call, state, uint('unmarshall', 'Phase of decoding the reply.')],
});

/** Part of a reply arrives. */
export const afsReceiveData = afs({
  name: 'afs_receive_data',
  doc: 'Part of a reply arrives.',
  record: 154,
  columns: [
    call,
    u64('remain', 'Bytes still wanted.'),
    uint('unmarshall', 'Phase of decoding the reply.'),
    uint('want_more', '1 = more is to come.'),
    state,
    int('ret', 'Result, a negative error number or 0.'),
  ],
});

const sent = [call, u64('offset', 'Position in the data, bytes.'), u64('count', 'Bytes.')] as const;

/** Data of a store is sent. */
export const afsSendData = afs({
  name: 'afs_send_data',
  doc: 'Data of a store is sent.',
  record: 155,
  columns: [...sent, uint('flags', 'Flags of the message (MSG_*).')],
});

/** Data of a store was sent. */
export const afsSentData = afs({
  name: 'afs_sent_data',
  doc: 'Data of a store was sent.',
  record: 156,
  columns: [...sent, int('ret', 'Result: bytes, or a negative error number.')],
});

/** A call fails. */
export const afsIoError = afs({
  name: 'afs_io_error',
  doc: 'A call fails.',
  record: 157,
  columns: [call, error, text('where', 'Where, as FS_PROBE_FAIL.')],
});

/** An operation on a file fails. */
export const afsFileError = afs({
  name: 'afs_file_error',
  doc: 'An operation on a file fails.',
  record: 158,
  columns: [...fid, error, text('where', 'Where, as WRITEBACK_FAILED.')],
});

/** A reply is not as the protocol wants it. */
export const afsProtocolError = afs({
  name: 'afs_protocol_error',
  doc: 'A reply is not as the protocol wants it.',
  record: 159,
  columns: [call, text('cause', 'What is wrong, as FileTYpe.')],
});

const dirtyRegion = [
  text('vnode_ptr', 'Hashed address of the file, hexadecimal.'),
  u64('index', 'First page of the folio in the file, pages.'),
  text('where', 'What happens: dirty, store, ...'),
  u64('from', 'First dirty byte of the folio.'),
  u64('to', 'Byte of the folio behind the dirty ones.'),
  text('mapped', '` M` = written through a mapping, else empty.'),
] as const;

/** Something happens to a dirty page; to v5.17. */
export const afsPageDirty = afs({
  name: 'afs_page_dirty',
  doc: 'Something happens to a dirty page; to v5.17.',
  record: 232,
  columns: dirtyRegion,
});

/** Something happens to a dirty folio; v5.18 to v6.7. */
export const afsFolioDirty = afs({
  name: 'afs_folio_dirty',
  doc: 'Something happens to a dirty folio; v5.18 to v6.7.',
  record: 160,
  columns: dirtyRegion,
});

/** A promise of the server ends. */
export const afsCbBreak = afs({
  name: 'afs_cb_break',
  doc: 'A promise of the server ends.',
  record: 161,
  columns: [
    ...fid,
    uint('cb_break', 'Times the promise of this file was broken.'),
    uint('skipped', '1 = there was a promise, which ends.'),
    text('reason', 'Why, as break-cb.'),
  ],
});

/** The server calls. */
export const afsCbCall = afs({
  name: 'afs_cb_call',
  doc: 'The server calls.',
  record: 162,
  columns: [call, operation],
  optional: [
    uint('service_id', 'Service of the cache manager that is called; in v6.16.'),
    uint('security_ix', 'Security of the connection, 0 = none; in v6.16.'),
    uint('enctype', 'Encryption of the connection, 0 = none; in v6.16.'),
  ],
});

/** A server is chosen or given up; v6.8 and later. */
export const afsRotate = afs({
  name: 'afs_rotate',
  doc: 'A server is chosen or given up; v6.8 and later.',
  record: 163,
  columns: [
    uint('operation', 'Debug number of the operation.'),
    uint('iteration', 'Which attempt.'),
    label('reason', afsRotateTraces, 'Why.'),
    uint('flags', 'Flag bits of the operation.'),
    int16('server_index', 'Which server, -1 = none.'),
    int16('addr_index', 'Which of its addresses, -1 = none.'),
    int('extra', 'More, by reason.'),
  ],
});

/** A name is looked up. */
export const afsLookup = afs({
  name: 'afs_lookup',
  doc: 'A name is looked up.',
  record: 164,
  columns: [
    u64('vid', 'Number of the volume.'),
    u64('dvnode', 'Number of the directory in the volume.'),
    uint('dunique', 'Which directory of that number.'),
    name,
    u64('vnode', 'Number of the file in the volume.'),
    uint('unique', 'Which file of that number.'),
  ],
});
