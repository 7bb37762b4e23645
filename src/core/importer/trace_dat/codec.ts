/**
 * Unpacking what a trace.dat of version 7 compresses: sections, and chunks of pages. Called by the
 * container and the page reader. What is unpacked is never larger than what its head announces.
 */
import { inflateSync } from 'node:zlib';
import { decompress } from 'fzstd';
import type { Cursor } from './bytes.js';

/** Unpacks `packed` into exactly `length` bytes; throws anything where that is not possible. */
export type Codec = (packed: Uint8Array, length: number) => Uint8Array;

const CODECS: Readonly<Record<string, Codec>> = {
  zlib: (packed, length) => inflateSync(packed, { maxOutputLength: Math.max(1, length) }),
  zstd: (packed, length) => decompress(packed, new Uint8Array(length)),
};

/** No compression does better than this by much: zstd's run of one byte is 128 KiB in 4 bytes. */
const MAX_RATIO = 40000;

/** The codec of the name in the file's head, undefined if it is not known. */
export function codecNamed(name: string): Codec | undefined {
  return Object.hasOwn(CODECS, name) ? CODECS[name] : undefined;
}

/** Reads one compressed block: its packed and unpacked size, then the bytes. */
export function unpack(cursor: Cursor, codec: Codec, limit: number, what: string): Uint8Array {
  const at = cursor.at;
  const packed = cursor.u32(`the packed size of ${what}`);
  const length = cursor.u32(`the size of ${what}`);
  if (length > limit || length > packed * MAX_RATIO) {
    throw cursor.error(`${what} of ${length} bytes from ${packed}, at most ${limit} are read`, at);
  }
  const bytes = cursor.bytes(packed, what);
  let plain: Uint8Array;
  try {
    plain = codec(bytes, length);
  } catch (error) {
    throw cursor.error(`${what} cannot be unpacked: ${(error as Error).message}`, at);
  }
  if (plain.length !== length) {
    throw cursor.error(`${what} is ${plain.length} bytes, its head says ${length}`, at);
  }
  return plain;
}
