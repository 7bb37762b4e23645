/**
 * What the engine traces with: tracepoints emit into it, the lab closes it. Stamps every event with
 * the clock's time and the task that is executing.
 *
 * Plays the ring buffer's front end (kernel/trace/ring_buffer.c). Differs: events are not written
 * in interrupt context, so one scratch record is enough.
 */
import type { Clock } from '../sim/clock.js';
import type { ExecContext } from '../sim/context.js';
import { MAX_RECORD, TRACEPOINTS } from './index.js';
import { type OpRecord, placeWord, type StatEntry } from './record.js';
import { type RecordHeader, RecordWriter } from './record_writer.js';
import { type StatValues, statEntries } from './stats_layout.js';
import type { FinishReport, TraceSink } from './types.js';

/** Processor time an event costs, nanoseconds; charged to the clock. */
export const EVENT_COST_NS = 500;

/** What a tracer needs. */
export interface TracerOptions {
  readonly sink: TraceSink;
  readonly clock: Clock;
  /** Gives the task that is executing. */
  readonly contexts: { readonly context: ExecContext };
}

/** The engine's end of a capture. */
export class Tracer {
  /** False: `emit` returns at once. */
  enabled = true;
  /** By record number: 1 where the era being played does not have the event. */
  readonly absent: Uint8Array;
  readonly #writer: RecordWriter;
  readonly #clock: Clock;
  readonly #contexts: { readonly context: ExecContext };
  #flagsText = '';
  #flags = -1;

  constructor({ sink, clock, contexts }: TracerOptions) {
    this.#writer = new RecordWriter(sink);
    this.absent = new Uint8Array(MAX_RECORD + 1);
    for (const each of TRACEPOINTS) {
      if (each.format(sink.era) === null) this.absent[each.record] = 1;
    }
    this.#clock = clock;
    this.#contexts = contexts;
  }

  /** Why nothing more is recorded; undefined while all is well. */
  get failure(): Error | undefined {
    return this.#writer.sink.failure;
  }

  /** For tracepoints: starts the record of an event and returns the words to fill. */
  begin(record: number, count: number): Float64Array {
    const { context } = this.#contexts;
    const task = context.traceTask || this.#define(context);
    // Contexts share few flag texts, so comparing with the last is nearly always enough.
    if (context.flags !== this.#flagsText || this.#flags < 0) {
      this.#flagsText = context.flags;
      this.#flags = this.#writer.string(context.flags);
    }
    const place = placeWord(context.cpu, this.#flags);
    return this.#writer.begin(record, count, this.#clock.now(), task, place, context.op);
  }

  /** For tracepoints: ends the record that was begun. */
  commit(count: number): void {
    this.#writer.commit(count);
    this.#clock.charge(EVENT_COST_NS);
  }

  /** The number of a string, for text columns. */
  string(text: string): number {
    return this.#writer.string(text);
  }

  /** Records an operation of the workload when it has ended. */
  op(op: OpRecord): void {
    if (this.enabled) this.#writer.op(this.#header(), op);
  }

  /** Records a snapshot of the read helper's statistics. */
  stats(values: StatValues): void {
    this.snapshot(statEntries(this.#writer.sink.era, values));
  }

  /** Records a snapshot of all statistics. */
  snapshot(entries: readonly StatEntry[]): void {
    if (this.enabled) this.#writer.stats(this.#header(), entries);
  }

  /** Records a text of the application, as a write to `trace_marker`. */
  marker(text: string): void {
    if (this.enabled) this.#writer.marker(this.#header(), text);
  }

  /** Records an event that has no tracepoint of its own. */
  other(system: string, name: string, text: string): void {
    if (this.enabled) this.#writer.other(this.#header(), system, name, text);
  }

  /** Sets columns of the row of `capture`. */
  meta(values: Readonly<Record<string, unknown>>): void {
    this.#writer.meta(values);
  }

  /** Ends the capture. Nothing is recorded after it. */
  close(): Promise<FinishReport> {
    this.enabled = false;
    return this.#writer.sink.close();
  }

  #define(context: ExecContext): number {
    context.traceTask = this.#writer.newTask(context.pid, context.comm);
    return context.traceTask;
  }

  #header(): RecordHeader {
    const { context } = this.#contexts;
    const task = context.traceTask || this.#define(context);
    const { cpu, flags, op } = context;
    return { ts: this.#clock.now(), task, cpu, flags, op };
  }
}
