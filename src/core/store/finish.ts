/**
 * Makes a database from a spool, step by step: the writing thread between two looks at the ring,
 * recovery in one go.
 */
import { SpoolReader } from '../trace/spool.js';
import type { CaptureMeta } from './types.js';
import { CaptureBuilder } from './writer.js';

/** Words decoded in a step: a few milliseconds of work. */
const STEP_WORDS = 2 ** 14;

/** A database being made from a spool. */
export class SpoolToDatabase {
  readonly builder: CaptureBuilder;
  readonly #reader: SpoolReader;
  #words = new Float64Array(STEP_WORDS);
  /** Words at the start of #words that are the beginning of a record. */
  #kept = 0;

  /** Reads `spool`, fills `database`, which must be new or empty. */
  constructor(spool: string, database: string) {
    this.#reader = new SpoolReader(spool);
    this.builder = new CaptureBuilder(database, this.#reader.header.meta as unknown as CaptureMeta);
  }

  /** Takes in some more of the spool; false if there was no more. */
  step(): boolean {
    const read = this.#reader.read(this.#words, this.#kept);
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
    this.#reader.close();
    this.builder.finish(elapsed);
  }

  /** Gives up. */
  abandon(): void {
    this.#reader.close();
    this.builder.abandon();
  }
}
