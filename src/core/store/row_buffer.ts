/**
 * One row in SQLite's record format: a header of serial types, then the values. Filled by writer.ts
 * value by value, put into pages by table_pages.ts.
 *
 * The format is that of https://www.sqlite.org/fileformat2.html (section 2.1). Values are stored as
 * they are given: whole numbers as integers of the fewest bytes, others as floats, texts as UTF-8.
 */
import type { SqlValue } from './types.js';

const UTF8 = new TextEncoder();
/** Bytes that are copied one by one. */
const SHORT = 64;
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

/** Bytes of the numeric serial types. */
const BYTES = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0];

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

/** Collects the values of a row: the two parts of its record grow side by side. */
export class RowBuffer {
  /** Bytes of the row as `encode` writes it. Valid after `close`. */
  size = 0;
  /** Serial types, without the length in front. */
  #header: Uint8Array = new Uint8Array(64);
  #headerEnd = 0;
  #body: Uint8Array = new Uint8Array(1024);
  #bodyEnd = 0;
  #headerSize = 0;
  readonly #kept = new Map<string, Uint8Array>();

  /** Begins a row. */
  begin(): void {
    this.#headerEnd = 0;
    this.#bodyEnd = 0;
  }

  /** Adds NULL; also for the column that is the row's number. */
  absent(): void {
    this.#type(NULL);
  }

  /** Adds a number; NaN is NULL. */
  number(value: number): void {
    const type = serialType(value);
    this.#type(type);
    if (type === NULL || type === ZERO || type === ONE) return;
    if (this.#bodyEnd + 8 > this.#body.length) this.#body = grown(this.#body, 8);
    this.#bodyEnd = putNumber(this.#body, this.#bodyEnd, type, value);
  }

  /** Adds a text given as UTF-8. */
  text(bytes: Uint8Array): void {
    const { length } = bytes;
    this.#type(TEXT + 2 * length);
    if (this.#bodyEnd + length > this.#body.length) this.#body = grown(this.#body, length);
    copy(bytes, length, this.#body, this.#bodyEnd);
    this.#bodyEnd += length;
  }

  /** Adds any value. */
  value(value: SqlValue): void {
    if (value === null) this.absent();
    else if (typeof value === 'number') this.number(value);
    else this.text(typeof value === 'string' ? this.#utf8(value) : value);
  }

  /** Ends the row; its size is then known. */
  close(): void {
    // The header counts the bytes of its own length.
    let header = this.#headerEnd + 1;
    if (header >= 128) header = this.#headerEnd + varintLength(header + 1);
    this.#headerSize = header;
    this.size = header + this.#bodyEnd;
  }

  /** Writes the row, `size` bytes. */
  encode(into: Uint8Array, at: number): void {
    const to = putVarint(into, at, this.#headerSize);
    copy(this.#header, this.#headerEnd, into, to);
    copy(this.#body, this.#bodyEnd, into, to + this.#headerEnd);
  }

  #utf8(text: string): Uint8Array {
    let bytes = this.#kept.get(text);
    if (bytes === undefined) {
      bytes = UTF8.encode(text);
      if (this.#kept.size < KEPT_TEXTS && bytes.length <= KEPT_LENGTH) this.#kept.set(text, bytes);
    }
    return bytes;
  }

  #type(type: number): void {
    if (this.#headerEnd + 8 > this.#header.length) this.#header = grown(this.#header, 8);
    if (type < 128) this.#header[this.#headerEnd++] = type;
    else this.#headerEnd = putVarint(this.#header, this.#headerEnd, type);
  }
}

/** A copy with room for `more` bytes behind what it may hold. */
function grown(bytes: Uint8Array, more: number): Uint8Array {
  const copied = new Uint8Array(2 * (bytes.length + more));
  copied.set(bytes);
  return copied;
}

function serialType(value: number): number {
  // Nearly all fit into 32 bits. (-0 does as well, and is 0.)
  if ((value | 0) === value) {
    if (value >= 0 && value <= 1) return value === 0 ? ZERO : ONE;
    const size = value ^ (value >> 31);
    if (size < 0x8000) return size < 0x80 ? 1 : 2;
    return size < 0x80_0000 ? 3 : 4;
  }
  if (!Number.isSafeInteger(value)) return Number.isNaN(value) ? NULL : FLOAT;
  const size = value < 0 ? -(value + 1) : value;
  return size < 0x8000_0000_0000 ? SIX_BYTES : EIGHT_BYTES;
}

/** Copies the first `length` bytes of `from`. */
function copy(from: Uint8Array, length: number, into: Uint8Array, at: number): void {
  // Nearly all are short, for which a call costs more than the loop.
  if (length > SHORT) into.set(from.subarray(0, length), at);
  else for (let i = 0; i < length; i++) into[at + i] = from[i] as number;
}

const FLOATS = new DataView(new ArrayBuffer(8));

function putNumber(into: Uint8Array, at: number, type: number, value: number): number {
  if (type === FLOAT) {
    FLOATS.setFloat64(0, value);
    for (let i = 0; i < 8; i++) into[at + i] = FLOATS.getUint8(i);
    return at + 8;
  }
  const end = at + (BYTES[type] as number);
  if (type <= INT32) {
    let rest = value;
    for (let to = end - 1; to >= at; to--) {
      into[to] = rest & 255;
      rest >>= 8;
    }
    return end;
  }
  // Rounded down, so that negative numbers come out in two's complement.
  let high = Math.floor(value / 0x1_0000_0000);
  let low = (value - high * 0x1_0000_0000) | 0;
  const middle = Math.max(at, end - 4);
  for (let to = end - 1; to >= middle; to--) {
    into[to] = low & 255;
    low >>= 8;
  }
  for (let to = middle - 1; to >= at; to--) {
    into[to] = high & 255;
    high >>= 8;
  }
  return end;
}
