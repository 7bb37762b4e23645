/**
 * One row in SQLite's record format: a header of serial types, then the values. Filled by writer.ts
 * value by value, put into pages by table_pages.ts.
 *
 * The format is that of https://www.sqlite.org/fileformat2.html (section 2.1). Values are stored as
 * they are given: whole numbers as integers of the fewest bytes, others as floats, texts as UTF-8.
 */
import type { SqlValue } from './types.js';

const UTF8 = new TextEncoder();
/** Bytes that are copied one by one: nearly all texts are short, and a call costs more. */
const SHORT = 32;
/** Texts that are kept as UTF-8, as words repeat, and how long they may be. */
const KEPT_TEXTS = 1024;
const KEPT_LENGTH = 64;

// Serial types.
const NULL = 0;
const INT32 = 4;
const SIX_BYTES = 5;
const EIGHT_BYTES = 6;
const FLOAT = 7;
const ZERO = 8;
const ONE = 9;
const TEXT = 13;

/** A type from here on, or a header as long as this, takes more than one byte. */
const WIDE = 128;

/** Numbers below this have at most four bytes as variable-length integers. */
const FOUR_BYTES = 2 ** 28;

/** Bytes of a variable-length integer, which is at most 2^53. */
export function varintLength(value: number): number {
  if (value < 0x4000) return value < 0x80 ? 1 : 2;
  if (value < FOUR_BYTES) return value < 0x20_0000 ? 3 : 4;
  let bytes = 5;
  for (let rest = Math.floor(value / FOUR_BYTES); rest >= 128; bytes++) {
    rest = Math.floor(rest / 128);
  }
  return bytes;
}

/** Writes a variable-length integer; returns where it ends. */
export function putVarint(into: Uint8Array, at: number, value: number): number {
  if (value < 128) {
    into[at] = value;
    return at + 1;
  }
  const end = at + varintLength(value);
  let rest = value;
  let to = end - 1;
  into[to--] = rest & 127;
  for (; rest >= 2 ** 31; to--) {
    rest = Math.floor(rest / 128);
    into[to] = (rest % 128) | 128;
  }
  for (; to >= at; to--) {
    rest >>>= 7;
    into[to] = (rest & 127) | 128;
  }
  return end;
}

/** Collects the values of a row as its record. */
export class RowBuffer {
  /** The row: the first `size` bytes, valid from `close` until the next row begins. */
  bytes: Buffer = Buffer.alloc(4096);
  view = viewOf(this.bytes);
  size = 0;
  /** Bytes for the length of the header; where the next type goes, and where they end. */
  #prefix = 1;
  #type = 0;
  #header = 0;
  readonly #kept = new Map<string, Uint8Array>();

  /** Begins a row of exactly `columns` values. */
  begin(columns: number): void {
    // A byte for each type, which is enough for all but long texts.
    this.#prefix = columns + 1 < WIDE ? 1 : 2;
    this.#type = this.#prefix;
    this.#header = this.#prefix + columns;
    this.size = this.#header;
    if (this.size > this.bytes.length) this.#grow(0);
  }

  /** Adds NULL; also for the column that is the row's number. */
  absent(): void {
    this.bytes[this.#type++] = NULL;
  }

  /** Adds a number; NaN is NULL. */
  number(value: number): void {
    if (this.size + 8 > this.bytes.length) this.#grow(8);
    const { bytes } = this;
    // Nearly all fit into 32 bits. (-0 does as well, and is 0.)
    if ((value | 0) === value) {
      const type = shortType(value);
      bytes[this.#type++] = type;
      if (type <= INT32) this.size = putShort(bytes, this.size, type, value);
    } else {
      const type = longType(value);
      bytes[this.#type++] = type;
      if (type !== NULL) this.size = putLong(bytes, this.size, type, value);
    }
  }

  /** Adds a number of 64 bits. */
  wide(value: bigint): void {
    if (this.size + 8 > this.bytes.length) this.#grow(8);
    this.bytes[this.#type++] = EIGHT_BYTES;
    this.bytes.writeBigInt64BE(BigInt.asIntN(64, value), this.size);
    this.size += 8;
  }

  /** Adds a number, or NULL. */
  nullable(value: number | null): void {
    if (value === null) this.absent();
    else this.number(value);
  }

  /** Adds a text given as UTF-8. */
  text(text: Uint8Array): void {
    const { length } = text;
    const type = TEXT + 2 * length;
    if (type < WIDE) this.bytes[this.#type++] = type;
    else this.#wideType(type);
    if (this.size + length > this.bytes.length) this.#grow(length);
    copy(text, length, this.bytes, this.size);
    this.size += length;
  }

  /** Adds any value. */
  value(value: SqlValue): void {
    if (value === null) this.absent();
    else if (typeof value === 'number') this.number(value);
    else this.text(typeof value === 'string' ? this.#utf8(value) : value);
  }

  /** Ends the row. */
  close(): void {
    if (this.#prefix === 1 && this.#header >= WIDE) this.#insert(this.#prefix, 1);
    putVarint(this.bytes, 0, this.#header);
  }

  #utf8(text: string): Uint8Array {
    let bytes = this.#kept.get(text);
    if (bytes === undefined) {
      bytes = UTF8.encode(text);
      if (this.#kept.size < KEPT_TEXTS && bytes.length <= KEPT_LENGTH) this.#kept.set(text, bytes);
    }
    return bytes;
  }

  #wideType(type: number): void {
    this.#insert(this.#header, varintLength(type) - 1);
    this.#type = putVarint(this.bytes, this.#type, type);
  }

  /** Makes the header longer by `count` bytes at `at`. */
  #insert(at: number, count: number): void {
    if (this.size + count > this.bytes.length) this.#grow(count);
    this.bytes.copyWithin(at + count, at, this.size);
    this.#header += count;
    this.size += count;
  }

  /** Makes room for `more` bytes behind those there are. */
  #grow(more: number): void {
    const larger = Buffer.alloc(2 * (this.size + more));
    larger.set(this.bytes);
    this.bytes = larger;
    this.view = viewOf(larger);
  }
}

/** The same bytes, to be taken several at a time. */
export function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** The type of a whole number of 32 bits. */
function shortType(value: number): number {
  if (value >= 0 && value <= 1) return value === 0 ? ZERO : ONE;
  const size = value ^ (value >> 31);
  if (size < 0x8000) return size < 0x80 ? 1 : 2;
  return size < 0x80_0000 ? 3 : INT32;
}

/** The type of any other number. */
function longType(value: number): number {
  if (!Number.isSafeInteger(value)) return Number.isNaN(value) ? NULL : FLOAT;
  const size = value < 0 ? -(value + 1) : value;
  return size < 0x8000_0000_0000 ? SIX_BYTES : EIGHT_BYTES;
}

/** Writes a whole number of 32 bits in as many bytes as its type; returns where it ends. */
function putShort(into: Uint8Array, at: number, type: number, value: number): number {
  let to = at;
  if (type === INT32) into[to++] = value >> 24;
  if (type >= 3) into[to++] = value >> 16;
  if (type >= 2) into[to++] = value >> 8;
  into[to++] = value;
  return to;
}

const FLOATS = new DataView(new ArrayBuffer(8));

function putLong(into: Uint8Array, at: number, type: number, value: number): number {
  if (type === FLOAT) {
    FLOATS.setFloat64(0, value);
    for (let i = 0; i < 8; i++) into[at + i] = FLOATS.getUint8(i);
    return at + 8;
  }
  // Rounded down, so that negative numbers come out in two's complement.
  const high = Math.floor(value / 0x1_0000_0000);
  let to = at;
  if (type === EIGHT_BYTES) {
    into[to++] = high >> 24;
    into[to++] = high >> 16;
  }
  into[to++] = high >> 8;
  into[to++] = high;
  return putShort(into, to, INT32, (value - high * 0x1_0000_0000) | 0);
}

/** Copies the first `length` bytes of `from`. */
function copy(from: Uint8Array, length: number, into: Uint8Array, at: number): void {
  if (length > SHORT) into.set(from, at);
  else for (let i = 0; i < length; i++) into[at + i] = from[i] as number;
}
