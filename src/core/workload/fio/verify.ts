/**
 * What a fio job with `verify` writes, and how a read tells that it is that: a header with the
 * place of the block and a digest of what follows, or a pattern alone. The layout is our own.
 */
import { createHash } from 'node:crypto';
import { crc32, crc32c } from '@node-rs/crc32';
import type { VerifyMethod, VerifySpec } from './job.js';

const MAGIC = 0x4e46_5656;
/** Magic, method, length (4 bytes each), position and generation (8 bytes each). */
const HEADER = 28;

const DIGESTS: Readonly<
  Record<Exclude<VerifyMethod, 'pattern' | 'null' | 'meta'>, (data: Uint8Array) => Uint8Array>
> = {
  md5: hash('md5'),
  sha1: hash('sha1'),
  sha256: hash('sha256'),
  sha512: hash('sha512'),
  'sha3-224': hash('sha3-224'),
  'sha3-256': hash('sha3-256'),
  'sha3-384': hash('sha3-384'),
  'sha3-512': hash('sha3-512'),
  crc32: (data) => word(crc32(Buffer.from(data.buffer, data.byteOffset, data.length))),
  crc32c: (data) => word(crc32c(Buffer.from(data.buffer, data.byteOffset, data.length))),
};

function hash(name: string) {
  return (data: Uint8Array): Uint8Array => createHash(name).update(data).digest();
}

function word(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

function digestOf({ method }: VerifySpec): ((data: Uint8Array) => Uint8Array) | undefined {
  return method === 'pattern' || method === 'null' || method === 'meta'
    ? undefined
    : DIGESTS[method];
}

/** Fills a block that is written at `position` by operation `generation`. */
export function fillVerified(
  block: Uint8Array,
  position: number,
  generation: number,
  spec: VerifySpec,
): void {
  if (spec.method === 'pattern') {
    fillPattern(block, position, spec);
    return;
  }
  if (spec.pattern.length > 0) fillPattern(block, position, spec);
  else fillRandom(block, position, generation);
  const digest = digestOf(spec);
  const size = digest === undefined ? 0 : digest(new Uint8Array(0)).length;
  if (block.length < HEADER + size) return;
  const view = new DataView(block.buffer, block.byteOffset, HEADER);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, size, true);
  view.setUint32(8, block.length, true);
  view.setFloat64(12, position, true);
  view.setFloat64(20, generation, true);
  if (digest !== undefined) block.set(digest(block.subarray(HEADER + size)), HEADER);
}

/** Why a block read at `position` is not what a job wrote there; undefined: it is. */
export function verifyProblem(
  block: Uint8Array,
  position: number,
  spec: VerifySpec,
): string | undefined {
  if (spec.method === 'null') return undefined;
  if (spec.method === 'pattern') {
    const expected = new Uint8Array(block.length);
    fillPattern(expected, position, spec);
    const at = block.findIndex((byte, i) => byte !== expected[i]);
    return at < 0
      ? undefined
      : `byte ${position + at} is ${block[at]}, the pattern has ${expected[at]}`;
  }
  const digest = digestOf(spec);
  const size = digest === undefined ? 0 : digest(new Uint8Array(0)).length;
  if (block.length < HEADER + size) return undefined;
  const view = new DataView(block.buffer, block.byteOffset, HEADER);
  if (view.getUint32(0, true) !== MAGIC) return 'there is no header of a verified block';
  if (view.getFloat64(12, true) !== position) {
    return `the block belongs to byte ${view.getFloat64(12, true)}`;
  }
  if (view.getUint32(8, true) !== block.length) {
    return `the block was written with ${view.getUint32(8, true)} bytes`;
  }
  if (digest === undefined) return undefined;
  const found = digest(block.subarray(HEADER + size));
  const kept = block.subarray(HEADER, HEADER + size);
  return Buffer.compare(found, kept) === 0 ? undefined : `its ${spec.method} is wrong`;
}

function fillPattern(block: Uint8Array, position: number, { pattern, offsets }: VerifySpec): void {
  const { length } = pattern;
  if (length === 0) return;
  for (let at = 0; at < block.length; at += length) {
    block.set(pattern.subarray(0, Math.min(length, block.length - at)), at);
    for (const offset of offsets) {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(position));
      const start = at + offset;
      if (start < block.length)
        block.set(bytes.subarray(0, Math.min(8, block.length - start)), start);
    }
  }
}

function fillRandom(block: Uint8Array, position: number, generation: number): void {
  let state = (Math.imul(generation, 0x9e3779b1) ^ Math.floor(position / 512)) | 0;
  for (let i = 0; i < block.length; i++) {
    if ((i & 3) === 0) state = (Math.imul(state, 1664525) + 1013904223) | 0;
    block[i] = state >>> ((i & 3) << 3);
  }
}
