/** A trace sink that keeps the requests of a run and nothing else: what `whatif` compares. */
import type { Era } from '../../trace/eras.js';
import { tracepointOfRecord } from '../../trace/index.js';
import { RecordDecoder } from '../../trace/record.js';
import { HEADER_WORDS } from '../../trace/tracepoint.js';
import type { FinishReport, TraceSink } from '../../trace/types.js';

/** A request as it was begun: bytes [start, start + length). */
export type RequestRange = readonly [start: number, length: number];

/** Most requests that are kept. */
const KEPT_MAX = 1_000_000;

/** Keeps where each request of a run begins and how long it is. */
export class RequestSink implements TraceSink {
  readonly era: Era;
  readonly requests: RequestRange[] = [];
  /** Requests in all. */
  count = 0;
  readonly #columns = new Map<number, { start: number; len: number; what: number } | null>();
  readonly #decoder: RecordDecoder;

  constructor(era: Era) {
    this.era = era;
    const nothing = (): void => {};
    this.#decoder = new RecordDecoder({
      event: (record, words, at) => this.#event(record, words, at),
      ...{ task: nothing, op: nothing, stats: nothing, marker: nothing, other: nothing },
      file: nothing,
      ...{ lost: nothing, meta: nothing, end: nothing },
    });
  }

  append(words: Float64Array, count: number): void {
    this.#decoder.feed(words, 0, count);
  }

  async close(): Promise<FinishReport> {
    return { events: this.count, lost: 0, finishMs: 0, error: null };
  }

  #event(record: number, words: Float64Array, at: number): void {
    let columns = this.#columns.get(record);
    if (columns === undefined) {
      columns = this.#columnsOf(record);
      this.#columns.set(record, columns);
    }
    if (columns === null) return;
    const what = this.#decoder.strings[words[at + HEADER_WORDS + columns.what] as number];
    // An expansion is told by an event of its own, of the same request.
    if (what === 'EXPANDED') return;
    this.count++;
    if (this.requests.length >= KEPT_MAX) return;
    const start = words[at + HEADER_WORDS + columns.start] as number;
    this.requests.push([start, words[at + HEADER_WORDS + columns.len] as number]);
  }

  #columnsOf(record: number) {
    const tracepoint = tracepointOfRecord(record, this.era);
    if (tracepoint?.name !== 'netfs_read') return null;
    const names = tracepoint.columns.map(({ name }) => name);
    const of = (name: string): number => names.indexOf(name);
    return { start: of('start'), len: of('len'), what: of('what') };
  }
}
