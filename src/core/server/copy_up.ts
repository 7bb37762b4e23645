/**
 * Copies a served file into the overlay before it is changed: under a name of its own, with its
 * attributes, durable, and only then under the file's name. Called by `overlay_tree.ts`.
 */
import fs from 'node:fs';
import { promisify } from 'node:util';
import { ENXIO, errnoFromNode } from '../base/errno.js';
import {
  type Attributes,
  closeAt,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  RENAME_NOREPLACE,
  S_IFMT,
  S_IFREG,
} from '../io/at_calls.js';
import { seekData, seekHole } from '../io/syscalls.js';
import { type Task, WaitQueue } from '../sim/wait_queue.js';
import type { Layer } from './layer.js';
import type { Identities, Upper } from './overlay_upper.js';
import { ownStatus } from './tree.js';
import type { NewNode } from './types.js';

/** Who waits while other threads copy: undefined where everything is answered inside the call. */
export type CopyHow =
  | undefined
  | {
      /** Announces an answer that comes from outside the loop. */
      expect<A>(answered: (answer: A) => void): (answer: A) => void;
    };

/** Where a copy is to appear. */
export interface CopyTarget {
  readonly path: string;
  /** False: what was to be copied has gone, or another copy is there. */
  isWanted(): boolean;
}

/** Up to so many bytes a copy is made inside the call, bytes. */
const AT_ONCE = 64 << 10;

/** The copies of one overlay. */
export class CopyUp {
  readonly #how: CopyHow;
  readonly #identities: Identities;
  /** Copies under way, by path. */
  readonly #underWay = new Map<string, WaitQueue>();

  constructor(how: CopyHow, identities: Identities) {
    this.#how = how;
    this.#identities = identities;
  }

  /** Copies what `from` names; 0 also if somebody else has done so meanwhile. */
  *file(
    lower: Layer,
    from: string,
    attributes: Attributes,
    upper: Upper,
    target: CopyTarget,
  ): Task<number> {
    const large = (attributes.mode & S_IFMT) === S_IFREG && attributes.size > AT_ONCE;
    const expect = this.#how?.expect;
    if (expect === undefined || !large) {
      return this.fileNow(lower, from, attributes, upper, target.path);
    }
    for (let other = this.#underWay.get(target.path); other !== undefined; ) {
      yield other;
      other = this.#underWay.get(target.path);
    }
    if (!target.isWanted()) return 0;
    const ended = new WaitQueue(`a copy of ${target.path}`);
    this.#underWay.set(target.path, ended);
    try {
      return yield* this.#onThreads(lower, from, attributes, upper, target);
    } finally {
      this.#underWay.delete(target.path);
      ended.wakeAll();
    }
  }

  *#onThreads(
    lower: Layer,
    from: string,
    attributes: Attributes,
    upper: Upper,
    target: CopyTarget,
  ): Task<number> {
    const source = lower.open(from, O_RDONLY | O_NONBLOCK);
    if (source < 0) return source;
    const work = upper.workPath();
    const copy = makeCopy(upper, work, attributes);
    if (copy < 0) {
      closeAt(source);
      return copy;
    }
    const done = new WaitQueue(`a copy of ${target.path}`);
    let result: number | undefined;
    const answered = (this.#how as NonNullable<CopyHow>).expect((error: number) => {
      result = error;
      done.wakeAll();
    });
    copyContent(source, copy, attributes).then(answered, (error) => answered(errnoFromNode(error)));
    while (result === undefined) yield done;
    closeAt(source);
    closeAt(copy);
    if (result === 0 && !target.isWanted()) {
      upper.layer.remove(work, false);
      return 0;
    }
    return this.#publish(result, lower, from, attributes, upper, work, target.path);
  }

  /** As `file`, inside the call, however large the file is. */
  fileNow(lower: Layer, from: string, attributes: Attributes, upper: Upper, path: string): number {
    const work = upper.workPath();
    const error =
      (attributes.mode & S_IFMT) === S_IFREG
        ? copyNow(lower, from, attributes, upper, work)
        : copySpecial(lower, from, attributes, upper, work);
    return this.#publish(error, lower, from, attributes, upper, work, path);
  }

  #publish(
    copied: number,
    lower: Layer,
    from: string,
    attributes: Attributes,
    upper: Upper,
    work: string,
    path: string,
  ): number {
    let error = copied;
    if (error === 0) error = upper.copyAttributes(lower, from, attributes, work);
    const copy = upper.layer.attributes(work);
    if (error === 0) error = upper.layer.rename(work, path, RENAME_NOREPLACE);
    if (error < 0) {
      upper.layer.remove(work, false);
      return error;
    }
    const { key, shownInode: inode } = ownStatus(attributes);
    const own = attributes.links > 1;
    if (typeof copy !== 'number' && !own) this.#identities.copied(copy, { key, inode });
    return 0;
  }
}

// A descriptor of a new file that only its owner may read.
function makeCopy(upper: Upper, work: string, { mode }: Attributes): number {
  const error = upper.layer.make(work, { mode: (mode & S_IFMT) | 0o600 });
  return error < 0 ? error : upper.layer.open(work, O_RDWR);
}

const PIECE = 1 << 20;

async function copyContent(
  source: number,
  copy: number,
  { size, blocks }: Attributes,
): Promise<number> {
  const from = `/proc/self/fd/${source}`;
  const to = `/proc/self/fd/${copy}`;
  const { COPYFILE_FICLONE: clone, COPYFILE_FICLONE_FORCE: mustClone } = fs.constants;
  // Shares blocks where the filesystem can, and copies in the kernel where not.
  if (blocks * 512 >= size) await fs.promises.copyFile(from, to, clone);
  else {
    // What the kernel copies has no holes any more.
    await fs.promises.copyFile(from, to, mustClone).catch(() => copyData(source, copy, size));
  }
  await new Promise<void>((resolve, reject) => {
    fs.fdatasync(copy, (error) => (error === null ? resolve() : reject(error)));
  });
  return 0;
}

// Piece by piece what is data of a sparse file.
async function copyData(source: number, copy: number, size: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(PIECE);
  const read = promisify(fs.read);
  const write = promisify(fs.write);
  fs.ftruncateSync(copy, size);
  for (const { start, end } of dataOf(source, size)) {
    for (let at = start; at < end; ) {
      const length = Math.min(PIECE, end - at);
      const { bytesRead } = await read(source, buffer, 0, length, at);
      if (bytesRead === 0) return;
      for (let done = 0; done < bytesRead; ) {
        done += (await write(copy, buffer, done, bytesRead - done, at + done)).bytesWritten;
      }
      at += bytesRead;
    }
  }
}

/** The stretches [start, end) of a file that are no holes. */
function* dataOf(fd: number, size: number): Generator<{ start: number; end: number }> {
  for (let at = 0; at < size; ) {
    const start = seekData(fd, at);
    if (start === -ENXIO) return;
    // A filesystem that does not tell is all data.
    if (start < 0) {
      yield { start: at, end: size };
      return;
    }
    const hole = seekHole(fd, start);
    const end = hole < 0 ? size : hole;
    yield { start, end };
    at = end;
  }
}

function copyNow(
  lower: Layer,
  from: string,
  attributes: Attributes,
  upper: Upper,
  work: string,
): number {
  const source = lower.open(from, O_RDONLY | O_NONBLOCK);
  if (source < 0) return source;
  const copy = makeCopy(upper, work, attributes);
  try {
    if (copy < 0) return copy;
    const buffer = Buffer.allocUnsafe(Math.min(PIECE, Math.max(1, attributes.size)));
    fs.ftruncateSync(copy, attributes.size);
    for (const { start, end } of dataOf(source, attributes.size)) {
      for (let at = start; at < end; ) {
        const got = fs.readSync(source, buffer, 0, Math.min(buffer.length, end - at), at);
        if (got === 0) break;
        at += writeAll(copy, buffer.subarray(0, got), at);
      }
    }
    fs.fdatasyncSync(copy);
    return 0;
  } catch (error) {
    return errnoFromNode(error);
  } finally {
    closeAt(source);
    if (copy >= 0) closeAt(copy);
  }
}

function writeAll(fd: number, bytes: Uint8Array, position: number): number {
  for (let done = 0; done < bytes.length; ) {
    done += fs.writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
  return bytes.length;
}

function copySpecial(
  lower: Layer,
  from: string,
  { mode }: Attributes,
  upper: Upper,
  work: string,
): number {
  const target = lower.readLink(from);
  const node: NewNode = typeof target === 'number' ? { mode } : { mode, target };
  const error = upper.layer.make(work, node);
  return error < 0 ? error : 0;
}
