/**
 * The files that the kernel knows by number: what they are called now, how often they were looked
 * up, who has them open. Used by the session; plays the inode table of libfuse's low level.
 */
import { ENOENT } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import type { NodeStatus } from '../server/types.js';
import { ROOT_ID } from './protocol.js';

const S_IFMT = 0o170000;

/** A name of a file. */
interface Name {
  readonly parent: Node;
  readonly name: string;
}

/** A file that the kernel knows. */
export class Node {
  readonly id: number;
  /** As `NodeStatus.key` and `shownInode`. */
  readonly key: string;
  readonly inode: number;
  /** S_IFMT part of its mode, which never changes. */
  readonly type: number;
  /** Names under which it was looked up and that it has had since; the newest last. */
  readonly names: Name[] = [];
  /** Look-ups that the kernel has not taken back. */
  lookups = 0;
  /** Handles open on it. */
  opens = 0;
  /** Its last name was removed through this mount. */
  unlinked = false;
  /** What was known of it when its last name went. */
  lastStatus: NodeStatus | undefined;

  constructor(id: number, { key, shownInode, mode }: NodeStatus) {
    this.id = id;
    this.key = key;
    this.inode = shownInode;
    this.type = mode & S_IFMT;
  }
}

function nameKey(parent: Node, name: string): string {
  return `${parent.id}/${name}`;
}

/** Every file that the kernel knows. */
export class NodeTable {
  readonly #byId = new Map<number, Node>();
  readonly #byKey = new Map<string, Node>();
  readonly #byName = new Map<string, Node>();
  #next = ROOT_ID;

  constructor(root: NodeStatus) {
    const node = this.#add(root);
    node.lookups = 1;
  }

  get size(): number {
    return this.#byId.size;
  }

  #add(status: NodeStatus): Node {
    const node = new Node(this.#next++, status);
    this.#byId.set(node.id, node);
    this.#byKey.set(node.key, node);
    return node;
  }

  /** The node of a number that the kernel uses. Throws ESTALE. */
  get(id: number): Node {
    const node = this.#byId.get(id);
    if (node === undefined) throw new ErrnoError('ESTALE', 'fuse', String(id));
    return node;
  }

  /** What a node is called now. Throws ENOENT: it has no name any more. */
  pathOf(node: Node): string {
    const parts: string[] = [];
    for (let at = node; at.id !== ROOT_ID; ) {
      const name = at.names.at(-1);
      if (name === undefined || parts.length > 100_000) {
        throw new ErrnoError(-ENOENT, 'fuse', String(node.id));
      }
      parts.push(name.name);
      at = name.parent;
    }
    return parts.reverse().join('/');
  }

  /** What a name in a directory is called in full. */
  pathIn(parent: Node, name: string): string {
    const directory = this.pathOf(parent);
    return directory === '' ? name : `${directory}/${name}`;
  }

  /** Notes that a name was found to be of a file; the kernel is not told yet. */
  found(parent: Node, name: string, status: NodeStatus): Node {
    const key = nameKey(parent, name);
    const before = this.#byName.get(key);
    let node = this.#byKey.get(status.key);
    // A number that was given to another file.
    if (node !== undefined && node.type !== (status.mode & S_IFMT)) node = undefined;
    node ??= this.#add(status);
    if (before !== node) {
      if (before !== undefined) this.nameRemoved(parent, name);
      this.#name(node, parent, name);
    }
    return node;
  }

  #name(node: Node, parent: Node, name: string): void {
    node.names.push({ parent, name });
    this.#byName.set(nameKey(parent, name), node);
  }

  /** The node of a name, if it was looked up. */
  named(parent: Node, name: string): Node | undefined {
    return this.#byName.get(nameKey(parent, name));
  }

  /** A name is no more. */
  nameRemoved(parent: Node, name: string): Node | undefined {
    const node = this.#byName.get(nameKey(parent, name));
    if (node === undefined) return undefined;
    this.#byName.delete(nameKey(parent, name));
    const at = node.names.findIndex((each) => each.parent === parent && each.name === name);
    if (at >= 0) node.names.splice(at, 1);
    return node;
  }

  /** A file has lost its last name: its number may be another file's soon. */
  gone(node: Node): void {
    node.unlinked = true;
    if (this.#byKey.get(node.key) === node) this.#byKey.delete(node.key);
    this.#drop(node);
  }

  /** A name has become another; with `exchange` the other one this. */
  renamed(from: Node, name: string, to: Node, newName: string, exchange: boolean): void {
    const moved = this.nameRemoved(from, name);
    const other = this.nameRemoved(to, newName);
    if (moved !== undefined) this.#name(moved, to, newName);
    if (exchange && other !== undefined) this.#name(other, from, name);
  }

  /** The kernel takes `count` look-ups back. */
  forget(id: number, count: number): void {
    const node = this.#byId.get(id);
    if (node === undefined) return;
    node.lookups -= count;
    this.#drop(node);
  }

  /** A handle was closed. */
  closed(node: Node): void {
    node.opens--;
    this.#drop(node);
  }

  #drop(node: Node): void {
    if (node.lookups > 0 || node.opens > 0 || node.id === ROOT_ID) return;
    this.#byId.delete(node.id);
    if (this.#byKey.get(node.key) === node) this.#byKey.delete(node.key);
    // Names that the kernel still reaches others by stay with the node itself.
    for (const { parent, name } of node.names) {
      if (this.#byName.get(nameKey(parent, name)) === node) {
        this.#byName.delete(nameKey(parent, name));
      }
    }
  }

  /** Every node of a file that is open somewhere. */
  *inUse(): Generator<Node> {
    for (const node of this.#byId.values()) if (node.opens > 0) yield node;
  }
}
