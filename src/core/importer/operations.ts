/**
 * Ties events to what the application asked for: a program that writes `kcap op=N <operation>` to
 * trace_marker before each system call says on whose behalf its task's next events are. Called by
 * import_sink.ts.
 */
import type { OpRecord } from '../trace/record.js';
import type { CallOperation } from './system_calls.js';

/** What a task is at between its operations; the trace does not tell the result of any. */
const NOTHING: OpRecord = {
  op: 0,
  kind: '',
  file: '',
  offset: Number.NaN,
  len: Number.NaN,
  result: Number.NaN,
  start: Number.NaN,
  end: Number.NaN,
};

const MARKER = /^kcap (?:op=(\d{1,9}) (\w+)(?: (.*))?|(end)\b.*)$/s;

/** Operations whose arguments are `slot offset length`. */
const RANGED = new Set(['read', 'write', 'readahead']);

/** Reads markers; remembers which file a slot stands for. */
export class Operations {
  readonly #files = new Map<string, string>();
  /** Whether a slot was opened with O_DIRECT. */
  readonly #direct = new Map<string, boolean>();
  /** By task. */
  readonly #open = new Map<number, OpRecord>();
  /** The highest number given so far, and what is added to announced ones. */
  #highest = 0;
  #shift = 1;

  /**
   * The operation that a marker announces for `ns`, which has not ended; its number is 0 where the
   * task has ended its work. Null if the marker is a text like any other.
   */
  announce(text: string, ns: number): OpRecord | null {
    const match = MARKER.exec(text);
    if (match === null) return null;
    const [, number, kind = '', rest = '', end] = match;
    if (end !== undefined) return { ...NOTHING, start: ns };
    const words = rest.split(' ');
    const [slot = '', first = '', second = ''] = words;
    // open SLOT flags path
    if (kind === 'open') {
      this.#files.set(slot, words.slice(2).join(' '));
      this.#direct.set(slot, first.split(/[,|]/).includes('direct'));
    }
    const file = this.#files.get(slot) ?? '';
    const ranged = RANGED.has(kind);
    return {
      op: this.#number(Number(number)),
      kind,
      file,
      offset: ranged ? bytes(first) : Number.NaN,
      len: ranged ? bytes(second) : Number.NaN,
      result: Number.NaN,
      start: ns,
      end: Number.NaN,
      ...(ranged ? { direct: this.#direct.get(slot) } : {}),
    };
  }

  /** A program that runs again counts from the start again; its operations are others. */
  #number(announced: number): number {
    if (announced + this.#shift <= this.#highest) this.#shift = this.#highest + 1 - announced;
    this.#highest = announced + this.#shift;
    return this.#highest;
  }

  /** Begins an operation of a task; returns the one that this ends. */
  begin(task: number, announced: OpRecord): OpRecord | null {
    const ended = this.end(task, announced.start);
    if (announced.op > 0) this.#open.set(task, announced);
    return ended;
  }

  /** Ends the operation of a task at `ns`, if there is one. */
  end(task: number, ns: number): OpRecord | null {
    const open = this.#open.get(task);
    if (open === undefined) return null;
    this.#open.delete(task);
    // Spelled out: a spread takes longer than everything else that is done for an event.
    const { op, kind, file, offset, len, result, start, direct } = open;
    return { op, kind, file, offset, len, result, start, end: ns, direct };
  }

  /** Begins the operation that a system call is; returns the one that this ends. */
  enter(task: number, call: CallOperation, ns: number): OpRecord | null {
    const op = ++this.#highest;
    const ended = this.end(task, ns);
    this.#open.set(task, { ...call, op, result: Number.NaN, start: ns, end: Number.NaN });
    return ended;
  }

  /** The number of one more operation, which no task is at. */
  next(): number {
    return ++this.#highest;
  }

  /** Ends the operation that a system call is; a length that only the result tells is filled in. */
  exit(task: number, ns: number, result: number, len: number): OpRecord | null {
    const ended = this.end(task, ns);
    if (ended === null) return null;
    return { ...ended, result, len: Number.isNaN(ended.len) ? len : ended.len };
  }

  /** The operation a task is at, 0 = none. */
  current(task: number): number {
    return this.#open.get(task)?.op ?? 0;
  }

  /** The tasks that are at an operation. */
  tasks(): number[] {
    return [...this.#open.keys()];
  }
}

function bytes(word: string): number {
  return /^\d{1,15}$/.test(word) ? Number(word) : Number.NaN;
}
