/**
 * Writes records into a sink. The tracer uses it with the clock's time and the current task; the
 * importers use it with the times and tasks of the lines they read.
 */
import {
  encodeValue,
  type FileRecord,
  type OpRecord,
  packBytes,
  packedWords,
  placeWord,
  RECORD,
  recordWord,
  type StatEntry,
} from './record.js';
import { type AnyTracepoint, HEADER_WORDS, MAX_COLUMNS, type Row } from './tracepoint.js';
import type { TraceSink } from './types.js';

/** When and where something happened. */
export interface RecordHeader {
  /** Nanoseconds since the start of the capture. */
  readonly ts: number;
  /** Number from `task`, 0 = none. */
  readonly task: number;
  readonly cpu: number;
  /** Latency flags as printed. */
  readonly flags: string;
  /** Workload operation, 0 = none. */
  readonly op: number;
}

const NOWHERE: RecordHeader = { ts: 0, task: 0, cpu: 0, flags: '', op: 0 };
const UTF8 = new TextEncoder();

/** Encodes records, interning strings and tasks. */
export class RecordWriter {
  readonly sink: TraceSink;
  readonly #strings = new Map<string, number>();
  /** By pid and name. */
  readonly #tasks = new Map<number, Map<string, number>>();
  /** The event at hand: `begin` fills in its header, the caller its columns, in either order. */
  readonly words = new Float64Array(HEADER_WORDS + MAX_COLUMNS);
  #control = new Float64Array(64);
  // What the last operation was called, which mostly is what the next one is called, and the
  // latency flags of the last record.
  #opKind = '';
  #opKindNumber = -1;
  #opFile = '';
  #opFileNumber = -1;
  #flags = '';
  #flagsNumber = -1;
  #taskCount = 0;
  #snapshots = 0;

  constructor(sink: TraceSink) {
    this.sink = sink;
  }

  /**
   * Fills in the header of an event with `count` columns and returns the words, whose columns start
   * at HEADER_WORDS. Valid until the next `begin`.
   */
  begin(
    record: number,
    count: number,
    ts: number,
    task: number,
    place: number,
    op: number,
  ): Float64Array {
    const words = this.words;
    words[0] = recordWord(record, HEADER_WORDS + count);
    words[1] = ts;
    words[2] = task;
    words[3] = place;
    words[4] = op;
    return words;
  }

  /** Hands over the event with `count` columns that was begun. */
  commit(count: number): void {
    this.sink.append(this.words, HEADER_WORDS + count);
  }

  /** Writes an event given as a row; columns its era does not print stay absent. */
  row(tracepoint: AnyTracepoint, header: RecordHeader, row: Row): void {
    const { columns } = tracepoint;
    const { ts, task, cpu, flags, op } = header;
    const values = columns.map((column, i) =>
      encodeValue(column, row[i] ?? null, this.sink.era, (text) => this.string(text)),
    );
    const place = placeWord(cpu, this.string(flags));
    const words = this.begin(tracepoint.record, columns.length, ts, task, place, op);
    words.set(values, HEADER_WORDS);
    this.commit(columns.length);
  }

  /** The number of a string; defines it in the stream when it is new. */
  string(text: string): number {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    const number = this.#strings.size;
    this.#strings.set(text, number);
    const bytes = UTF8.encode(text);
    const words = this.#begin(RECORD.string, NOWHERE, 2 + packedWords(bytes.length));
    words[HEADER_WORDS] = number;
    words[HEADER_WORDS + 1] = bytes.length;
    packBytes(bytes, words, HEADER_WORDS + 2);
    this.sink.append(words, HEADER_WORDS + 2 + packedWords(bytes.length));
    return number;
  }

  /** A new task. */
  newTask(pid: number, comm: string): number {
    const task = ++this.#taskCount;
    this.#write(RECORD.task, NOWHERE, task, pid, this.string(comm));
    return task;
  }

  /** The task of this pid and name, defined when it is new. */
  task(pid: number, comm: string): number {
    let tasks = this.#tasks.get(pid);
    if (tasks === undefined) {
      tasks = new Map();
      this.#tasks.set(pid, tasks);
    }
    let task = tasks.get(comm);
    if (task === undefined) {
      task = this.newTask(pid, comm);
      tasks.set(comm, task);
    }
    return task;
  }

  /** An operation of the workload that ended. */
  file({ ino, dev, path, how }: FileRecord): void {
    this.#write(RECORD.file, NOWHERE, ino, dev, this.string(path), this.string(how));
  }

  /** An operation of the workload that has ended. */
  op(header: RecordHeader, op: OpRecord): void {
    if (op.kind !== this.#opKind || op.file !== this.#opFile) this.#nameOp(op);
    const words = this.#begin(RECORD.op, header, 9);
    words[HEADER_WORDS] = op.op;
    words[HEADER_WORDS + 1] = this.#opKindNumber;
    words[HEADER_WORDS + 2] = this.#opFileNumber;
    words[HEADER_WORDS + 3] = op.offset;
    words[HEADER_WORDS + 4] = op.len;
    words[HEADER_WORDS + 5] = op.result;
    words[HEADER_WORDS + 6] = op.start;
    words[HEADER_WORDS + 7] = op.end;
    words[HEADER_WORDS + 8] = op.direct === undefined ? Number.NaN : Number(op.direct);
    this.sink.append(words, HEADER_WORDS + 9);
  }

  #nameOp({ kind, file }: OpRecord): void {
    this.#opKindNumber = this.string(kind);
    this.#opFileNumber = this.string(file);
    this.#opKind = kind;
    this.#opFile = file;
  }

  #flagsOf(text: string): number {
    if (text !== this.#flags || this.#flagsNumber < 0) {
      this.#flagsNumber = this.string(text);
      this.#flags = text;
    }
    return this.#flagsNumber;
  }

  /** A snapshot of the statistics; returns its number, counted from 1. */
  stats(header: RecordHeader, entries: readonly StatEntry[]): number {
    const snapshot = ++this.#snapshots;
    const values = entries.flatMap(({ line, label, key, value }) => [
      line,
      this.string(label),
      this.string(key),
      value,
    ]);
    this.#write(RECORD.stat, header, snapshot, ...values);
    return snapshot;
  }

  /** Something the application says. */
  marker(header: RecordHeader, text: string): void {
    this.#write(RECORD.marker, header, this.string(text));
  }

  /** An event that has no tracepoint here, as its text. */
  other(header: RecordHeader, system: string, name: string, text: string): void {
    const strings = [this.string(system), this.string(name), this.string(text)];
    this.#write(RECORD.other, header, ...strings);
  }

  /** Values for the row of `capture`, by column. */
  meta(values: Readonly<Record<string, unknown>>): void {
    this.#write(RECORD.meta, NOWHERE, this.string(JSON.stringify(values)));
  }

  #write(record: number, header: RecordHeader, ...values: readonly number[]): void {
    const words = this.#begin(record, header, values.length);
    words.set(values, HEADER_WORDS);
    this.sink.append(words, HEADER_WORDS + values.length);
  }

  #begin(record: number, header: RecordHeader, count: number): Float64Array {
    // Interning the flags may itself use the control words: first.
    const flags = header === NOWHERE ? 0 : this.#flagsOf(header.flags);
    if (this.#control.length < HEADER_WORDS + count) {
      this.#control = new Float64Array(2 * (HEADER_WORDS + count));
    }
    const words = this.#control;
    words[0] = recordWord(record, HEADER_WORDS + count);
    words[1] = header.ts;
    words[2] = header.task;
    words[3] = placeWord(header.cpu, flags);
    words[4] = header.op;
    return words;
  }
}
