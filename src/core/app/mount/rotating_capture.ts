/**
 * A capture in parts: when one has grown to a size the next begins, and the oldest are removed, so
 * that something that runs for weeks stays within a bound. Made by `mount`. What an event of a part
 * refers to that happened before it (the beginning of a request) is in the part before.
 */
import { rmSync } from 'node:fs';
import type { Era } from '../../trace/eras.js';
import { SwitchSink } from '../../trace/switch_sink.js';
import type { FinishReport, TraceSink } from '../../trace/types.js';

/** Bytes of a word of a trace. */
const WORD_BYTES = 8;

/** How a capture is divided. */
export interface Rotation {
  /** Bytes of trace in a part. */
  readonly bytes: number;
  /** Parts that are kept. */
  readonly keep: number;
}

/** The path of a part, counted from 1: `x.db`, `x-2.db`, `x-3.db`. */
function partPath(out: string, part: number): string {
  return part === 1 ? out : out.replace(/(\.db)?$/, (ext) => `-${part}${ext}`);
}

/** Writes one part after the other. */
export class RotatingCapture implements TraceSink {
  readonly era: Era;
  readonly #switch: SwitchSink;
  readonly #rotation: Rotation;
  readonly #begin: (part: number) => TraceSink;
  readonly #out: string;
  #part = 1;
  #bytes = 0;
  #now: TraceSink;
  /** Parts that are being finished. */
  readonly #ending: Promise<FinishReport>[] = [];

  /** `begin` begins a part, of which the first must not be there yet. */
  constructor(out: string, rotation: Rotation, begin: (path: string) => TraceSink) {
    this.#rotation = rotation;
    this.#begin = (part) => begin(partPath(out, part));
    this.#out = out;
    this.#now = this.#begin(1);
    this.era = this.#now.era;
    this.#switch = new SwitchSink(this.era);
    this.#switch.to(this.#now);
  }

  /** The part that is written now. */
  get path(): string {
    return partPath(this.#out, this.#part);
  }

  get failure(): Error | undefined {
    return this.#now.failure;
  }

  append(words: Float64Array, count: number): void {
    this.#switch.append(words, count);
    this.#bytes += count * WORD_BYTES;
    if (this.#bytes >= this.#rotation.bytes) this.#rotate();
  }

  #rotate(): void {
    const before = this.#now;
    this.#bytes = 0;
    this.#now = this.#begin(++this.#part);
    this.#switch.to(this.#now);
    const old = this.#part - this.#rotation.keep;
    const ended = before.close().then((report) => {
      if (old > 0) rmSync(partPath(this.#out, old), { force: true });
      return report;
    });
    this.#ending.push(ended);
  }

  async close(): Promise<FinishReport> {
    const reports = await Promise.all([...this.#ending, this.#now.close()]);
    const sum = (of: 'events' | 'lost' | 'finishMs'): number =>
      reports.reduce((all, report) => all + report[of], 0);
    const error = reports.find((report) => report.error !== null)?.error ?? null;
    return { events: sum('events'), lost: sum('lost'), finishMs: sum('finishMs'), error };
  }
}
