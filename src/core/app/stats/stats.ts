/** The statistics of a capture, and what each key means. Called by `stats show` and `explain`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Column, Row, Table } from '../../analysis/types.js';
import { errnoFromNode } from '../../base/errno.js';
import { ErrnoError, UsageError } from '../../base/errors.js';
import { closest } from '../../base/suggest.js';
import { openCapture } from '../../store/database.js';
import type { Capture } from '../../store/types.js';
import { ERAS, type Era, isEra } from '../../trace/eras.js';
import { fscacheMissing } from '../../trace/fscache_stats.js';
import type { StatEntry } from '../../trace/record.js';
import {
  everyStat,
  explainStat,
  printStats,
  type StatExplanation,
  type StatOfEras,
  statLines,
} from '../../trace/stats_layout.js';
import { kernelsOf } from '../explain/era.js';
import { findCapture } from '../trace/capture_path.js';

/** One snapshot of the statistics. */
export interface StatsSnapshot extends Table {
  /** Number of the snapshot, and of how many. */
  readonly snapshot: number;
  readonly of: number;
  /** The text as /proc shows it, lines without newlines. */
  readonly lines: readonly string[];
  /** Keys of FS-Cache that the kernel prints and a run with a cache does not keep. */
  readonly notPlayed: readonly string[];
}

const SHOW_COLUMNS: readonly Column[] = [
  { name: 'label', doc: 'Label of the line.', unit: 'text' },
  { name: 'key', doc: 'Key as printed.', unit: 'text' },
  { name: 'value', doc: 'Value.', unit: 'count' },
  { name: 'kind', doc: 'counter (only rises) or gauge (alive now).', unit: 'text' },
  { name: 'doc', doc: 'What it counts.', unit: 'text' },
];

/** A snapshot of the statistics in the capture named (default: the newest); default the last. */
export function showStats(file?: string, snapshot?: number): StatsSnapshot {
  const capture = openCapture(findCapture(file));
  try {
    const of = Number(capture.get('SELECT max("snapshot") AS "n" FROM "stats"')?.n ?? 0);
    const number = snapshot ?? of;
    if (of === 0 || number < 1 || number > of) throw noSnapshot(capture, snapshot, of);
    const rows = entriesOf(capture, number);
    return {
      capture: capture.path,
      snapshot: number,
      of,
      lines: printStats(rows).trimEnd().split('\n'),
      notPlayed: notPlayed(capture, rows),
      columns: SHOW_COLUMNS,
      rows: rows.map((entry) => explained(entry, capture.info.era)),
    };
  } finally {
    capture.close();
  }
}

/** The statistics of a mount now, as its profile's /proc has them: lines without newlines. */
export function mountStats(mountpoint: string): string[] {
  const file = join(mountpoint, '.netfslab', 'stats');
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n');
  } catch (cause) {
    throw new ErrnoError(errnoFromNode(cause), 'open', file, {
      cause,
      hint: 'name the MOUNTPOINT of a netfslab mount',
    });
  }
}

/** The texts of all snapshots of an open capture, as /proc shows them. */
export function snapshotsOf(capture: Capture): string[] {
  const of = Number(capture.get('SELECT max("snapshot") AS "n" FROM "stats"')?.n ?? 0);
  return Array.from({ length: of }, (_, i) => printStats(entriesOf(capture, i + 1)).trimEnd());
}

function entriesOf(capture: Capture, snapshot: number): readonly StatEntry[] {
  const entries = capture.all(
    `SELECT "line", "label", "key", "value" FROM "stats" WHERE "snapshot" = ?
    ORDER BY "line", rowid`,
    [snapshot],
  ) as unknown as StatEntry[];
  return inPrintedOrder(entries, capture.info.era);
}

/** Only runs leave keys out, and without a cache all of them, as a kernel does. */
function notPlayed({ info }: Capture, entries: readonly StatEntry[]): string[] {
  const own = info.source === 'run' && entries.some(({ label }) => label === 'Acquire');
  return own ? fscacheMissing(info.era, entries) : [];
}

/** Keys of a line stand in the era's order; keys the era does not know keep theirs, at the end. */
function inPrintedOrder(entries: readonly StatEntry[], era: Era): StatEntry[] {
  const order = statLines(era).map(({ keys }) => keys.map(([key]) => key));
  const place = ({ line, key }: StatEntry) => {
    const at = order[line]?.indexOf(key) ?? -1;
    return at < 0 ? Number.MAX_SAFE_INTEGER : at;
  };
  return [...entries].sort((a, b) => a.line - b.line || place(a) - place(b));
}

function explained({ label, key, value }: StatEntry, era: Era): Row {
  const known = explainStat(era, key, label);
  return { label, key, value, kind: known?.kind ?? null, doc: known?.doc ?? null };
}

function noSnapshot(capture: Capture, asked: number | undefined, of: number): UsageError {
  if (of === 0) return new UsageError('FILE', `no statistics in ${capture.path}`);
  return new UsageError('--snapshot', `there is no snapshot ${asked}`, `1 to ${of}`);
}

/** A key and the kernels that print it, in words; null = all. */
type StatRow = StatExplanation & { readonly kernels: string | null };

const EXPLAIN_COLUMNS: readonly Column[] = [
  { name: 'key', doc: 'Key as printed.', unit: 'text' },
  { name: 'label', doc: 'Label of the line.', unit: 'text' },
  { name: 'kind', doc: 'counter (only rises) or gauge (alive now).', unit: 'text' },
  { name: 'variable', doc: "The kernel's variable; two keys may print the same.", unit: 'text' },
  { name: 'doc', doc: 'What it counts.', unit: 'text' },
  { name: 'events', doc: 'Events that change it.', unit: 'text' },
  { name: 'healthy', doc: 'What holds at rest.', unit: 'text' },
  { name: 'kernels', doc: 'Kernels that print it; NULL = all.', unit: 'text' },
];

/** What one key, or every key, of the statistics means: of one era, or of all. */
export function explainStats(key?: string, era?: string): Table & { readonly lines: string[] } {
  if (era !== undefined && (!isEra(era) || statLines(era).length === 0)) {
    const known = ERAS.filter((each) => statLines(each).length > 0);
    throw new UsageError('--era', `no statistics for '${era}'`, `one of ${known.join(', ')}`);
  }
  const all = everyStat(era === undefined ? ERAS : [era as Era]);
  const found = key === undefined ? all : keysNamed(all, key);
  const rows = found.map(({ eras, ...each }) => ({ ...each, kernels: kernelsOf(eras) }));
  return {
    capture: null,
    columns: EXPLAIN_COLUMNS,
    rows,
    lines: rows.flatMap((each, i) => [...(i > 0 ? [''] : []), ...explanation(each)]),
  };
}

/** Keys differ by case (rs, RS), so another case is only taken where it is the only one. */
function keysNamed(all: readonly StatOfEras[], text: string): readonly StatOfEras[] {
  const key = text.replace(/=.*$/, '');
  const found = all.filter((each) => each.key === key);
  if (found.length > 0) return found;
  const similar = all.filter((each) => each.key.toLowerCase() === key.toLowerCase());
  if (new Set(similar.map((each) => each.key)).size === 1) return similar;
  const labelled = all.filter(({ label }) => label.toLowerCase() === key.toLowerCase());
  if (labelled.length > 0) return labelled;
  const names = [...new Set(all.map((each) => each.key))];
  throw new UsageError(
    'KEY',
    `no key '${key}'`,
    closest(key, names) ?? `one of ${names.join(' ')}`,
  );
}

function explanation({ key, label, kind, variable, doc, events, healthy, kernels }: StatRow) {
  const where = kernels === null ? '' : `; ${kernels}`;
  return [
    `${key}  (${label}, ${kind} ${variable}${where})`,
    `  ${doc}`,
    `  events:  ${events}`,
    ...(healthy === '' ? [] : [`  at rest: ${healthy}`]),
  ];
}
