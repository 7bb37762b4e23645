/**
 * The quick way for lines of a trace that are like those before them: the front up to the time was
 * seen before, and the event is one that the sink reads from bytes. No string is made. Whatever is
 * different is left to text.ts, which calls this and tells what it has read.
 */

import type { EventSink } from '../types.js';
import { TextLine } from './line.js';

/** A front of a line, up to the blanks before the time, and what it says. */
interface Front {
  readonly bytes: Uint8Array;
  readonly head: TextLine;
}

/** Fronts that are remembered: as many as tasks take turns, on whatever processors. */
const FRONTS = 1024;
/** Bytes of a front by which it is looked up: where ftrace prints the task and the processor. */
const HASHED_FROM = 12;
const HASHED_TO = 28;
/** Longer fronts are not remembered. */
const FRONT_MAX = 128;

const NS_PER_S = 1e9;
const BLANK = 32;
const DOT = 46;
const COLON = 58;
const DIGIT_0 = 48;
const SECONDS_DIGITS = 11;

/** Reads lines that need no second look. */
export class ByteLines {
  /** Time of the last line that was read, nanoseconds since the origin. */
  ns = 0;
  /** Whether the last line was not taken because its front is new. */
  isNew = false;
  readonly #out: EventSink;
  readonly #fronts: (Front | undefined)[] = new Array(FRONTS);
  #last: Front | undefined;
  /** Nanoseconds of the trace clock that times count from. */
  #originSeconds = 0;
  #originNs = 0;

  /** `out` must have `eventBytes`. */
  constructor(out: EventSink) {
    this.#out = out;
  }

  /** Says what times count from. */
  origin(seconds: number, nanoseconds: number): void {
    this.#originSeconds = seconds;
    this.#originNs = nanoseconds;
  }

  /** Remembers the front of a line. */
  learn(front: string, { comm, pid, cpu, flags }: TextLine): void {
    if (front.length < HASHED_TO || front.length > FRONT_MAX) return;
    const bytes = Buffer.from(front, 'latin1');
    const head = Object.assign(new TextLine(), { comm, pid, cpu, flags });
    this.#last = { bytes, head };
    this.#fronts[hash(bytes, 0)] = this.#last;
  }

  /**
   * Hands the line at `at`, which must end with a newline in `bytes`, to the sink; returns where
   * the next begins, -1 if it is not taken. Nothing here looks past the newline: one look past the
   * end of an array makes every later one slower.
   */
  read(bytes: Uint8Array, at: number): number {
    this.isNew = false;
    if (at + HASHED_TO > bytes.length) return -1;
    let front = this.#last;
    if (front === undefined || !startsWith(bytes, at, front.bytes)) {
      front = this.#fronts[hash(bytes, at)];
      if (front === undefined || !startsWith(bytes, at, front.bytes)) {
        this.isNew = true;
        return -1;
      }
      this.#last = front;
    }
    const from = this.#time(bytes, at + front.bytes.length);
    if (from < 0) return -1;
    front.head.ns = this.ns;
    return this.#out.eventBytes?.(front.head, bytes, from) ?? -1;
  }

  /** Reads blanks and `seconds.fraction: `; returns where that ends, -1 where it is not that. */
  #time(bytes: Uint8Array, from: number): number {
    let at = from;
    while (bytes[at] === BLANK) at++;
    const start = at;
    let seconds = 0;
    let digit = (bytes[at] as number) - DIGIT_0;
    for (; digit >= 0 && digit <= 9; digit = (bytes[++at] as number) - DIGIT_0) {
      seconds = seconds * 10 + digit;
    }
    if (at === start || at - start > SECONDS_DIGITS || bytes[at] !== DOT) return -1;
    let ns = 0;
    let unit = NS_PER_S;
    digit = (bytes[++at] as number) - DIGIT_0;
    for (; digit >= 0 && digit <= 9; digit = (bytes[++at] as number) - DIGIT_0) {
      ns = ns * 10 + digit;
      unit /= 10;
    }
    if (unit < 1 || unit === NS_PER_S) return -1;
    if (bytes[at] !== COLON || bytes[at + 1] !== BLANK) return -1;
    this.ns = (seconds - this.#originSeconds) * NS_PER_S + ns * unit - this.#originNs;
    return at + 2;
  }
}

function hash(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at + HASHED_FROM; i < at + HASHED_TO; i++) {
    value = (value * 31 + (bytes[i] as number)) | 0;
  }
  return value & (FRONTS - 1);
}

function startsWith(bytes: Uint8Array, at: number, front: Uint8Array): boolean {
  const { length } = front;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== front[i]) return false;
  return true;
}
