/**
 * The tracepoints of the 9p client, as v6.1 and v6.12 print them.
 *
 * Called by the transport of the server (emit), the importers (parse) and the store (tables).
 * Kernel: include/trace/events/9p.h.
 */
import { symbols } from '../symbols.js';
import { int, label, text, tracepointsOf, u64, uint } from '../tracepoint.js';

const v9fs = tracepointsOf('9p', 'include/trace/events/9p.h');

const clnt = u64('clnt', 'Address of the client (printed in decimal).');
const type = text('type', 'Type of the message, as P9_TREAD.');
const tag = int('tag', 'Tag of the message.');

/** What happens to a fid. */
const p9FidRefTypes = symbols('P9_FID_REFTYPE');

/** A message is sent. */
export const p9ClientReq = v9fs({
  name: '9p_client_req',
  doc: 'A message is sent.',
  record: 128,
  columns: [clnt, type, tag],
});

/** The answer to a message is there. */
export const p9ClientRes = v9fs({
  name: '9p_client_res',
  doc: 'The answer to a message is there; its type is that of the message.',
  record: 129,
  columns: [clnt, type, tag, int('err', 'Negative error number, 0 = none.')],
});

/** The first bytes of a message that is sent or received; three lines of text. */
export const p9ProtocolDump = v9fs({
  name: '9p_protocol_dump',
  doc: 'The first bytes of a message that is sent or received; three lines of text.',
  record: 130,
  columns: [
    clnt,
    type,
    uint('tag', 'Tag of the message.'),
    text('line', 'The first 32 bytes, hexadecimal, with blanks.', 'dump'),
  ],
});

/** A reference of a fid is taken or dropped. */
export const p9FidRef = v9fs({
  name: '9p_fid_ref',
  doc: 'A reference of a fid is taken or dropped.',
  record: 131,
  columns: [
    label('type', p9FidRefTypes, 'What happens.'),
    int('fid', 'Number of the fid.'),
    int('refcount', 'References.'),
  ],
});
