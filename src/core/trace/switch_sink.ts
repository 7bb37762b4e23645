/**
 * A sink whose records go to one sink after another, or nowhere: for a lab that lives through
 * several captures. Made by `conform`; the lab knows only this one.
 */
import type { Era } from './eras.js';
import { RECORD, recordNumber } from './record.js';
import { HEADER_WORDS } from './tracepoint.js';
import type { FinishReport, TraceSink } from './types.js';

/** Sends records to the sinks chosen last. */
export class SwitchSink implements TraceSink {
  readonly era: Era;
  /** Strings and tasks: every sink needs those that were defined before its time. */
  readonly #definitions: Float64Array[] = [];
  #targets: readonly TraceSink[] = [];
  #snapshots = 0;

  constructor(era: Era) {
    this.era = era;
  }

  /** From now on records go to these sinks; the ones before get no more, and are not closed. */
  to(...targets: readonly TraceSink[]): void {
    this.#targets = targets;
    this.#snapshots = 0;
    for (const target of targets) {
      for (const words of this.#definitions) target.append(words, words.length);
    }
  }

  append(words: Float64Array, count: number): void {
    const number = recordNumber(words[0] as number);
    if (number === RECORD.string || number === RECORD.task) {
      this.#definitions.push(words.slice(0, count));
    }
    // Snapshots are counted from 1 in each capture.
    if (number === RECORD.stat) words[HEADER_WORDS] = ++this.#snapshots;
    for (const target of this.#targets) target.append(words, count);
  }

  async close(): Promise<FinishReport> {
    return { events: 0, lost: 0, finishMs: 0, error: null };
  }
}
