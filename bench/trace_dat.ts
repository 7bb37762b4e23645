/**
 * Makes a large trace.dat of a small real one: the pages of its ring buffer over and over, each
 * time later. Everything else of the file stays as trace-cmd wrote it.
 */
import { closeSync, openSync, writeSync } from 'node:fs';

/** A flight recording of one processor: where its pages are. */
interface Recording {
  /** Where the file says how many bytes of pages there are. */
  readonly sizeAt: number;
  readonly offset: number;
  readonly size: number;
}

const PAGE = 4096;

/** Finds the pages of a version 6, little-endian file of one processor. */
function recording(bytes: Buffer): Recording {
  const mark = bytes.lastIndexOf('flyrecord\0');
  const sizeAt = mark + 'flyrecord\0'.length + 8;
  const offset = Number(bytes.readBigUInt64LE(sizeAt - 8));
  const size = Number(bytes.readBigUInt64LE(sizeAt));
  if (mark < 0 || offset + size !== bytes.length || size % PAGE !== 0) {
    throw new Error('not a trace.dat of version 6 with one processor');
  }
  return { sizeAt, offset, size };
}

/** Writes a file with the pages of `bytes` repeated `times`. */
export function writeTraceDat(bytes: Buffer, times: number, path: string): void {
  const { sizeAt, offset, size } = recording(bytes);
  const head = Buffer.from(bytes.subarray(0, offset));
  head.writeBigUInt64LE(BigInt(size * times), sizeAt);
  const pages = Buffer.from(bytes.subarray(offset));
  const first = pages.readBigUInt64LE(0);
  // A second after the last page began is later than anything in it.
  const span = pages.readBigUInt64LE(size - PAGE) - first + 1_000_000_000n;
  const file = openSync(path, 'w');
  writeSync(file, head);
  for (let i = 0; i < times; i++) {
    writeSync(file, pages);
    for (let at = 0; at < size; at += PAGE) {
      pages.writeBigUInt64LE(pages.readBigUInt64LE(at) + span, at);
    }
  }
  closeSync(file);
}
