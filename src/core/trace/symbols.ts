/**
 * Label tables: the words a tracepoint prints for the values of a kernel enum. Engine code names a
 * label by its stable identifier (`netfsSreqTraces.id.prepare`); each era prints its own word.
 */
import { type Era, inEra, type PerEra } from './eras.js';

/** Labels of one era in the kernel's enum order: identifier and printed word with its padding. */
export type LabelList = readonly (readonly [id: string, printed: string])[];

/** One label of one era. */
export interface Label {
  /** Position of its identifier in the union over the eras: what records carry. */
  readonly id: number;
  /** The word as printed, padding included. */
  readonly printed: string;
  /** The word as stored, without padding. */
  readonly text: string;
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
  scan(era: Era, line: string, from: number, next: string): { text: string; end: number } | null;
}

type IdOf<T> =
  Exclude<T[keyof T], null | undefined> extends infer L
    ? L extends readonly (readonly [infer Id, string])[]
      ? Id & string
      : never
    : never;

/** What is looked up in one era. */
interface EraLabels {
  readonly labels: readonly Label[];
  readonly byId: ReadonlyMap<number, Label>;
  readonly byText: ReadonlyMap<string, Label>;
  readonly longestFirst: readonly Label[];
}

/** Defines a label table. */
export function symbols<const T extends PerEra<LabelList>>(
  name: string,
  table: T,
): Symbols<IdOf<T>> {
  const numbers = new Map<string, number>();
  for (const list of Object.values(table)) {
    for (const [id] of list ?? []) if (!numbers.has(id)) numbers.set(id, numbers.size);
  }
  const ids = [...numbers.keys()] as IdOf<T>[];
  const cache = new Map<Era, EraLabels>();
  const of = (era: Era): EraLabels => {
    let labels = cache.get(era);
    if (labels === undefined) {
      labels = eraLabels(inEra<LabelList>(table, era) ?? [], numbers);
      cache.set(era, labels);
    }
    return labels;
  };
  return {
    name,
    ids,
    id: Object.fromEntries(numbers) as { [K in IdOf<T>]: number },
    labels: (era) => of(era).labels,
    text: (era, id) => of(era).byId.get(id)?.text ?? ids[id] ?? `0x${id.toString(16)}`,
    find: (era, text) => of(era).byText.get(text)?.id,
    printed: (era, text) => of(era).byText.get(text)?.printed ?? text,
    scan: (era, line, from, next) => scanLabel(of(era).longestFirst, line, from, next),
  };
}

function eraLabels(list: LabelList, numbers: ReadonlyMap<string, number>): EraLabels {
  const labels = list.map(([id, printed]) => ({
    id: numbers.get(id) as number,
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
): { text: string; end: number } | null {
  for (const { printed, text } of labels) {
    const end = from + printed.length;
    if (!line.startsWith(printed, from)) continue;
    if (next === '' ? end === line.length : line.startsWith(next, end)) return { text, end };
  }
  let end = next === '' ? line.length : line.indexOf(next, from + 1);
  // The padding of a word nobody knows belongs to it, else it would not print as it was.
  while (next === ' ' && line[end + 1] === ' ') end++;
  return end > from ? { text: line.slice(from, end), end } : null;
}
