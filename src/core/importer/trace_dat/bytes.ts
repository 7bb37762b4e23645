/**
 * Reading a trace.dat by bytes: random access to a file or to memory, a cursor that knows the byte
 * order, and the error that names the byte. Called by the other trace_dat files.
 */
import { TraceParseError } from '../../base/errors.js';

/** Bytes by position, without loading them all. */
export interface ByteSource {
  /** What to call it in messages. */
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  /** The bytes of [offset, offset + length), fewer where the source ends. */
  read(offset: number, length: number): Uint8Array;
}

/** Something in a trace.dat is not what its format says. `offset` is in bytes from the start. */
export class TraceDatError extends TraceParseError {
  readonly offset: number;
  /** What is wrong, without the place. */
  readonly problem: string;

  constructor(file: string, offset: number, problem: string) {
    super(file, 0, 0, '', '');
    this.message = `${file}: byte ${offset}: ${problem}`;
    this.offset = offset;
    this.problem = problem;
  }
}

/** Bytes in memory as a source. */
export function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  };
}

/** What the head of a file says about its numbers. */
export interface Layout {
  readonly little: boolean;
  /** Bytes of the kernel's `long`: 4 or 8. */
  readonly longSize: number;
}

const WINDOW = 65536;
const UTF8 = new TextDecoder();

/** Text of bytes up to the first NUL. Bytes that are not UTF-8 become U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return UTF8.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Reads a source from front to back; every read past the end is a TraceDatError. */
export class Cursor {
  readonly source: ByteSource;
  /** Where the next read starts. */
  at: number;
  little = true;
  readonly #base: number;
  #window: Uint8Array = new Uint8Array(0);
  #windowAt = 0;

  /** `base` is what messages add to positions: where the source lies in its file. */
  constructor(source: ByteSource, at = 0, base = 0) {
    this.source = source;
    this.at = at;
    this.#base = base;
  }

  /** Bytes between here and the end. */
  get left(): number {
    return Math.max(0, this.source.size - this.at);
  }

  /** Position in the file of the byte at `at` of the source. */
  position(at: number): number {
    return this.#base + at;
  }

  /** A TraceDatError about the byte at `at`, by default the next one. */
  error(problem: string, at = this.at): TraceDatError {
    return new TraceDatError(this.source.name, this.position(at), problem);
  }

  /** The next `length` bytes, valid until the source changes; `what` is for the message. */
  bytes(length: number, what: string): Uint8Array {
    if (length > this.left) {
      throw this.error(`${what} needs ${length} bytes, ${this.left} are left`);
    }
    const from = this.at - this.#windowAt;
    this.at += length;
    if (from >= 0 && from + length <= this.#window.length) {
      return this.#window.subarray(from, from + length);
    }
    this.#windowAt = this.at - length;
    this.#window = this.source.read(this.#windowAt, Math.max(length, WINDOW));
    if (this.#window.length < length) throw this.error(`${what} could not be read`);
    return this.#window.subarray(0, length);
  }

  /** The next byte. */
  u8(what: string): number {
    return this.bytes(1, what)[0] as number;
  }

  /** The next 16-bit number. */
  u16(what: string): number {
    return this.#number(2, what);
  }

  /** The next 32-bit number. */
  u32(what: string): number {
    return this.#number(4, what);
  }

  /** The next 64-bit number, which must be below 2^53. */
  u64(what: string): number {
    const value = Number(this.big(what));
    if (!Number.isSafeInteger(value)) throw this.error(`${what} of ${value} bytes`, this.at - 8);
    return value;
  }

  /** The next 64-bit number, of any size. */
  big(what: string): bigint {
    const bytes = this.bytes(8, what);
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, this.little);
  }

  /** Text up to and without a NUL, of at most `limit` bytes. */
  cstring(limit: number, what: string): string {
    const room = Math.min(limit + 1, this.left);
    const start = this.at;
    const bytes = this.bytes(room, what);
    const end = bytes.indexOf(0);
    if (end < 0) throw this.error(`${what} does not end within ${limit} bytes`, start);
    this.at = start + end + 1;
    return UTF8.decode(bytes.subarray(0, end));
  }

  #number(size: 2 | 4, what: string): number {
    const bytes = this.bytes(size, what);
    const view = new DataView(bytes.buffer, bytes.byteOffset, size);
    return size === 2 ? view.getUint16(0, this.little) : view.getUint32(0, this.little);
  }
}
