/** The use case `stats delta`: what happened between two copies of the statistics. */
import type { Column, Row, Table } from '../../analysis/types.js';
import type { StatEntry } from '../../trace/record.js';
import { explainStat } from '../../trace/stats_layout.js';
import { type StatsSource, statsSource } from './source.js';

const COLUMNS: readonly Column[] = [
  { name: 'label', doc: 'Label of the line.', unit: 'text' },
  { name: 'key', doc: 'Key as printed.', unit: 'text' },
  { name: 'before', doc: 'Value in the first.', unit: 'count' },
  { name: 'after', doc: 'Value in the second.', unit: 'count' },
  { name: 'delta', doc: 'Difference.', unit: 'count' },
  { name: 'kind', doc: 'counter (only rises) or gauge (alive now).', unit: 'text' },
  { name: 'note', doc: 'What is odd, else what it counts.', unit: 'text' },
];

/** One key in two snapshots; null where one does not have it. */
export interface StatDelta {
  readonly label: string;
  readonly key: string;
  readonly before: number | null;
  readonly after: number | null;
}

/** The keys of both, in the order of the second, those only the first has at the end. */
export function statDeltas(before: StatsSource, after: StatsSource): StatDelta[] {
  const name = ({ label, key }: StatEntry) => `${label} ${key}`;
  const old = new Map(before.entries.map((entry) => [name(entry), entry]));
  const now = new Map(after.entries.map((entry) => [name(entry), entry]));
  return [...new Set([...now.keys(), ...old.keys()])].map((each) => {
    const { label, key } = (now.get(each) ?? old.get(each)) as StatEntry;
    const value = (entry: StatEntry | undefined) => entry?.value ?? null;
    return { label, key, before: value(old.get(each)), after: value(now.get(each)) };
  });
}

/** The differences between two paths; `all` shows also what did not change. */
export function deltaTable(a: string, b: string, all: boolean): Table {
  const before = statsSource(a);
  const after = statsSource(b);
  const rows = statDeltas(before, after)
    .filter((each) => all || each.before !== each.after)
    .map((each): Row => {
      const delta = each.before === null || each.after === null ? null : each.after - each.before;
      const known = explainStat(after.era, each.key, each.label);
      const kind = known?.kind ?? null;
      const restarted = kind === 'counter' && delta !== null && delta < 0;
      const missing = each.before === null ? 'not in the first' : 'not in the second';
      const odd = delta === null ? missing : restarted ? 'went back: it started again' : null;
      return { ...each, delta, kind, note: odd ?? known?.doc ?? null };
    });
  return { capture: null, columns: COLUMNS, rows };
}
