/**
 * Calls on open files and directories: read, write, fsync, fallocate, readdir and the like. One per
 * mount; called by the session.
 */
import { EBADF, EINTR, EINVAL, EISDIR, EOPNOTSUPP } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import { bytesOfName } from '../base/names.js';
import { makeSegmentList } from '../io/segments.js';
import type { SegmentList } from '../io/types.js';
import type { DirectoryEntry, NodeStatus, OpenDirectory } from '../server/types.js';
import type { Task } from '../sim/wait_queue.js';
import type { File } from '../vfs/file.js';
import { ANSWERED, type Call, type CallParts } from './calls.js';
import { CONTROL_NAME } from './control.js';
import type { Node } from './nodes.js';
import {
  ENTRY_BYTES,
  FOPEN_DIRECT_IO,
  FOPEN_KEEP_CACHE,
  OPEN_BYTES,
  type OpName,
  OUT_HEADER,
  type Request,
  WRITE_CACHE,
  WRITE_KILL_SUIDGID,
} from './protocol.js';

const O_ACCMODE = 3;
const O_TRUNC = 0o1000;
const O_APPEND = 0o2000;
const O_DIRECT = process.arch === 'arm64' ? 0o200000 : 0o40000;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const S_ISUID = 0o4000;
const S_ISGID = 0o2000;
const S_IXGRP = 0o010;
/** Bytes of a directory entry without its name. */
const DIRENT_BYTES = 24;
/** How often a stream is looked at by who waits for it, ns. */
const STREAM_NS = 50e6;
/** Most bytes that one copy_file_range takes, so that it can be interrupted. */
const COPY_MAX = 16 << 20;

/** An open file. */
interface FileHandle {
  readonly kind: 'file';
  readonly node: Node;
  readonly file: File;
  readonly path: string;
  readonly writes: boolean;
  readonly direct: boolean;
}

/** An open directory, with what has been read of it and not been told. */
interface DirectoryHandle {
  readonly kind: 'directory';
  readonly node: Node;
  readonly path: string;
  readonly directory: OpenDirectory;
  rest: DirectoryEntry[];
  /** Cookie behind the last entry told. */
  at: bigint;
}

/** An open file of the control directory. */
interface ControlHandle {
  readonly kind: 'control';
  readonly id: number;
  content: Uint8Array;
  /** Position in the file of the first byte of `content`. */
  start: number;
  /** Where the stream that it shows goes on; undefined: it is no stream. */
  next: number | undefined;
}

type Handle = FileHandle | DirectoryHandle | ControlHandle;

/** Calls on what is open. */
export class FileCalls {
  readonly calls: Partial<Record<OpName, Call>>;
  readonly #parts: CallParts;
  readonly #handles = new Map<number, Handle>();
  #next = 1;
  readonly #pieces: SegmentList = makeSegmentList();

  constructor(parts: CallParts) {
    this.#parts = parts;
    this.calls = {
      open: (request) => this.#open(request),
      read: (request) => this.#read(request),
      write: (request) => this.#write(request),
      flush: (request) => this.#flush(request),
      release: (request) => this.#release(request),
      releasedir: (request) => this.#release(request),
      fsync: (request) => this.#fsync(request),
      fsyncdir: (request) => this.#fsyncDirectory(request),
      fallocate: (request) => this.#fallocate(request),
      lseek: (request) => this.#seek(request),
      copy_file_range: (request) => this.#copyRange(request),
      opendir: (request) => this.#openDirectory(request),
      readdir: (request) => this.#readDirectory(request),
      readdirplus: (request) => this.#readDirectory(request),
    };
  }

  /** The open file of a handle; undefined: it is of something else. */
  fileOf(handle: number): File | undefined {
    const found = this.#handles.get(handle);
    return found?.kind === 'file' ? found.file : undefined;
  }

  /** A file that is open on a node, to reach it by when it has no name. */
  anyOf(node: Node): File | undefined {
    if (node.opens === 0) return undefined;
    for (const handle of this.#handles.values()) {
      if (handle.kind === 'file' && handle.node === node) return handle.file;
    }
    return undefined;
  }

  #fileHandle(request: Request, at = 0): FileHandle {
    const handle = this.#handles.get(request.u64(at));
    if (handle?.kind !== 'file') throw new ErrnoError(-EBADF, 'fuse');
    return handle;
  }

  #directoryHandle(request: Request): DirectoryHandle {
    const handle = this.#handles.get(request.u64(0));
    if (handle?.kind !== 'directory') throw new ErrnoError(-EBADF, 'fuse');
    return handle;
  }

  #keep(handle: Handle): number {
    const number = this.#next++;
    this.#handles.set(number, handle);
    if (handle.kind !== 'control') handle.node.opens++;
    return number;
  }

  /** Opens a file by its node: the payload of an OPEN, written at `at` of the reply. */
  *openAt(node: Node, flags: number, at: number, isNew = false): Task<number> {
    const { vfs, nodes, options } = this.#parts;
    const path = nodes.pathOf(node);
    const writes = (flags & O_ACCMODE) !== 0;
    const how = { write: writes, append: (flags & O_APPEND) !== 0 };
    const direct = (flags & O_DIRECT) !== 0;
    const file = yield* this.#openFile(path, how, direct);
    vfs.names.opened(file);
    if ((flags & O_TRUNC) !== 0 && writes && !isNew) yield* file.truncate(0);
    const handle = this.#keep({ kind: 'file', node, file, path, writes, direct: file.isUncached });
    const keep = options.kernelCache ? FOPEN_KEEP_CACHE : FOPEN_DIRECT_IO;
    this.#opened(at, handle, direct ? FOPEN_DIRECT_IO : keep);
    return OPEN_BYTES;
  }

  // A client without O_DIRECT reads through its page cache, as if it had not been asked for.
  *#openFile(path: string, how: { write: boolean; append: boolean }, direct: boolean): Task<File> {
    const { vfs } = this.#parts;
    if (!direct) return yield* vfs.open(path, how);
    try {
      return yield* vfs.open(path, { ...how, direct: true });
    } catch (error) {
      if (!(error instanceof ErrnoError) || error.errno !== -EINVAL) throw error;
      return yield* vfs.open(path, how);
    }
  }

  #opened(at: number, handle: number, flags: number): void {
    const { reply } = this.#parts.channel;
    reply.u64(at, handle);
    reply.u32(at + 8, flags);
    reply.u32(at + 12, 0);
  }

  *#open(request: Request): Task<number> {
    const { controls, nodes } = this.#parts;
    if (controls.owns(request.node)) {
      if (controls.isDirectory(request.node)) throw new ErrnoError(-EISDIR, 'open');
      const handle = this.#keep(this.#control(request.node));
      this.#opened(OUT_HEADER, handle, FOPEN_DIRECT_IO);
      return OPEN_BYTES;
    }
    const node = nodes.get(request.node);
    // One whose name has gone is opened again through /proc/PID/fd.
    const payload = yield* this.openAt(node, request.u32(0), OUT_HEADER);
    request.about(nodes.pathOf(node));
    return payload;
  }

  /**
   * Answers a read whose pages are there: where its bytes lie, or undefined if it must be done by a
   * task.
   */
  readNow(request: Request): SegmentList | undefined {
    const handle = this.#handles.get(request.u64(0));
    if (handle?.kind !== 'file' || handle.direct) return undefined;
    const position = request.u64(8);
    const count = request.u32(16);
    const pieces = this.#pieces;
    const got = handle.file.readPiecesNow(pieces, count, position);
    if (got < 0) return undefined;
    if (got === 0) pieces.count = 0;
    request.about(handle.path, position, count, got);
    return pieces;
  }

  *#read(request: Request): Task<number> {
    const handle = this.#handles.get(request.u64(0));
    const position = request.u64(8);
    const count = request.u32(16);
    if (handle?.kind === 'control') return yield* this.#readControl(handle, position, count);
    if (handle?.kind !== 'file') throw new ErrnoError(-EBADF, 'read');
    const { file, path } = handle;
    request.about(path, position, count);
    if (handle.direct) return yield* this.#readDirect(request, handle, position, count);
    const pieces = makeSegmentList();
    const held: number[] = [];
    try {
      const got = yield* file.readPieces(pieces, held, count, position);
      if (got === 0) pieces.count = 0;
      this.#parts.answer(request, pieces);
      request.result = got;
    } finally {
      file.releasePieces(held);
    }
    return ANSWERED;
  }

  *#readDirect(
    request: Request,
    { file }: FileHandle,
    position: number,
    count: number,
  ): Task<number> {
    const { vfs } = this.#parts;
    const buffer = vfs.takeBuffer(count);
    try {
      const got = yield* file.read(buffer, 0, count, position);
      const pieces = makeSegmentList();
      pieces.count = got === 0 ? 0 : 1;
      pieces.segments.push({ memory: buffer, offset: 0, length: got });
      this.#parts.answer(request, pieces);
      request.result = got;
    } finally {
      vfs.releaseBuffer(buffer);
    }
    return ANSWERED;
  }

  #control(id: number): ControlHandle {
    const { content, next } = this.#parts.controls.content(id);
    return { kind: 'control', id, content, start: 0, next };
  }

  *#readControl(handle: ControlHandle, position: number, count: number): Task<number> {
    const { controls, scheduler, isEnded } = this.#parts;
    // Behind what was there when it was opened a stream waits for what comes.
    while (handle.next !== undefined && position >= handle.start + handle.content.length) {
      const { content, next } = controls.content(handle.id, handle.next);
      handle.content = content;
      handle.start = position;
      handle.next = next;
      if (content.length > 0 || isEnded()) break;
      if (scheduler.context.killed) throw new ErrnoError(-EINTR, 'read', CONTROL_NAME);
      yield* scheduler.sleep(STREAM_NS);
    }
    const at = Math.max(0, position - handle.start);
    const part = handle.content.subarray(at, at + count);
    this.#parts.channel.reply.bytes.set(part, OUT_HEADER);
    return part.length;
  }

  *#write(request: Request): Task<number> {
    const { channel } = this.#parts;
    const { file, path, node } = this.#fileHandle(request);
    const position = request.u64(8);
    const count = request.u32(16);
    const flags = request.u32(20);
    request.about(path, position, count);
    if ((flags & WRITE_KILL_SUIDGID) !== 0) yield* this.#clearSetId(node, file);
    const data = request.rest(40);
    const writer = file.isWritable ? file : this.#writableOf(node);
    const done =
      (flags & WRITE_CACHE) !== 0
        ? yield* writer.writeMapped(data, 0, count, position)
        : yield* writer.write(data, 0, count, position);
    request.result = done;
    channel.reply.u32(OUT_HEADER, done);
    channel.reply.u32(OUT_HEADER + 4, 0);
    return 8;
  }

  // The kernel writes the pages of a mapping through any file that was open for it.
  #writableOf(node: Node): File {
    for (const handle of this.#handles.values()) {
      if (handle.kind === 'file' && handle.node === node && handle.file.isWritable) {
        return handle.file;
      }
    }
    throw new ErrnoError(-EBADF, 'write');
  }

  *#clearSetId(node: Node, file: File): Task {
    const { vfs, nodes } = this.#parts;
    const { mode } = yield* vfs.names.statusOf(file);
    let cleared = mode & ~S_ISUID;
    if ((mode & S_IXGRP) !== 0) cleared &= ~S_ISGID;
    if (cleared === mode) return;
    yield* vfs.names.change(node.unlinked ? '' : nodes.pathOf(node), { mode: cleared }, file);
  }

  *#flush(request: Request): Task<number> {
    const handle = this.#handles.get(request.u64(0));
    if (handle?.kind !== 'file') return 0;
    request.about(handle.path);
    if (handle.writes && !handle.node.unlinked) yield* handle.file.flush();
    return 0;
  }

  *#release(request: Request): Task<number> {
    const number = request.u64(0);
    const handle = this.#handles.get(number);
    if (handle === undefined) return 0;
    this.#handles.delete(number);
    if (handle.kind !== 'control') request.about(handle.path);
    yield* this.#close(handle);
    return 0;
  }

  *#close(handle: Handle): Task {
    const { vfs, nodes } = this.#parts;
    if (handle.kind === 'control') return;
    if (handle.kind === 'directory') handle.directory.close();
    else yield* vfs.names.closed(handle.file, handle.node.unlinked);
    nodes.closed(handle.node);
  }

  /** Closes everything, written first. */
  *closeAll(): Task {
    for (const [number, handle] of this.#handles) {
      this.#handles.delete(number);
      yield* this.#close(handle);
    }
  }

  *#fsync(request: Request): Task<number> {
    const { file, path } = this.#fileHandle(request);
    request.about(path);
    yield* file.fsync();
    return 0;
  }

  *#fsyncDirectory(request: Request): Task<number> {
    const { node, path } = this.#directoryHandle(request);
    request.about(path);
    if (!node.unlinked) yield* this.#parts.vfs.names.syncDirectory(this.#parts.nodes.pathOf(node));
    return 0;
  }

  *#fallocate(request: Request): Task<number> {
    const { file, path } = this.#fileHandle(request);
    const [position, length] = [request.i64(8), request.i64(16)];
    request.about(path, position, length);
    yield* this.#parts.vfs.names.allocate(file, request.u32(24), position, length);
    return 0;
  }

  *#seek(request: Request): Task<number> {
    const { file, path } = this.#fileHandle(request);
    const whence = request.u32(16);
    const position = request.i64(8);
    if (whence !== SEEK_DATA && whence !== SEEK_HOLE) throw new ErrnoError(-EINVAL, 'lseek');
    const what = whence === SEEK_DATA ? 'data' : 'hole';
    const found = yield* this.#parts.vfs.names.seek(file, position, what);
    request.about(path, position, 0, found);
    this.#parts.channel.reply.u64(OUT_HEADER, found);
    return 8;
  }

  *#copyRange(request: Request): Task<number> {
    const { channel, vfs } = this.#parts;
    const from = this.#fileHandle(request);
    const to = this.#fileHandle(request, 24);
    if (request.u64(48) !== 0) throw new ErrnoError(-EOPNOTSUPP, 'copy_file_range');
    const count = Math.min(request.u64(40), COPY_MAX);
    const [at, position] = [request.u64(8), request.u64(32)];
    request.about(to.path, position, count);
    const done = yield* vfs.names.copyRange(from.file, at, to.file, position, count);
    request.result = done;
    channel.reply.u32(OUT_HEADER, done);
    channel.reply.u32(OUT_HEADER + 4, 0);
    return 8;
  }

  *#openDirectory(request: Request): Task<number> {
    const { controls, nodes, vfs } = this.#parts;
    if (controls.owns(request.node)) {
      this.#opened(OUT_HEADER, this.#keep(this.#control(request.node)), 0);
      return OPEN_BYTES;
    }
    const node = nodes.get(request.node);
    const path = nodes.pathOf(node);
    const directory = yield* vfs.names.openDirectory(path);
    const handle = { kind: 'directory', node, path, directory, rest: [], at: 0n } as const;
    request.about(path);
    this.#opened(OUT_HEADER, this.#keep({ ...handle, rest: [] }), 0);
    return OPEN_BYTES;
  }

  *#readDirectory(request: Request): Task<number> {
    const handle = this.#handles.get(request.u64(0));
    if (handle?.kind === 'control') return this.#listControls(request);
    if (handle?.kind !== 'directory') throw new ErrnoError(-EBADF, 'readdir');
    const plus = request.opcode === 44;
    const room = request.u32(16);
    const cookie = request.cookie(8);
    request.about(handle.path);
    const entries = this.#entriesFrom(handle, cookie, room, plus);
    const statuses = plus ? yield* this.#statusesOf(handle, entries) : [];
    handle.at = entries.at(-1)?.cookie ?? cookie;
    request.result = entries.length;
    return this.#putEntries(request, handle.node, entries, statuses, plus);
  }

  // As many entries behind a cookie as there is room for; the others are kept for the next call.
  #entriesFrom(
    handle: DirectoryHandle,
    cookie: bigint,
    room: number,
    plus: boolean,
  ): DirectoryEntry[] {
    if (cookie !== handle.at || cookie === 0n) handle.rest = [];
    const taken: DirectoryEntry[] = [];
    let at = cookie;
    for (let used = 0; ; ) {
      if (handle.rest.length === 0) {
        const more = handle.directory.read(at);
        if (typeof more === 'number') throw new ErrnoError(more, 'readdir', handle.path);
        if (more.length === 0) break;
        handle.rest = more.reverse();
      }
      const next = handle.rest.at(-1) as DirectoryEntry;
      used += entryBytes(bytesOfName(next.name).length, plus);
      if (used > room) break;
      handle.rest.pop();
      taken.push(next);
      at = next.cookie;
    }
    return taken;
  }

  *#statusesOf(
    { node }: DirectoryHandle,
    entries: readonly DirectoryEntry[],
  ): Task<(NodeStatus | undefined)[]> {
    const { vfs, nodes } = this.#parts;
    if (node.unlinked) return [];
    const names = entries.map(({ name }) => name).filter((name) => name !== '.' && name !== '..');
    const found = yield* vfs.names.statuses(nodes.pathOf(node), names);
    const byName = new Map(names.map((name, i) => [name, found[i]]));
    return entries.map(({ name }) => byName.get(name));
  }

  #putEntries(
    request: Request,
    parent: Node,
    entries: readonly DirectoryEntry[],
    statuses: readonly (NodeStatus | undefined)[],
    plus: boolean,
  ): number {
    const { channel, nodes } = this.#parts;
    const told: Node[] = [];
    let at = OUT_HEADER;
    for (const [i, entry] of entries.entries()) {
      const name = bytesOfName(entry.name);
      const status = statuses[i];
      let { inode } = entry;
      if (plus) {
        channel.reply.zero(at, ENTRY_BYTES);
        if (status !== undefined) {
          const node = nodes.found(parent, entry.name, status);
          node.lookups++;
          told.push(node);
          inode = node.inode;
          this.putEntry(at, node, status);
        }
        at += ENTRY_BYTES;
      }
      at = this.#putDirent(at, inode, entry.cookie, entry.type, name);
    }
    request.undo = () => {
      for (const node of told) nodes.forget(node.id, 1);
    };
    return at - OUT_HEADER;
  }

  /** Writes struct fuse_entry_out. */
  putEntry(at: number, node: Pick<Node, 'id' | 'inode'>, status: NodeStatus): void {
    const { reply } = this.#parts.channel;
    reply.u64(at, node.id);
    reply.u64(at + 8, 0);
    reply.u64(at + 16, VALID_S);
    reply.u64(at + 24, VALID_S);
    reply.u64(at + 32, 0);
    reply.attributes(at + 40, status, node.inode);
  }

  #putDirent(at: number, inode: number, cookie: bigint, type: number, name: Uint8Array): number {
    const { reply } = this.#parts.channel;
    reply.u64(at, inode);
    reply.big(at + 8, cookie);
    reply.u32(at + 16, name.length);
    reply.u32(at + 20, type);
    reply.bytes.set(name, at + DIRENT_BYTES);
    const end = at + DIRENT_BYTES + ((name.length + 7) & ~7);
    reply.bytes.fill(0, at + DIRENT_BYTES + name.length, end);
    return end;
  }

  #listControls(request: Request): number {
    const { controls, channel } = this.#parts;
    const plus = request.opcode === 44;
    let at = OUT_HEADER;
    if (request.cookie(8) !== 0n) return 0;
    for (const [i, name] of controls.names.entries()) {
      const id = controls.find(name) as number;
      if (plus) {
        channel.reply.zero(at, ENTRY_BYTES);
        this.putEntry(at, { id, inode: id }, controls.status(id));
        at += ENTRY_BYTES;
      }
      at = this.#putDirent(at, id, BigInt(i + 1), 8, bytesOfName(name));
    }
    return at - OUT_HEADER;
  }
}

/** For how long the kernel may keep names and attributes, seconds. */
export const VALID_S = 1;

function entryBytes(name: number, plus: boolean): number {
  return DIRENT_BYTES + ((name + 7) & ~7) + (plus ? ENTRY_BYTES : 0);
}
