/**
 * Decompression by content, in pieces. Called by input.ts. What was decoded before damage is given
 * out before the error, and what grows out of all proportion is refused.
 */
import { createRequire } from 'node:module';
import { createGunzip } from 'node:zlib';
import { Decompress } from 'fzstd';

/** A compression, as the first bytes tell. */
export type Compression = 'gzip' | 'zstd' | 'bzip2' | 'xz';

const MAGICS: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
];

/** Bytes that show which compression it is. */
export const MAGIC_BYTES = 6;

/** Below this many bytes nothing is taken for a bomb. */
const BOMB_BYTES = 2 ** 30;
/** Traces of one repeated event shrink to a hundredth; nothing real does to a five-hundredth. */
const BOMB_RATIO = 500;

/** The data cannot be decompressed any further; everything before has been given out. */
export class DamagedData extends Error {
  override readonly name = 'DamagedData';
}

/** The compression of data that begins with `head`, null if it is none of them. */
export function compressionOf(head: Uint8Array): Compression | null {
  const found = MAGICS.find(([, magic]) => magic.every((byte, i) => head[i] === byte));
  return found?.[0] ?? null;
}

type Chunks = AsyncIterable<Uint8Array>;

/** The data of `source` decompressed; throws `DamagedData` after the last good byte. */
export async function* decompressed(source: Chunks, compression: Compression): Chunks {
  const meter = { read: 0, made: 0 };
  const counted = count(source, meter);
  const ways = { gzip: gunzip, zstd: unzstd, bzip2: bunzip, xz: unxz };
  try {
    for await (const chunk of ways[compression](counted)) {
      meter.made += chunk.length;
      yield chunk;
      if (meter.made > BOMB_BYTES && meter.made > BOMB_RATIO * meter.read) {
        throw new Error(`it grows more than ${BOMB_RATIO} times, which no trace does`);
      }
    }
  } catch (error) {
    if ((error as { syscall?: unknown }).syscall !== undefined) throw error;
    const why = error instanceof Error ? error.message : String(error);
    const at = `after ${meter.made} decompressed bytes`;
    throw new DamagedData(`the ${compression} data is damaged ${at}: ${why}`, { cause: error });
  }
}

async function* count(source: Chunks, meter: { read: number }): Chunks {
  for await (const chunk of source) {
    meter.read += chunk.length;
    yield chunk;
  }
}

/** By hand, since a stream that fails drops what it has not handed over yet. */
async function* gunzip(source: Chunks): Chunks {
  const stream = createGunzip();
  const ready: Uint8Array[] = [];
  const state: { error: Error | null } = { error: null };
  stream.on('data', (chunk: Uint8Array) => ready.push(chunk));
  const failed = new Promise<void>((resolve) => {
    stream.on('error', (error) => {
      state.error = error;
      resolve();
    });
  });
  const written = (chunk: Uint8Array) =>
    new Promise<void>((resolve) => stream.write(chunk, () => resolve()));
  for await (const chunk of source) {
    // Small pieces, so that little is made of them at a time.
    for (let at = 0; at < chunk.length && state.error === null; at += 16384) {
      await Promise.race([written(chunk.subarray(at, at + 16384)), failed]);
      yield* ready.splice(0);
    }
    if (state.error !== null) break;
  }
  const ended = new Promise<void>((resolve) => stream.once('end', () => resolve()));
  stream.end();
  await Promise.race([ended, failed]);
  yield* ready.splice(0);
  if (state.error !== null) throw state.error;
}

async function* unzstd(source: Chunks): Chunks {
  const ready: Uint8Array[] = [];
  const stream = new Decompress((chunk) => {
    ready.push(chunk.slice());
  });
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += 16384) {
      stream.push(chunk.slice(at, at + 16384));
      yield* ready.splice(0);
    }
  }
  stream.push(new Uint8Array(0), true);
  yield* ready.splice(0);
}

/** What of seek-bzip is used: its decoder hands over bytes one by one. */
interface Bunzip {
  decode(
    input: Uint8Array,
    output: { writeByte(byte: number): void; flush(): void },
    multistream: boolean,
  ): void;
}

/** The decoder wants all its input at hand; compressed traces of hundreds of MB are not bzip2. */
const BZIP_BYTES = 2 ** 28;
const BZIP_OUT = 2 ** 16;

async function* bunzip(source: Chunks): Chunks {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > BZIP_BYTES) throw new Error(`more than ${BZIP_BYTES} bytes: decompress it first`);
    pieces.push(chunk.slice());
  }
  const decoder = createRequire(import.meta.url)('seek-bzip') as Bunzip;
  let made = 0;
  const full: Uint8Array[] = [];
  let out = new Uint8Array(BZIP_OUT);
  let filled = 0;
  let failure: unknown = null;
  try {
    decoder.decode(
      Buffer.concat(pieces),
      {
        writeByte(byte) {
          out[filled++] = byte;
          if (filled < BZIP_OUT) return;
          full.push(out);
          made += filled;
          // Held in memory until it ends, so the bound is lower than for what streams.
          if (made > BZIP_BYTES) throw new Error(`more than ${BZIP_BYTES} bytes: decompress first`);
          out = new Uint8Array(BZIP_OUT);
          filled = 0;
        },
        flush() {},
      },
      true,
    );
  } catch (error) {
    failure = error;
  }
  yield* full;
  yield out.subarray(0, filled);
  if (failure !== null) throw failure;
}

async function* unxz(source: Chunks): Chunks {
  const { XzReadableStream } = createRequire(import.meta.url)(
    'xz-decompress',
  ) as typeof import('xz-decompress');
  const iterator = source[Symbol.asyncIterator]();
  const compressed = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await iterator.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value.slice());
    },
  });
  const reader = new XzReadableStream(compressed).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
