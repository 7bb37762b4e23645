/**
 * I/O logs of fio, versions 2 and 3 (`write_iolog`, `blktrace2fio`): `FILE ACTION [OFFSET LENGTH]`,
 * in version 3 with microseconds in front. Facts: fio's HOWTO and its reader.
 */
import { TraceParseError } from '../../base/errors.js';
import {
  type FrontEnd,
  mapName,
  type Recording,
  RecordingBuilder,
  type RecordingOptions,
} from '../recording.js';

const HEADER = /^fio version ([23]) iolog\r?\n/;
const NS_PER = { ms: 1e6, us: 1e3 };
/** Longest name that fio reads. */
const NAME_MAX = 256;

class IologReader {
  readonly builder = new RecordingBuilder();
  readonly #slots = new Map<string, number>();
  readonly #options: RecordingOptions;
  readonly #file: string;
  readonly #timed: boolean;
  #line = 0;
  #atNs = Number.NaN;

  constructor(file: string, options: RecordingOptions, timed: boolean) {
    this.#file = file;
    this.#options = options;
    this.#timed = timed;
    if (!timed) this.#atNs = 0;
  }

  /** Reads one line; `number` from 1. */
  read(text: string, number: number): void {
    this.#line = number;
    let at = 0;
    if (this.#timed) {
      const space = text.indexOf(' ');
      const us = Number(text.slice(0, space < 0 ? text.length : space));
      if (space <= 0 || !Number.isSafeInteger(us)) this.#fail(1, 'a time in microseconds', text);
      this.#atNs = us * 1000;
      at = space + 1;
    }
    const afterName = text.indexOf(' ', at);
    if (afterName < 0) this.#fail(at + 1, 'FILE ACTION', text.slice(at));
    const name = text.slice(at, afterName);
    const afterAction = text.indexOf(' ', afterName + 1);
    const action = text.slice(afterName + 1, afterAction < 0 ? text.length : afterAction);
    if (name === '' || name.length > NAME_MAX) this.#fail(at + 1, 'a name', text);
    if (afterAction < 0) this.#onFile(name, action, afterName + 2);
    else this.#ranged(name, action, text, afterAction + 1);
  }

  #onFile(name: string, action: string, column: number): void {
    if (action === 'add') return;
    if (action === 'open') this.#open(name);
    else if (action === 'close') this.#close(name);
    else this.#refuse(action, 'a line of this action needs offset and length', column);
  }

  #ranged(name: string, action: string, text: string, at: number): void {
    const space = text.indexOf(' ', at);
    const offset = Number(text.slice(at, space < 0 ? text.length : space));
    const length = space < 0 ? Number.NaN : Number(text.slice(space + 1).trimEnd());
    if (action === 'wait') {
      this.#wait(offset, at);
      return;
    }
    if (!isCount(offset) || !isCount(length) || space === at) {
      this.#refuse(action, 'offset and length are no whole numbers', at + 1);
      return;
    }
    if (action === 'read') this.#add(name, 'read', offset, length);
    else if (action === 'write') this.#add(name, 'write', offset, length);
    else if (action === 'sync' || action === 'datasync') this.#add(name, 'fsync', 0, 0);
    else if (action === 'trim') this.#refuse('trim', 'the engine has no discard', at + 1);
    else this.#refuse(action, 'no action of an iolog', at + 1);
  }

  #add(name: string, kind: 'read' | 'write' | 'fsync', offset: number, length: number): void {
    const slot = this.#slots.get(name) ?? this.#open(name);
    const base = { line: this.#line, atNs: this.#atNs, task: 0 };
    if (kind === 'fsync') this.builder.add({ ...base, op: { kind, slot } });
    else if (kind === 'read') this.builder.add({ ...base, op: { kind, slot, offset, length } });
    else this.builder.add({ ...base, op: { kind, slot, offset, length, seed: 0 } });
    // What a log writes was there already: fio lays files out before it runs.
    if (kind === 'write')
      this.builder.expectSize(mapName(name, this.#options.names), offset + length);
  }

  #open(name: string): number {
    const there = this.#slots.get(name);
    if (there !== undefined) return there;
    const slot = this.builder.nextSlot();
    this.#slots.set(name, slot);
    const path = mapName(name, this.#options.names);
    const op = { kind: 'open', slot, flags: ['rdwr'], path } as const;
    this.builder.add({ op, line: this.#line, atNs: this.#atNs, task: 0 });
    return slot;
  }

  #close(name: string): void {
    const slot = this.#slots.get(name);
    if (slot === undefined) return;
    this.#slots.delete(name);
    const op = { kind: 'close', slot } as const;
    this.builder.add({ op, line: this.#line, atNs: this.#atNs, task: 0 });
  }

  // The code of fio counts milliseconds since the start, its manual microseconds since the last.
  #wait(value: number, at: number): void {
    if (!isCount(value)) {
      this.#refuse('wait', 'its time is no whole number', at + 1);
      return;
    }
    const { waitUnit } = this.#options;
    if (this.#timed) {
      this.builder.note('wait in a version 3 log means nothing to fio and is passed over');
      return;
    }
    const ns = value * NS_PER[waitUnit];
    this.#atNs = waitUnit === 'ms' ? Math.max(this.#atNs, ns) : this.#atNs + ns;
    const [taken, other] =
      waitUnit === 'ms'
        ? ["milliseconds since the start, as fio's code counts", 'us']
        : ["microseconds since the last wait, as fio's manual says", 'ms'];
    this.builder.note(`wait is taken for ${taken} (--wait-unit ${other} for the other reading)`);
  }

  #refuse(what: string, reason: string, column: number): void {
    this.builder.refuse(what, reason, this.#line, column);
  }

  #fail(column: number, expected: string, text: string): never {
    throw new TraceParseError(this.#file, this.#line, column, expected, text.slice(0, 80));
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Logs of fio's `write_iolog`. */
export const iolog: FrontEnd = {
  name: 'fio iolog',
  doc: "fio's write_iolog, versions 2 and 3",
  recognises: (head) => HEADER.test(head),
  parse(text: string, file: string, options: RecordingOptions): Recording {
    const header = HEADER.exec(text);
    if (header === null) {
      const first = text.slice(0, 40);
      throw new TraceParseError(file, 1, 1, "'fio version 2 iolog' or 3", first);
    }
    const reader = new IologReader(file, options, header[1] === '3');
    let number = 1;
    for (let start = header[0].length; start < text.length; ) {
      let end = text.indexOf('\n', start);
      if (end < 0) end = text.length;
      number++;
      const line =
        text.charCodeAt(end - 1) === 13 ? text.slice(start, end - 1) : text.slice(start, end);
      if (line.trim() !== '') reader.read(line, number);
      start = end + 1;
    }
    return reader.builder.build('fio iolog');
  },
};
