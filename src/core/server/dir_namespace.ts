/**
 * The names of a directory server, in its own time: each call is one operation of the server. What
 * takes long (copies, fsync) is done by other threads. Made by `dir.ts`.
 */
import fs from 'node:fs';
import { ENODATA, EPERM, errnoFromNode } from '../base/errno.js';
import { nameOfBytes } from '../base/names.js';
import { closeAt, S_IFDIR, S_IFMT, S_IFREG } from '../io/at_calls.js';
import { syncFd } from '../io/changes.js';
import type { Scheduler } from '../sim/scheduler.js';
import { type Task, WaitQueue } from '../sim/wait_queue.js';
import { nameBytes, parentOf } from './layer.js';
import { isOverlayXattr } from './overlay_upper.js';
import type { ServiceQueue } from './service_queue.js';
import type { Tree } from './tree.js';
import type {
  AttributeChange,
  FilesystemStatus,
  Namespace,
  NewNode,
  NodeStatus,
  OpenDirectory,
  RenameHow,
} from './types.js';

/** What a namespace is built from. */
export interface NamespaceParts {
  readonly tree: Tree;
  readonly queue: ServiceQueue;
  /** Absent: everything is answered inside the call. */
  readonly scheduler?: Scheduler;
  /** A copy has taken the place of a file. */
  copied(before: NodeStatus, after: NodeStatus, path: string): void;
  renamed(from: string, to: string, exchanged: boolean): void;
  /** The client is about to change what may be seen in the version of a file, and has. */
  changing(key: string, status: NodeStatus): void;
  changed(key: string, status: NodeStatus | undefined): void;
  version(status: NodeStatus): string;
}

/** Set-group-ID of a directory: what is made in it belongs to its group. */
const S_ISGID = 0o2000;

/** The names of one server. */
export class DirNamespace implements Namespace {
  readonly #parts: NamespaceParts;
  readonly #tree: Tree;

  constructor(parts: NamespaceParts) {
    this.#parts = parts;
    this.#tree = parts.tree;
  }

  status(path: string): Task<NodeStatus | number> {
    return this.#turn(() => this.#tree.status(path));
  }

  statuses(directory: string, names: readonly string[]): Task<readonly (NodeStatus | number)[]> {
    return this.#turn(() => this.#tree.statuses(directory, names));
  }

  *change(path: string, change: AttributeChange): Task<number> {
    const error = yield* this.prepareWriting(path);
    if (error < 0) return error;
    return yield* this.#turn(() => {
      const before = this.#tree.status(path);
      if (typeof before === 'number') return before;
      this.#parts.changing(before.key, before);
      const result = this.#tree.change(path, change);
      const after = this.#tree.status(path);
      this.#parts.changed(before.key, typeof after === 'number' ? undefined : after);
      return result;
    });
  }

  make(path: string, node: NewNode): Task<NodeStatus | number> {
    return this.#turn(() => {
      const parent = this.#tree.status(parentOf(path));
      if (typeof parent === 'number') return parent;
      const error = this.#tree.make(path, inGroup(node, parent));
      return error < 0 ? error : this.#tree.status(path);
    });
  }

  remove(path: string, directory: boolean): Task<number> {
    return this.#turn(() => this.#tree.remove(path, directory));
  }

  *rename(from: string, to: string, how: RenameHow): Task<number> {
    for (const path of how.exchange === true ? [from, to] : [from]) {
      const status = yield* this.status(path);
      if (typeof status === 'number') return status;
      if ((status.mode & S_IFMT) === S_IFDIR) continue;
      const error = yield* this.prepareWriting(path);
      if (error < 0) return error;
    }
    return yield* this.#turn(() => {
      const error = this.#tree.rename(from, to, how);
      if (error === 0) this.#parts.renamed(from, to, how.exchange === true);
      return error;
    });
  }

  *link(from: string, to: string): Task<number> {
    const error = yield* this.prepareWriting(from);
    return error < 0 ? error : yield* this.#turn(() => this.#tree.link(from, to));
  }

  readLink(path: string): Task<Uint8Array | number> {
    return this.#turn(() => this.#tree.readLink(path));
  }

  openDirectory(path: string): Task<OpenDirectory | number> {
    return this.#turn(() => this.#tree.openDirectory(path));
  }

  *syncDirectory(path: string): Task<number> {
    const fd = yield* this.#turn(() => this.#tree.openForSync(path));
    if (fd < 0) return fd;
    const error = yield* this.#later((done) =>
      syncFd(fd, this.#parts.scheduler === undefined, done),
    );
    closeAt(fd);
    return error;
  }

  getXattr(path: string, name: string): Task<Uint8Array | number> {
    return this.#turn(() =>
      isOverlayXattr(name) ? -ENODATA : this.#tree.getXattr(path, nameBytes(name)),
    );
  }

  *setXattr(path: string, name: string, value: Uint8Array, how: number): Task<number> {
    if (isOverlayXattr(name)) return -EPERM;
    const error = yield* this.prepareWriting(path);
    if (error < 0) return error;
    return yield* this.#turn(() => this.#tree.setXattr(path, nameBytes(name), value, how));
  }

  *removeXattr(path: string, name: string): Task<number> {
    if (isOverlayXattr(name)) return -ENODATA;
    const error = yield* this.prepareWriting(path);
    if (error < 0) return error;
    return yield* this.#turn(() => this.#tree.removeXattr(path, nameBytes(name)));
  }

  listXattr(path: string): Task<string[] | number> {
    return this.#turn(() => {
      const list = this.#tree.listXattr(path);
      if (typeof list === 'number') return list;
      const names = nameOfBytes(list)
        .split('\0')
        .filter((name) => name !== '');
      return names.filter((name) => !isOverlayXattr(name));
    });
  }

  *prepareWriting(path: string): Task<number> {
    const before = this.#tree.status(path);
    if (typeof before === 'number') return before;
    const error = yield* this.#tree.prepare(path);
    if (error < 0 || (before.mode & S_IFMT) !== S_IFREG) return error;
    const after = this.#tree.status(path);
    if (typeof after !== 'number') this.#parts.copied(before, after, path);
    return 0;
  }

  filesystem(): FilesystemStatus | number {
    try {
      const found = fs.statfsSync(this.#tree.roots[0] as string);
      return {
        blockSize: found.bsize,
        blocks: found.blocks,
        blocksFree: found.bfree,
        blocksAvailable: found.bavail,
        files: found.files,
        filesFree: found.ffree,
        nameMax: 255,
      };
    } catch (error) {
      return errnoFromNode(error);
    }
  }

  version(status: NodeStatus): string {
    return this.#parts.version(status);
  }

  // One operation of the server; inside the call when nothing delays it.
  *#turn<T>(perform: () => T): Task<T> {
    let answer: { readonly value: T } | undefined;
    let asleep: WaitQueue | undefined;
    this.#parts.queue.submit(0, (ended) => {
      try {
        answer = { value: perform() };
      } finally {
        ended();
      }
      asleep?.wakeAll();
    });
    while (answer === undefined) {
      asleep ??= new WaitQueue('the server');
      yield asleep;
    }
    return answer.value;
  }

  *#later(begin: (done: (result: number) => void) => void): Task<number> {
    const answered = new WaitQueue('the server');
    let result: number | undefined;
    const done = (answer: number): void => {
      result = answer;
      answered.wakeAll();
    };
    begin(this.#parts.scheduler?.expect(done) ?? done);
    while (result === undefined) yield answered;
    return result;
  }
}

function inGroup(node: NewNode, parent: NodeStatus): NewNode {
  if ((parent.mode & S_ISGID) === 0) return node;
  const below = (node.mode & S_IFMT) === S_IFDIR ? S_ISGID : 0;
  return { ...node, gid: parent.gid, mode: node.mode | below };
}
