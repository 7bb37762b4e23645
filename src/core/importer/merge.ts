/**
 * Reads several texts of one capture at the same time and hands their events on in the order of
 * their times: the buffers of the processors (per_cpu/cpuN/trace), or pieces that overlap. Called
 * by app/import/import.ts. An input waits until its events so far are wanted, so little is held at
 * a time.
 */
import TinyQueue from 'tinyqueue';
import type { Era } from '../trace/eras.js';
import type { AnyTracepoint, Row } from '../trace/tracepoint.js';
import type { EventHead, EventSink, Input } from './types.js';

/** One input to merge. */
export interface MergeSource {
  readonly input: Input;
  /** Reads all of `input` into `out`; rejects when that fails. */
  read(input: Input, out: EventSink): Promise<void>;
  /** What follows comes from this input. */
  enter(): void;
}

/** Bytes of an input that are read ahead of the others. */
const AHEAD = 1 << 16;

/**
 * Reads all inputs into `out`. Events of one input keep their order; of equal times, those of the
 * earlier input are first. Rejects with the first failure, after everything that was read.
 */
export async function mergeReads(sources: readonly MergeSource[], out: EventSink): Promise<void> {
  const feeds = sources.map((source, number) => new Feed(source, number, out));
  const reads = feeds.map((feed) => feed.start());
  await Promise.all(feeds.map((feed) => feed.filled()));
  const waiting = new TinyQueue(
    feeds.filter((feed) => feed.key !== null),
    (a, b) => (a.key as number) - (b.key as number) || a.number - b.number,
  );
  let current: Feed | null = null;
  for (let feed = waiting.pop(); feed !== undefined; feed = waiting.pop()) {
    if (feed !== current) feed.source.enter();
    current = feed;
    feed.take();
    if (feed.key === null) await feed.filled();
    if (feed.key !== null) waiting.push(feed);
  }
  const ends = await Promise.allSettled(reads);
  const failure = ends.find((end) => end.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

/** What an input told, not yet handed on. */
interface Told {
  readonly key: number;
  hand(): void;
}

/** One input being read. */
class Feed implements EventSink {
  readonly era: Era;
  readonly source: MergeSource;
  readonly number: number;
  readonly #out: EventSink;
  #told: Told[] = [];
  #next = 0;
  /** Time of the latest event; what has no time of its own stays behind it. */
  #latest = Number.NEGATIVE_INFINITY;
  #ended = false;
  /** Wakes the merge: there are events, or there will be none. */
  #wakeMerge = () => {};
  /** Wakes the input: its events are used up. */
  #wakeInput = () => {};

  constructor(source: MergeSource, number: number, out: EventSink) {
    this.source = source;
    this.number = number;
    this.era = out.era;
    this.#out = out;
  }

  /** Time of the next event, null if there is none at hand. */
  get key(): number | null {
    return this.#told[this.#next]?.key ?? null;
  }

  /** Starts to read; settles when all is read. */
  async start(): Promise<void> {
    const { name, head, size } = this.source.input;
    const input: Input = {
      name,
      head,
      size,
      chunks: () => this.#chunks(),
      file: () => this.source.input.file(),
    };
    try {
      await this.source.read(input, this);
    } finally {
      this.#ended = true;
      this.#wakeMerge();
    }
  }

  /** Settles when an event is at hand, or the input has ended. */
  async filled(): Promise<void> {
    while (this.key === null && !this.#ended) {
      const more = new Promise<void>((resolve) => {
        this.#wakeMerge = resolve;
      });
      this.#wakeInput();
      await more;
    }
  }

  /** Hands the next event on. */
  take(): void {
    this.#told[this.#next]?.hand();
    this.#next++;
    if (this.#next < this.#told.length) return;
    this.#told = [];
    this.#next = 0;
  }

  async *#chunks(): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of this.source.input.chunks()) {
      for (let from = 0; from < chunk.length; from += AHEAD) {
        if (this.key !== null) {
          const used = new Promise<void>((resolve) => {
            this.#wakeInput = resolve;
          });
          this.#wakeMerge();
          await used;
        }
        yield chunk.subarray(from, from + AHEAD);
      }
    }
  }

  #tell(hand: () => void): void {
    this.#told.push({ key: this.#latest, hand });
  }

  #at(head: EventHead): EventHead {
    this.#latest = Math.max(this.#latest, head.ns);
    const { ns, pid, comm, cpu, flags } = head;
    return { ns, pid, comm, cpu, flags };
  }

  origin(first: bigint): bigint {
    return this.#out.origin(first);
  }

  event(head: EventHead, system: string, name: string, text: string, where: number): void {
    const own = this.#at(head);
    this.#tell(() => this.#out.event(own, system, name, text, where));
  }

  row(head: EventHead, tracepoint: AnyTracepoint, row: Row, where: number): void {
    const own = this.#at(head);
    this.#tell(() => this.#out.row(own, tracepoint, row, where));
  }

  marker(head: EventHead, text: string, where: number): void {
    const own = this.#at(head);
    this.#tell(() => this.#out.marker(own, text, where));
  }

  lost(events: number, where: number, heading?: string): void {
    this.#tell(() => this.#out.lost(events, where, heading));
  }

  damaged(where: number, what: string): void {
    this.#tell(() => this.#out.damaged(where, what));
  }

  skipped(where: number): void {
    this.#tell(() => this.#out.skipped(where));
  }
}
