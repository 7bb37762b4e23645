/**
 * Tracepoints of CIFS that tell of commands, reads, writes, opens, credits and errors, as v6.12
 * prints them; what other kernels print otherwise stays text.
 *
 * Called by the importers (parse) and the store (tables). Kernel: fs/smb/client/trace.h.
 */
import { since, symbols } from '../symbols.js';
import { type Column, int, label, prints, text, tracepointsOf, u64, uint } from '../tracepoint.js';

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
export const smb3RwCreditsTraces = symbols(
  'smb3_rw_credits_traces',
  since('E3', [
    ['read_call_adjust', 'rd-call-adj'],
    ['write_call_adjust', 'wr-call-adj'],
    ['free_subreq', 'free-subreq'],
    ['read_issue_adjust', 'rd-issu-adj'],
    ['write_issue_adjust', 'wr-issu-adj'],
    ['no_adjust_up', 'no-adj-up  '],
    ['old_session', 'old-session'],
    ['read_response_add', 'rd-resp-add'],
    ['read_response_clear', 'rd-resp-clr'],
    ['read_resubmit', 'rd-resubmit'],
    ['read_submit', 'rd-submit  '],
    ['write_prepare', 'wr-prepare '],
    ['write_response_add', 'wr-resp-add'],
    ['write_response_clear', 'wr-resp-clr'],
    ['zero_in_flight', 'ZERO-IN-FLT'],
  ]),
);

const FILE = 'xid=%u sid=0x%llx tid=0x%x fid=0x%llx';
const FILE_ARGS = 'xid sid tid fid';

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
    formats: {
      E3: prints(
        `R=%08x[%x] ${FILE} offset=0x%llx len=0x%x${error ? ' rc=%d' : ''}`,
        `rreq index ${FILE_ARGS} offset len${error ? ' rc' : ''}`,
      ),
    },
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
  formats: { E3: prints('sid=0x%llx tid=0x%x cmd=%u mid=%llu', 'sid tid cmd mid') },
});

/** The reply to a command is there. */
export const smb3CmdDone = cifs({
  name: 'smb3_cmd_done',
  doc: 'The reply to a command is there.',
  record: 215,
  columns: command,
  formats: { E3: prints('sid=0x%llx tid=0x%x cmd=%u mid=%llu', 'sid tid cmd mid') },
});

/** A command fails. */
export const smb3CmdErr = cifs({
  name: 'smb3_cmd_err',
  doc: 'A command fails.',
  record: 216,
  columns: [...command, uint('status', 'NT status.'), rc],
  formats: {
    E3: prints(
      'sid=0x%llx tid=0x%x cmd=%u mid=%llu status=0x%x rc=%d',
      'sid tid cmd mid status rc',
    ),
  },
});

/** A file is opened. */
export const smb3OpenEnter = cifs({
  name: 'smb3_open_enter',
  doc: 'A file is opened.',
  record: 217,
  columns: [xid, ...session, text('path', 'Path on the server.', 'file'), ...opening],
  formats: {
    E3: prints(
      'xid=%u sid=0x%llx tid=0x%x path=%s cr_opts=0x%x des_access=0x%x',
      'xid sid tid path cr_opts des_access',
    ),
  },
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
  formats: {
    E3: prints(`${FILE} cr_opts=0x%x des_access=0x%x`, `${FILE_ARGS} cr_opts des_access`),
    E10: prints(
      `${FILE} cr_opts=0x%x des_access=0x%x oplock=0x%x`,
      `${FILE_ARGS} cr_opts des_access oplock`,
    ),
  },
});

/** Opening a file fails. */
export const smb3OpenErr = cifs({
  name: 'smb3_open_err',
  doc: 'Opening a file fails.',
  record: 219,
  columns: [xid, ...session, ...opening, rc],
  formats: {
    E3: prints(
      'xid=%u sid=0x%llx tid=0x%x cr_opts=0x%x des_access=0x%x rc=%d',
      'xid sid tid cr_opts des_access rc',
    ),
  },
});

/** A file is closed. */
export const smb3CloseEnter = cifs({
  name: 'smb3_close_enter',
  doc: 'A file is closed.',
  record: 220,
  columns: [xid, ...session, fid],
  formats: { E3: prints(FILE, FILE_ARGS) },
});

/** A file was closed. */
export const smb3CloseDone = cifs({
  name: 'smb3_close_done',
  doc: 'A file was closed.',
  record: 221,
  columns: [xid, ...session, fid],
  formats: { E3: prints(FILE, FILE_ARGS) },
});

/** Closing a file fails. */
export const smb3CloseErr = cifs({
  name: 'smb3_close_err',
  doc: 'Closing a file fails.',
  record: 222,
  columns: [xid, ...session, fid, rc],
  formats: { E3: prints(`${FILE} rc=%d`, `${FILE_ARGS} rc`) },
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
  formats: {
    E3: prints(
      'R=%08x[%x] %s cred=%u chg=%d pool=%u ifl=%d',
      'rreq index trace subreq_credits credit_change server_credits in_flight',
    ),
  },
});

/** A connection is made again. */
export const smb3Reconnect = cifs({
  name: 'smb3_reconnect',
  doc: 'A connection is made again.',
  record: 224,
  columns: connection,
  formats: {
    E3: prints('conn_id=0x%llx server=%s current_mid=%llu', 'conn_id server current_mid'),
  },
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
  formats: {
    E3: prints(
      'cmd=%u mid=%llu pid=%u, when_sent=%lu when_rcv=%lu',
      'cmd mid pid when_sent when_rcv',
    ),
  },
});
