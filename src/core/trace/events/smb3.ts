/**
 * Tracepoints of CIFS that tell of commands, reads, writes, opens, credits and errors, as v6.12
 * prints them; what other kernels print otherwise stays text.
 *
 * Called by the importers (parse) and the store (tables). Kernel: fs/smb/client/trace.h.
 */
import { symbols } from '../symbols.js';
import { type Column, int, label, text, tracepointsOf, u64, uint } from '../tracepoint.js';

const cifs = tracepointsOf('cifs', 'fs/smb/client/trace.h');

const slice = [
  uint('rreq', 'Request number, printed R=.'),
  uint('index', 'Number of the subrequest in its request.'),
] as const;
const xid = uint('xid', 'Number of the operation.');
const session = [u64('sid', 'Session.'), uint('tid', 'Tree connection.')] as const;
const fid = u64('fid', 'File handle.');
const cmd = uint('cmd', 'SMB2 command: 8 = read, 9 = write.');
const mid = u64('mid', 'Number of the message.');
const rc = int('rc', 'Negative error number.');
const opening = [
  uint('cr_opts', 'Create options.'),
  uint('des_access', 'Access asked for.'),
] as const;
const connection = [
  u64('conn_id', 'Connection.'),
  text('server', 'Name of the server.', 'host'),
  u64('current_mid', 'Number of the next message.'),
] as const;

/** Why credits change. */
const smb3RwCreditsTraces = symbols('smb3_rw_credits_traces');

/** An event of a read or a write; `error` = it prints rc=. */
function transfer(record: number, name: string, doc: string, error: boolean) {
  const failed: readonly Column[] = error ? [rc] : [];
  return cifs({
    name,
    doc,
    record,
    columns: [
      ...slice,
      xid,
      ...session,
      fid,
      u64('offset', 'File position, bytes.'),
      uint('len', 'Bytes.'),
      ...failed,
    ],
  });
}

/** A read is sent. */
export const smb3ReadEnter = transfer(208, 'smb3_read_enter', 'A read is sent.', false);
/** The reply to a read is there. */
export const smb3ReadDone = transfer(209, 'smb3_read_done', 'The reply to a read is there.', false);
/** A read fails. */
export const smb3ReadErr = transfer(210, 'smb3_read_err', 'A read fails.', true);
/** A write is sent. */
export const smb3WriteEnter = transfer(211, 'smb3_write_enter', 'A write is sent.', false);
/** The reply to a write is there. */
export const smb3WriteDone = transfer(
  212,
  'smb3_write_done',
  'The reply to a write is there.',
  false,
);
/** A write fails. */
export const smb3WriteErr = transfer(213, 'smb3_write_err', 'A write fails.', true);

const command = [...session, cmd, mid] as const;

/** A command is sent. */
export const smb3CmdEnter = cifs({
  name: 'smb3_cmd_enter',
  doc: 'A command is sent.',
  record: 214,
  columns: command,
});

/** The reply to a command is there. */
export const smb3CmdDone = cifs({
  name: 'smb3_cmd_done',
  doc: 'The reply to a command is there.',
  record: 215,
  columns: command,
});

/** A command fails. */
export const smb3CmdErr = cifs({
  name: 'smb3_cmd_err',
  doc: 'A command fails.',
  record: 216,
  columns: [...command, uint('status', 'NT status.'), rc],
});

/** A file is opened. */
export const smb3OpenEnter = cifs({
  name: 'smb3_open_enter',
  doc: 'A file is opened.',
  record: 217,
  columns: [xid, ...session, text('path', 'Path on the server.', 'file'), ...opening],
});

/** A file was opened. */
export const smb3OpenDone = cifs({
  name: 'smb3_open_done',
  doc: 'A file was opened.',
  record: 218,
  columns: [xid, ...session, fid, ...opening],
  optional: [
    uint('oplock', 'Caching granted by the server: level of the oplock or lease; from v7.1.'),
  ],
});

/** Opening a file fails. */
export const smb3OpenErr = cifs({
  name: 'smb3_open_err',
  doc: 'Opening a file fails.',
  record: 219,
  columns: [xid, ...session, ...opening, rc],
});

/** A file is closed. */
export const smb3CloseEnter = cifs({
  name: 'smb3_close_enter',
  doc: 'A file is closed.',
  record: 220,
  columns: [xid, ...session, fid],
});

/** A file was closed. */
export const smb3CloseDone = cifs({
  name: 'smb3_close_done',
  doc: 'A file was closed.',
  record: 221,
  columns: [xid, ...session, fid],
});

/** Closing a file fails. */
export const smb3CloseErr = cifs({
  name: 'smb3_close_err',
  doc: 'Closing a file fails.',
  record: 222,
  columns: [xid, ...session, fid, rc],
});

/** Credits of a read or a write change. */
export const smb3RwCredits = cifs({
  name: 'smb3_rw_credits',
  doc: 'Credits of a read or a write change.',
  record: 223,
  columns: [
    ...slice,
    label('trace', smb3RwCreditsTraces, 'Why.'),
    uint('subreq_credits', 'Credits of the subrequest.'),
    int('credit_change', 'Change.'),
    uint('server_credits', 'Credits left.'),
    int('in_flight', 'Messages under way.'),
  ],
});

/** A connection is made again. */
export const smb3Reconnect = cifs({
  name: 'smb3_reconnect',
  doc: 'A connection is made again.',
  record: 224,
  columns: connection,
});

/** A reply took long. */
export const smb3SlowRsp = cifs({
  name: 'smb3_slow_rsp',
  doc: 'A reply took long.',
  record: 225,
  columns: [
    cmd,
    mid,
    uint('pid', 'Process that waits.'),
    u64('when_sent', 'Jiffies when it was sent.'),
    u64('when_rcv', 'Jiffies when the reply came, 0 = not yet.'),
  ],
});
