/**
 * Seeded random numbers, the engine's only source of chance. The generator is pure-rand's
 * xoroshiro128+; each consumer has a stream of its own, so that one more draw in one place does not
 * shift every other.
 */
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A stream of random numbers that is a pure function of its seed. */
export class Prng {
  readonly #generator;

  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed | 0);
  }

  /** The next 32 bits, as an unsigned integer. */
  next32(): number {
    return this.#generator.next() >>> 0;
  }

  /** A number in [0, 1), a multiple of 2^-53. */
  float(): number {
    return ((this.next32() >>> 5) * 2 ** 26 + (this.next32() >>> 6)) / 2 ** 53;
  }

  /** An integer in [0, bound); `bound` is at least 1 and at most 2^53. */
  below(bound: number): number {
    return Math.floor(this.float() * bound);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.float() < probability;
  }

  /** A new stream, unrelated to this one's further numbers. */
  fork(): Prng {
    return new Prng(this.next32());
  }
}
