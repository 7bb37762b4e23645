/**
 * Makes a database of a stream of words, step by step: of a spool, by the writing thread between
 * two looks at the ring and by recovery in one go, or of the ring itself.
 */
import { SpoolReader } from '../trace/spool.js';
import type { CaptureMeta } from './types.js';
import { CaptureBuilder } from './writer.js';

/** Words decoded in a step: a few milliseconds of work. */
const STEP_WORDS = 2 ** 14;

/** Gives some words of a stream: fills what it can, returns how many came. */
export type WordSource = (into: Float64Array) => number;

/** A database being made of a stream of words, whose records need not come whole. */
export class WordsToDatabase {
  readonly builder: CaptureBuilder;
  readonly #source: WordSource;
  #words = new Float64Array(STEP_WORDS);
  /** Words at the start of #words that are the beginning of a record. */
  #kept = 0;

  /** Fills `database`, which must be new or empty. */
  constructor(source: WordSource, database: string, meta: CaptureMeta) {
    this.#source = source;
    this.builder = new CaptureBuilder(database, meta);
  }

  /** Takes in some more; false if there was no more. */
  step(): boolean {
    const read = this.#source(this.#words.subarray(this.#kept));
    if (read === 0) return false;
    const end = this.#kept + read;
    const at = this.builder.feed(this.#words, 0, end);
    // A record longer than what can be held: a long string.
    if (at === 0 && end === this.#words.length) {
      const larger = new Float64Array(2 * end);
      larger.set(this.#words);
      this.#words = larger;
    } else {
      this.#words.copyWithin(0, at, end);
    }
    this.#kept = end - at;
    return true;
  }

  /** Takes in the rest and completes the database. What is left of a torn record is dropped. */
  finish(elapsed: () => number): void {
    while (this.step());
    this.builder.finish(elapsed);
  }

  /** Gives up. */
  abandon(): void {
    this.builder.abandon();
  }
}

/** A database being made of a spool, which is read as far as it is written. */
export class SpoolToDatabase extends WordsToDatabase {
  readonly #reader: SpoolReader;

  /** Reads `spool`, fills `database`, which must be new or empty. */
  constructor(spool: string, database: string) {
    const reader = new SpoolReader(spool);
    const meta = reader.header.meta as unknown as CaptureMeta;
    super((into) => reader.read(into), database, meta);
    this.#reader = reader;
  }

  override finish(elapsed: () => number): void {
    super.finish(elapsed);
    this.#reader.close();
  }

  override abandon(): void {
    this.#reader.close();
    super.abandon();
  }
}
