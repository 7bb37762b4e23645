/**
 * Records: how events and everything else of a capture travel, as float64 words, through the ring,
 * in the spool and into the reducer and the store. Written by `RecordWriter`, read by
 * `RecordDecoder`.
 *
 * Every record starts with HEADER_WORDS words: number of the record + 65536 * words in all;
 * nanoseconds since the start of the capture; task; processor + 4096 * string of the latency flags;
 * workload operation (0 = none). Then come its arguments; NaN = absent. Strings are defined in the
 * stream before they are used, so that a spool can be read by itself.
 */
import type { Era } from './eras.js';
import { type Column, FIRST_EVENT_RECORD, HEADER_WORDS } from './tracepoint.js';
import type { Value } from './types.js';

/** Numbers of the control records; events have their own, from FIRST_EVENT_RECORD on. */
export const RECORD = {
  /** string, bytes, then 6 bytes of UTF-8 a word */
  string: 1,
  /** task, pid, string of the name */
  task: 2,
  /** operation, strings of kind and file, offset, len, result, start ns, end ns, direct or NaN */
  op: 3,
  /** snapshot, then line, strings of label and key, value of each counter */
  stat: 4,
  /** events lost here */
  lost: 5,
  /** string */
  marker: 6,
  /** strings of system, name, text */
  other: 7,
  /** string of a JSON object for the row of `capture` */
  meta: 8,
  /** events lost in all */
  end: 9,
  /** inode number, device or NaN, strings of path and of how it is known */
  file: 10,
} as const;

/** A label word from here on is a string that is not in the label table. */
export const RAW_LABEL = 65536;

const RECORD_FACTOR = 65536;
const CPU_FACTOR = 4096;
const BYTES_PER_WORD = 6;

/** First word of a record. */
export function recordWord(record: number, words: number): number {
  return record + RECORD_FACTOR * words;
}

/** Number of the record whose first word this is. */
export function recordNumber(word: number): number {
  return word % RECORD_FACTOR;
}

/** Words of the record whose first word this is, header included. */
export function recordLength(word: number): number {
  return Math.floor(word / RECORD_FACTOR);
}

/** Fourth word: where it ran and the string of its latency flags. */
export function placeWord(cpu: number, flags: number): number {
  return cpu + CPU_FACTOR * flags;
}

/** Processor of a fourth word. */
export function placeCpu(word: number): number {
  return word % CPU_FACTOR;
}

/** String of the latency flags of a fourth word. */
export function placeFlags(word: number): number {
  return Math.floor(word / CPU_FACTOR);
}

/** Words that `bytes` bytes of text take. */
export function packedWords(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_WORD);
}

/**
 * Packs bytes from word `at` on. Six a word, as a whole number: a float64 of arbitrary bits could
 * be a NaN, whose bits are not kept.
 */
export function packBytes(bytes: Uint8Array, words: Float64Array, at: number): void {
  for (let from = 0, to = at; from < bytes.length; from += BYTES_PER_WORD, to++) {
    let word = 0;
    for (let i = Math.min(from + BYTES_PER_WORD, bytes.length) - 1; i >= from; i--) {
      word = word * 256 + (bytes[i] as number);
    }
    words[to] = word;
  }
}

/** Unpacks `length` bytes from word `at` on. */
export function unpackBytes(words: Float64Array, at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let to = 0, from = at; to < length; from++) {
    let word = words[from] as number;
    for (let i = 0; i < BYTES_PER_WORD && to < length; i++) {
      bytes[to++] = word % 256;
      word = Math.floor(word / 256);
    }
  }
  return bytes;
}

/** The value of an event's argument. */
export function decodeValue(
  column: Column,
  word: number,
  era: Era,
  strings: readonly string[],
): Value {
  if (Number.isNaN(word)) return null;
  if (column.symbols !== null) {
    return word < RAW_LABEL ? column.symbols.text(era, word) : (strings[word - RAW_LABEL] ?? null);
  }
  if (column.kind === 'text') return strings[word] ?? null;
  if (column.kind === 'u64' && word < 0) return strings[-1 - word] ?? null;
  return word;
}

/** The word of a value; `string` gives the number of a string. */
export function encodeValue(
  column: Column,
  value: Value,
  era: Era,
  string: (text: string) => number,
): number {
  if (value === null) return Number.NaN;
  if (typeof value === 'number') return value;
  if (column.symbols !== null) {
    return column.symbols.find(era, value) ?? RAW_LABEL + string(value);
  }
  return column.kind === 'u64' ? -1 - string(value) : string(value);
}

/** An operation of the workload. */
export interface OpRecord {
  /** Number of the operation, counted from 1; events made on its behalf carry it. */
  readonly op: number;
  /** What was asked for: `read`, `open`, ... */
  readonly kind: string;
  readonly file: string;
  /** File position, bytes. */
  readonly offset: number;
  /** Bytes asked for. */
  readonly len: number;
  /** Bytes done, or a negative error number. */
  readonly result: number;
  /** Nanoseconds since the start of the capture. */
  readonly start: number;
  readonly end: number;
  /** True if it went past the page cache (O_DIRECT); absent where that is not known. */
  readonly direct?: boolean | undefined;
}

/** A file of the machine that was traced. */
export interface FileRecord {
  readonly ino: number;
  /** st_dev; NaN = not known. */
  readonly dev: number;
  readonly path: string;
  /** How the path is known, in words. */
  readonly how: string;
}

/** One counter in a snapshot of the statistics. */
export interface StatEntry {
  /** Line of the statistics text, counted from 0. */
  readonly line: number;
  /** Label of the line, without padding. */
  readonly label: string;
  readonly key: string;
  readonly value: number;
}

/** Who takes what a decoder finds. `words[at]` is the first word of the record. */
export interface RecordHandler {
  /** An event, or a record of a number nobody knows; decoding is up to the handler. */
  event(record: number, words: Float64Array, at: number): void;
  task(task: number, pid: number, comm: string): void;
  file(file: FileRecord): void;
  op(op: OpRecord, task: number): void;
  stats(snapshot: number, ts: number, entries: readonly StatEntry[]): void;
  marker(text: string, words: Float64Array, at: number): void;
  other(system: string, name: string, text: string, words: Float64Array, at: number): void;
  lost(events: number): void;
  meta(values: Readonly<Record<string, unknown>>): void;
  end(lost: number): void;
}

const UTF8 = new TextDecoder();

/** Splits words into records and keeps the strings they define. */
export class RecordDecoder {
  /** The strings defined so far; position = number. */
  readonly strings: string[] = [];
  readonly #handler: RecordHandler;

  constructor(handler: RecordHandler) {
    this.#handler = handler;
  }

  /**
   * Hands over the whole records in [from, to) of `words`; returns where the first that is not
   * whole starts (`to` if none). A word that cannot start a record ends the stream there too.
   */
  feed(words: Float64Array, from: number, to: number): number {
    let at = from;
    while (at < to) {
      const first = words[at] as number;
      const length = recordLength(first);
      if (!(length >= HEADER_WORDS) || at + length > to) return at;
      const record = recordNumber(first);
      if (record >= FIRST_EVENT_RECORD) this.#handler.event(record, words, at);
      else this.#record(record, words, at, length);
      at += length;
    }
    return at;
  }

  #record(record: number, words: Float64Array, at: number, length: number): void {
    const a = at + HEADER_WORDS;
    const word = (i: number): number => words[a + i] as number;
    const string = (i: number): string => this.strings[word(i)] ?? '';
    const handler = this.#handler;
    switch (record) {
      case RECORD.string:
        this.strings[word(0)] = UTF8.decode(unpackBytes(words, a + 2, word(1)));
        return;
      case RECORD.task:
        handler.task(word(0), word(1), string(2));
        return;
      case RECORD.file:
        handler.file({ ino: word(0), dev: word(1), path: string(2), how: string(3) });
        return;
      case RECORD.op:
        handler.op(this.#op(words, a), words[at + 2] as number);
        return;
      case RECORD.stat:
        handler.stats(word(0), words[at + 1] as number, this.#stats(words, a + 1, at + length));
        return;
      case RECORD.lost:
        handler.lost(word(0));
        return;
      case RECORD.marker:
        handler.marker(string(0), words, at);
        return;
      case RECORD.other:
        handler.other(string(0), string(1), string(2), words, at);
        return;
      case RECORD.meta:
        handler.meta(JSON.parse(string(0)) as Record<string, unknown>);
        return;
      case RECORD.end:
        handler.end(word(0));
        return;
      default:
        handler.event(record, words, at);
    }
  }

  #op(words: Float64Array, a: number): OpRecord {
    return {
      op: words[a] as number,
      kind: this.strings[words[a + 1] as number] ?? '',
      file: this.strings[words[a + 2] as number] ?? '',
      offset: words[a + 3] as number,
      len: words[a + 4] as number,
      result: words[a + 5] as number,
      start: words[a + 6] as number,
      end: words[a + 7] as number,
      ...(Number.isNaN(words[a + 8]) ? {} : { direct: words[a + 8] === 1 }),
    };
  }

  #stats(words: Float64Array, from: number, to: number): StatEntry[] {
    const entries: StatEntry[] = [];
    for (let i = from; i < to; i += 4) {
      entries.push({
        line: words[i] as number,
        label: this.strings[words[i + 1] as number] ?? '',
        key: this.strings[words[i + 2] as number] ?? '',
        value: words[i + 3] as number,
      });
    }
    return entries;
  }
}
