/**
 * The overlay's own directory: which of the served directories its directories lie over, and each
 * step by which something appears in it, is hidden or goes. Called by `overlay_tree.ts`.
 */
import { EBUSY, EEXIST, ENOENT, ENOTDIR, EOPNOTSUPP } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import { bytesOfName, nameOfBytes } from '../base/names.js';
import {
  type Attributes,
  closeAt,
  O_DIRECTORY,
  O_RDONLY,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
  S_IFCHR,
  S_IFDIR,
} from '../io/at_calls.js';
import { lockFile } from '../io/syscalls.js';
import { DiskDirectory, entriesOf, isDirectoryEntry } from './disk_directory.js';
import { isDirectory, join, Layer, nameBytes, nameOf, parentOf } from './layer.js';
import { ownStatus } from './tree.js';
import type { NewNode, NodeStatus } from './types.js';

/** Everything of the overlay that is no file of it. */
const PRIVATE = '.netfslab-overlay';
const WORK = `${PRIVATE}/work`;
/** Identities, and directories, that are remembered. */
const REMEMBERED = 100_000;

/** Where a directory is: in the overlay, and what of the served ones lies under it. */
export interface Where {
  readonly upper: boolean;
  /** Path in the served directory; undefined: nothing shows through. */
  readonly lower: string | undefined;
}

/** A directory of the overlay, with those beneath it that have been looked into. */
interface Known {
  lower: string | undefined;
  readonly children: Map<string, Known>;
}

/** Extended attributes of the overlay's own, in the first namespace that the disk has. */
const NAMESPACES = ['user.', 'trusted.'];
const OWN = 'netfslab.';

/** True for an extended attribute that says something about the overlay. */
export function isOverlayXattr(name: string): boolean {
  return NAMESPACES.some((namespace) => name.startsWith(namespace + OWN));
}

/** Which file a copy is a copy of, so that it keeps its identity. */
export class Identities {
  readonly #device: number;
  readonly #known = new Map<string, { readonly key: string; readonly inode: number }>();

  /** `device` is that of the served directory. */
  constructor(device: number) {
    this.#device = device;
  }

  /** Notes that a file of the overlay is a copy of another. */
  copied(copy: Attributes, original: { readonly key: string; readonly inode: number }): void {
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.set(keyOf(copy), original);
  }

  /** What to write beside a copy, to be read by `status`. */
  text({ device, inode }: Attributes): Uint8Array {
    return Buffer.from(`${device === this.#device ? 0 : device}:${inode}`);
  }

  /** The status of a file of the overlay. */
  status(attributes: Attributes, upper: Upper, path: string): NodeStatus {
    if (!this.#known.has(keyOf(attributes))) {
      const original = this.#read(upper.getMark(path, 'origin'));
      this.copied(attributes, original ?? this.#own(attributes));
    }
    return this.known(attributes);
  }

  /** As `status`, of a file that has been asked about before. */
  known(attributes: Attributes): NodeStatus {
    const { key, inode } = this.#known.get(keyOf(attributes)) ?? this.#own(attributes);
    return { ...attributes, key, shownInode: inode };
  }

  // Numbers of two filesystems must not meet.
  #own({ device, inode }: Attributes): { key: string; inode: number } {
    const shown = device === this.#device ? inode : (inode % 2 ** 48) + 2 ** 50;
    return { key: `${device}:${inode}`, inode: shown };
  }

  #read(text: string | undefined): { key: string; inode: number } | undefined {
    const [device, inode] = (text ?? '').split(':').map(Number);
    if (text === undefined || device === undefined || !Number.isSafeInteger(inode))
      return undefined;
    return { key: `${device === 0 ? this.#device : device}:${inode}`, inode: inode as number };
  }
}

// A number may be given to another file once its file has gone.
function keyOf({ device, inode, born }: Attributes): string {
  return `${device}:${inode}:${born}`;
}

/** The overlay's directory. */
export class Upper {
  readonly root: string;
  readonly layer: Layer;
  readonly #lower: Layer;
  readonly #identities: Identities;
  #known: Known = { lower: '', children: new Map() };
  #directories = 0;
  #namespace = '';
  #lock = -1;
  #made = 0;
  /** The root's attributes are the overlay's. */
  hasRoot: boolean;

  /** Throws an `ErrnoError`: EBUSY when another process has the overlay. */
  constructor(root: string, lower: Layer, identities: Identities) {
    this.root = root;
    this.layer = new Layer(root);
    this.#lower = lower;
    this.#identities = identities;
    for (const name of [PRIVATE, WORK]) {
      const error = this.layer.make(name, { mode: S_IFDIR | 0o700 });
      if (error < 0 && error !== -EEXIST) throw new ErrnoError(error, 'mkdir', `${root}/${name}`);
    }
    this.#lock = this.layer.open(PRIVATE, O_RDONLY | O_DIRECTORY);
    if (lockFile(this.#lock) === -11) {
      closeAt(this.#lock);
      this.layer.close();
      throw new ErrnoError(EBUSY, 'flock', root, {
        hint: 'another process writes to this overlay: end it, or name another with --server-overlay',
      });
    }
    this.#clearWork();
    this.#chooseNamespace();
    this.hasRoot = this.getMark('', 'root') !== undefined;
  }

  close(): void {
    closeAt(this.#lock);
    this.layer.close();
  }

  /** True for the path of what is the overlay's own. */
  isPrivate(path: string): boolean {
    return path === PRIVATE || path.startsWith(`${PRIVATE}/`);
  }

  // What was under way when the process before was killed.
  #clearWork(): void {
    const purge = (path: string): void => {
      const fd = this.layer.openDirectory(path);
      if (fd < 0) return;
      for (const entry of entriesOf(new DiskDirectory(fd))) {
        const inner = join(path, entry.name);
        if (isDirectoryEntry(entry)) purge(inner);
        this.layer.remove(inner, isDirectoryEntry(entry));
      }
    };
    purge(WORK);
  }

  #chooseNamespace(): void {
    for (const namespace of NAMESPACES) {
      const name = nameBytes(`${namespace}${OWN}overlay`);
      if (this.layer.setXattr(PRIVATE, name, Buffer.from('1')) < 0) continue;
      this.#namespace = namespace;
      return;
    }
  }

  /** A mark of a file or directory, if it has it. */
  getMark(path: string, mark: string): string | undefined {
    if (this.#namespace === '') return undefined;
    const value = this.layer.getXattr(path, nameBytes(this.#namespace + OWN + mark));
    return typeof value === 'number' ? undefined : nameOfBytes(value);
  }

  /** Sets a mark: 0, or -EOPNOTSUPP where the overlay's disk has no extended attributes. */
  setMark(path: string, mark: string, value: Uint8Array): number {
    if (this.#namespace === '') return -EOPNOTSUPP;
    return this.layer.setXattr(path, nameBytes(this.#namespace + OWN + mark), value);
  }

  /** A path for something new. */
  workPath(): string {
    return `${WORK}/${++this.#made}`;
  }

  /** Where a directory is. What lies below is not looked at. */
  directory(path: string): Where | number {
    const parts = path === '' ? [] : path.split('/');
    let at = this.#known;
    for (const [i, part] of parts.entries()) {
      const child = at.children.get(part) ?? this.#look(at, parts.slice(0, i + 1).join('/'));
      if (typeof child === 'number') return child;
      if (child === undefined) {
        if (at.lower === undefined) return -ENOENT;
        return { upper: false, lower: join(at.lower, parts.slice(i).join('/')) };
      }
      at = child;
    }
    return { upper: true, lower: at.lower };
  }

  #look(parent: Known, path: string): Known | undefined | number {
    const attributes = this.layer.attributes(path);
    if (typeof attributes === 'number') return attributes === -ENOENT ? undefined : attributes;
    if (!isDirectory(attributes))
      return attributes.rdev === 0 ? this.#notThere(attributes) : -ENOTDIR;
    const redirect = this.getMark(path, 'redirect');
    const opaque = redirect === undefined && this.getMark(path, 'opaque') !== undefined;
    const same = parent.lower === undefined ? undefined : join(parent.lower, nameOf(path));
    const lower = opaque ? undefined : (redirect ?? same);
    const below = lower === undefined ? undefined : this.#lower.attributes(lower);
    const merged = typeof below === 'object' && isDirectory(below);
    return this.#remember(parent, nameOf(path), merged ? lower : undefined);
  }

  #notThere({ mode }: Attributes): number {
    return (mode & 0o170000) === S_IFCHR ? -ENOENT : -ENOTDIR;
  }

  #remember(parent: Known, name: string, lower: string | undefined): Known {
    if (++this.#directories > REMEMBERED) {
      this.#known = { lower: '', children: new Map() };
      this.#directories = 0;
    }
    const known: Known = { lower, children: new Map() };
    parent.children.set(name, known);
    return known;
  }

  #knownAt(path: string): Known | undefined {
    let at: Known | undefined = this.#known;
    for (const part of path === '' ? [] : path.split('/')) at = at?.children.get(part);
    return at;
  }

  /** Forgets a directory that is gone. */
  forget(path: string): void {
    this.#knownAt(parentOf(path))?.children.delete(nameOf(path));
  }

  /** What is known of directories follows a rename. */
  moved(from: string, to: string, exchanged: boolean): void {
    const source = this.#knownAt(from);
    const target = this.#knownAt(to);
    this.forget(from);
    this.forget(to);
    const put = (path: string, known: Known | undefined): void => {
      if (known !== undefined) this.#knownAt(parentOf(path))?.children.set(nameOf(path), known);
    };
    put(to, source);
    if (exchanged) put(from, target);
  }

  /** Takes a served directory over, whose content goes on showing through. */
  copyDirectory(path: string, from: string): number {
    const attributes = this.#lower.attributes(from);
    if (typeof attributes === 'number') return attributes;
    if (!isDirectory(attributes)) return -ENOTDIR;
    const work = this.workPath();
    let error = this.layer.make(work, { mode: S_IFDIR | (attributes.mode & 0o7777) });
    if (error < 0) return error;
    error = this.copyAttributes(this.#lower, from, attributes, work);
    if (error === 0) error = this.layer.rename(work, path, RENAME_NOREPLACE);
    if (error < 0) {
      this.layer.remove(work, true);
      return error;
    }
    const copy = this.layer.attributes(path);
    const { key, shownInode: inode } = ownStatus(attributes);
    if (typeof copy !== 'number') this.#identities.copied(copy, { key, inode });
    this.forget(path);
    return 0;
  }

  /** Copies everything but the content from a served file to a new one. */
  copyAttributes(lower: Layer, from: string, attributes: Attributes, to: string): number {
    const names = lower.listXattr(from);
    for (const name of typeof names === 'number' ? [] : split(names)) {
      const value = lower.getXattr(from, name);
      // The disk of the overlay may not have what the server's has.
      if (typeof value !== 'number') this.layer.setXattr(to, name, value);
    }
    const identity = isDirectory(attributes) || attributes.links === 1;
    if (identity) this.setMark(to, 'origin', this.#identities.text(attributes));
    const { uid, gid, mode, atime, mtime } = attributes;
    const isLink = (mode & 0o170000) === 0o120000;
    const change = { uid, gid, atime, mtime, lenient: true };
    return this.layer.change(to, isLink ? change : { ...change, mode });
  }

  /** Gives the overlay's root the attributes of the served one, to be changed. */
  takeRoot(): number {
    if (this.hasRoot) return 0;
    const attributes = this.#lower.attributes('');
    if (typeof attributes === 'number') return attributes;
    let error = this.copyAttributes(this.#lower, '', attributes, '');
    if (error === 0) error = this.setMark('', 'root', Buffer.from('1'));
    if (error < 0) return error;
    const copy = this.layer.attributes('');
    const { key, shownInode: inode } = ownStatus(attributes);
    if (typeof copy !== 'number') this.#identities.copied(copy, { key, inode });
    this.hasRoot = true;
    return 0;
  }

  /** Makes a new file or directory appear, over a whiteout if there is one. */
  place(path: string, overWhiteout: boolean, node: NewNode): number {
    const work = this.workPath();
    let error = this.layer.make(work, node);
    if (error < 0) return error;
    const directory = (node.mode & 0o170000) === S_IFDIR;
    // Nothing that the server gets later under this name may show through.
    if (directory) error = this.setMark(work, 'opaque', Buffer.from('1'));
    if (error === -EOPNOTSUPP && !overWhiteout) error = 0;
    if (error === 0) error = this.#appear(work, path, overWhiteout, directory);
    if (error < 0) this.layer.remove(work, directory);
    return error;
  }

  // A directory cannot replace a whiteout: the two change places.
  #appear(work: string, path: string, overWhiteout: boolean, directory: boolean): number {
    if (!overWhiteout) return this.layer.rename(work, path, RENAME_NOREPLACE);
    if (!directory) return this.layer.rename(work, path);
    const error = this.layer.rename(work, path, RENAME_EXCHANGE);
    return error < 0 ? error : this.layer.remove(work, false);
  }

  /** Another name for a file of the overlay. */
  link(from: string, to: string): number {
    const error = this.layer.link(from, to);
    if (error !== -EEXIST) return error;
    const work = this.workPath();
    const linked = this.layer.link(from, work);
    return linked < 0 ? linked : this.layer.rename(work, to);
  }

  /** Hides a served file or directory. */
  whiteOut(path: string): number {
    return this.layer.make(path, { mode: S_IFCHR });
  }

  /** Removes a file, or a directory with nothing in it but whiteouts; `hide`: leaves a whiteout. */
  takeAway(path: string, hide: boolean): number {
    const attributes = this.layer.attributes(path);
    if (typeof attributes === 'number') return attributes;
    const directory = isDirectory(attributes);
    if (!hide && !directory) return this.layer.remove(path, false);
    const work = this.workPath();
    const error = this.layer.rename(path, work, hide ? RENAME_WHITEOUT : 0);
    if (error < 0) return error;
    if (directory) this.#removeWhiteouts(work);
    this.layer.remove(work, directory);
    return 0;
  }

  #removeWhiteouts(path: string): void {
    const fd = this.layer.openDirectory(path);
    if (fd < 0) return;
    for (const { name } of entriesOf(new DiskDirectory(fd))) {
      this.layer.remove(join(path, name), false);
    }
  }

  /** Makes a directory that shows nothing truly empty, to be replaced. */
  empty(path: string): number {
    const error = this.setMark(path, 'opaque', Buffer.from('1'));
    if (error < 0) return error;
    const known = this.#knownAt(path);
    if (known !== undefined) known.lower = undefined;
    this.#removeWhiteouts(path);
    return 0;
  }

  /** Has a directory show the same wherever it is renamed to. */
  redirect(path: string): number {
    const where = this.directory(path);
    if (typeof where === 'number') return where;
    if (where.lower === undefined) return this.setMark(path, 'opaque', Buffer.from('1'));
    return this.setMark(path, 'redirect', bytesOfName(where.lower));
  }
}

/** Names of a list, each with its NUL. */
function* split(names: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < names.length; ) {
    const end = names.indexOf(0, at) + 1;
    yield names.slice(at, end);
    at = end;
  }
}
