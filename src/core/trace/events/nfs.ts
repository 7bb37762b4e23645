/**
 * Tracepoints of NFS that tell of reads, writes, their replies and errors, as v6.12 prints them;
 * what other kernels print otherwise stays text.
 *
 * Called by the importers (parse) and the store (tables). Kernel: fs/nfs/nfstrace.h, nfs4trace.h.
 */
import { symbols } from '../symbols.js';
import { type Column, int, label, text, tracepointsOf, u64, uint } from '../tracepoint.js';

const nfs = tracepointsOf('nfs', 'fs/nfs/nfstrace.h');
const nfs4 = tracepointsOf('nfs4', 'fs/nfs/nfs4trace.h');

const file = [
  uint('dev_major', 'Device of the mount, major number.'),
  uint('dev_minor', 'Device of the mount, minor number.'),
  u64('fileid', 'Number of the file on the server.'),
  uint('fhandle', 'Hash of the file handle.'),
] as const;
const version = u64('version', 'Change attribute of the file.');
const offset = int('offset', 'File position, bytes.');
const count = u64('count', 'Bytes asked for.');
const res = uint('res', 'Bytes of the reply.');
const ret = int('ret', 'Result, a negative error number or 0.');
const status = int('error', 'Bytes done, or a negative error number.');
const failure = int('error', 'Negative error number.');
const pages = uint('nr_pages', 'Pages.');
const eof = text('eof', '` eof` = the file ends there, else empty.');

/** How safe a write is when the server has answered. */
const nfsStable = symbols('nfs_stable');

const stable = label('stable', nfsStable, 'How safe it is.');
const verifier = text('verifier', 'Verifier of the server, hexadecimal.');

/** An event that prints the file, with the columns in front of it and behind it. */
function ofFile<const Before extends readonly Column[], const After extends readonly Column[]>(
  record: number,
  name: string,
  doc: string,
  before: Before,
  after: After,
) {
  return nfs({
    name,
    doc,
    record,
    columns: [...before, ...file, ...after],
  });
}

/** Readahead is asked for. */
export const nfsAopReadahead = ofFile(
  176,
  'nfs_aop_readahead',
  'Readahead is asked for.',
  [],
  [version, offset, pages],
);

/** Readahead was asked for. */
export const nfsAopReadaheadDone = ofFile(
  177,
  'nfs_aop_readahead_done',
  'Readahead was asked for.',
  [],
  [version, pages, ret],
);

/** A page is asked for. */
export const nfsAopReadpage = ofFile(
  178,
  'nfs_aop_readpage',
  'A page is asked for.',
  [],
  [version, offset, count],
);

/** A page was read. */
export const nfsAopReadpageDone = ofFile(
  179,
  'nfs_aop_readpage_done',
  'A page was read.',
  [],
  [version, offset, count, ret],
);

/** A read is sent. */
export const nfsInitiateRead = ofFile(
  180,
  'nfs_initiate_read',
  'A read is sent.',
  [],
  [offset, count],
);

/** The reply to a read is there. */
export const nfsReadpageDone = ofFile(
  181,
  'nfs_readpage_done',
  'The reply to a read is there.',
  [status],
  [offset, count, res, eof],
);

/** The reply to a read is short. */
export const nfsReadpageShort = ofFile(
  182,
  'nfs_readpage_short',
  'The reply to a read is short.',
  [status],
  [offset, count, res, eof],
);

/** A read or a write fails. */
export const nfsPgioError = ofFile(
  183,
  'nfs_pgio_error',
  'A read or a write fails.',
  [failure],
  [offset, count, res, u64('pos', 'File position of the failure, bytes.')],
);

/** A write is sent. */
export const nfsInitiateWrite = ofFile(
  184,
  'nfs_initiate_write',
  'A write is sent.',
  [],
  [offset, count, stable],
);

/** The reply to a write is there. */
export const nfsWritebackDone = ofFile(
  185,
  'nfs_writeback_done',
  'The reply to a write is there.',
  [status],
  [offset, count, res, stable, verifier],
);

/** A write fails. */
export const nfsWriteError = ofFile(
  186,
  'nfs_write_error',
  'A write fails.',
  [failure],
  [offset, count],
);

/** A completion fails. */
export const nfsCompError = ofFile(
  187,
  'nfs_comp_error',
  'A completion fails.',
  [failure],
  [offset, count],
);

/** A commit fails. */
export const nfsCommitError = ofFile(
  188,
  'nfs_commit_error',
  'A commit fails.',
  [failure],
  [offset, count],
);

/** A commit is sent. */
export const nfsInitiateCommit = ofFile(
  189,
  'nfs_initiate_commit',
  'A commit is sent.',
  [],
  [offset, count],
);

/** The reply to a commit is there. */
export const nfsCommitDone = ofFile(
  190,
  'nfs_commit_done',
  'The reply to a commit is there.',
  [status],
  [offset, stable, verifier],
);

/** A folio is written back. */
export const nfsWritebackFolio = ofFile(
  191,
  'nfs_writeback_folio',
  'A folio is written back.',
  [],
  [version, offset, count],
);

/** A folio was written back. */
export const nfsWritebackFolioDone = ofFile(
  192,
  'nfs_writeback_folio_done',
  'A folio was written back.',
  [],
  [version, offset, count, ret],
);

const transfer = [
  int('error', 'Negative error number, 0 = none.'),
  text('error_name', 'Its name.'),
  ...file,
  offset,
  count,
  res,
  text('stateid', 'Number and hash of the state id.'),
  text('layoutstateid', 'Number and hash of the state id of the layout.'),
] as const;

/** The reply to an NFSv4 read is there. */
export const nfs4Read = nfs4({
  name: 'nfs4_read',
  doc: 'The reply to an NFSv4 read is there.',
  record: 193,
  columns: transfer,
});

/** The reply to an NFSv4 write is there. */
export const nfs4Write = nfs4({
  name: 'nfs4_write',
  doc: 'The reply to an NFSv4 write is there.',
  record: 194,
  columns: transfer,
});
