/**
 * Calls on names and attributes: lookup, getattr, setattr, mkdir, rename and the like. One per
 * mount; called by the session.
 */
import { EEXIST, EINVAL, ENODATA, ENOENT, EOPNOTSUPP, EPERM, ERANGE } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import { nameOfBytes } from '../base/names.js';
import type { Moment } from '../io/at_calls.js';
import type { NodeStatus } from '../server/types.js';
import type { Task } from '../sim/wait_queue.js';
import type { FileChange } from '../vfs/names.js';
import type { Call, CallParts } from './calls.js';
import { CONTROL_NAME } from './control.js';
import { type FileCalls, VALID_S } from './file_calls.js';
import type { Node } from './nodes.js';
import { ENTRY_BYTES, FATTR, type OpName, OUT_HEADER, type Request, ROOT_ID } from './protocol.js';

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;
const S_IFREG = 0o100000;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;
const O_EXCL = 0o200;
const O_TRUNC = 0o1000;
/** RENAME_NOREPLACE and RENAME_EXCHANGE. */
const NOREPLACE = 1;
const EXCHANGE = 2;
/** Bytes of a GETATTR's answer before the attributes. */
const ATTR_AT = 16;
/** Access control lists are not obeyed, so they are not taken either. */
const ACL = 'system.posix_acl_';

/** Calls on names. */
export class NameCalls {
  readonly calls: Partial<Record<OpName, Call>>;
  readonly #parts: CallParts;
  readonly #files: FileCalls;

  constructor(parts: CallParts, files: FileCalls) {
    this.#parts = parts;
    this.#files = files;
    this.calls = {
      lookup: (request) => this.#lookup(request),
      getattr: (request) => this.#getattr(request),
      setattr: (request) => this.#setattr(request),
      readlink: (request) => this.#readlink(request),
      symlink: (request) => this.#symlink(request),
      mknod: (request) => this.#mknod(request),
      mkdir: (request) => this.#mkdir(request),
      unlink: (request) => this.#unlink(request),
      rmdir: (request) => this.#rmdir(request),
      rename: (request) => this.#rename(request, 8, 0),
      rename2: (request) => this.#rename(request, 16, request.u32(8)),
      link: (request) => this.#link(request),
      create: (request) => this.#create(request),
      statfs: (request) => this.#statfs(request),
      setxattr: (request) => this.#setxattr(request),
      getxattr: (request) => this.#getxattr(request),
      listxattr: (request) => this.#listxattr(request),
      removexattr: (request) => this.#removexattr(request),
    };
  }

  // The directory of the call and a name in it.
  #name(request: Request, at: number): { parent: Node; name: string; path: string } {
    const { controls, nodes } = this.#parts;
    if (controls.owns(request.node)) throw new ErrnoError(-EPERM, 'fuse', CONTROL_NAME);
    const parent = nodes.get(request.node);
    const name = nameOfBytes(request.text(at));
    if (parent.id === ROOT_ID && name === CONTROL_NAME) {
      throw new ErrnoError(-EPERM, 'fuse', CONTROL_NAME);
    }
    const path = nodes.pathIn(parent, name);
    request.about(path);
    return { parent, name, path };
  }

  // Tells the kernel of a file: one more look-up, unless the answer is not heard.
  #entry(request: Request, parent: Node, name: string, status: NodeStatus): Node {
    const { nodes } = this.#parts;
    const node = nodes.found(parent, name, status);
    node.lookups++;
    this.#files.putEntry(OUT_HEADER, node, status);
    request.undo = () => nodes.forget(node.id, 1);
    return node;
  }

  *#lookup(request: Request): Task<number> {
    const { controls, nodes, vfs } = this.#parts;
    const name = nameOfBytes(request.text(0));
    const isRoot = request.node === ROOT_ID && name === CONTROL_NAME;
    if (isRoot || controls.owns(request.node)) {
      const id = controls.find(isRoot ? '' : name);
      if (id === undefined) throw new ErrnoError(-ENOENT, 'lookup', name);
      this.#files.putEntry(OUT_HEADER, { id, inode: id }, controls.status(id));
      return ENTRY_BYTES;
    }
    const parent = nodes.get(request.node);
    const path = nodes.pathIn(parent, name);
    request.about(path);
    const status = yield* vfs.names.status(path);
    this.#entry(request, parent, name, status);
    return ENTRY_BYTES;
  }

  *#getattr(request: Request): Task<number> {
    const { controls, nodes } = this.#parts;
    if (controls.owns(request.node)) {
      return this.#attributes(controls.status(request.node), request.node);
    }
    const node = nodes.get(request.node);
    const status = yield* this.#statusOf(request, node);
    return this.#attributes(status, node.inode);
  }

  #attributes(status: NodeStatus, inode: number): number {
    const { reply } = this.#parts.channel;
    reply.u64(OUT_HEADER, VALID_S);
    reply.u64(OUT_HEADER + 8, 0);
    reply.attributes(OUT_HEADER + ATTR_AT, status, inode);
    return ATTR_AT + 88;
  }

  // Of a file without a name, through whatever is open on it.
  *#statusOf(request: Request, node: Node): Task<NodeStatus> {
    const { nodes, vfs } = this.#parts;
    if (node.unlinked) {
      const open = this.#files.anyOf(node);
      if (open !== undefined) return yield* vfs.names.statusOf(open);
      if (node.lastStatus !== undefined) return { ...node.lastStatus, links: 0 };
    }
    const path = nodes.pathOf(node);
    request.about(path);
    return yield* vfs.names.status(path);
  }

  *#setattr(request: Request): Task<number> {
    const { controls, nodes, vfs } = this.#parts;
    if (controls.owns(request.node)) throw new ErrnoError(-EPERM, 'setattr', CONTROL_NAME);
    const node = nodes.get(request.node);
    const valid = request.u32(0);
    const given = (valid & FATTR.fh) !== 0 ? this.#files.fileOf(request.u64(8)) : undefined;
    const file = given ?? (node.unlinked ? this.#files.anyOf(node) : undefined);
    const path = node.unlinked && file !== undefined ? file.path : nodes.pathOf(node);
    request.about(path);
    yield* vfs.names.change(path, changeOf(request, valid), file);
    const status = node.unlinked
      ? yield* this.#statusOf(request, node)
      : yield* vfs.names.status(path);
    return this.#attributes(status, node.inode);
  }

  *#readlink(request: Request): Task<number> {
    const { channel, nodes, vfs } = this.#parts;
    const path = nodes.pathOf(nodes.get(request.node));
    const target = yield* vfs.names.readLink(path);
    request.about(path);
    channel.reply.bytes.set(target, OUT_HEADER);
    return target.length;
  }

  *#make(request: Request, at: number, mode: number, target?: Uint8Array): Task<number> {
    const { parent, name, path } = this.#name(request, at);
    const { uid, gid } = request;
    const node = { mode, uid, gid, ...(target !== undefined && { target }) };
    const status = yield* this.#parts.vfs.names.make(path, node);
    this.#entry(request, parent, name, status);
    return ENTRY_BYTES;
  }

  #symlink(request: Request): Task<number> {
    const name = request.text(0);
    const target = request.text(name.length + 1).slice();
    return this.#make(request, 0, S_IFLNK | 0o777, target);
  }

  #mknod(request: Request): Task<number> {
    const mode = request.u32(0);
    const type = mode & S_IFMT;
    if (type === S_IFCHR || type === S_IFBLK) throw new ErrnoError(-EPERM, 'mknod');
    return this.#make(request, 16, type === 0 ? mode | S_IFREG : mode);
  }

  #mkdir(request: Request): Task<number> {
    return this.#make(request, 8, (request.u32(0) & 0o7777) | S_IFDIR);
  }

  *#create(request: Request): Task<number> {
    const { vfs, nodes } = this.#parts;
    const { parent, name, path } = this.#name(request, 16);
    const [flags, mode] = [request.u32(0), request.u32(4)];
    const { uid, gid } = request;
    let status: NodeStatus;
    let isNew = true;
    try {
      const made = { mode: (mode & 0o7777) | S_IFREG, uid, gid };
      status = yield* vfs.names.make(path, made);
    } catch (error) {
      const exists = error instanceof ErrnoError && error.errno === -EEXIST;
      if (!exists || (flags & O_EXCL) !== 0) throw error;
      status = yield* vfs.names.status(path);
      isNew = false;
    }
    const node = nodes.found(parent, name, status);
    // It has the permissions it was made with, whatever they allow.
    node.lookups++;
    try {
      yield* this.#files.openAt(node, flags & ~(isNew ? O_TRUNC : 0), OUT_HEADER + ENTRY_BYTES);
    } finally {
      node.lookups--;
    }
    this.#entry(request, parent, name, isNew ? status : yield* vfs.names.status(path));
    return ENTRY_BYTES + 16;
  }

  *#unlink(request: Request): Task<number> {
    const { vfs, nodes } = this.#parts;
    const { parent, name, path } = this.#name(request, 0);
    const wasLast = yield* vfs.names.unlink(path);
    const node = nodes.nameRemoved(parent, name);
    if (wasLast && node !== undefined) nodes.gone(node);
    return 0;
  }

  *#rmdir(request: Request): Task<number> {
    const { vfs, nodes } = this.#parts;
    const { parent, name, path } = this.#name(request, 0);
    const status = yield* vfs.names.status(path);
    yield* vfs.names.rmdir(path);
    const node = nodes.nameRemoved(parent, name);
    if (node !== undefined) {
      node.lastStatus = status;
      nodes.gone(node);
    }
    return 0;
  }

  *#rename(request: Request, at: number, flags: number): Task<number> {
    const { vfs, nodes, controls } = this.#parts;
    if ((flags & ~(NOREPLACE | EXCHANGE)) !== 0) throw new ErrnoError(-EINVAL, 'rename');
    const { parent, name, path } = this.#name(request, at);
    const to = request.u64(0);
    if (controls.owns(to)) throw new ErrnoError(-EPERM, 'rename', CONTROL_NAME);
    const target = nodes.get(to);
    const newName = nameOfBytes(request.text(at + request.text(at).length + 1));
    if (to === ROOT_ID && newName === CONTROL_NAME) throw new ErrnoError(-EPERM, 'rename');
    const newPath = nodes.pathIn(target, newName);
    const how = { noReplace: (flags & NOREPLACE) !== 0, exchange: (flags & EXCHANGE) !== 0 };
    const replacedStatus = nodes.named(target, newName);
    const wasLast = yield* vfs.names.rename(path, newPath, how);
    if (path === newPath) return 0;
    // Two names of one file: nothing happens.
    if (replacedStatus !== undefined && replacedStatus === nodes.named(parent, name)) return 0;
    if (wasLast && replacedStatus !== undefined) {
      nodes.nameRemoved(target, newName);
      nodes.gone(replacedStatus);
    }
    nodes.renamed(parent, name, target, newName, how.exchange);
    return 0;
  }

  *#link(request: Request): Task<number> {
    const { vfs, nodes } = this.#parts;
    const { parent, name, path } = this.#name(request, 8);
    const source = nodes.get(request.u64(0));
    const status = yield* vfs.names.link(nodes.pathOf(source), path);
    this.#entry(request, parent, name, status);
    return ENTRY_BYTES;
  }

  *#statfs(request: Request): Task<number> {
    const { vfs, channel } = this.#parts;
    request.about('');
    channel.reply.filesystem(OUT_HEADER, vfs.names.filesystem());
    return 80;
  }

  #pathOf(request: Request): string {
    const { controls, nodes } = this.#parts;
    if (controls.owns(request.node)) throw new ErrnoError(-ENODATA, 'xattr', CONTROL_NAME);
    const path = nodes.pathOf(nodes.get(request.node));
    request.about(path);
    return path;
  }

  *#setxattr(request: Request): Task<number> {
    const path = this.#pathOf(request);
    const bytes = request.text(8);
    const name = nameOfBytes(bytes);
    const size = request.u32(0);
    const value = request.rest(8 + bytes.length + 1).slice(0, size);
    if (name.startsWith(ACL)) throw new ErrnoError(-EOPNOTSUPP, 'setxattr', path);
    yield* this.#parts.vfs.names.setXattr(path, name, value, request.u32(4));
    return 0;
  }

  *#getxattr(request: Request): Task<number> {
    const path = this.#pathOf(request);
    const name = nameOfBytes(request.text(8));
    if (name.startsWith(ACL)) throw new ErrnoError(-EOPNOTSUPP, 'getxattr', path);
    const value = yield* this.#parts.vfs.names.getXattr(path, name);
    return this.#sized(request.u32(0), value);
  }

  *#listxattr(request: Request): Task<number> {
    const path = this.#pathOf(request);
    const names = yield* this.#parts.vfs.names.listXattr(path);
    const shown = names.filter((name) => !name.startsWith(ACL));
    return this.#sized(request.u32(0), Buffer.from(shown.map((name) => `${name}\0`).join('')));
  }

  // A size of 0 asks how large the value is.
  #sized(room: number, value: Uint8Array): number {
    const { reply } = this.#parts.channel;
    if (room === 0) {
      reply.u32(OUT_HEADER, value.length);
      reply.u32(OUT_HEADER + 4, 0);
      return 8;
    }
    if (value.length > room) throw new ErrnoError(-ERANGE, 'getxattr');
    reply.bytes.set(value, OUT_HEADER);
    return value.length;
  }

  *#removexattr(request: Request): Task<number> {
    const path = this.#pathOf(request);
    const name = nameOfBytes(request.text(0));
    if (name.startsWith(ACL)) throw new ErrnoError(-ENODATA, 'removexattr', path);
    yield* this.#parts.vfs.names.removeXattr(path, name);
    return 0;
  }
}

function changeOf(request: Request, valid: number): FileChange {
  const has = (flag: number): boolean => (valid & flag) !== 0;
  const moment = (at: number, ns: number): Moment => ({ s: request.i64(at), ns: request.u32(ns) });
  const time = (flag: number, now: number, at: number, ns: number): Moment | 'now' | undefined => {
    if (!has(flag)) return undefined;
    return has(now) ? 'now' : moment(at, ns);
  };
  return {
    size: has(FATTR.size) ? request.u64(16) : undefined,
    mode: has(FATTR.mode) ? request.u32(68) : undefined,
    uid: has(FATTR.uid) ? request.u32(76) : undefined,
    gid: has(FATTR.gid) ? request.u32(80) : undefined,
    atime: time(FATTR.atime, FATTR.atimeNow, 32, 56),
    mtime: time(FATTR.mtime, FATTR.mtimeNow, 40, 60),
  };
}
