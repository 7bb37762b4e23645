/**
 * A directory that lies over the served one and takes every change, so that the served one stays as
 * it is. Called by `dir.ts`; where things are is `overlay_upper.ts`, copying `copy_up.ts`.
 *
 * The layout, which outlives the process: a file stands for the served one of its path; a character
 * device 0:0 (a whiteout) hides it; a directory is merged with the served one unless it is marked
 * `opaque`, or with another if it was renamed (`redirect`). Plays fs/overlayfs.
 *
 * Every change is one rename(2), mknod(2) or link(2) that makes it visible, of something complete
 * and durable; what a kill leaves is in a directory of work that is emptied at the next start.
 * Differs: copying a file that has several names on the server makes a file of its own of the name
 * that was used.
 */
import {
  EACCES,
  EEXIST,
  EINVAL,
  EISDIR,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EXDEV,
} from '../base/errno.js';
import {
  type Attributes,
  RENAME_EXCHANGE,
  RENAME_WHITEOUT,
  S_IFCHR,
  S_IFMT,
} from '../io/at_calls.js';
import type { Task } from '../sim/wait_queue.js';
import { type CopyHow, CopyUp } from './copy_up.js';
import { DiskDirectory, entriesOf, MergedDirectory, mayBeWhiteout } from './disk_directory.js';
import { isDirectory, join, Layer, nameOf, parentOf } from './layer.js';
import { Identities, Upper, type Where } from './overlay_upper.js';
import { ownStatus, renameFlags, statusesIn, type Tree } from './tree.js';
import type { AttributeChange, NewNode, NodeStatus, OpenDirectory, RenameHow } from './types.js';

/** A file that was found: in which layer, and its path there. */
interface Found {
  readonly upper: boolean;
  readonly path: string;
  readonly attributes: Attributes;
}

/** True for what hides a file of the served directory. */
function isWhiteout({ mode, rdev }: Attributes): boolean {
  return (mode & S_IFMT) === S_IFCHR && rdev === 0;
}

/** Files over others. */
export class OverlayTree implements Tree {
  readonly #root: string;
  readonly #lower: Layer;
  readonly #identities: Identities;
  readonly #copyUp: CopyUp;
  #upper: Upper | undefined;
  readonly #makeUpper: () => Upper;

  /** `over`: the overlay, if it is there already; `make` makes one when it is first needed. */
  constructor(root: string, over: string | undefined, make: () => string, how: CopyHow) {
    this.#root = root;
    this.#lower = new Layer(root);
    const lowerRoot = this.#lower.attributes('') as Attributes;
    this.#identities = new Identities(lowerRoot.device);
    const start = (at: string): Upper => new Upper(at, this.#lower, this.#identities);
    this.#makeUpper = () => start(make());
    if (over !== undefined) this.#upper = start(over);
    this.#copyUp = new CopyUp(how, this.#identities);
  }

  get roots(): readonly string[] {
    return this.#upper === undefined ? [this.#root] : [this.#upper.root, this.#root];
  }

  status(path: string): NodeStatus | number {
    const found = this.#find(path);
    if (typeof found === 'number') return found;
    if (!found.upper) return ownStatus(found.attributes);
    const status = this.#identities.status(found.attributes, this.#upperNow(), found.path);
    const merged = isDirectory(status) && (this.#directory(path) as Where).lower !== undefined;
    // How many directories are in it nobody has counted.
    return merged ? { ...status, links: 1 } : status;
  }

  statuses(directory: string, names: readonly string[]): (NodeStatus | number)[] {
    const where = this.#directory(directory);
    if (typeof where === 'number') return names.map(() => where);
    if (where.upper || where.lower === undefined) {
      return names.map((name) => this.status(join(directory, name)));
    }
    return statusesIn(this.#lower, where.lower, names);
  }

  told(attributes: Attributes): NodeStatus {
    return this.#identities.known(attributes);
  }

  open(path: string, flags: number): number {
    const found = this.#find(path);
    return typeof found === 'number' ? found : this.#layerOf(found).open(found.path, flags);
  }

  openDirectory(path: string): OpenDirectory | number {
    const where = this.#directory(path);
    if (typeof where === 'number') return where;
    const above = where.upper ? this.#openUpper(path) : undefined;
    const below = where.lower === undefined ? undefined : this.#openLower(where.lower);
    if (above === undefined) return below ?? -ENOENT;
    if (typeof above === 'number') {
      if (typeof below === 'object') below.close();
      return above;
    }
    if (typeof below !== 'object') return above;
    return new MergedDirectory(above, below, (name) => this.#hides(join(path, name)));
  }

  #openLower(path: string): OpenDirectory | number {
    const fd = this.#lower.openDirectory(path);
    return fd < 0 ? fd : new DiskDirectory(fd);
  }

  #openUpper(path: string): OpenDirectory | number {
    const upper = this.#upperNow();
    const fd = upper.layer.openDirectory(path);
    if (fd < 0) return fd;
    const where = this.#directory(path) as Where;
    const merged = where.lower !== undefined;
    return new DiskDirectory(fd, (name, type) => {
      if (path === '' && upper.isPrivate(name)) return true;
      return !merged && mayBeWhiteout(type) && this.#hides(join(path, name));
    });
  }

  openForSync(path: string): number {
    const where = this.#directory(path);
    if (typeof where === 'number') return where;
    if (where.upper) return this.#upperNow().layer.openDirectory(path);
    return this.#lower.openDirectory(where.lower as string);
  }

  readLink(path: string): Uint8Array | number {
    const found = this.#find(path);
    return typeof found === 'number' ? found : this.#layerOf(found).readLink(found.path);
  }

  getXattr(path: string, name: Uint8Array): Uint8Array | number {
    const found = this.#find(path);
    return typeof found === 'number' ? found : this.#layerOf(found).getXattr(found.path, name);
  }

  listXattr(path: string): Uint8Array | number {
    const found = this.#find(path);
    return typeof found === 'number' ? found : this.#layerOf(found).listXattr(found.path);
  }

  *prepare(path: string): Task<number> {
    const found = this.#find(path);
    if (typeof found === 'number') return found;
    if (found.upper) return 0;
    const error = this.#prepareNames(path, found);
    if (error < 0 || isDirectory(found.attributes)) return error;
    return yield* this.#copyUp.file(this.#lower, found.path, found.attributes, this.#upperNow(), {
      path,
      isWanted: () => this.#isBelow(path, found.attributes),
    });
  }

  prepareNow(path: string): number {
    const found = this.#find(path);
    if (typeof found === 'number') return found;
    if (found.upper) return 0;
    const error = this.#prepareNames(path, found);
    if (error < 0 || isDirectory(found.attributes)) return error;
    return this.#copyUp.fileNow(this.#lower, found.path, found.attributes, this.#upperNow(), path);
  }

  // Whatever is a directory is made in the overlay, with those above it.
  #prepareNames(path: string, { attributes }: Found): number {
    return this.#ensure(isDirectory(attributes) ? path : parentOf(path));
  }

  #isBelow(path: string, { device, inode }: Attributes): boolean {
    const found = this.#find(path);
    if (typeof found === 'number' || found.upper) return false;
    return found.attributes.device === device && found.attributes.inode === inode;
  }

  make(path: string, node: NewNode): number {
    if (typeof this.#find(path) !== 'number') return -EEXIST;
    const upper = this.#enter(parentOf(path));
    if (typeof upper === 'number') return upper;
    if (upper.isPrivate(path)) return -EACCES;
    const there = upper.layer.attributes(path);
    if (typeof there === 'number' && there !== -ENOENT) return there;
    return upper.place(path, typeof there !== 'number', node);
  }

  remove(path: string, directory: boolean): number {
    const found = this.#find(path);
    if (typeof found === 'number') return found;
    if (directory !== isDirectory(found.attributes)) return directory ? -ENOTDIR : -EISDIR;
    if (directory && !this.#isEmpty(path)) return -ENOTEMPTY;
    const parent = this.#directory(parentOf(path)) as Where;
    const hidden = this.#lowerHas(parent, path);
    const upper = this.#enter(parentOf(path));
    if (typeof upper === 'number') return upper;
    if (!found.upper) return upper.whiteOut(path);
    const error = upper.takeAway(path, hidden);
    if (error === 0 && directory) upper.forget(path);
    return error;
  }

  rename(from: string, to: string, how: RenameHow): number {
    const source = this.#find(from);
    if (typeof source === 'number') return source;
    const target = this.#find(to);
    const refused = this.#refuseRename(from, to, source, target, how);
    if (refused !== undefined) return refused;
    const error = this.#ensureForRename(from, to, source, target);
    if (error < 0) return error;
    const upper = this.#upperNow();
    const exchange = how.exchange === true;
    for (const [path, found] of [
      [from, source],
      [to, target],
    ] as const) {
      if (typeof found === 'number' || !isDirectory(found.attributes)) continue;
      const prepared = path === from || exchange ? upper.redirect(path) : upper.empty(path);
      if (prepared < 0) return prepared;
    }
    const result = this.#renameUpper(upper, from, to, how);
    if (result === 0) upper.moved(from, to, exchange);
    return result;
  }

  #renameUpper(upper: Upper, from: string, to: string, how: RenameHow): number {
    const { layer } = upper;
    if (how.exchange === true) return layer.rename(from, to, RENAME_EXCHANGE);
    const hidden = this.#lowerHas(this.#directory(parentOf(from)) as Where, from);
    const there = layer.attributes(to);
    if (typeof there !== 'number' && isWhiteout(there)) {
      // One directory cannot be renamed over a whiteout; the two change places.
      const error = layer.rename(from, to, RENAME_EXCHANGE);
      return error < 0 || hidden ? error : layer.remove(from, false);
    }
    return layer.rename(from, to, hidden ? RENAME_WHITEOUT : renameFlags(how));
  }

  #refuseRename(
    from: string,
    to: string,
    source: Found,
    target: Found | number,
    { noReplace, exchange }: RenameHow,
  ): number | undefined {
    if (from === '' || to === '') return -EINVAL;
    const parent = this.#find(parentOf(to));
    if (typeof parent === 'number') return parent;
    if (!isDirectory(parent.attributes)) return -ENOTDIR;
    if (to.startsWith(`${from}/`)) return -EINVAL;
    if (typeof target === 'number') {
      if (target !== -ENOENT || exchange === true) return target;
      return this.#upper?.isPrivate(to) === true ? -EACCES : undefined;
    }
    if (from.startsWith(`${to}/`) && exchange !== true) return -ENOTEMPTY;
    if (noReplace === true) return -EEXIST;
    if (exchange === true) return from.startsWith(`${to}/`) ? -EINVAL : undefined;
    const { device, inode } = source.attributes;
    const same = target.attributes.inode === inode && target.attributes.device === device;
    if (from === to || (same && source.upper === target.upper)) return 0;
    const directory = isDirectory(source.attributes);
    if (directory !== isDirectory(target.attributes)) return directory ? -ENOTDIR : -EISDIR;
    return directory && !this.#isEmpty(to) ? -ENOTEMPTY : undefined;
  }

  #ensureForRename(from: string, to: string, source: Found, target: Found | number): number {
    const directories = [parentOf(from), parentOf(to)];
    if (isDirectory(source.attributes)) directories.push(from);
    if (typeof target !== 'number' && isDirectory(target.attributes)) directories.push(to);
    for (const path of directories) {
      const error = this.#ensure(path);
      if (error < 0) return error;
    }
    const now = this.#find(from);
    // Files were to be prepared.
    return typeof now === 'number' || now.upper ? 0 : -EXDEV;
  }

  link(from: string, to: string): number {
    const found = this.#find(from);
    if (typeof found === 'number') return found;
    if (!found.upper) return -EXDEV;
    if (typeof this.#find(to) !== 'number') return -EEXIST;
    const upper = this.#enter(parentOf(to));
    if (typeof upper === 'number') return upper;
    return upper.isPrivate(to) ? -EACCES : upper.link(from, to);
  }

  change(path: string, change: AttributeChange): number {
    return this.#above(path, (upper) => upper.layer.change(path, change));
  }

  setXattr(path: string, name: Uint8Array, value: Uint8Array, how: number): number {
    return this.#above(path, (upper) => upper.layer.setXattr(path, name, value, how));
  }

  removeXattr(path: string, name: Uint8Array): number {
    return this.#above(path, (upper) => upper.layer.removeXattr(path, name));
  }

  close(): void {
    this.#upper?.close();
    this.#lower.close();
  }

  // Performs a change of attributes of what has been prepared for it.
  #above(path: string, perform: (upper: Upper) => number): number {
    if (path === '') {
      const upper = this.#enter('');
      if (typeof upper === 'number') return upper;
      const error = upper.takeRoot();
      return error < 0 ? error : perform(upper);
    }
    const found = this.#find(path);
    if (typeof found === 'number') return found;
    return found.upper ? perform(this.#upperNow()) : -EXDEV;
  }

  #upperNow(): Upper {
    this.#upper ??= this.#makeUpper();
    return this.#upper;
  }

  #layerOf({ upper }: Found): Layer {
    return upper ? this.#upperNow().layer : this.#lower;
  }

  #directory(path: string): Where | number {
    if (this.#upper === undefined) return { upper: false, lower: path };
    return this.#upper.directory(path);
  }

  #enter(directory: string): Upper | number {
    const error = this.#ensure(directory);
    return error < 0 ? error : this.#upperNow();
  }

  // Makes a directory, and those above it, in the overlay.
  #ensure(path: string): number {
    const upper = this.#upperNow();
    const where = upper.directory(path);
    if (typeof where === 'number') return where;
    if (where.upper) return 0;
    const error = this.#ensure(parentOf(path));
    return error < 0 ? error : upper.copyDirectory(path, where.lower as string);
  }

  #find(path: string): Found | number {
    const upper = this.#upper;
    if (path === '') {
      if (upper?.hasRoot === true) return found(true, '', upper.layer.attributes(''));
      return found(false, '', this.#lower.attributes(''));
    }
    if (upper?.isPrivate(path) === true) return -ENOENT;
    const parent = this.#directory(parentOf(path));
    if (typeof parent === 'number') return parent;
    if (parent.upper) {
      const attributes = (upper as Upper).layer.attributes(path);
      if (typeof attributes === 'number') {
        if (attributes !== -ENOENT) return attributes;
      } else return isWhiteout(attributes) ? -ENOENT : found(true, path, attributes);
    }
    if (parent.lower === undefined) return -ENOENT;
    const below = join(parent.lower, nameOf(path));
    return found(false, below, this.#lower.attributes(below));
  }

  #lowerHas({ lower }: Where, path: string): boolean {
    return lower !== undefined && this.#lower.has(join(lower, nameOf(path)));
  }

  #hides(path: string): boolean {
    const attributes = this.#upper?.layer.attributes(path);
    return typeof attributes === 'object' && isWhiteout(attributes);
  }

  #isEmpty(path: string): boolean {
    const directory = this.openDirectory(path);
    if (typeof directory === 'number') return true;
    for (const _ of entriesOf(directory)) return false;
    return true;
  }
}

function found(upper: boolean, path: string, attributes: Attributes | number): Found | number {
  return typeof attributes === 'number' ? attributes : { upper, path, attributes };
}
