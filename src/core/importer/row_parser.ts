/**
 * Reads the text of events straight into record words: what `tracepoint.parse` does, for the
 * millions of lines that hold nothing unusual. Whatever it is not sure of is left to that.
 */
import type { Era } from '../trace/eras.js';
import { compileFormat } from '../trace/printk.js';
import { type AnyTracepoint, type Column, HEADER_WORDS } from '../trace/tracepoint.js';

/** Reads a text into `words` from HEADER_WORDS on; false if it cannot, and they are then unset. */
export type RowParser = (text: string, words: Float64Array) => boolean;

/** One conversion, and the text that follows it. */
interface Step {
  readonly column: Column;
  /** Index of its word. */
  readonly word: number;
  readonly base: 10 | 16;
  /** Blanks may stand in front. */
  readonly padded: boolean;
  readonly next: string;
  /** For labels: the word by what is printed up to `next`; null for numbers. */
  readonly labels: ReadonlyMap<string, number> | null;
}

/** Digits below which a number is exact, whatever the base. */
const SAFE_DIGITS = 13;

/** A parser for an event in an era; null where only `tracepoint.parse` will do. */
export function rowParser(tracepoint: AnyTracepoint, era: Era): RowParser | null {
  const format = tracepoint.format(era);
  if (format === null) return null;
  const { text: literals, conversions } = compileFormat(format.format);
  const steps: Step[] = [];
  for (const [i, conversion] of conversions.entries()) {
    const word = tracepoint.columns.findIndex(({ name }) => name === format.args[i]);
    const column = tracepoint.columns[word] as Column;
    const next = literals[i + 1] as string;
    const number = conversion.kind !== 's' && conversion.kind !== 'c';
    if (number ? column.symbols !== null : column.symbols === null) return null;
    steps.push({
      column,
      word: HEADER_WORDS + word,
      base: conversion.kind === 'x' ? 16 : 10,
      padded: conversion.width > 0 && !conversion.zero,
      next,
      labels: number ? null : sureLabels(column, era, next),
    });
  }
  const first = literals[0] as string;
  const end = HEADER_WORDS + tracepoint.columns.length;
  return (text, words) => {
    if (!text.startsWith(first)) return false;
    words.fill(Number.NaN, HEADER_WORDS, end);
    return parseSteps(steps, text, first.length, words);
  };
}

/** The labels that cannot be the beginning of another one, by how they are printed. */
function sureLabels({ symbols }: Column, era: Era, next: string): ReadonlyMap<string, number> {
  const labels = symbols?.labels(era) ?? [];
  const printed = labels.map((label) => label.printed);
  const sure = labels.filter(
    (label) =>
      !label.printed.includes(next) &&
      !printed.some((other) => other !== label.printed && other.startsWith(label.printed + next)),
  );
  // Two identifiers may share a word: the first is meant, as in the table.
  return new Map(sure.map((label) => [label.printed, symbols?.find(era, label.text) ?? label.id]));
}

function parseSteps(
  steps: readonly Step[],
  text: string,
  from: number,
  words: Float64Array,
): boolean {
  let at = from;
  for (const step of steps) {
    const { next, labels } = step;
    if (labels !== null) {
      const end = next === '' ? text.length : text.indexOf(next, at);
      const id = end < 0 ? undefined : labels.get(text.slice(at, end));
      if (id === undefined) return false;
      words[step.word] = id;
      at = end + next.length;
      continue;
    }
    at = parseNumber(step, text, at, words);
    if (at < 0 || !text.startsWith(next, at)) return false;
    at += next.length;
  }
  return at === text.length;
}

/** Reads a number into its word; returns where it ends, -1 where it is not plain. */
function parseNumber(step: Step, text: string, from: number, words: Float64Array): number {
  const { base, column } = step;
  let at = from;
  if (step.padded) while (text.charCodeAt(at) === 32) at++;
  const negative = base === 10 && text.charCodeAt(at) === 45;
  if (negative) at++;
  const start = at;
  let value = 0;
  for (; ; at++) {
    const code = text.charCodeAt(at);
    let digit = code - 48;
    if (!(digit >= 0 && digit <= 9)) {
      if (base === 10 || !(code >= 97 && code <= 102)) break;
      digit = code - 87;
    }
    value = value * base + digit;
  }
  if (at === start || at - start >= SAFE_DIGITS) return -1;
  const { kind } = column;
  // A negative number that went through %x or an unsigned type: rare, so not done twice.
  if ((kind === 'int' && value >= 0x8000_0000) || (kind === 'int16' && value >= 0x8000)) return -1;
  if (kind === 'label' || kind === 'text' || (negative && !kind.startsWith('int'))) return -1;
  words[step.word] = negative ? -value : value;
  return at;
}
