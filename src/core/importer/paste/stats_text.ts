/**
 * Statistics as people paste them: indented, quoted, commented, wrapped, out of `grep -H`, `diff`
 * and `paste`, several copies in one text. Called by segments.ts.
 */
import { ERAS } from '../../trace/eras.js';
import { fscacheKeys } from '../../trace/fscache_stats.js';
import type { StatEntry } from '../../trace/record.js';
import { statLines } from '../../trace/stats_layout.js';

/** Labels of any kernel. */
const LABELS: ReadonlySet<string> = new Set(
  ERAS.flatMap((era) => [
    ...statLines(era).map(({ label }) => label),
    ...fscacheKeys(era).map(({ label }) => label),
  ]),
);

const PAIR = /\s+([A-Za-z0-9]{1,5})=(-?\d{1,19})\b/y;
const LABEL = /(^|[\s:|+<>-])([A-Z][A-Za-z]{1,7}) {0,8}:(?=\s+[A-Za-z0-9]{1,5}=-?\d)/g;

/** A line of statistics taken apart. */
export interface StatsLine {
  /** What stands in front of the label: a file name of grep, a sign of diff; '' = nothing. */
  readonly front: string;
  /** Sign of a diff: `-` only before, `+` only after, ` ` both. */
  readonly sign: ' ' | '-' | '+';
  /** Several where two copies stand side by side. */
  readonly copies: readonly {
    readonly label: string;
    readonly entries: readonly (readonly [string, number])[];
  }[];
  /** Something is left that is no remark. */
  readonly rest: string;
}

/** Takes a line apart, null if it is none of the statistics. */
export function statsLineOf(line: string): StatsLine | null {
  const copies: StatsLine['copies'][number][] = [];
  let front: string | null = null;
  let end = 0;
  for (const match of line.matchAll(LABEL)) {
    const [, , label = ''] = match;
    const at = match.index + match[0].length;
    if (at < end) continue;
    const { entries, to } = pairsAt(line, at);
    // A label that no kernel is known to have must fill its line.
    if (!LABELS.has(label) && (match.index > 2 || line.slice(to).trim() !== '')) continue;
    front ??= line.slice(0, match.index) + (match[1] as string);
    copies.push({ label, entries });
    end = to;
  }
  if (front === null) return null;
  const sign = /(?:^|\s)([-+])$/.exec(front)?.[1] ?? (/^[-+]\s*$/.exec(front)?.[0].trim() || ' ');
  return {
    front:
      /(?:^|\s)([\w./@-]{1,200}?):(?:\d+:)?$/.exec(front.trim())?.[1] ??
      /^[<>]/.exec(front)?.[0] ??
      '',
    sign: sign as StatsLine['sign'],
    copies,
    rest: line.slice(end).trim(),
  };
}

function pairsAt(line: string, at: number) {
  const entries: [string, number][] = [];
  PAIR.lastIndex = at;
  let to = at;
  for (let match = PAIR.exec(line); match !== null; match = PAIR.exec(line)) {
    // In a text that is damaged a key may stand twice in a line; the first counts.
    if (!entries.some(([key]) => key === match?.[1]))
      entries.push([match[1] as string, Number(match[2])]);
    to = PAIR.lastIndex;
  }
  return { entries, to };
}

/** True for the rest of a line of statistics that was wrapped: pairs and nothing else. */
export function isStatsRest(line: string): boolean {
  return /^\s*(?:[A-Za-z0-9]{1,5}=-?\d{1,19}(?:\s+|$))+$/.test(line);
}

/** True for the headings between the lines. */
export function isStatsHeading(line: string): boolean {
  return /^(?:-- )?(?:FS-Cache|Netfs) statistics(?: --)?$/i.test(line.trim());
}

/** True for a line with the label of statistics that could not be read. */
export function isDamagedStats(line: string): boolean {
  const label = /^\s*([A-Z][A-Za-z]{1,7}) {0,6}: +\S*=/.exec(line)?.[1];
  return label !== undefined && LABELS.has(label) && statsLineOf(line) === null;
}

/** One copy of the statistics. */
export interface StatsCopy {
  readonly entries: readonly StatEntry[];
  /** Lines of the document, both inclusive. */
  readonly first: number;
  readonly last: number;
  /** Depth of quoting of its first line. */
  readonly quoted: number;
  /** What told it apart: a file name of grep, `before`, `after`; '' = nothing. */
  readonly name: string;
}

interface Growing {
  readonly name: string;
  readonly entries: StatEntry[];
  readonly seen: Set<string>;
  lines: number;
  first: number;
  last: number;
  quoted: number;
}

/** A line of statistics and where it stands. */
export interface PlacedStats {
  readonly line: StatsLine;
  readonly where: number;
  readonly quoted: number;
  /** Something else stands between it and the line before. */
  readonly apart: boolean;
}

/** Puts lines together into copies. */
export function statsCopies(placed: readonly PlacedStats[]): StatsCopy[] {
  const isDiff =
    placed.some(({ line }) => line.sign === '-') && placed.some(({ line }) => line.sign === '+');
  const done: Growing[] = [];
  const open = new Map<string, Growing>();
  const add = (name: string, part: StatsLine['copies'][number], from: PlacedStats): void => {
    const { label, entries } = part;
    const id = `${label} ${entries.map(([key]) => key).join(' ')}`;
    let copy = open.get(name);
    // The same line again begins the next copy.
    if (copy === undefined || copy.seen.has(id)) {
      copy = {
        name,
        entries: [],
        seen: new Set(),
        lines: 0,
        first: from.where,
        last: from.where,
        quoted: from.quoted,
      };
      open.set(name, copy);
      done.push(copy);
    }
    copy.seen.add(id);
    for (const [key, value] of entries) copy.entries.push({ line: copy.lines, label, key, value });
    copy.lines++;
    copy.last = from.where;
  };
  for (const each of placed) {
    const { line } = each;
    const [only] = line.copies;
    if (isDiff && only !== undefined) {
      if (line.sign !== '+') add('before', only, each);
      if (line.sign !== '-') add('after', only, each);
    } else if (line.copies.length > 1) {
      for (const [i, part] of line.copies.entries()) add(`column ${i + 1}`, part, each);
    } else if (only !== undefined) {
      add(line.front, only, each);
    }
  }
  return done.map(({ name, entries, first, last, quoted }) => ({
    name,
    entries,
    first,
    last,
    quoted,
  }));
}
