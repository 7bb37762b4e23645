/**
 * Takes the events that importers read and writes them as records: into the tables of their
 * tracepoints, as markers, or as text where nothing fits. Counts what became of everything. Called
 * by app/import/import.ts.
 */
import type { Era } from '../trace/eras.js';
import { tracepointNamed } from '../trace/index.js';
import {
  encodeValue,
  packBytes,
  packedWords,
  placeWord,
  RAW_LABEL,
  RECORD,
  recordWord,
  type StatEntry,
} from '../trace/record.js';
import { RecordWriter } from '../trace/record_writer.js';
import { type AnyTracepoint, type Column, HEADER_WORDS, type Row } from '../trace/tracepoint.js';
import type { TraceSink, Value } from '../trace/types.js';
import { isUring, UringRequests } from './io_uring.js';
import { utf8 } from './lines.js';
import { Operations } from './operations.js';
import { parseRawFields } from './raw_fields.js';
import { type RowParser, rowParserOf } from './row_parser.js';
import { SystemCalls } from './system_calls.js';
import type { EventHead, EventSink, RowWords } from './types.js';

/** A count, and the first that was counted. */
export interface Tally {
  count: number;
  /** `file:line` or `file: byte N`, and what was there; null = none. */
  first: string | null;
}

/** What became of an import. */
export interface ImportCounts {
  /** Events that are in the capture. */
  readonly kept: Tally;
  /** Of those, the ones without a table of their own: other systems, or events not known here. */
  readonly others: Tally;
  /** Of those, the ones whose text is not what the era prints; kept as text. */
  readonly unknown: Tally;
  /** Words that are in no table; kept as they are. */
  readonly words: Tally;
  /** Lines or records that are not understood and not in the capture. */
  readonly damaged: Tally;
  /** Headings, empty lines, and lines that are not part of the trace. */
  readonly skipped: Tally;
  /** Lines of a paste that repeat earlier ones; not in the capture. */
  readonly repeated: Tally;
  /** Events the kernel had dropped, as far as the trace tells. */
  lost: number;
  /** Places where it dropped events without saying how many. */
  unnumbered: number;
}

/** How the input at hand is read. */
export interface SourceName {
  readonly name: string;
  readonly unit: 'line' | 'byte';
  /** Strings are bytes as Latin-1, which hold UTF-8; false: they are text already. */
  readonly latin1: boolean;
  /** Words may be given as numbers. */
  readonly numbers: boolean;
  /** Whatever is no event is accounted for elsewhere. */
  readonly quiet?: boolean;
}

/** Names that are looked up once; more are not remembered. */
const NAMES_MAX = 4096;
/** Events of system calls, of tasks, and of probes that record paths. */
const OF_CALLS =
  /^(?:sys_(?:enter|exit)_|path|task_newtask$|sched_process_(?:exec|exit)$|io_uring_(?:submit_req|file_get|complete)$)/;
/** Texts up to this length are kept for comparison, as tasks and systems repeat. */
const REPEATED_MAX = 4096;

/** Writes events into a capture. */
export class ImportSink implements EventSink {
  readonly era: Era;
  readonly rows: RowWords;
  readonly counts: ImportCounts = {
    kept: tally(),
    others: tally(),
    unknown: tally(),
    words: tally(),
    damaged: tally(),
    skipped: tally(),
    repeated: tally(),
    lost: 0,
    unnumbered: 0,
  };
  readonly #writer: RecordWriter;
  readonly #parser: RowParser;
  /** A line as bytes. */
  readonly #line = Buffer.alloc(1024);
  readonly #operations = new Operations();
  readonly #calls = new SystemCalls();
  readonly #rings = new UringRequests(this.#calls);
  readonly #known = new Map<string, AnyTracepoint | null>();
  readonly #texts = new Map<string, string>();
  /** Headings whose lost events are counted. */
  readonly #headings = new Set<string>();
  #source: SourceName = { name: '', unit: 'line', latin1: false, numbers: false };
  #origin: bigint | null = null;
  /** The last head, so that its task and flags are looked up once. */
  #comm = '';
  #pid = -1;
  #task = 0;
  #flags = '';
  #flagsNumber = -1;
  #op = 0;
  #lastNs = 0;
  #scratch: number;
  #words = new Float64Array(1024);

  constructor(sink: TraceSink) {
    this.era = sink.era;
    this.#writer = new RecordWriter(sink);
    this.#parser = rowParserOf(sink.era);
    // A string number that is defined anew for each long text: were they all kept, a capture of
    // other events would not fit into memory.
    this.#scratch = this.#writer.string('\0');
    this.rows = {
      words: this.#writer.words,
      word: (tracepoint, index, value, where) => this.#wordOf(tracepoint, index, value, where),
      commit: (head, tracepoint) => this.#commit(head, tracepoint),
    };
  }

  /** Says what is read from now on. */
  from(source: SourceName): void {
    this.#source = source;
  }

  /** Nanoseconds of the trace clock that times count from; null before the first event. */
  get start(): bigint | null {
    return this.#origin;
  }

  origin(first: bigint): bigint {
    this.#origin ??= first;
    return this.#origin;
  }

  event(head: EventHead, system: string, name: string, text: string, where: number): void {
    let known = this.#known.get(name);
    if (known === undefined) known = this.#learn(name);
    if (known !== null) {
      if (this.#plain(head, `${name}: ${text}\n`)) return;
      const row = this.#parse(known, this.#own(text));
      if (row !== null) {
        this.row(head, known, row, where);
        return;
      }
      this.#count(this.counts.unknown, where, `${name}: ${text}`);
    } else if (name === 'tracing_mark_write') {
      this.marker(head, this.#own(text), where);
      return;
    } else if (OF_CALLS.test(name)) {
      this.#call(head, system, name, text, where);
      return;
    }
    this.#other(head, system, name, text, where);
  }

  /** The open files of processes when the recording began, as recorder/snapshot.ts writes them. */
  openFiles(lines: string): void {
    this.#calls.seed(lines);
    const seen = new Set<string>();
    for (const line of lines.split('\n')) {
      const [, , fd, , , dev, ino, ...path] = line.split(' ');
      const name = path.join(' ');
      if (fd === undefined || fd === 'cwd' || seen.has(`${dev} ${ino} ${name}`)) continue;
      seen.add(`${dev} ${ino} ${name}`);
      this.#writer.file({ ino: Number(ino), dev: Number(dev), path: name, how: 'was open' });
    }
  }

  /** Names of files by inode: lines `INODE PATH`, as `find -printf '%i %p\n'` prints them. */
  listedFiles(lines: string): void {
    for (const [, ino, path = ''] of lines.matchAll(/^\s*(\d+)\s(.+)$/gm)) {
      this.#writer.file({ ino: Number(ino), dev: Number.NaN, path, how: 'listed' });
    }
  }

  /** An event of a system call or of a task, which may begin or end an operation. */
  #call(head: EventHead, system: string, name: string, text: string, where: number): void {
    const own = this.#own(text);
    if (isUring(name)) {
      this.#other(head, system, name, text, where);
      const ended = this.#rings.event(head.pid, this.#task, name, own, head.ns);
      if (ended === null) return;
      const { task, ...operation } = ended;
      const at = { ts: head.ns, task, cpu: head.cpu, flags: head.flags, op: 0 };
      this.#writer.op(at, { ...operation, op: this.#operations.next(), end: head.ns });
      return;
    }
    const what = this.#calls.event(head.pid, name, own);
    this.#enter(head);
    const at = { ts: head.ns, task: this.#task, cpu: head.cpu, flags: head.flags, op: 0 };
    if (what !== null && 'begin' in what) {
      const ended = this.#operations.enter(this.#task, what.begin, head.ns);
      if (ended !== null) this.#writer.op(at, ended);
      this.#op = this.#operations.current(this.#task);
    }
    this.#other(head, system, name, text, where);
    if (what !== null && 'result' in what) {
      const ended = this.#operations.exit(this.#task, head.ns, what.result, what.len);
      if (ended !== null) this.#writer.op(at, ended);
      this.#op = 0;
    }
  }

  eventBytes(head: EventHead, bytes: Uint8Array, at: number): number {
    if (this.#source.numbers) return -1;
    const words = this.#writer.words;
    const tracepoint = this.#parser.parse(bytes, at, words);
    if (tracepoint === null) return -1;
    this.#commit(head, tracepoint);
    return this.#parser.end;
  }

  row(head: EventHead, tracepoint: AnyTracepoint, row: Row, where: number): void {
    const named = this.#source.numbers ? this.#meant(tracepoint, row) : row;
    const { words } = this.#writer;
    for (let i = 0; i < tracepoint.columns.length; i++) {
      words[HEADER_WORDS + i] = this.#wordOf(tracepoint, i, named[i] ?? null, where);
    }
    this.#commit(head, tracepoint);
  }

  /** Hands on the event whose columns are filled in. */
  #commit(head: EventHead, { columns, record }: AnyTracepoint): void {
    this.#enter(head);
    const place = placeWord(head.cpu, this.#flagsNumber);
    this.#writer.begin(record, columns.length, head.ns, this.#task, place, this.#op);
    this.#writer.commit(columns.length);
    this.counts.kept.count++;
  }

  marker(head: EventHead, text: string, _where: number): void {
    this.#enter(head);
    const announced = this.#operations.announce(text, head.ns);
    if (announced !== null) {
      const ended = this.#operations.begin(this.#task, announced);
      const at = { ts: head.ns, task: this.#task, cpu: head.cpu, flags: head.flags, op: 0 };
      if (ended !== null) this.#writer.op(at, ended);
      this.#op = announced.op;
    }
    this.#text(RECORD.marker, head, [], text);
    this.counts.kept.count++;
  }

  lost(events: number, _where: number, heading?: string): void {
    if (heading !== undefined) {
      if (this.#headings.has(heading)) return;
      if (this.#headings.size < NAMES_MAX) this.#headings.add(this.#own(heading));
    }
    this.counts.lost += events;
    if (events === 0) this.counts.unnumbered++;
    const words = this.#words;
    words.fill(0, 0, HEADER_WORDS);
    words[0] = recordWord(RECORD.lost, HEADER_WORDS + 1);
    words[HEADER_WORDS] = events;
    this.#writer.sink.append(words, HEADER_WORDS + 1);
  }

  damaged(where: number, what: string): void {
    this.#count(this.counts.damaged, where, what);
  }

  skipped(where: number): void {
    if (this.#source.quiet !== true) this.#count(this.counts.skipped, where, '');
  }

  /** A line of a paste that repeats an earlier one. */
  repeated(where: number, what: string): void {
    this.#count(this.counts.repeated, where, what);
  }

  /** Lines of a paste that are no events: how many, and the first. */
  skip(lines: number, name: string, first: number): void {
    if (lines === 0) return;
    this.counts.skipped.count += lines;
    this.counts.skipped.first ??= `${name}:${first}`;
  }

  /** Records a snapshot of the statistics, at the time of the last event. */
  stats(entries: readonly StatEntry[]): void {
    this.#writer.stats({ ts: this.#lastNs, task: 0, cpu: 0, flags: '', op: 0 }, entries);
  }

  /** Records a line of something else than a trace, at the time of the last event. */
  aside(system: string, name: string, text: string): void {
    const head = { ts: this.#lastNs, task: 0, cpu: 0, flags: '', op: 0 };
    this.#writer.other(head, system, name, text);
  }

  /** Ends the operations that are open, and sets columns of the row of `capture`. */
  finish(meta: Readonly<Record<string, unknown>>): void {
    for (const task of this.#operations.tasks()) {
      const ended = this.#operations.end(task, this.#lastNs);
      const at = { ts: this.#lastNs, task, cpu: 0, flags: '', op: 0 };
      if (ended !== null) this.#writer.op(at, ended);
    }
    this.#writer.meta(meta);
  }

  /** The word of a text; one that is in no table is counted. */
  #wordOf(tracepoint: AnyTracepoint, index: number, value: Value, where: number): number {
    if (typeof value !== 'string') return value ?? Number.NaN;
    const column = tracepoint.columns[index] as Column;
    const word = encodeValue(column, value, this.era, (text) => this.#writer.string(text));
    if (column.symbols !== null && word >= RAW_LABEL) {
      this.#count(this.counts.words, where, `${tracepoint.name}: '${value}'`);
    }
    return word;
  }

  /** Makes the task and the flags of an event those at hand. */
  #enter(head: EventHead): void {
    if (head.pid !== this.#pid || head.comm !== this.#comm) {
      this.#comm = this.#repeated(head.comm);
      this.#pid = head.pid;
      this.#task = this.#writer.task(head.pid, this.#comm);
      this.#op = this.#operations.current(this.#task);
    }
    if (head.flags !== this.#flags || this.#flagsNumber < 0) {
      this.#flags = this.#repeated(head.flags);
      this.#flagsNumber = this.#writer.string(this.#flags);
    }
    this.#lastNs = head.ns;
  }

  /** A piece of a line as a string of its own, which does not keep the line in memory. */
  #repeated(text: string): string {
    let own = this.#texts.get(text);
    if (own === undefined) {
      own = this.#own(text);
      // ASCII is its own UTF-8, so for nearly all of them the key is the same string.
      if (this.#texts.size < REPEATED_MAX && own === text) this.#texts.set(own, own);
    }
    return own;
  }

  /** Text of an importer as text, and as a string of its own. */
  #own(text: string): string {
    return this.#source.latin1 ? utf8(text) : text;
  }

  /** Takes the line of an event if it is plain. */
  #plain(head: EventHead, line: string): boolean {
    if (!this.#source.latin1 || line.length > this.#line.length) return false;
    this.#line.write(line, 'latin1');
    return this.eventBytes(head, this.#line, 0) > 0;
  }

  #learn(name: string): AnyTracepoint | null {
    const tracepoint = tracepointNamed(name, this.era);
    const exists = tracepoint !== undefined && tracepoint.format(this.era) !== null;
    const known = exists ? tracepoint : null;
    if (this.#known.size < NAMES_MAX) this.#known.set(this.#repeated(name), known);
    return known;
  }

  #parse(tracepoint: AnyTracepoint, text: string): Value[] | null {
    const row = tracepoint.parse(text, this.era) ?? tracepoint.parse(`${text}\n`, this.era);
    if (row !== null || !this.#source.numbers) return row;
    return parseRawFields(tracepoint, text, this.era);
  }

  /**
   * Undoes what tools do that print by the formats a kernel gives out: numbers of an enum whose
   * words they do not find, errors of 16 bits without their sign.
   */
  #meant(tracepoint: AnyTracepoint, row: Row): Row {
    // Elsewhere errors have 32 bits, and such a number may be a count of bytes.
    const short = tracepoint.system === 'netfs' || tracepoint.system === 'cachefiles';
    return row.map((value, i) => {
      const { symbols = null, name, kind } = tracepoint.columns[i] ?? {};
      const half = kind === 'int16' || (short && name === 'error');
      if (half && Number(value) >= 0x8000 && Number(value) <= 0xffff) {
        return Number(value) - 0x10000;
      }
      if (symbols === null || typeof value !== 'string' || !/^0x[0-9a-f]{1,4}$/.test(value)) {
        return value;
      }
      return symbols.labels(this.era)[Number(value)]?.text ?? value;
    });
  }

  #other(head: EventHead, system: string, name: string, text: string, where: number): void {
    this.#enter(head);
    const names = [this.#repeated(system), this.#repeated(name)];
    this.#text(RECORD.other, head, names, this.#own(text));
    this.#count(this.counts.others, where, name);
    this.counts.kept.count++;
  }

  /** Writes a record of strings, of which the last is hardly ever the same twice. */
  #text(record: number, head: EventHead, names: readonly string[], text: string): void {
    const bytes = Buffer.from(text, 'utf8');
    const packed = packedWords(bytes.length);
    if (this.#words.length < HEADER_WORDS + 2 + packed) {
      this.#words = new Float64Array(2 * (HEADER_WORDS + 2 + packed));
    }
    const words = this.#words;
    words.fill(0, 0, HEADER_WORDS);
    words[0] = recordWord(RECORD.string, HEADER_WORDS + 2 + packed);
    words[HEADER_WORDS] = this.#scratch;
    words[HEADER_WORDS + 1] = bytes.length;
    packBytes(bytes, words, HEADER_WORDS + 2);
    this.#writer.sink.append(words, HEADER_WORDS + 2 + packed);
    const strings = [...names.map((each) => this.#writer.string(each)), this.#scratch];
    words[0] = recordWord(record, HEADER_WORDS + strings.length);
    words[1] = head.ns;
    words[2] = this.#task;
    words[3] = placeWord(head.cpu, this.#flagsNumber);
    words[4] = this.#op;
    words.set(strings, HEADER_WORDS);
    this.#writer.sink.append(words, HEADER_WORDS + strings.length);
  }

  #count(counted: Tally, where: number, what: string): void {
    counted.count++;
    if (counted.first !== null) return;
    const { name, unit } = this.#source;
    const place = unit === 'line' ? `${name}:${where}` : `${name}: byte ${where}`;
    counted.first = what === '' ? place : `${place}: ${visible(what)}`;
  }
}

function tally(): Tally {
  return { count: 0, first: null };
}

/** Text of a file as it may stand on a terminal: one line, no control characters. */
function visible(text: string): string {
  const short = text.length > 160 ? `${text.slice(0, 157)}...` : text;
  return short.replaceAll(/\p{Cc}/gu, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
