/**
 * The cachefiles tracepoints: those of the first form (to v5.14; pointers, printed hashed), and
 * those of the rewrite in v5.17 (debug numbers and inode numbers).
 *
 * Called by cachefiles/ (emit), the importers (parse) and the store (tables). Kernel:
 * include/trace/events/cachefiles.h. What was printed as a pointer has a column `..._ptr`.
 */
import { flagWord, int, label, text, tracepointsOf, u64, uint } from '../tracepoint.js';
import {
  cachefilesCoherencyTraces,
  cachefilesErrorTraces,
  cachefilesObjKillTraces,
  cachefilesObjRefTraces,
  cachefilesPrepareReadTraces,
  cachefilesTruncTraces,
} from './cachefiles_labels.js';
import { netfsSreqSources } from './netfs_labels.js';

export * from './cachefiles_labels.js';

const cachefiles = tracepointsOf('cachefiles', 'include/trace/events/cachefiles.h');

const obj = uint('obj', 'Debug number of the object.');
const backer = u64('backer', 'Inode number of the cache file.');
const ino = u64('ino', 'Inode number of the cache file.');
const inode = u64('inode', 'Inode number of the cache file.');
const start = u64('start', 'File position where it starts, bytes.');
const len = u64('len', 'Length, bytes.');
const error = int('error', 'Negative error number, 0 = none.');
const where = label('where', cachefilesErrorTraces, 'What failed.');
const kill = label('why', cachefilesObjKillTraces, 'Why.');
const objPtr = text('obj_ptr', 'Hashed address of the object, hexadecimal; to v5.14.');
const dePtr = text('de_ptr', 'Hashed address of the directory entry, hexadecimal; to v5.14.');
const inodePtr = text('inode_ptr', 'Hashed address of the inode, hexadecimal; to v5.14.');
const ret = uint('ret', 'Result, unsigned as printed; to v5.14.');
const msg = uint('msg_id', 'Number of the message to the daemon.');
const objectId = uint('object_id', 'Number of the object for the daemon.');

/** A reference of an object is taken or dropped. */
export const cachefilesRef = cachefiles({
  name: 'cachefiles_ref',
  doc: 'A reference of an object is taken or dropped.',
  record: 96,
  columns: [
    uint('cookie', 'Debug number of the cookie.'),
    obj,
    int('usage', 'References after that.'),
    label('why', cachefilesObjRefTraces, 'Who takes or drops it.'),
  ],
  optional: [text('cookie_ptr', 'Hashed address of the cookie, hexadecimal; to v5.14.'), objPtr],
});

/** The file of an object is looked up. */
export const cachefilesLookup = cachefiles({
  name: 'cachefiles_lookup',
  doc: 'The file of an object is looked up.',
  record: 97,
  columns: [obj, u64('dino', 'Inode number of the directory.'), ino, error],
  optional: [objPtr, dePtr, inodePtr],
});

/** A directory of the cache is made. */
export const cachefilesMkdir = cachefiles({
  name: 'cachefiles_mkdir',
  doc: 'A directory of the cache is made.',
  record: 98,
  columns: [
    u64('dir', 'Inode number of the directory above.'),
    u64('subdir', 'Inode number of the directory.'),
  ],
  optional: [objPtr, dePtr, ret],
});

/** A cache file is made; to v5.14. */
export const cachefilesCreate = cachefiles({
  name: 'cachefiles_create',
  doc: 'A cache file is made; to v5.14.',
  record: 99,
  columns: [objPtr, dePtr, ret],
});

/** A cache file without a name is made. */
export const cachefilesTmpfile = cachefiles({
  name: 'cachefiles_tmpfile',
  doc: 'A cache file without a name is made.',
  record: 100,
  columns: [obj, backer],
});

/** A cache file gets its name. */
export const cachefilesLink = cachefiles({
  name: 'cachefiles_link',
  doc: 'A cache file gets its name.',
  record: 101,
  columns: [obj, backer],
});

/** A cache file is removed. */
export const cachefilesUnlink = cachefiles({
  name: 'cachefiles_unlink',
  doc: 'A cache file is removed.',
  record: 102,
  columns: [uint('obj', 'Debug number of the object; ffffffff = none.'), ino, kill],
  optional: [objPtr, dePtr],
});

/** A cache file is moved to the graveyard. */
export const cachefilesRename = cachefiles({
  name: 'cachefiles_rename',
  doc: 'A cache file is moved to the graveyard.',
  record: 103,
  columns: [uint('obj', 'Debug number of the object; ffffffff = none.'), ino, kill],
  optional: [objPtr, dePtr, text('to_ptr', 'Hashed address of the new entry; to v5.14.')],
});

const coherency = label('why', cachefilesCoherencyTraces, 'What was found.');

/** The attributes of a cache file are checked or set. */
export const cachefilesCoherency = cachefiles({
  name: 'cachefiles_coherency',
  doc: 'The attributes of a cache file are checked or set.',
  record: 104,
  columns: [obj, coherency, ino, uint('content', 'Content map (CACHEFILES_CONTENT_*).')],
  optional: [
    u64('aux', 'Auxiliary data that was expected; from v6.14.'),
    u64('disk_aux', 'Auxiliary data that was found; from v6.14.'),
  ],
});

/** The attributes of a volume's directory are checked or set. */
export const cachefilesVolCoherency = cachefiles({
  name: 'cachefiles_vol_coherency',
  doc: "The attributes of a volume's directory are checked or set.",
  record: 105,
  columns: [uint('vol', 'Debug number of the volume.'), coherency, ino],
});

/** The cache chooses the source of a slice. */
export const cachefilesPrepRead = cachefiles({
  name: 'cachefiles_prep_read',
  doc: 'The cache chooses the source of a slice.',
  record: 106,
  columns: [
    uint('rreq', 'Request number; to v6.1.'),
    uint('index', 'Number of the subrequest in its request; to v6.1.'),
    label('source', netfsSreqSources, 'The source.'),
    label('why', cachefilesPrepareReadTraces, 'Why.'),
    flagWord('flags', 'sreq', 'Flag bits of the subrequest (NETFS_SREQ_*).'),
    start,
    len,
    u64('netfs_inode', 'Inode number of the file.'),
    u64('cache_inode', 'Inode number of the cache file; 0 = not looked up yet.'),
  ],
  optional: [uint('obj', 'Debug number of the object; from v6.2.')],
});

/** A cache file is read. */
export const cachefilesRead = cachefiles({
  name: 'cachefiles_read',
  doc: 'A cache file is read.',
  record: 107,
  columns: [obj, backer, start, len],
});

/** A cache file is written. */
export const cachefilesWrite = cachefiles({
  name: 'cachefiles_write',
  doc: 'A cache file is written.',
  record: 108,
  columns: [obj, backer, start, len],
});

/** A cache file changes its size. */
export const cachefilesTrunc = cachefiles({
  name: 'cachefiles_trunc',
  doc: 'A cache file changes its size.',
  record: 109,
  columns: [
    obj,
    backer,
    label('why', cachefilesTruncTraces, 'Why.'),
    u64('from', 'Size it had, bytes.'),
    u64('to', 'Size it gets, bytes.'),
  ],
});

/** A cache file is taken into use. */
export const cachefilesMarkActive = cachefiles({
  name: 'cachefiles_mark_active',
  doc: 'A cache file is taken into use.',
  record: 110,
  columns: [obj, inode],
  optional: [objPtr, dePtr],
});

/** A cache file could not be taken into use. */
export const cachefilesMarkFailed = cachefiles({
  name: 'cachefiles_mark_failed',
  doc: 'A cache file could not be taken into use.',
  record: 111,
  columns: [obj, inode],
});

/** A cache file is no longer in use. */
export const cachefilesMarkInactive = cachefiles({
  name: 'cachefiles_mark_inactive',
  doc: 'A cache file is no longer in use.',
  record: 112,
  columns: [obj, inode],
  optional: [objPtr, dePtr, inodePtr],
});

/** An object waits until another lets go of its file; to v5.14. */
export const cachefilesWaitActive = cachefiles({
  name: 'cachefiles_wait_active',
  doc: 'An object waits until another lets go of its file; to v5.14.',
  record: 113,
  columns: [
    objPtr,
    dePtr,
    text('xobj_ptr', 'Hashed address of the other object, hexadecimal.'),
    uint('flags', 'Flag bits of the other object.'),
    uint('fsc_flags', 'Flag bits of its fscache object.'),
  ],
});

/** An object in use is to be thrown away; to v5.14. */
export const cachefilesMarkBuried = cachefiles({
  name: 'cachefiles_mark_buried',
  doc: 'An object in use is to be thrown away; to v5.14.',
  record: 114,
  columns: [objPtr, dePtr, kill],
});

/** A call of the filesystem below failed. */
export const cachefilesVfsError = cachefiles({
  name: 'cachefiles_vfs_error',
  doc: 'A call of the filesystem below failed.',
  record: 115,
  columns: [obj, backer, where, error],
});

/** I/O to the cache failed. */
export const cachefilesIoError = cachefiles({
  name: 'cachefiles_io_error',
  doc: 'I/O to the cache failed.',
  record: 116,
  columns: [obj, backer, where, error],
});

/** The cache has no space; development kernels. */
export const cachefilesNoSpace = cachefiles({
  name: 'cachefiles_no_space',
  doc: 'The cache has no space; development kernels.',
  record: 117,
  columns: [obj, label('where', cachefilesErrorTraces, 'For what there is no space.')],
});

/** The daemon is asked to open an object. */
export const cachefilesOndemandOpen = cachefiles({
  name: 'cachefiles_ondemand_open',
  doc: 'The daemon is asked to open an object.',
  record: 118,
  columns: [
    obj,
    msg,
    objectId,
    int('fd', 'Descriptor the daemon gets.'),
    uint('flags', 'Flags of the object.'),
  ],
});

/** The daemon answers an open. */
export const cachefilesOndemandCopen = cachefiles({
  name: 'cachefiles_ondemand_copen',
  doc: 'The daemon answers an open.',
  record: 119,
  columns: [obj, msg, u64('len', 'Size of the file, bytes.')],
});

/** The daemon is told that an object is closed. */
export const cachefilesOndemandClose = cachefiles({
  name: 'cachefiles_ondemand_close',
  doc: 'The daemon is told that an object is closed.',
  record: 120,
  columns: [obj, msg, objectId],
});

/** The daemon is asked for data. */
export const cachefilesOndemandRead = cachefiles({
  name: 'cachefiles_ondemand_read',
  doc: 'The daemon is asked for data.',
  record: 121,
  columns: [obj, msg, objectId, start, len],
});

/** The daemon says that data is there. */
export const cachefilesOndemandCread = cachefiles({
  name: 'cachefiles_ondemand_cread',
  doc: 'The daemon says that data is there.',
  record: 122,
  columns: [obj, msg],
});

/** The daemon writes to a cache file. */
export const cachefilesOndemandFdWrite = cachefiles({
  name: 'cachefiles_ondemand_fd_write',
  doc: 'The daemon writes to a cache file.',
  record: 123,
  columns: [obj, backer, start, len],
});

/** The daemon closes its descriptor. */
export const cachefilesOndemandFdRelease = cachefiles({
  name: 'cachefiles_ondemand_fd_release',
  doc: 'The daemon closes its descriptor.',
  record: 124,
  columns: [obj, objectId],
});
