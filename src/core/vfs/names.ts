/**
 * The namespace as programs see it: what the server says of names and attributes, together with
 * what the page cache has not written yet. Plays the parts of fs/namei.c, fs/attr.c and fs/open.c
 * that a network filesystem is asked through; called by `fuse/` and workloads.
 *
 * Paths are relative to the server's root, '' being the root itself, and name what they name
 * without following links. Failures are thrown as `ErrnoError`.
 */
import { EBADF, EINVAL, EISDIR, ENXIO, EOPNOTSUPP } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import { PAGE_SIZE } from '../base/range.js';
import type { NetworkFs, Vnode } from '../fs/types.js';
import type { AddressSpace } from '../mm/address_space.js';
import { invalidateFolios, truncatePages } from '../mm/truncate.js';
import type {
  AttributeChange,
  ChangeReply,
  FilesystemStatus,
  NewNode,
  NodeStatus,
  OpenDirectory,
  RenameHow,
} from '../server/types.js';
import { type Task, WaitQueue } from '../sim/wait_queue.js';
import type { File, VfsParts } from './file.js';

/** Types of st_mode. */
const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
/** fallocate(2) modes. */
const KEEP_SIZE = 1;
const PUNCH_HOLE = 2;
const ZERO_RANGE = 0x10;
/** Bytes copied in one go. */
const COPY_BYTES = 1 << 20;

/** What is to be changed of a file; the size too. */
export interface FileChange extends AttributeChange {
  readonly size?: number | undefined;
}

/** Opens files. */
interface Opener {
  open(path: string, flags?: { readonly write?: boolean }): Task<File>;
}

/** The namespace of one lab. */
export class VfsNames {
  readonly #parts: VfsParts;
  readonly #fs: NetworkFs;
  readonly #opener: Opener;

  constructor(parts: VfsParts, fs: NetworkFs, opener: Opener) {
    this.#parts = parts;
    this.#fs = fs;
    this.#opener = opener;
  }

  /** lstat(2). What is dirty is written before, so that times do not change afterwards. */
  *status(path: string): Task<NodeStatus> {
    const { namespace } = this.#parts.server;
    const found = check('lstat', path, yield* namespace.status(path));
    if (!(yield* this.#write(found.key))) return found;
    return check('lstat', path, yield* namespace.status(path));
  }

  /** As `status`, of names in a directory; undefined: gone, or cannot be told. */
  *statuses(directory: string, names: readonly string[]): Task<(NodeStatus | undefined)[]> {
    const { namespace } = this.#parts.server;
    const found = yield* namespace.statuses(directory, names);
    const statuses: (NodeStatus | undefined)[] = [];
    for (const [i, each] of found.entries()) {
      let status = typeof each === 'number' ? undefined : each;
      if (status !== undefined && (yield* this.#write(status.key))) {
        const name = names[i] as string;
        const again = yield* namespace.status(directory === '' ? name : `${directory}/${name}`);
        status = typeof again === 'number' ? undefined : again;
      }
      statuses.push(status);
    }
    return statuses;
  }

  /** fstat(2). */
  *statusOf(file: File): Task<NodeStatus> {
    const { server, writeback } = this.#parts;
    if (file.mapping.isTagged) yield* writeback.writeAndWait(file.mapping);
    const open = file.inode.file;
    return check('fstat', file.path, open === undefined ? -EBADF : server.nodeStatus(open));
  }

  // True if something had to be written.
  *#write(key: string): Task<boolean> {
    const vnode = this.#fs.find?.(key);
    if (vnode?.mapping.isTagged !== true) return false;
    vnode.hold();
    try {
      yield* this.#parts.writeback.writeAndWait(vnode.mapping);
    } finally {
      vnode.release();
    }
    return true;
  }

  /** chmod(2), chown(2), utimensat(2) and truncate(2); of `file`, if one is open. */
  *change(path: string, change: FileChange, file?: File): Task {
    yield* this.#parts.freezer.during('write', () => this.#change(path, change, file));
  }

  *#change(path: string, change: FileChange, file?: File): Task {
    if (change.size !== undefined) yield* this.truncate(path, change.size, file);
    const { uid, gid, mode, atime, mtime } = change;
    if ([uid, gid, mode, atime, mtime].every((each) => each === undefined)) return;
    const { server } = this.#parts;
    const { namespace } = server;
    const before = file === undefined ? yield* this.status(path) : yield* this.statusOf(file);
    const open = file?.inode.file;
    const result =
      open !== undefined && before.links === 0
        ? server.changeOpen(open, change)
        : yield* namespace.change(path, change);
    check('setattr', path, result);
    const after =
      open !== undefined && before.links === 0
        ? server.nodeStatus(open)
        : yield* namespace.status(path);
    if (typeof after !== 'number') this.#adopt(before, after);
  }

  // A change of ours makes nothing stale.
  #adopt(before: NodeStatus, after: NodeStatus): void {
    const { namespace } = this.#parts.server;
    const vnode = this.#fs.find?.(before.key);
    if (vnode?.version !== namespace.version(before)) return;
    vnode.applyOwn?.({ size: after.size, version: namespace.version(after) });
  }

  /** truncate(2), or ftruncate(2) of a file that is open for writing. */
  *truncate(path: string, size: number, open?: File): Task {
    if (open?.isWritable === true) {
      yield* open.truncate(size);
      return;
    }
    const status = check('truncate', path, yield* this.#parts.server.namespace.status(path));
    if ((status.mode & S_IFMT) === S_IFDIR) throw new ErrnoError(-EISDIR, 'truncate', path);
    if ((status.mode & S_IFMT) !== S_IFREG) throw new ErrnoError(-EINVAL, 'truncate', path);
    const file = yield* this.#opener.open(path, { write: true });
    try {
      yield* file.truncate(size);
    } finally {
      file.close();
    }
  }

  /** mknod(2), mkdir(2), symlink(2) and creat(2) of what must not be there yet. */
  *make(path: string, node: NewNode): Task<NodeStatus> {
    const { server, freezer } = this.#parts;
    const made = yield* freezer.during('write', () => server.namespace.make(path, node));
    return check('mknod', path, made);
  }

  /** unlink(2). A file that is open lives on until `discard`; true: that was its last name. */
  *unlink(path: string): Task<boolean> {
    return yield* this.#parts.freezer.during('write', () => this.#unlink(path));
  }

  *#unlink(path: string): Task<boolean> {
    const { namespace } = this.#parts.server;
    const status = check('unlink', path, yield* namespace.status(path));
    check('unlink', path, yield* namespace.remove(path, false));
    return yield* this.#nameRemoved(status);
  }

  *#nameRemoved(status: NodeStatus): Task<boolean> {
    if (status.links > 1 || (status.mode & S_IFMT) === S_IFDIR) return status.links <= 1;
    this.#parts.server.unlinked(status.key);
    const vnode = this.#fs.find?.(status.key);
    if (vnode !== undefined) yield* this.#discardUnused(vnode, status.key);
    return true;
  }

  // Dirty pages keep a vnode in use, but nobody wants them any more.
  *#discardUnused(vnode: Vnode, key: string): Task {
    const { uses, mapping } = vnode;
    if (uses > (mapping.isTagged ? 1 : 0) || this.#isOpen(vnode)) return;
    yield* truncatePages(mapping, 0);
    mapping.errors.untold = 0;
    this.#fs.forgetFile?.(key);
  }

  readonly #opened = new Map<Vnode, number>();

  #isOpen(vnode: Vnode): boolean {
    return (this.#opened.get(vnode) ?? 0) > 0;
  }

  /** A file is open until `closed`: what it holds is not discarded when its last name goes. */
  opened({ inode }: File): void {
    this.#opened.set(inode, (this.#opened.get(inode) ?? 0) + 1);
  }

  /** close(2), which of a file without a name throws away what was not written. */
  *closed(file: File, isUnlinked: boolean): Task {
    const { inode } = file;
    const left = (this.#opened.get(inode) ?? 1) - 1;
    if (left > 0) this.#opened.set(inode, left);
    else this.#opened.delete(inode);
    if (left === 0 && isUnlinked) {
      yield* truncatePages(inode.mapping, 0);
      inode.mapping.errors.untold = 0;
    }
    const key = inode.file?.key;
    file.close();
    if (left === 0 && isUnlinked && key !== undefined) this.#fs.forgetFile?.(key);
  }

  /** rmdir(2). */
  *rmdir(path: string): Task {
    const { server, freezer } = this.#parts;
    check('rmdir', path, yield* freezer.during('write', () => server.namespace.remove(path, true)));
  }

  /** renameat2(2): true if what had the new name has lost its last one. */
  *rename(from: string, to: string, how: RenameHow = {}): Task<boolean> {
    return yield* this.#parts.freezer.during('write', () => this.#rename(from, to, how));
  }

  *#rename(from: string, to: string, how: RenameHow): Task<boolean> {
    const { namespace } = this.#parts.server;
    const source = yield* namespace.status(from);
    const target = yield* namespace.status(to);
    check('rename', from, yield* namespace.rename(from, to, how));
    const replaced = typeof target !== 'number' && how.exchange !== true;
    if (!replaced || (typeof source !== 'number' && source.key === target.key)) return false;
    return yield* this.#nameRemoved(target);
  }

  /** link(2). */
  *link(from: string, to: string): Task<NodeStatus> {
    const { server, freezer } = this.#parts;
    const { namespace } = server;
    check('link', from, yield* freezer.during('write', () => namespace.link(from, to)));
    return check('link', to, yield* namespace.status(to));
  }

  /** readlink(2): the target's bytes. */
  *readLink(path: string): Task<Uint8Array> {
    return check('readlink', path, yield* this.#parts.server.namespace.readLink(path));
  }

  /** opendir(3). */
  *openDirectory(path: string): Task<OpenDirectory> {
    return check('opendir', path, yield* this.#parts.server.namespace.openDirectory(path));
  }

  /** fsync(2) of a directory. */
  *syncDirectory(path: string): Task {
    check('fsync', path, yield* this.#parts.server.namespace.syncDirectory(path));
  }

  /** statfs(2). */
  filesystem(): FilesystemStatus {
    return check('statfs', '', this.#parts.server.namespace.filesystem());
  }

  /** lgetxattr(2). */
  *getXattr(path: string, name: string): Task<Uint8Array> {
    return check('getxattr', path, yield* this.#parts.server.namespace.getXattr(path, name));
  }

  /** lsetxattr(2). */
  *setXattr(path: string, name: string, value: Uint8Array, how = 0): Task {
    const { server, freezer } = this.#parts;
    const set = () => server.namespace.setXattr(path, name, value, how);
    check('setxattr', path, yield* freezer.during('write', set));
  }

  /** lremovexattr(2). */
  *removeXattr(path: string, name: string): Task {
    const { server, freezer } = this.#parts;
    const remove = () => server.namespace.removeXattr(path, name);
    check('removexattr', path, yield* freezer.during('write', remove));
  }

  /** llistxattr(2). */
  *listXattr(path: string): Task<readonly string[]> {
    return check('listxattr', path, yield* this.#parts.server.namespace.listXattr(path));
  }

  /** lseek(2) with SEEK_DATA or SEEK_HOLE. ENXIO: behind the end, or no data there. */
  *seek(file: File, position: number, what: 'data' | 'hole'): Task<number> {
    const { server, writeback } = this.#parts;
    if (file.mapping.isTagged) yield* writeback.writeAndWait(file.mapping);
    const open = file.inode.file;
    if (position < 0) throw new ErrnoError(-ENXIO, 'lseek', file.path);
    return check(
      'lseek',
      file.path,
      open === undefined ? -EBADF : server.seek(open, position, what),
    );
  }

  /**
   * fallocate(2): room for a range, which with PUNCH_HOLE or ZERO_RANGE reads as zeros afterwards.
   * EOPNOTSUPP: another mode.
   */
  *allocate(file: File, mode: number, position: number, length: number): Task {
    const modes = [0, KEEP_SIZE, PUNCH_HOLE | KEEP_SIZE, ZERO_RANGE, ZERO_RANGE | KEEP_SIZE];
    if (position < 0 || length <= 0) throw new ErrnoError(-EINVAL, 'fallocate', file.path);
    if (!modes.includes(mode)) throw new ErrnoError(-EOPNOTSUPP, 'fallocate', file.path);
    const modify = file.inode.modify;
    if (!file.isWritable || modify === undefined) {
      throw new ErrnoError(-EBADF, 'fallocate', file.path);
    }
    yield* this.#parts.freezer.during('write', () =>
      modify.lock.exclusively(() => this.#allocate(file, mode, position, length)),
    );
  }

  *#allocate(file: File, mode: number, position: number, length: number): Task {
    const { server, writeback } = this.#parts;
    const { inode, mapping } = file;
    const error = yield* writeback.writeAndWait(mapping);
    check('fallocate', file.path, error);
    const open = inode.file;
    if (open === undefined) throw new ErrnoError(-EBADF, 'fallocate', file.path);
    const { result, status } = yield* this.#asked((done) =>
      server.allocate(open, mode, position, length, done),
    );
    const first = Math.floor(position / PAGE_SIZE);
    const last = Math.floor((position + length - 1) / PAGE_SIZE);
    if ((mode & (PUNCH_HOLE | ZERO_RANGE)) !== 0) {
      yield* invalidateFolios(mapping, this.#folioStart(mapping, first), last);
    }
    if (status !== undefined) {
      const before = inode.size;
      if (inode.applyOwn !== undefined) inode.applyOwn(status);
      if (status.size > before) {
        // The page that held the end is read again.
        yield* invalidateFolios(mapping, this.#folioStart(mapping, Math.floor(before / PAGE_SIZE)));
        inode.size = status.size;
      }
    }
    inode.forgetCached?.();
    check('fallocate', file.path, result);
  }

  // A folio may begin before the page.
  #folioStart(mapping: AddressSpace, page: number): number {
    const pfn = mapping.find(page);
    return pfn < 0 ? page : mapping.folios.indexOf(pfn);
  }

  *#asked(ask: (done: (reply: ChangeReply) => void) => void): Task<ChangeReply> {
    const answered = new WaitQueue('the server');
    let reply: ChangeReply | undefined;
    ask((answer) => {
      reply = answer;
      answered.wakeAll();
    });
    while (reply === undefined) yield answered;
    return reply;
  }

  /** copy_file_range(2): bytes copied, fewer at the end of the source. */
  *copyRange(from: File, at: number, to: File, position: number, count: number): Task<number> {
    const { buffers } = this.#parts;
    const buffer = buffers.take(Math.min(COPY_BYTES, count));
    let done = 0;
    try {
      while (done < count) {
        const length = Math.min(buffer.length, count - done);
        const got = yield* from.read(buffer, 0, length, at + done);
        if (got === 0) break;
        const put = yield* to.write(buffer, 0, got, position + done);
        done += put;
        if (put < got) break;
      }
    } catch (error) {
      if (done === 0) throw error;
    } finally {
      buffers.release(buffer);
    }
    return done;
  }
}

function check<T>(call: string, path: string, answer: T | number): T {
  if (typeof answer === 'number' && answer < 0) throw new ErrnoError(answer, call, path);
  return answer as T;
}
