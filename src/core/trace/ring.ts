/**
 * The ring between the engine and the thread that writes the capture: float64 words in shared
 * memory, one producer and one consumer. Called by store/ on both ends.
 *
 * A full ring blocks the producer. Its waits are bounded and repeated, and the consumer says in the
 * header that it lives, so a dead writer or a full disk becomes an error and never a hang.
 */
import { assert } from '../base/assert.js';
import { errnoOf } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import type { Era } from './eras.js';
import { RECORD, recordNumber, recordWord } from './record.js';
import { isSpool } from './spool.js';
import { FIRST_EVENT_RECORD, HEADER_WORDS } from './tracepoint.js';
import type { FinishReport, TraceSink } from './types.js';

/** Words of a ring unless asked otherwise: 8 MiB. */
export const RING_WORDS = 2 ** 20;

/** How long the consumer may give no sign of life before the producer gives it up, ms. */
const DEAD_AFTER_MS = 30_000;
const WAIT_MS = 100;
/** From here on a copy in one go is faster than a loop. */
const MANY_WORDS = 64;

// The header: words written and read (modulo 2^32), and what each end has to say.
const HEAD = 0;
const TAIL = 1;
const STATE = 2;
const ERRNO = 3;
const CLOSED = 4;
const BEAT = 5;
const HEADER_INTS = 8;

const FAILED = 1;

/** Words of a record that carries one number: how many events were lost. */
const LOST_WORDS = HEADER_WORDS + 1;

/** The shared memory of a ring; goes to the other thread as it is. */
export interface Ring {
  readonly header: SharedArrayBuffer;
  readonly words: SharedArrayBuffer;
}

/** Makes a ring of `words` words, a power of two. */
export function makeRing(words = RING_WORDS): Ring {
  return {
    header: new SharedArrayBuffer(4 * HEADER_INTS),
    words: new SharedArrayBuffer(8 * words),
  };
}

/** What the producer does when the ring is full. */
export type Overflow = 'block' | 'drop';

/** What the producer's end needs. */
export interface RingSinkOptions {
  readonly ring: Ring;
  readonly era: Era;
  /** File named in errors. */
  readonly path: string;
  readonly overflow?: Overflow;
  /** Ends the other thread once the ring is closed. */
  readonly finish: () => Promise<FinishReport>;
}

/** The producer's end. */
export class RingSink implements TraceSink {
  readonly era: Era;
  failure: Error | undefined;
  readonly #header: Int32Array;
  readonly #words: Float64Array;
  readonly #mask: number;
  readonly #path: string;
  readonly #drop: boolean;
  readonly #finish: () => Promise<FinishReport>;
  readonly #control = new Float64Array(LOST_WORDS);
  #head = 0;
  /** Where the consumer was when last looked at. */
  #tail = 0;
  #nextNotify: number;
  #lost = 0;
  #lostSince = 0;

  constructor({ ring, era, path, overflow = 'block', finish }: RingSinkOptions) {
    this.era = era;
    this.#header = new Int32Array(ring.header);
    this.#words = new Float64Array(ring.words);
    this.#mask = this.#words.length - 1;
    this.#nextNotify = this.#words.length / 8;
    this.#path = path;
    this.#drop = overflow === 'drop';
    this.#finish = finish;
  }

  append(words: Float64Array, count: number): void {
    if (this.failure !== undefined) return;
    if (Atomics.load(this.#header, STATE) === FAILED) this.#fail();
    // When events were lost, that is to be said first.
    const needed = this.#lostSince > 0 ? count + LOST_WORDS : count;
    if (this.#free() < needed && !this.#makeRoom(needed, words[0] as number)) return;
    if (this.#lostSince > 0) {
      this.#putControl(RECORD.lost, this.#lostSince);
      this.#lostSince = 0;
    }
    this.#put(words, count);
  }

  close(): Promise<FinishReport> {
    const end = new Float64Array(LOST_WORDS);
    end[0] = recordWord(RECORD.end, LOST_WORDS);
    end[HEADER_WORDS] = this.#lost;
    try {
      this.append(end, LOST_WORDS);
    } catch {
      // The report of the other thread carries the error.
    }
    Atomics.store(this.#header, CLOSED, 1);
    Atomics.notify(this.#header, HEAD);
    return this.#finish();
  }

  #put(words: Float64Array, count: number): void {
    const ring = this.#words;
    const mask = this.#mask;
    let at = this.#head;
    if (count > MANY_WORDS) this.#putMany(words, count);
    else for (let i = 0; i < count; i++) ring[at++ & mask] = words[i] as number;
    this.#head = (this.#head + count) | 0;
    Atomics.store(this.#header, HEAD, this.#head);
    // The consumer looks by itself every few milliseconds; it is woken only when much has come.
    this.#nextNotify -= count;
    if (this.#nextNotify <= 0) {
      this.#nextNotify = ring.length / 8;
      Atomics.notify(this.#header, HEAD);
    }
  }

  #putMany(words: Float64Array, count: number): void {
    const ring = this.#words;
    const from = this.#head & this.#mask;
    const first = Math.min(count, ring.length - from);
    ring.set(words.subarray(0, first), from);
    ring.set(words.subarray(first, count), 0);
  }

  #free(): number {
    return this.#words.length - ((this.#head - this.#tail) >>> 0);
  }

  /** Looks for room for `needed` words and waits for it; false = the record is dropped. */
  #makeRoom(needed: number, first: number): boolean {
    assert(needed <= this.#words.length, `a record of ${needed} words does not fit the ring`);
    this.#tail = Atomics.load(this.#header, TAIL);
    if (this.#free() >= needed) return true;
    // Without its strings and tasks a capture could not be read: only events are dropped.
    if (this.#drop && recordNumber(first) >= FIRST_EVENT_RECORD) {
      this.#lost++;
      this.#lostSince++;
      return false;
    }
    this.#wait(needed);
    return true;
  }

  #wait(needed: number): void {
    let beat = Atomics.load(this.#header, BEAT);
    // Waits are counted and not time, which also passes while the whole process is stopped.
    let silentMs = 0;
    while (this.#free() < needed) {
      if (Atomics.load(this.#header, STATE) === FAILED) this.#fail();
      Atomics.notify(this.#header, HEAD);
      const woken = Atomics.wait(this.#header, TAIL, this.#tail, WAIT_MS);
      this.#tail = Atomics.load(this.#header, TAIL);
      const now = Atomics.load(this.#header, BEAT);
      if (now !== beat) {
        beat = now;
        silentMs = 0;
        continue;
      }
      if (woken === 'timed-out') silentMs += WAIT_MS;
      if (silentMs > DEAD_AFTER_MS) {
        this.failure = new ErrnoError('EIO', 'write', this.#path, {
          text: 'the trace writer died',
        });
        throw this.failure;
      }
    }
  }

  /** Tells once; after that records go nowhere, so that the run can be wound up. */
  #fail(): never {
    this.failure = writeError(Atomics.load(this.#header, ERRNO), this.#path);
    throw this.failure;
  }

  #putControl(record: number, value: number): void {
    this.#control[0] = recordWord(record, LOST_WORDS);
    this.#control[HEADER_WORDS] = value;
    this.#put(this.#control, LOST_WORDS);
  }
}

/**
 * The error of a trace that could not be written; `errno` is positive. What is no error of the
 * system (EIO stands in for it) is told in the writer's own words.
 */
export function writeError(errno: number, path: string, reason?: string): ErrnoError {
  const kept = isSpool(path)
    ? 'what was recorded is finished when the database is next opened'
    : 'begin again, nothing was kept';
  return new ErrnoError(errno, 'write', path, {
    ...(reason !== undefined && errno === errnoOf('EIO') && { text: reason }),
    hint: Math.abs(errno) === errnoOf('ENOSPC') ? `make room there; ${kept}` : kept,
  });
}

/** The consumer's end. */
export class RingReader {
  readonly #header: Int32Array;
  readonly #words: Float64Array;
  #tail = 0;

  constructor(ring: Ring) {
    this.#header = new Int32Array(ring.header);
    this.#words = new Float64Array(ring.words);
  }

  /** Copies what has come, at most what `into` holds; returns how many words. */
  take(into: Float64Array): number {
    Atomics.add(this.#header, BEAT, 1);
    const head = Atomics.load(this.#header, HEAD);
    const count = Math.min((head - this.#tail) >>> 0, into.length);
    const size = this.#words.length;
    const from = (this.#tail >>> 0) % size;
    const first = Math.min(count, size - from);
    into.set(this.#words.subarray(from, from + first));
    into.set(this.#words.subarray(0, count - first), first);
    return count;
  }

  /** Gives the room of `count` words back, once they are safe. */
  release(count: number): void {
    this.#tail = (this.#tail + count) | 0;
    Atomics.store(this.#header, TAIL, this.#tail);
    Atomics.notify(this.#header, TAIL);
  }

  /** True once the producer has closed and everything was taken. */
  get ended(): boolean {
    // In this order: what came before the closing is then seen.
    const closed = Atomics.load(this.#header, CLOSED) === 1;
    return closed && Atomics.load(this.#header, HEAD) === this.#tail;
  }

  /** True once the producer has closed. */
  get closed(): boolean {
    return Atomics.load(this.#header, CLOSED) === 1;
  }

  /** Sleeps until something comes, at most `ms`. */
  wait(ms: number): void {
    if (!this.closed) Atomics.wait(this.#header, HEAD, this.#tail, ms);
  }

  /** Tells the producer that nothing more will be taken, and why. */
  fail(errno: number): void {
    Atomics.store(this.#header, ERRNO, Math.abs(errno));
    Atomics.store(this.#header, STATE, FAILED);
    Atomics.notify(this.#header, TAIL);
  }
}
