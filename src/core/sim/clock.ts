/**
 * The two clocks. Nothing else in the engine reads the time.
 *
 * Differs from a kernel's clock: the virtual one only moves when the scheduler advances it to the
 * next timer or when work is charged to it, so a run of it is a pure function of its seed.
 */
// The global of this name is looked up anew each time, which costs more than the reading itself.
import { performance } from 'node:perf_hooks';

/** A source of time: integer nanoseconds since the start of the capture. */
export interface Clock {
  readonly kind: 'virtual' | 'real';
  /** Nanoseconds since the start of the capture; never decreases. */
  now(): number;
  /** Accounts `ns` of processor time. Moves the virtual clock; nothing on the real one. */
  charge(ns: number): void;
  /**
   * Wall-clock time of the start of the capture, milliseconds since 1970; 0 on the virtual clock.
   */
  readonly epochMs: number;
}

/** A clock that stands still unless told to move. */
export class VirtualClock implements Clock {
  readonly kind = 'virtual';
  readonly epochMs = 0;
  #now = 0;

  now(): number {
    return this.#now;
  }

  charge(ns: number): void {
    this.#now += ns;
  }

  /** Moves to `time` (ns); a time already passed leaves the clock where it is. */
  advanceTo(time: number): void {
    if (time > this.#now) this.#now = time;
  }
}

/** The machine's monotonic clock, zero at construction. */
export class RealClock implements Clock {
  readonly kind = 'real';
  readonly epochMs = Date.now();
  readonly #start = performance.now();

  now(): number {
    return Math.round((performance.now() - this.#start) * 1e6);
  }

  charge(): void {}
}

/** Milliseconds of a monotonic wall clock, for progress bars and for giving signals a turn. */
export function wallMs(): number {
  return performance.now();
}

/** The present wall-clock time, for naming files and for stamping captures. */
export function wallDate(): Date {
  return new Date(Date.now());
}
