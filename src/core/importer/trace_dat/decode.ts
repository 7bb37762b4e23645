/**
 * From a record of an embedded format to a row of our tracepoint, or to the kernel's text where we
 * have none. Called by trace_dat.ts.
 *
 * A row's columns are what the print format prints. Where the file prints an event as its era is
 * known to, each conversion is a column and no text is made; else the text is printed and read back
 * like that of any other capture.
 */
import { type Era, eraAge } from '../../trace/eras.js';
import { tracepointNamed } from '../../trace/index.js';
import type { AnyTracepoint, Column } from '../../trace/tracepoint.js';
import type { Value } from '../../trace/types.js';
import { PrintFmtError } from './expression.js';
import type { EventFormat } from './format.js';
import {
  compilePrintFmt,
  type PrintContext,
  type PrintConversion,
  type PrintFmt,
  printFields,
  printRecord,
} from './print.js';
import { type ColumnStep, numberStep, RowReader, wordStep } from './row.js';
import { type Integer, type RecordView, type Symbolic, wrap } from './value.js';

/** How the events of one format are decoded. */
export interface EventDecoder {
  readonly system: string;
  readonly name: string;
  /** Reads rows of a tracepoint; null where only `text` can be had. */
  readonly row: RowReader | null;
  /** The kernel's text, without the event's name. */
  readonly text: (record: RecordView) => string;
  /** Why `text` gives the fields and not what the kernel prints; null if it does not. */
  readonly problem: string | null;
}

/** Compiles the decoder of a format for an era. */
export function compileDecoder(format: EventFormat, context: PrintContext, era: Era): EventDecoder {
  const { system, name } = format;
  let print: PrintFmt;
  try {
    print = compilePrintFmt(format, context);
  } catch (error) {
    if (!(error instanceof PrintFmtError)) throw error;
    const text = (record: RecordView) => printFields(format, context, record);
    const problem = `the print format of ${name} is not understood: ${error.message}`;
    return { system, name, row: null, text, problem };
  }
  const text = (record: RecordView) => printRecord(print, record);
  const tracepoint = tracepointNamed(name, era);
  const row = tracepoint === undefined ? null : rowReader(tracepoint, print, era, context.little);
  return { system, name, row, text, problem: null };
}

/** Reads a row by conversions; null where the era prints the event differently. */
function rowReader(
  tracepoint: AnyTracepoint,
  print: PrintFmt,
  era: Era,
  little: boolean,
): RowReader | null {
  const format = tracepoint.format(era);
  if (format === null || comparable(format.format) !== comparable(print.source)) return null;
  if (format.args.length !== print.conversions.length) return null;
  const { columns } = tracepoint;
  const steps = print.conversions.map((conversion, i) => {
    const index = columns.findIndex((column) => column.name === format.args[i]);
    return columnStep(conversion, columns[index] as Column, index, era);
  });
  return new RowReader(tracepoint, steps, little);
}

/** A format with what our table writes otherwise made equal: `%p...` is text there. */
export function comparable(format: string): string {
  return format.replace(/%p\w*/g, '%s').replaceAll('%i', '%d');
}

function columnStep(
  conversion: PrintConversion,
  column: Column,
  index: number,
  era: Era,
): ColumnStep {
  const { argument, bits, kind, print, of } = conversion;
  if (argument.kind === 'text' && column.symbols !== null) {
    const { symbols } = column;
    if (argument.symbolic !== null) resolveNames(argument.symbolic, column, era);
    const read = (record: RecordView): string => {
      const word = argument.eval(record);
      const trimmed = word.trimEnd();
      return symbols.find(era, trimmed) === undefined ? word : trimmed;
    };
    return wordStep(index, read, argument.of);
  }
  const textual = column.kind === 'text' || column.kind === 'label';
  if (textual || argument.kind !== 'number' || kind.startsWith('p')) {
    return wordStep(index, print, of);
  }
  const signed = kind === 'd';
  const read = (record: RecordView): Value =>
    columnValue(column, wrap(argument.eval(record), bits, signed));
  return numberStep(index, column, read, argument, bits, signed);
}

/** A number as our columns hold it: negative ones that went through `%x` are themselves again. */
function columnValue({ kind }: Column, value: Integer): Value {
  if (typeof value === 'bigint') return `0x${BigInt.asUintN(64, value).toString(16)}`;
  if (kind === 'int16' && value >= 0x8000 && value <= 0xffff) return value - 0x1_0000;
  if ((kind === 'int' || kind === 'int16') && value >= 0x8000_0000) return value - 0x1_0000_0000;
  return value;
}

/**
 * Gives the names of enums in a list their numbers. The era's table has its words in the order of
 * the enum; where it does not have them all, the list itself stands in that order.
 */
function resolveNames(words: readonly Symbolic[], column: Column, era: Era): void {
  const labels = column.symbols?.labels(era) ?? [];
  // Two names can share a word, so each takes one of the table.
  const free = labels.map((label) => label.text);
  const places = words.map(({ word }) => {
    const at = free.indexOf(word.trimEnd());
    if (at >= 0) free[at] = '\0';
    return at;
  });
  if (places.includes(-1)) return;
  for (const [i, symbolic] of words.entries()) {
    if (symbolic.name !== null) symbolic.value = places[i] as number;
  }
}

const FLAG = {
  irqsOff: 0x01,
  lazy: 0x02,
  needResched: 0x04,
  hardirq: 0x08,
  softirq: 0x10,
  preemptResched: 0x20,
  nmi: 0x40,
  bhOff: 0x80,
} as const;

/** The latency flags that the era prints for `common_flags` and `common_preempt_count`. */
export function latencyFlags(era: Era, flags: number, preempt: number): string {
  const age = eraAge(era);
  // E7 is the first era that knows lazy preemption; before, the bit said that nobody knew.
  const lazyKnown = age >= eraAge('E7');
  const off = flags & (FLAG.irqsOff | FLAG.bhOff);
  const unknown = (flags & FLAG.lazy) !== 0 && !lazyKnown ? 'X' : '.';
  const irqs = off === 0x81 ? 'D' : off === 0x80 ? 'b' : off === 0x01 ? 'd' : unknown;
  const need = lazyKnown ? flags : flags & ~FLAG.lazy;
  const resched = RESCHED[need & (FLAG.lazy | FLAG.needResched | FLAG.preemptResched)] ?? '.';
  const hard = (flags & FLAG.hardirq) !== 0;
  const soft = (flags & FLAG.softirq) !== 0;
  const nmi = (flags & FLAG.nmi) !== 0;
  const context = nmi ? (hard ? 'Z' : 'z') : hard ? (soft ? 'H' : 'h') : soft ? 's' : '.';
  const depth = preempt & 15 ? (preempt & 15).toString(16) : '.';
  const text = irqs + resched + context;
  // Before v5.17 the whole byte was the depth, and there was no column for disabled migration.
  if (age < eraAge('E2')) return text + (preempt === 0 ? '.' : preempt.toString(16));
  return text + depth + (preempt >> 4 ? (preempt >> 4).toString(16) : '.');
}

const RESCHED: Readonly<Record<number, string>> = {
  2: 'l',
  4: 'n',
  6: 'b',
  32: 'p',
  34: 'L',
  36: 'N',
  38: 'B',
};
