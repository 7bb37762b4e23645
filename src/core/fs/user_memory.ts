/** A program's memory as what the server's bytes go to or come from; for direct I/O of clients. */
import { addSegment } from '../io/segments.js';
import type { SegmentList } from '../io/types.js';
import type { StoreSource } from '../server/types.js';

/** A piece of a program's memory as what is read into, or stored from. */
export class UserMemory implements StoreSource {
  readonly #memory: Uint8Array;
  #at: number;
  count: number;

  /** Bytes [at, at + count) of `memory`. */
  constructor(memory: Uint8Array, at: number, count: number) {
    this.#memory = memory;
    this.#at = at;
    this.count = count;
  }

  segments(list: SegmentList): void {
    list.count = 0;
    addSegment(list, this.#memory, this.#at, this.count);
  }

  advance(bytes: number): void {
    this.#at += bytes;
    this.count -= bytes;
  }
}
