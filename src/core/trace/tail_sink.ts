/**
 * A sink that hands everything on and remembers the newest records, to show them while a run goes
 * on. Made by `app/mount`; read by its control directory.
 */
import type { Era } from './eras.js';
import { printLine } from './line.js';
import { RECORD, recordLength, recordNumber } from './record.js';
import { MemorySink } from './sink.js';
import type { FinishReport, TraceSink } from './types.js';

/** Words that are remembered: some ten thousand events. */
const WORDS = 1 << 18;

/** Remembers the tail of a trace. */
export class TailSink implements TraceSink {
  readonly era: Era;
  readonly #to: TraceSink;
  /** Strings and tasks, which events refer to. */
  readonly #definitions: Float64Array[] = [];
  readonly #ring = new Float64Array(WORDS);
  /** Words seen, and where in them the oldest record remembered begins. */
  #end = 0;
  #start = 0;

  constructor(to: TraceSink) {
    this.era = to.era;
    this.#to = to;
  }

  get failure(): Error | undefined {
    return this.#to.failure;
  }

  append(words: Float64Array, count: number): void {
    this.#to.append(words, count);
    const number = recordNumber(words[0] as number);
    if (number === RECORD.string || number === RECORD.task) {
      this.#definitions.push(words.slice(0, count));
    } else if (count <= WORDS) this.#remember(words, count);
  }

  #remember(words: Float64Array, count: number): void {
    while (this.#end + count - this.#start > WORDS) {
      this.#start += recordLength(this.#ring[this.#start % WORDS] as number);
    }
    for (let i = 0; i < count; i++) {
      this.#ring[(this.#end + i) % WORDS] = words[i] as number;
    }
    this.#end += count;
  }

  /** Where the tail ends now: what comes later is behind this. */
  get position(): number {
    return this.#end;
  }

  /** The kernel's events behind a position, as far as they are remembered, as text. */
  lines(since: number): string[] {
    const sink = new MemorySink(this.era);
    for (const words of this.#definitions) sink.append(words, words.length);
    for (let at = this.#start; at < this.#end; ) {
      const count = recordLength(this.#ring[at % WORDS] as number);
      if (at >= since) {
        const record = Float64Array.from({ length: count }, (_, i) => {
          return this.#ring[(at + i) % WORDS] as number;
        });
        sink.append(record, count);
      }
      at += count;
    }
    const texts = sink.lines();
    return sink.rows.map((row, i) => {
      const text = texts[i] as string;
      const { comm, pid, cpu, common_flags: flags, ts: ns } = row;
      const body = text.slice(row.event.length + 2);
      return printLine(this.era, { comm, pid, cpu, flags, ns }, row.event, body);
    });
  }

  close(): Promise<FinishReport> {
    return this.#to.close();
  }
}
