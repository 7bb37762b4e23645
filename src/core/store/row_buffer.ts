/**
 * One row in SQLite's record format: a header of serial types, then the values. Filled by writer.ts
 * value by value, put into pages by table_pages.ts.
 *
 * The format is that of https://www.sqlite.org/fileformat2.html (section 2.1). Values are stored as
 * they are given: whole numbers as integers of the fewest bytes, others as floats, texts as UTF-8.
 */
import type { SqlValue } from './types.js';

const UTF8 = new TextEncoder();
const NONE = new Uint8Array(0);
/** Texts that are kept as UTF-8, as words repeat, and how long they may be. */
const KEPT_TEXTS = 1024;
const KEPT_LENGTH = 64;

// Serial types.
const NULL = 0;
const SIX_BYTES = 5;
const EIGHT_BYTES = 6;
const FLOAT = 7;
const ZERO = 8;
const ONE = 9;
const TEXT = 13;

/** Bytes of the numeric serial types. */
const BYTES = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0];

/** Bytes of a variable-length integer, which is at most 2^53. */
export function varintLength(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
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
  for (let to = end - 1; to >= at; to--) {
    into[to] = (rest % 128) | (to === end - 1 ? 0 : 128);
    rest = Math.floor(rest / 128);
  }
  return end;
}

/** Collects the values of a row, which are then encoded in one go. */
export class RowBuffer {
  /** Bytes of the row as `encode` writes it. Valid after `close`. */
  size = 0;
  #types = new Float64Array(64);
  #numbers = new Float64Array(64);
  readonly #texts: Uint8Array[] = [];
  readonly #kept = new Map<string, Uint8Array>();
  #count = 0;
  #header = 0;
  #body = 0;

  /** Begins a row. */
  begin(): void {
    this.#count = 0;
    this.#header = 0;
    this.#body = 0;
  }

  /** Adds NULL; also for the column that is the row's number. */
  absent(): void {
    this.#add(NULL, 0);
  }

  /** Adds a number; NaN is NULL. */
  number(value: number): void {
    const type = serialType(value);
    this.#add(type, BYTES[type] as number);
    this.#numbers[this.#count - 1] = value;
  }

  /** Adds a text given as UTF-8, which must not change until the row is encoded. */
  text(bytes: Uint8Array): void {
    this.#texts[this.#count] = bytes;
    this.#add(TEXT + 2 * bytes.length, bytes.length);
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
    let header = this.#header + 1;
    if (header >= 128) header = this.#header + varintLength(header + 1);
    this.#header = header;
    this.size = header + this.#body;
  }

  /** Writes the row, `size` bytes. */
  encode(into: Uint8Array, at: number): void {
    const types = this.#types;
    const numbers = this.#numbers;
    const count = this.#count;
    let to = putVarint(into, at, this.#header);
    for (let i = 0; i < count; i++) {
      const type = types[i] as number;
      if (type < 128) into[to++] = type;
      else to = putVarint(into, to, type);
    }
    for (let i = 0; i < count; i++) {
      const type = types[i] as number;
      if (type === NULL || type === ZERO || type === ONE) continue;
      if (type >= TEXT) to = putBytes(into, to, this.#texts[i] ?? NONE);
      else to = putNumber(into, to, type, numbers[i] as number);
    }
  }

  #utf8(text: string): Uint8Array {
    let bytes = this.#kept.get(text);
    if (bytes === undefined) {
      bytes = UTF8.encode(text);
      if (this.#kept.size < KEPT_TEXTS && bytes.length <= KEPT_LENGTH) this.#kept.set(text, bytes);
    }
    return bytes;
  }

  #add(type: number, bytes: number): void {
    if (this.#count === this.#types.length) this.#grow();
    this.#types[this.#count++] = type;
    this.#header += type < 128 ? 1 : varintLength(type);
    this.#body += bytes;
  }

  #grow(): void {
    const types = new Float64Array(2 * this.#types.length);
    const numbers = new Float64Array(types.length);
    types.set(this.#types);
    numbers.set(this.#numbers);
    this.#types = types;
    this.#numbers = numbers;
  }
}

function serialType(value: number): number {
  if (value === 0) return ZERO;
  if (value === 1) return ONE;
  if (!Number.isSafeInteger(value)) return Number.isNaN(value) ? NULL : FLOAT;
  const size = value < 0 ? -(value + 1) : value;
  if (size < 0x8000) return size < 0x80 ? 1 : 2;
  if (size < 0x8000_0000) return size < 0x80_0000 ? 3 : 4;
  return size < 0x8000_0000_0000 ? SIX_BYTES : EIGHT_BYTES;
}

function putBytes(into: Uint8Array, at: number, bytes: Uint8Array): number {
  const { length } = bytes;
  // Most texts are words of a few letters, for which a call costs more than the loop.
  if (length > 32) into.set(bytes, at);
  else for (let i = 0; i < length; i++) into[at + i] = bytes[i] as number;
  return at + length;
}

const FLOATS = new DataView(new ArrayBuffer(8));

function putNumber(into: Uint8Array, at: number, type: number, value: number): number {
  if (type === FLOAT) {
    FLOATS.setFloat64(0, value);
    for (let i = 0; i < 8; i++) into[at + i] = FLOATS.getUint8(i);
    return at + 8;
  }
  const end = at + (BYTES[type] as number);
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
