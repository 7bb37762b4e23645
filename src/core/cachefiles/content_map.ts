/**
 * The content map of an object: which blocks of its file hold data that we stored, and a checksum
 * of each. None of the kernel's versions has one; they ask the filesystem where data is, and a
 * filesystem may insert or drop blocks of zeros as it likes (BEHAVIOUR 4.10).
 *
 * On disk: magic, length of the header, header (JSON), a bit per block, a CRC-32C per block that is
 * present, and a CRC-32C of all that. A map that is torn or of another object is no map.
 */
import { crc32c } from '@node-rs/crc32';
import { PAGE_SIZE, roundUp } from '../base/range.js';

const MAGIC = 'netfslab map 1\n\0';
const PREFIX = MAGIC.length + 4;

/** What the object must be for its map to be believed. */
export interface MapIdentity {
  readonly volume: string;
  readonly key: string;
  readonly aux: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Tells this data file from every other that has had or will have its name. */
  readonly incarnation: string;
}

const IDENTITY = ['volume', 'key', 'aux', 'size', 'incarnation'] as const;

/** Presence and checksums of the blocks (4 KiB) of one object. */
export class ContentMap {
  /** Unit of presence, bytes: a granule is present when all its blocks are. */
  readonly granule: number;
  #sums: Uint32Array;
  #bits: Uint8Array;
  #present = 0;

  /** An empty map. */
  constructor(granule: number) {
    this.granule = granule;
    this.#bits = new Uint8Array(8);
    this.#sums = new Uint32Array(64);
  }

  /** Blocks present. */
  get present(): number {
    return this.#present;
  }

  /** Most bytes that the map has on disk; `names` is the length of what its header spells out. */
  bytesMax(names: number): number {
    // JSON may take six characters for one.
    return PREFIX + 256 + 6 * names + this.#bits.length + 4 * this.#present + 4;
  }

  /** True if the block holds what was stored. */
  has(block: number): boolean {
    return (((this.#bits[block >>> 3] ?? 0) >>> (block & 7)) & 1) === 1;
  }

  /** The checksum of a block that is present. */
  sum(block: number): number {
    return this.#sums[block] as number;
  }

  /** A block has been stored. */
  set(block: number, sum: number): void {
    this.#grow(block + 1);
    if (!this.has(block)) this.#present++;
    this.#bits[block >>> 3] = (this.#bits[block >>> 3] as number) | (1 << (block & 7));
    this.#sums[block] = sum;
  }

  /** What the block holds is not to be believed any more. */
  clear(block: number): void {
    if (!this.has(block)) return;
    this.#bits[block >>> 3] = (this.#bits[block >>> 3] as number) & ~(1 << (block & 7));
    this.#present--;
  }

  /**
   * The first byte at or after `position` whose granule is present (or absent), `end` if there is
   * none before it. `size` is the file's: blocks beyond it are not asked of a granule.
   */
  next(present: boolean, position: number, end: number, size: number): number {
    const { granule } = this;
    let at = position - (position % granule);
    for (; at < end; at += granule) {
      if (this.#hasGranule(at, size) === present) return Math.max(at, position);
    }
    return end;
  }

  /** Runs of blocks present, [first, last]. */
  *runs(): Generator<{ first: number; last: number }> {
    const blocks = this.#bits.length * 8;
    for (let block = 0; block < blocks; block++) {
      if (!this.has(block)) continue;
      const first = block;
      while (this.has(block + 1)) block++;
      yield { first, last: block };
    }
  }

  /** The map as bytes; `name` is what people call the file. */
  encode(identity: MapIdentity, name = ''): Buffer {
    const bytes = Buffer.from(this.#bits.subarray(0, this.#usedBytes()));
    const sums = new Uint32Array(this.#present);
    let n = 0;
    for (const { first, last } of this.runs()) {
      for (let block = first; block <= last; block++) sums[n++] = this.sum(block);
    }
    const { granule } = this;
    const header = Buffer.from(
      JSON.stringify({ ...identity, name, granule, bytes: bytes.length, sums: n }),
    );
    const prefix = Buffer.alloc(PREFIX);
    prefix.write(MAGIC, 'latin1');
    prefix.writeUInt32LE(header.length, MAGIC.length);
    const body = Buffer.concat([prefix, header, bytes, Buffer.from(sums.buffer)]);
    const check = Buffer.alloc(4);
    check.writeUInt32LE(crc32c(body));
    return Buffer.concat([body, check]);
  }

  /** The map in `data`; undefined when it is torn or not of this object, version and size. */
  static decode(data: Buffer, identity: MapIdentity, granule: number): ContentMap | undefined {
    const found = parse(data);
    if (found === undefined) return undefined;
    const { header } = found;
    if (!IDENTITY.every((field) => header[field] === identity[field])) return undefined;
    return ContentMap.#of(found, granule);
  }

  /** Any whole map and what it says it is of, for those who look at a cache from outside. */
  static read(data: Buffer): { header: MapHeader; map: ContentMap } | undefined {
    const found = parse(data);
    const map = found && ContentMap.#of(found, found.header.granule);
    return map && { header: found.header, map };
  }

  static #of({ bits, sums }: Parsed, granule: number): ContentMap | undefined {
    const map = new ContentMap(granule);
    let n = 0;
    for (let block = 0; block < bits.length * 8; block++) {
      if (((bits[block >>> 3] as number) >>> (block & 7)) & 1) map.set(block, sums[n++] as number);
    }
    return n === sums.length ? map : undefined;
  }

  #hasGranule(start: number, size: number): boolean {
    const end = Math.min(
      start + this.granule,
      Math.max(start + PAGE_SIZE, roundUp(size, PAGE_SIZE)),
    );
    for (let at = start; at < end; at += PAGE_SIZE) if (!this.has(at / PAGE_SIZE)) return false;
    return true;
  }

  #usedBytes(): number {
    let used = this.#bits.length;
    while (used > 0 && this.#bits[used - 1] === 0) used--;
    return used;
  }

  #grow(blocks: number): void {
    if (blocks <= this.#sums.length) return;
    const length = Math.max(this.#sums.length * 2, roundUp(blocks, 64));
    const sums = new Uint32Array(length);
    sums.set(this.#sums);
    const bits = new Uint8Array(length / 8);
    bits.set(this.#bits);
    this.#sums = sums;
    this.#bits = bits;
  }
}

/** What the header of a map says. */
export interface MapHeader extends MapIdentity {
  readonly name: string;
  readonly granule: number;
  /** Bytes of the bitmap and number of checksums that follow. */
  readonly bytes: number;
  readonly sums: number;
}

interface Parsed {
  readonly header: MapHeader;
  readonly bits: Buffer;
  readonly sums: Uint32Array;
}

function parse(data: Buffer): Parsed | undefined {
  if (data.length < PREFIX + 4 || data.toString('latin1', 0, MAGIC.length) !== MAGIC)
    return undefined;
  const body = data.subarray(0, data.length - 4);
  if (crc32c(body) !== data.readUInt32LE(data.length - 4)) return undefined;
  const start = PREFIX + data.readUInt32LE(MAGIC.length);
  const header = JSON.parse(data.toString('utf8', PREFIX, start)) as MapHeader;
  const bits = body.subarray(start, start + header.bytes);
  const rest = body.subarray(start + header.bytes);
  if (rest.length !== header.sums * 4) return undefined;
  // A copy, because the checksums need not lie at a multiple of four.
  const sums = new Uint32Array(new Uint8Array(rest).buffer);
  return { header, bits, sums };
}
