/**
 * Opens what is imported: a file or stdin, decompressed by content, with its first bytes at hand.
 * Called by app/import/import.ts.
 */
import {
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { errnoFromNode } from '../base/errno.js';
import { ErrnoError, StoreError } from '../base/errors.js';
import {
  type Compression,
  compressionOf,
  DamagedData,
  decompressed,
  MAGIC_BYTES,
} from './decompress.js';
import { HEAD_BYTES, type Input, type RandomAccess } from './types.js';

/** Bytes read at a time. */
const CHUNK = 1 << 18;
/** Pieces that are read between two turns of signals and timers: some milliseconds of work. */
const TURN = 4;

type Chunks = AsyncIterator<Uint8Array, void>;

/** An input that is open; close it. */
export interface OpenInput extends Input {
  /** How it was compressed, null = not. */
  readonly compression: Compression | null;
  close(): void;
}

/**
 * Opens a file, or stdin for `-`; messages call it `name`. Throws `ErrnoError`: ENOENT, EACCES,
 * EISDIR; `StoreError` where there is not one byte of it.
 */
export async function openInput(path: string, name = path): Promise<OpenInput> {
  if (path === '-') return begin('stdin', null, 0, process.stdin);
  try {
    const { size, mode } = statSync(path);
    const file = openSync(path, 'r');
    // Pipes and what the kernel makes up while it is read would keep everything else waiting.
    const quick = size > 0 && (mode & constants.S_IFMT) === constants.S_IFREG;
    if (quick) return begin(name, path, size, piecesOf(file));
    const fd = { fd: file, highWaterMark: CHUNK };
    return begin(name, path, size, createReadStream('', fd));
  } catch (error) {
    throw new ErrnoError(errnoFromNode(error), 'open', path, { cause: error });
  }
}

/** A file in pieces, each valid until the next is asked for; closes it. */
async function* piecesOf(file: number): AsyncGenerator<Uint8Array, void> {
  const piece = new Uint8Array(CHUNK);
  try {
    for (let count = 1; ; count++) {
      const got = readSync(file, piece);
      if (got === 0) return;
      yield piece.subarray(0, got);
      if (count % TURN === 0) await turn();
    }
  } finally {
    closeSync(file);
  }
}

/** An input of bytes that are in memory, for tests and pastes. */
export function memoryInput(name: string, bytes: Uint8Array): Promise<OpenInput> {
  return begin(name, null, bytes.length, [bytes]);
}

async function begin(
  name: string,
  path: string | null,
  size: number,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<OpenInput> {
  const raw = named(source, name)[Symbol.asyncIterator]() as Chunks;
  const start = await takeHead(raw, MAGIC_BYTES);
  const compression = compressionOf(start.head);
  const plain = resumed(start, raw);
  const chunks = compression === null ? plain : decompressed(plain, compression);
  const iterator = chunks[Symbol.asyncIterator]() as Chunks;
  const head = await takeHead(iterator, HEAD_BYTES);
  if (head.head.length === 0) throw nothingIn(name, head);
  return new FileInput(name, compression === null ? path : null, size, compression, head, iterator);
}

/** Why there is not one byte of an input. */
function nothingIn(name: string, { failure }: Head): Error {
  if (failure === null) return new StoreError(name, 'is empty');
  if (!(failure instanceof DamagedData)) return failure as Error;
  return new StoreError(name, failure.message, { cause: failure });
}

/** A read that fails, as an error that names the file. */
async function* named(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  name: string,
): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const chunk of source) yield chunk;
  } catch (error) {
    throw new ErrnoError(errnoFromNode(error), 'read', name, { cause: error });
  }
}

/** The beginning of a stream, and the failure that ended it early. */
interface Head {
  readonly head: Uint8Array;
  readonly failure: unknown;
  readonly ended: boolean;
}

async function takeHead(from: Chunks, bytes: number): Promise<Head> {
  const pieces: Uint8Array[] = [];
  let taken = 0;
  let failure: unknown = null;
  let ended = false;
  while (taken < bytes && !ended) {
    try {
      const next = await from.next();
      if (next.done) {
        ended = true;
      } else {
        pieces.push(next.value.slice());
        taken += next.value.length;
      }
    } catch (error) {
      failure = error;
      ended = true;
    }
  }
  return { head: Buffer.concat(pieces), failure, ended };
}

async function* resumed({ head, failure, ended }: Head, rest: Chunks) {
  // In pieces, as the rest will come: a consumer need not be ready for a large one.
  for (let at = 0; at < head.length; at += CHUNK) yield head.subarray(at, at + CHUNK);
  if (failure !== null) throw failure;
  try {
    for (let done = ended; !done; ) {
      const next = await rest.next();
      done = next.done === true;
      if (!next.done) yield next.value;
    }
  } finally {
    await rest.return?.();
  }
}

class FileInput implements OpenInput {
  readonly name: string;
  readonly size: number;
  readonly compression: Compression | null;
  readonly #path: string | null;
  readonly #head: Head;
  readonly #rest: Chunks;
  #file: number | null = null;
  #damage: string | null = null;

  constructor(
    name: string,
    path: string | null,
    size: number,
    compression: Compression | null,
    head: Head,
    rest: Chunks,
  ) {
    this.name = name;
    this.#path = path;
    // Of what is compressed only the compressed size is known.
    this.size = compression === null ? size : 0;
    this.compression = compression;
    this.#head = head;
    this.#rest = rest;
  }

  get head(): Uint8Array {
    return this.#head.head;
  }

  chunks(): AsyncIterable<Uint8Array> {
    return resumed(this.#head, this.#rest);
  }

  async file(): Promise<RandomAccess> {
    this.#file ??= this.#path === null ? await this.#copy() : openSync(this.#path, 'r');
    const file = this.#file;
    const { size } = fstatSync(file);
    const read = (target: Uint8Array, position: number) => readFully(file, target, position);
    return { size, damage: this.#damage, read };
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
    void this.#rest.return?.().catch(() => {});
  }

  async #copy(): Promise<number> {
    const folder = mkdtempSync(join(tmpdir(), 'netfslab-'));
    const path = join(folder, 'input');
    const file = openSync(path, 'wx+', 0o600);
    // Without a name it goes away with the process, whatever ends that.
    rmSync(folder, { recursive: true });
    try {
      for await (const chunk of this.chunks()) writeFully(file, chunk);
    } catch (error) {
      if (error instanceof DamagedData) {
        this.#damage = error.message;
        return file;
      }
      closeSync(file);
      // What failed to be read has its name already.
      if (error instanceof ErrnoError) throw error;
      throw new ErrnoError(errnoFromNode(error), 'write', folder, { cause: error });
    }
    return file;
  }
}

function writeFully(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
}

function readFully(file: number, target: Uint8Array, position: number): number {
  let done = 0;
  while (done < target.length) {
    const got = readSync(file, target, done, target.length - done, position + done);
    if (got === 0) break;
    done += got;
  }
  return done;
}
