/**
 * Reads the text of events from bytes straight into record words: what `tracepoint.parse` does, for
 * the millions of lines that hold nothing unusual. Made from the table of tracepoints; whatever it
 * is not sure of is left to the general parser. Called by import_sink.ts.
 */
import type { Era } from '../trace/eras.js';
import { tracepointsIn } from '../trace/index.js';
import { type Conversion, compileFormat } from '../trace/printk.js';
import type { Symbols } from '../trace/symbols.js';
import { type AnyTracepoint, type Column, HEADER_WORDS } from '../trace/tracepoint.js';
import { ByteTrie } from './text/byte_trie.js';

/** One conversion, and the text that follows it. */
interface Step {
  /** Index of its word. */
  readonly word: number;
  /** The labels, each with the text that follows it; null for numbers. */
  readonly labels: ByteTrie | null;
  readonly base: 10 | 16;
  /** Blanks may stand in front of the number. */
  readonly padded: boolean;
  /** A minus may stand in front of it. */
  readonly signed: boolean;
  /** From here on it is a negative number that went through %x or %u: rare, so not done twice. */
  readonly limit: number;
  /** What follows the number. */
  readonly next: Uint8Array;
}

/** How the text of one event is read. */
interface EventSteps {
  readonly tracepoint: AnyTracepoint;
  /** Indexes of the words of columns that the era does not print. */
  readonly absent: readonly number[];
  readonly steps: readonly Step[];
}

/** Digits below which a number is exact, whatever the base. */
const SAFE_DIGITS = 13;

/** Reads the events of an era, of those formats that need no second look. */
export class RowParser {
  /** Where the last text that was read ends. */
  end = 0;
  /** From `name: ` and what every text of the event begins with to its number in #events. */
  readonly #names = new ByteTrie();
  readonly #events: EventSteps[] = [];

  constructor(era: Era) {
    for (const tracepoint of tracepointsIn(era)) {
      const format = tracepoint.format(era);
      if (format === null || format.format.includes('\n')) continue;
      const { text, conversions } = compileFormat(format.format);
      const steps: (Step | null)[] = conversions.map((conversion, i) => {
        const index = tracepoint.columns.findIndex(({ name }) => name === format.args[i]);
        const last = i === conversions.length - 1;
        const next = latin1(`${text[i + 1]}${last ? '\n' : ''}`);
        return stepOf(conversion, tracepoint.columns[index] as Column, index, next, era);
      });
      if (steps.length === 0 || !steps.every((step) => step !== null)) continue;
      this.#names.add(latin1(`${tracepoint.name}: ${text[0]}`), this.#events.length);
      const absent = tracepoint.columns
        .map((_, i) => HEADER_WORDS + i)
        .filter((word) => !steps.some((step) => step.word === word));
      this.#events.push({ tracepoint, absent, steps });
    }
  }

  /**
   * The event whose name and text begin at `at`, followed by a newline; its columns are in `words`
   * from HEADER_WORDS on and `end` is where the next line begins. Null where it is not sure.
   */
  parse(bytes: Uint8Array, at: number, words: Float64Array): AnyTracepoint | null {
    const number = this.#names.match(bytes, at);
    if (number < 0) return null;
    const { tracepoint, absent, steps } = this.#events[number] as EventSteps;
    for (let i = 0; i < absent.length; i++) words[absent[i] as number] = Number.NaN;
    let to = this.#names.end;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step;
      to =
        step.labels === null
          ? parseNumber(step, bytes, to, words)
          : parseLabel(step.labels, step.word, bytes, to, words);
      if (to < 0) return null;
    }
    this.end = to;
    return tracepoint;
  }
}

const parsers = new Map<Era, RowParser>();

/** The parser of an era; made once, as that takes longer than a short trace. */
export function rowParserOf(era: Era): RowParser {
  const parser = parsers.get(era) ?? new RowParser(era);
  parsers.set(era, parser);
  return parser;
}

/** How a conversion is read; null where only the general parser will do. */
function stepOf(
  { kind, width, zero }: Conversion,
  column: Column,
  index: number,
  next: Uint8Array,
  era: Era,
): Step | null {
  const { symbols } = column;
  const isText = kind === 's' || kind === 'c';
  if (isText !== (symbols !== null) || column.kind === 'text') return null;
  return {
    word: HEADER_WORDS + index,
    labels: symbols === null ? null : labelTrie(symbols, era, next),
    base: kind === 'x' ? 16 : 10,
    padded: width > 0 && !zero,
    signed: kind !== 'x' && column.kind.startsWith('int'),
    limit: LIMITS[column.kind] ?? Number.POSITIVE_INFINITY,
    next,
  };
}

/** Numbers of a column from here on are negative. */
const LIMITS: Partial<Record<Column['kind'], number>> = { int: 0x8000_0000, int16: 0x8000 };

function labelTrie(symbols: Symbols, era: Era, next: Uint8Array): ByteTrie {
  const trie = new ByteTrie();
  for (const { printed, text, id } of symbols.labels(era)) {
    // Two identifiers may share a word: the first is meant, as in the table.
    trie.add(Buffer.concat([latin1(printed), next]), symbols.find(era, text) ?? id);
  }
  return trie;
}

function latin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** Reads a label and what follows it; returns where that ends, -1 where it is not in the table. */
function parseLabel(
  labels: ByteTrie,
  word: number,
  bytes: Uint8Array,
  at: number,
  words: Float64Array,
): number {
  const id = labels.match(bytes, at);
  if (id < 0) return -1;
  words[word] = id;
  return labels.end;
}

const BLANK = 32;
const MINUS = 45;
const DIGIT_0 = 48;
const LETTER_A = 97;

/** Reads a number and what follows it; returns where that ends, -1 where it is not plain. */
function parseNumber(step: Step, bytes: Uint8Array, from: number, words: Float64Array): number {
  const { base, next } = step;
  let at = from;
  if (step.padded) while (bytes[at] === BLANK) at++;
  const negative = step.signed && bytes[at] === MINUS;
  if (negative) at++;
  const start = at;
  let value = 0;
  for (; ; at++) {
    const byte = bytes[at] as number;
    let digit = byte - DIGIT_0;
    if (!(digit >= 0 && digit <= 9)) {
      digit = byte - LETTER_A + 10;
      if (base === 10 || !(digit >= 10 && digit <= 15)) break;
    }
    value = value * base + digit;
  }
  if (at === start || at - start >= SAFE_DIGITS || value >= step.limit) return -1;
  for (let i = 0; i < next.length; i++) if (bytes[at + i] !== next[i]) return -1;
  words[step.word] = negative ? -value : value;
  return at + next.length;
}
