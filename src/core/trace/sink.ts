/**
 * Sinks that need no database: one that keeps decoded rows in memory, for tests, and one that
 * throws records away. The ring is in ring.ts, the database in store/.
 */
import type { Era } from './eras.js';
import { OWN_SYSTEM } from './events/own.js';
import { tracepointOfRecord } from './index.js';
import {
  decodeValue,
  type FileRecord,
  type OpRecord,
  placeCpu,
  placeFlags,
  RecordDecoder,
  type StatEntry,
} from './record.js';
import { HEADER_WORDS } from './tracepoint.js';
import type { FinishReport, TraceSink, Value } from './types.js';

const FINISHED: FinishReport = { events: 0, lost: 0, finishMs: 0, error: null };

/** Throws everything away. */
export class NullSink implements TraceSink {
  readonly era: Era;

  constructor(era: Era) {
    this.era = era;
  }

  append(): void {}

  async close(): Promise<FinishReport> {
    return FINISHED;
  }
}

/** Words that are collected: a few hundred events. */
const BATCH_WORDS = 4096;

/** Hands records on many at a time: to tell another thread of each costs more than to make it. */
export class BatchSink implements TraceSink {
  readonly era: Era;
  readonly #to: TraceSink;
  readonly #words = new Float64Array(BATCH_WORDS);
  #count = 0;

  /** `to` must not drop records: it would drop all of a batch. */
  constructor(to: TraceSink) {
    this.era = to.era;
    this.#to = to;
  }

  get failure(): Error | undefined {
    return this.#to.failure;
  }

  append(words: Float64Array, count: number): void {
    if (this.#count + count > BATCH_WORDS) this.flush();
    if (count > BATCH_WORDS) {
      this.#to.append(words, count);
      return;
    }
    const batch = this.#words;
    const at = this.#count;
    for (let i = 0; i < count; i++) batch[at + i] = words[i] as number;
    this.#count = at + count;
  }

  /** Hands on what was collected. */
  flush(): void {
    const count = this.#count;
    this.#count = 0;
    if (count > 0) this.#to.append(this.#words, count);
  }

  close(): Promise<FinishReport> {
    try {
      this.flush();
    } catch {
      // The report carries the error.
    }
    return this.#to.close();
  }
}

/** An event as a plain row: where and when it happened, and its columns by name. */
export interface MemoryRow {
  readonly event: string;
  readonly ts: number;
  readonly task: number;
  readonly pid: number;
  readonly comm: string;
  readonly cpu: number;
  /** Latency flags (`flags` is a column of several events). */
  readonly common_flags: string;
  readonly op: number;
  readonly [column: string]: Value;
}

/** Keeps everything, decoded, in memory. */
export class MemorySink implements TraceSink {
  readonly era: Era;
  /** The kernel's events in order. */
  readonly rows: MemoryRow[] = [];
  /** The events of our own, in order. */
  readonly own: MemoryRow[] = [];
  /** The files that are known by name. */
  readonly files: FileRecord[] = [];
  /** The operations in order of their end. */
  readonly ops: OpRecord[] = [];
  /** The texts of the application. */
  readonly markers: string[] = [];
  /** The snapshots of the statistics. */
  readonly snapshots: (readonly StatEntry[])[] = [];
  /** What was set of the row of `capture`. */
  readonly meta: Record<string, unknown> = {};
  /** Printing takes longer than all the rest, and is seldom asked for. */
  readonly #printed: (() => string)[] = [];
  readonly #tasks = new Map<number, { pid: number; comm: string }>();
  readonly #decoder: RecordDecoder;

  constructor(era: Era) {
    this.era = era;
    this.#decoder = new RecordDecoder({
      event: (record, words, at) => this.#event(record, words, at),
      task: (task, pid, comm) => this.#tasks.set(task, { pid, comm }),
      file: (file) => this.files.push(file),
      op: (op) => this.ops.push(op),
      stats: (_snapshot, _ts, entries) => this.snapshots.push(entries),
      marker: (text) => this.markers.push(text),
      other: (_system, name, text) => this.#printed.push(() => `${name}: ${text}`),
      lost: () => {},
      meta: (values) => Object.assign(this.meta, values),
      end: () => {},
    });
  }

  append(words: Float64Array, count: number): void {
    this.#decoder.feed(words, 0, count);
  }

  async close(): Promise<FinishReport> {
    return { ...FINISHED, events: this.rows.length + this.own.length };
  }

  /** The events as the kernel prints them, from the event's name on. */
  lines(): readonly string[] {
    return this.#printed.map((print) => print());
  }

  #event(record: number, words: Float64Array, at: number): void {
    const tracepoint = tracepointOfRecord(record, this.era);
    if (tracepoint === undefined || tracepoint.format(this.era) === null) return;
    const values = tracepoint.columns.map((column, i) =>
      tracepoint.prints(this.era, i)
        ? decodeValue(column, words[at + HEADER_WORDS + i] as number, this.era, this.#strings())
        : null,
    );
    const task = words[at + 2] as number;
    const place = words[at + 3] as number;
    const row: { [column: string]: Value } & MemoryRow = {
      event: tracepoint.name,
      ts: words[at + 1] as number,
      task,
      pid: this.#tasks.get(task)?.pid ?? 0,
      comm: this.#tasks.get(task)?.comm ?? '',
      cpu: placeCpu(place),
      common_flags: this.#strings()[placeFlags(place)] ?? '',
      op: words[at + 4] as number,
    };
    for (const [i, { name }] of tracepoint.columns.entries()) row[name] = values[i] ?? null;
    if (tracepoint.system === OWN_SYSTEM) {
      this.own.push(row);
    } else {
      this.rows.push(row);
      this.#printed.push(() => `${tracepoint.name}: ${tracepoint.print(values, this.era)}`);
    }
  }

  #strings(): readonly string[] {
    return this.#decoder.strings;
  }
}
