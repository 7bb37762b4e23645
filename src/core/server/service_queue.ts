/**
 * The time a server takes: latency with jitter, a link whose bandwidth all replies share, and a
 * limit on the operations in service. Called by the servers; knows nothing of what is served.
 */
import type { Prng } from '../sim/prng.js';
import type { Scheduler } from '../sim/scheduler.js';
import type { ServerCounters, ServiceOptions } from './types.js';

/** Delays operations and admits them in order. */
export class ServiceQueue {
  readonly #scheduler: Scheduler;
  readonly #prng: Prng;
  readonly #options: ServiceOptions;
  readonly #counters: Pick<ServerCounters, 'maxInService'>;
  readonly #waiting: Array<() => void> = [];
  #inService = 0;
  /** When the link has sent everything it was given, ns. */
  #linkFree = 0;

  constructor(
    scheduler: Scheduler,
    prng: Prng,
    options: ServiceOptions,
    counters: Pick<ServerCounters, 'maxInService'>,
  ) {
    this.#scheduler = scheduler;
    this.#prng = prng;
    this.#options = options;
    this.#counters = counters;
  }

  /**
   * Runs `perform` when an operation of `bytes` bytes would be answered; inside this call when
   * nothing delays it. `perform` calls its argument when it has ended.
   */
  submit(bytes: number, perform: (ended: () => void) => void): void {
    const { maxConcurrent } = this.#options;
    const start = (): void => this.#start(bytes, perform);
    if (maxConcurrent > 0 && this.#inService >= maxConcurrent) this.#waiting.push(start);
    else start();
  }

  #start(bytes: number, perform: (ended: () => void) => void): void {
    this.#inService++;
    this.#counters.maxInService = Math.max(this.#counters.maxInService, this.#inService);
    const ended = (): void => {
      this.#inService--;
      this.#waiting.shift()?.();
    };
    const delay = this.#delay(bytes);
    if (delay <= 0) perform(ended);
    else this.#scheduler.after(delay, () => perform(ended));
  }

  #delay(bytes: number): number {
    const { latencyNs, jitterNs, bandwidth } = this.#options;
    const jitter = jitterNs > 0 ? this.#prng.below(jitterNs + 1) : 0;
    if (bandwidth === 0) return latencyNs + jitter;
    const now = this.#scheduler.clock.now();
    this.#linkFree = Math.max(now, this.#linkFree) + Math.round((bytes / bandwidth) * 1e9);
    return this.#linkFree - now + latencyNs + jitter;
  }
}
