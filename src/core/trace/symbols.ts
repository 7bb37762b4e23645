/**
 * Label tables: the words a tracepoint prints for the values of a kernel enum. Engine code names a
 * label by its stable identifier (`netfsSreqTraces.id.prepare`); each era prints its own word.
 */
import { ERAS, type Era } from './eras.js';
import { labelWords } from './kernel_text.js';
import type { LabelId } from './kernels/index.js';
import type { Word } from './label_changes.js';

/** One label of one era. */
export interface Label {
  /** Position of its identifier in the union over the eras: what records carry. */
  readonly id: number;
  /** The word as printed, padding included. */
  readonly printed: string;
  /** The word as stored, without padding. */
  readonly text: string;
}

/** A word that was read: as it is stored, and where it ends in its line. */
export interface Scanned {
  readonly text: string;
  readonly end: number;
}

/** A label table. */
export interface Symbols<Id extends string = string> {
  /** Name of the kernel's list. */
  readonly name: string;
  /** The identifiers; position = number. */
  readonly ids: readonly Id[];
  /** Number of each identifier. */
  readonly id: { readonly [K in Id]: number };
  /** The labels of an era in enum order; none where the era is not filled in. */
  labels(era: Era): readonly Label[];
  /** The stored word of a number; the identifier itself where the era has no word for it. */
  text(era: Era, id: number): string;
  /** The number of a stored word, undefined if the era does not have it. */
  find(era: Era, text: string): number | undefined;
  /** The printed form of a stored word; an unknown word is its own. */
  printed(era: Era, text: string): string;
  /**
   * The label that stands in `line` at `from` and is followed by `next` ('' = end of line): its
   * stored word and where it ends. A word not in the table is taken raw; null where nothing fits.
   */
  scan(era: Era, line: string, from: number, next: string): Scanned | null;
}

/** What is looked up in one era. */
interface EraLabels {
  readonly labels: readonly Label[];
  readonly byId: ReadonlyMap<number, Label>;
  readonly byText: ReadonlyMap<string, Label>;
  readonly longestFirst: readonly Label[];
}

/** The label table of a kernel's list: its words are those of `kernels/`. */
export function symbols<const Name extends string>(name: Name): Symbols<LabelId<Name>> {
  return table<LabelId<Name>>(name, (era) => labelWords(name, era));
}

/** A label table of our own, the same in every era: identifier and word. */
export function ownSymbols<const Id extends string>(
  name: string,
  words: readonly (readonly [id: Id, word: string])[],
): Symbols<Id> {
  return table<Id>(name, () => words);
}

function table<Id extends string>(name: string, words: (era: Era) => readonly Word[]): Symbols<Id> {
  const ids = [...new Set(ERAS.flatMap((era) => words(era).map(([id]) => id)))] as Id[];
  const id = Object.fromEntries(ids.map((each, number) => [each, number])) as Record<Id, number>;
  const cache = new Map<Era, EraLabels>();
  // A capture has one era.
  let last: EraLabels | undefined;
  let lastEra: Era | undefined;
  const of = (era: Era): EraLabels => {
    if (era === lastEra && last !== undefined) return last;
    const labels = cache.get(era) ?? eraLabels(words(era), id, ids.length);
    cache.set(era, labels);
    lastEra = era;
    last = labels;
    return labels;
  };
  return {
    name,
    ids,
    id,
    labels: (era) => of(era).labels,
    text: (era, number) =>
      of(era).byId.get(number)?.text ?? ids[number] ?? `0x${number.toString(16)}`,
    find: (era, text) => of(era).byText.get(text)?.id,
    printed: (era, text) => of(era).byText.get(text)?.printed ?? text,
    scan: (era, line, from, next) => scanLabel(of(era).longestFirst, line, from, next),
  };
}

/** `free` is the first number that no identifier of a known era has. */
function eraLabels(
  words: readonly Word[],
  numbers: Readonly<Record<string, number>>,
  free: number,
): EraLabels {
  let next = free;
  const labels = words.map(([id, printed]) => ({
    id: numbers[id] ?? next++,
    printed,
    text: printed.trimEnd(),
  }));
  // Two identifiers may share a word (short-read): reading it back gives the first.
  const byText = new Map([...labels].reverse().map((label) => [label.text, label]));
  return {
    labels,
    byId: new Map(labels.map((label) => [label.id, label])),
    byText,
    longestFirst: [...labels].sort((a, b) => b.printed.length - a.printed.length),
  };
}

function scanLabel(
  labels: readonly Label[],
  line: string,
  from: number,
  next: string,
): Scanned | null {
  for (const { printed, text } of labels) {
    const end = from + printed.length;
    if (!line.startsWith(printed, from)) continue;
    if (next === '' ? end === line.length : line.startsWith(next, end)) return { text, end };
  }
  const found = scanText(line, from, next);
  return found !== null && found.end > from ? found : null;
}

/** The text that stands in `line` at `from` and is followed by `next` ('' = end of line). */
export function scanText(line: string, from: number, next: string): Scanned | null {
  let end = next === '' ? line.length : line.indexOf(next, from);
  if (end < from) return null;
  // The padding of a word nobody knows belongs to it, else it would not print as it was.
  while (next.startsWith(' ') && line.startsWith(next, end + 1)) end++;
  return { text: line.slice(from, end), end };
}
