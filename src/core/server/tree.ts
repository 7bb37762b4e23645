/**
 * The files of a directory server and what becomes of changes: made where the files are, or
 * refused. The overlay is `overlay_tree.ts`. Called by `dir.ts`.
 */
import { EROFS } from '../base/errno.js';
import type { Attributes } from '../io/at_calls.js';
import type { Task } from '../sim/wait_queue.js';
import { DiskDirectory } from './disk_directory.js';
import { Layer } from './layer.js';
import type { AttributeChange, NewNode, NodeStatus, OpenDirectory, RenameHow } from './types.js';

/** What a tree answers; every negative number is an errno. Paths are relative to the root. */
export interface Tree {
  /** Real paths of the directories that hold files, the one that is looked at first in front. */
  readonly roots: readonly string[];
  status(path: string): NodeStatus | number;
  /** The status of names in a directory. */
  statuses(directory: string, names: readonly string[]): (NodeStatus | number)[];
  /** The status that attributes of an open file of the tree stand for. */
  told(attributes: Attributes): NodeStatus;
  /** Opens a regular file, for writing what has been prepared for that. */
  open(path: string, flags: number): number;
  openDirectory(path: string): OpenDirectory | number;
  /** A descriptor of each directory on disk that changes of names in `path` go to. */
  openForSync(path: string): number;
  readLink(path: string): Uint8Array | number;
  getXattr(path: string, name: Uint8Array): Uint8Array | number;
  listXattr(path: string): Uint8Array | number;
  /** Must be waited for before any change of a file but `make` and `remove`. */
  prepare(path: string): Task<number>;
  /** As `prepare`, inside the call. */
  prepareNow(path: string): number;
  make(path: string, node: NewNode): number;
  remove(path: string, directory: boolean): number;
  rename(from: string, to: string, how: RenameHow): number;
  link(from: string, to: string): number;
  change(path: string, change: AttributeChange): number;
  setXattr(path: string, name: Uint8Array, value: Uint8Array, how: number): number;
  removeXattr(path: string, name: Uint8Array): number;
  close(): void;
}

/** renameat2(2) flags. */
export function renameFlags({ noReplace, exchange }: RenameHow): number {
  return (noReplace === true ? 1 : 0) | (exchange === true ? 2 : 0);
}

/** The status of a file that is known by its own inode. */
export function ownStatus(attributes: Attributes): NodeStatus {
  const { device, inode } = attributes;
  return { ...attributes, key: `${device}:${inode}`, shownInode: inode };
}

/** The status of names in a directory of a layer, of files known by their own inodes. */
export function statusesIn(
  layer: Layer,
  directory: string,
  names: readonly string[],
): (NodeStatus | number)[] {
  const found = layer.attributesIn(directory, names);
  if (typeof found === 'number') return names.map(() => found);
  return found.map((each) => (typeof each === 'number' ? each : ownStatus(each)));
}

/** Files that are changed where they are. */
export class DirectTree implements Tree {
  readonly roots: readonly string[];
  readonly #layer: Layer;

  constructor(root: string) {
    this.roots = [root];
    this.#layer = new Layer(root);
  }

  status(path: string): NodeStatus | number {
    const attributes = this.#layer.attributes(path);
    return typeof attributes === 'number' ? attributes : ownStatus(attributes);
  }

  statuses(directory: string, names: readonly string[]): (NodeStatus | number)[] {
    return statusesIn(this.#layer, directory, names);
  }

  told(attributes: Attributes): NodeStatus {
    return ownStatus(attributes);
  }

  open(path: string, flags: number): number {
    return this.#layer.open(path, flags);
  }

  openDirectory(path: string): OpenDirectory | number {
    const fd = this.#layer.openDirectory(path);
    return fd < 0 ? fd : new DiskDirectory(fd);
  }

  openForSync(path: string): number {
    return this.#layer.openDirectory(path);
  }

  readLink(path: string): Uint8Array | number {
    return this.#layer.readLink(path);
  }

  getXattr(path: string, name: Uint8Array): Uint8Array | number {
    return this.#layer.getXattr(path, name);
  }

  listXattr(path: string): Uint8Array | number {
    return this.#layer.listXattr(path);
  }

  *prepare(path: string): Task<number> {
    return this.prepareNow(path);
  }

  prepareNow(_path: string): number {
    return 0;
  }

  make(path: string, node: NewNode): number {
    return this.#layer.make(path, node);
  }

  remove(path: string, directory: boolean): number {
    return this.#layer.remove(path, directory);
  }

  rename(from: string, to: string, how: RenameHow): number {
    return this.#layer.rename(from, to, renameFlags(how));
  }

  link(from: string, to: string): number {
    return this.#layer.link(from, to);
  }

  change(path: string, change: AttributeChange): number {
    return this.#layer.change(path, change);
  }

  setXattr(path: string, name: Uint8Array, value: Uint8Array, how: number): number {
    return this.#layer.setXattr(path, name, value, how);
  }

  removeXattr(path: string, name: Uint8Array): number {
    return this.#layer.removeXattr(path, name);
  }

  close(): void {
    this.#layer.close();
  }
}

/** Files that nobody may change. */
export class ReadOnlyTree extends DirectTree {
  override prepareNow(): number {
    return -EROFS;
  }
  override make(): number {
    return -EROFS;
  }
  override remove(): number {
    return -EROFS;
  }
  override rename(): number {
    return -EROFS;
  }
  override link(): number {
    return -EROFS;
  }
  override change(): number {
    return -EROFS;
  }
  override setXattr(): number {
    return -EROFS;
  }
  override removeXattr(): number {
    return -EROFS;
  }
}
