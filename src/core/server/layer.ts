/**
 * One directory tree of a server, and nothing outside it: every call finds the parent of what it
 * names beneath the root without following links, then works on the name in it. Called by the
 * trees, which say what layers there are. Paths are relative, '' being the root; every answer that
 * is a negative number is an errno.
 */
import fs from 'node:fs';
import { ENAMETOOLONG, ENOENT, EPERM, errnoFromNode } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import { bytesOfName, nodePath } from '../base/names.js';
import {
  AT_REMOVEDIR,
  type Attributes,
  attributesAt,
  chmodAt,
  chownAt,
  closeAt,
  getXattrAt,
  linkAt,
  listXattrAt,
  makeDirectoryAt,
  makeNodeAt,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  openBeneathAt,
  procPath,
  readLinkAt,
  removeXattrAt,
  renameAt,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  setTimesAt,
  setXattrAt,
  symlinkAt,
  terminated,
  unlinkAt,
} from '../io/at_calls.js';
import type { AttributeChange, NewNode } from './types.js';

/** Longest name (NAME_MAX), bytes. */
const NAME_MAX = 255;
const SUPERUSER = process.geteuid?.() === 0;

/** The directory of a path, '' for what lies in the root. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** The last part of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The path of a name in a directory. */
export function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

/** The bytes of a name with a NUL behind them. */
export function nameBytes(name: string): Uint8Array {
  return terminated(bytesOfName(name));
}

/** A tree of files on disk. */
export class Layer {
  readonly #root: number;

  /** `root` is a real path. Throws an `ErrnoError`. */
  constructor(root: string) {
    try {
      this.#root = fs.openSync(nodePath(root), O_PATH | O_DIRECTORY);
    } catch (cause) {
      throw new ErrnoError(errnoFromNode(cause), 'open', root, { cause });
    }
  }

  close(): void {
    closeAt(this.#root);
  }

  /** Performs `call` on the parent of what `path` names and its name in it; '.' for the root. */
  at<T>(path: string, call: (directory: number, name: Uint8Array) => T): T | number {
    if (path === '') return call(this.#root, DOT);
    const parent = parentOf(path);
    const name = nameBytes(nameOf(path));
    if (name.length > NAME_MAX + 1) return -ENAMETOOLONG;
    if (parent === '') return call(this.#root, name);
    const fd = openBeneathAt(this.#root, bytesOfName(parent), O_PATH | O_DIRECTORY);
    if (fd < 0) return fd;
    try {
      return call(fd, name);
    } finally {
      closeAt(fd);
    }
  }

  /** Of a link itself. */
  attributes(path: string): Attributes | number {
    return this.at(path, (directory, name) => attributesAt(directory, name));
  }

  /** Of names in a directory, which is looked for once. */
  attributesIn(directory: string, names: readonly string[]): (Attributes | number)[] | number {
    const fd = directory === '' ? this.#root : this.open(directory, O_PATH | O_DIRECTORY);
    if (fd < 0) return fd;
    const found = names.map((name) => attributesAt(fd, nameBytes(name)));
    if (fd !== this.#root) closeAt(fd);
    return found;
  }

  /** A descriptor; -ELOOP: a link. */
  open(path: string, flags: number, mode = 0): number {
    return openBeneathAt(this.#root, bytesOfName(path), flags, mode);
  }

  openDirectory(path: string): number {
    return this.open(path, O_RDONLY | O_DIRECTORY);
  }

  readLink(path: string): Uint8Array | number {
    return this.at(path, readLinkAt);
  }

  /** Makes a file of any kind but a device, complete before anybody else may open it. */
  make(path: string, node: NewNode): number {
    return this.at(path, (directory, name) => makeIn(directory, name, node));
  }

  remove(path: string, directory: boolean): number {
    return this.at(path, (at, name) => unlinkAt(at, name, directory ? AT_REMOVEDIR : 0));
  }

  rename(from: string, to: string, flags = 0): number {
    return this.at(from, (old, oldName) =>
      this.at(to, (next, newName) => renameAt(old, oldName, next, newName, flags)),
    );
  }

  link(from: string, to: string): number {
    return this.at(from, (old, oldName) =>
      this.at(to, (next, newName) => linkAt(old, oldName, next, newName)),
    );
  }

  /** Owner, permissions and times, in this order. */
  change(path: string, change: AttributeChange): number {
    return this.at(path, (directory, name) => changeAt(directory, name, change));
  }

  getXattr(path: string, name: Uint8Array): Uint8Array | number {
    return this.at(path, (at, file) => getXattrAt(procPath(at, file), name));
  }

  setXattr(path: string, name: Uint8Array, value: Uint8Array, how = 0): number {
    return this.at(path, (at, file) => setXattrAt(procPath(at, file), name, value, how));
  }

  removeXattr(path: string, name: Uint8Array): number {
    return this.at(path, (at, file) => removeXattrAt(procPath(at, file), name));
  }

  listXattr(path: string): Uint8Array | number {
    return this.at(path, (at, file) => listXattrAt(procPath(at, file)));
  }

  /** True if there is something of that name. */
  has(path: string): boolean {
    return typeof this.attributes(path) !== 'number';
  }
}

const DOT = Uint8Array.of(0x2e, 0);

/** True for attributes of a directory. */
export function isDirectory({ mode }: Attributes): boolean {
  return (mode & S_IFMT) === S_IFDIR;
}

/** Makes a file of any kind in an open directory, with its owner and permissions. */
function makeIn(directory: number, name: Uint8Array, node: NewNode): number {
  const error = bare(directory, name, node);
  if (error < 0) return error;
  const { uid, gid, mode } = node;
  if (SUPERUSER && (uid !== undefined || gid !== undefined)) {
    chownAt(directory, uid ?? -1, gid ?? -1, name);
  }
  if ((mode & S_IFMT) === S_IFLNK) return 0;
  return chmodAt(directory, name, mode & 0o7777);
}

// With no rights for others until the owner is known.
function bare(directory: number, name: Uint8Array, { mode, target }: NewNode): number {
  const type = mode & S_IFMT;
  if (type === S_IFDIR) return makeDirectoryAt(directory, name, 0o700);
  if (type !== S_IFLNK) return makeNodeAt(directory, name, type | 0o600);
  return target === undefined ? -ENOENT : symlinkAt(terminated(target), directory, name);
}

/** Changes owner, permissions and times of a name in an open directory, in this order. */
function changeAt(directory: number, name: Uint8Array, change: AttributeChange): number {
  const { uid, gid, mode, atime, mtime } = change;
  if (uid !== undefined || gid !== undefined) {
    const error = chownAt(directory, uid ?? -1, gid ?? -1, name);
    if (error < 0 && !(error === -EPERM && change.lenient === true)) return error;
  }
  if (mode !== undefined) {
    const error = chmodAt(directory, name, mode & 0o7777);
    if (error < 0) return error;
  }
  if (atime === undefined && mtime === undefined) return 0;
  return setTimesAt(directory, name, atime, mtime);
}
