/**
 * Reads the columns of a row out of the bytes of a record: as values, or straight as the words of a
 * record, where most columns are one load, and those of words one look-up. Made by the decoder,
 * called by trace_dat.ts.
 */
import { RAW_LABEL } from '../../trace/record.js';
import { type AnyTracepoint, type Column, HEADER_WORDS } from '../../trace/tracepoint.js';
import type { Value } from '../../trace/types.js';
import type { RowWords } from '../types.js';
import type { Field } from './format.js';
import { type NumberExpression, type RecordView, readNumber } from './value.js';

/** How one column is read. */
export interface ColumnStep {
  /** Index of the column. */
  readonly index: number;
  /** Reads any value. */
  readonly value: (record: RecordView) => Value;
  /** What is quicker for nearly all values; null = nothing. */
  readonly quick: NumberStep | WordStep | null;
}

/** The value is a number as it stands in the record, or nearly so. */
interface NumberStep {
  readonly kind: 'number';
  readonly field: Field;
  /** What the conversion makes of it: cuts it to 32 bits, takes it as it is, or if not negative. */
  readonly cut: 'int' | 'uint' | 'none' | 'positive';
  /** Numbers from here on have rules of their own. */
  readonly limit: number;
}

/** One number in the record decides the value: the word of each is found once. */
interface WordStep {
  readonly kind: 'word';
  readonly field: Field;
  readonly kept: KeptWords;
}

/** Numbers up to here have their words in an array; of the others, so many are kept. */
const SMALL = 256;
const KEPT_MAX = 4096;

/** Words by the number they stand for; of 64-bit numbers, only those with one upper half. */
class KeptWords {
  #high = -1;
  readonly #small = new Float64Array(SMALL).fill(Number.NaN);
  readonly #others = new Map<number, number>();

  /** The word of a number given as two halves, NaN where it is not known. */
  find(low: number, high: number): number {
    if (high !== this.#high) return Number.NaN;
    if (low < SMALL) return this.#small[low] as number;
    return this.#others.get(low) ?? Number.NaN;
  }

  keep(low: number, high: number, word: number): void {
    if (this.#high < 0) this.#high = high;
    if (high !== this.#high) return;
    if (low < SMALL) this.#small[low] = word;
    else if (this.#others.size < KEPT_MAX) this.#others.set(low, word);
  }
}

/** A column whose value is the number `argument`, printed through `%d` (signed) or `%u` or `%x`. */
export function numberStep(
  index: number,
  { kind }: Column,
  value: ColumnStep['value'],
  { plain, of: field }: NumberExpression,
  bits: number,
  signed: boolean,
): ColumnStep {
  if (!plain || field === null || bits < 32) return { index, value, quick: null };
  const whole = bits === 32 ? (['uint', 'int'] as const) : (['positive', 'none'] as const);
  const limits: Partial<Record<Column['kind'], number>> = { int: 0x8000_0000, int16: 0x8000 };
  const limit = limits[kind] ?? Number.POSITIVE_INFINITY;
  return { index, value, quick: { kind: 'number', field, cut: whole[signed ? 1 : 0], limit } };
}

/** A column whose value is a text that `field` alone decides, if it is given. */
export function wordStep(
  index: number,
  value: ColumnStep['value'],
  field: Field | null,
): ColumnStep {
  if (field === null) return { index, value, quick: null };
  return { index, value, quick: { kind: 'word', field, kept: new KeptWords() } };
}

/** Reads the rows of one tracepoint from the records of one format. */
export class RowReader {
  readonly tracepoint: AnyTracepoint;
  readonly #steps: readonly ColumnStep[];
  readonly #little: boolean;
  /** The words of the columns that no step fills. */
  readonly #absent: readonly number[];

  constructor(tracepoint: AnyTracepoint, steps: readonly ColumnStep[], little: boolean) {
    this.tracepoint = tracepoint;
    this.#steps = steps;
    this.#little = little;
    const words = tracepoint.columns.map((_, i) => HEADER_WORDS + i);
    this.#absent = words.filter(
      (word) => !steps.some(({ index }) => HEADER_WORDS + index === word),
    );
  }

  /** One value per column. */
  values(record: RecordView): Value[] {
    const row: Value[] = new Array(this.tracepoint.columns.length).fill(null);
    for (const { index, value } of this.#steps) row[index] = value(record);
    return row;
  }

  /** Fills in the columns of `out.words`. One `out` for all records: it gives texts numbers. */
  fill(record: RecordView, out: RowWords, where: number): void {
    const { words } = out;
    for (const word of this.#absent) words[word] = Number.NaN;
    for (let i = 0; i < this.#steps.length; i++) {
      const step = this.#steps[i] as ColumnStep;
      const { index, quick } = step;
      let word = Number.NaN;
      if (quick !== null && record.start + quick.field.offset + quick.field.size <= record.end) {
        word =
          quick.kind === 'number'
            ? this.#number(quick, record)
            : this.#word(step, quick, record, out, where);
      }
      if (Number.isNaN(word)) word = out.word(this.tracepoint, index, step.value(record), where);
      words[HEADER_WORDS + index] = word;
    }
  }

  /** NaN where it is not sure. */
  #number({ field, cut, limit }: NumberStep, { page, start }: RecordView): number {
    let value = readNumber(page, start + field.offset, field.size, field.signed, this.#little);
    if (typeof value !== 'number') return Number.NaN;
    if (cut === 'int') value |= 0;
    else if (cut === 'uint') value >>>= 0;
    else if (cut === 'positive' && value < 0) return Number.NaN;
    return value < limit ? value : Number.NaN;
  }

  /** NaN where it is not one of those that are kept. */
  #word(
    step: ColumnStep,
    { field, kept }: WordStep,
    record: RecordView,
    out: RowWords,
    where: number,
  ): number {
    const { page, start } = record;
    const at = start + field.offset;
    let high = 0;
    let low: number;
    if (field.size === 8) {
      high = page.getUint32(this.#little ? at + 4 : at, this.#little);
      low = page.getUint32(this.#little ? at : at + 4, this.#little);
    } else {
      low = readNumber(page, at, field.size, false, this.#little) as number;
    }
    const known = kept.find(low, high);
    if (!Number.isNaN(known)) return known;
    const word = out.word(this.tracepoint, step.index, step.value(record), where);
    // A word that is in no table is to be counted each time.
    if (this.tracepoint.columns[step.index]?.symbols === null || word < RAW_LABEL) {
      kept.keep(low, high, word);
    }
    return word;
  }
}
