/**
 * The use case `trace diff` without `--structure`: two captures by their figures. Counters, bytes,
 * hit rates, latencies with a rank test, the mix of events, and what the rules find in one only.
 * Called by the command.
 */
import { checkCapture } from '../../analysis/check/check.js';
import { doubtOf } from '../../analysis/doubt.js';
import { ANALYSES } from '../../analysis/index.js';
import { rankTest } from '../../analysis/rank_test.js';
import type { Column, Row, Table } from '../../analysis/types.js';
import { openCapture } from '../../store/database.js';
import { EVENT_TABLES } from '../../store/schema.js';
import type { Capture } from '../../store/types.js';
import { findCapture } from './capture_path.js';
import { rowsOf } from './query.js';

/** From when on a difference counts. */
export interface Thresholds {
  /** Change of a median or 99th percentile, percent. */
  readonly latency: number;
  /** Change of a hit rate, points of percent. */
  readonly hits: number;
  /** Probability by chance below which a difference of latency is believed. */
  readonly p: number;
}

/** What is taken where nothing else is asked for. */
export const THRESHOLDS: Thresholds = { latency: 10, hits: 5, p: 0.01 };

/** One figure of both captures. */
export interface Difference {
  readonly what: string;
  readonly name: string;
  readonly left: number | null;
  readonly right: number | null;
  /** Change of the right against the left, percent; null if there is nothing to compare with. */
  readonly change: number | null;
  /** How sure: of a latency the interval of "the right is slower" and p. */
  readonly confidence: string | null;
  /** True if it is beyond its threshold. */
  readonly beyond: boolean;
}

const COLUMNS: readonly Column[] = [
  { name: 'what', doc: 'Kind of figure.', unit: 'text' },
  { name: 'name', doc: 'Figure.', unit: 'text' },
  { name: 'left', doc: 'In the first capture.', unit: 'number' },
  { name: 'right', doc: 'In the second.', unit: 'number' },
  { name: 'change', doc: 'Change, percent.', unit: 'ratio' },
  { name: 'confidence', doc: 'Probability that the right is slower (95 %), and p.', unit: 'text' },
  { name: 'beyond', doc: '! = beyond its threshold.', unit: 'text' },
];

/** Captures with more events are not checked by the rules. */
const CHECKED_EVENTS = 300_000;
/** Values of a sample that the rank test takes, evenly spread over all. */
const SAMPLE = 50_000;

/** The figures that differ, or all of them. */
export function compareCaptures(
  left: string,
  right: string,
  thresholds: Thresholds = THRESHOLDS,
): Difference[] {
  const a = openCapture(findCapture(left));
  const b = openCapture(findCapture(right));
  try {
    const known = [a, b].every((each) => doubtOf(each, ANALYSES.hits.needs) === null);
    return [
      ...findings(a, b),
      ...(known ? [...hitRates(a, b, thresholds), ...latencies(a, b, thresholds)] : []),
      ...(known ? totals(a, b) : []),
      ...counters(a, b),
      ...events(a, b),
    ];
  } finally {
    a.close();
    b.close();
  }
}

/** The differences as a table. */
export function comparisonTable(found: readonly Difference[]): Table {
  const rows: Row[] = found.map((each) => ({ ...each, beyond: each.beyond ? '!' : null }));
  return { capture: null, columns: COLUMNS, rows };
}

type Figures = ReadonlyMap<string, number>;

function difference(what: string, name: string, a?: number, b?: number): Difference {
  const [left, right] = [a ?? null, b ?? null];
  const change =
    left === null || right === null || left === 0 ? null : (100 * (right - left)) / left;
  return { what, name, left, right, change, confidence: null, beyond: false };
}

function paired(what: string, a: Figures, b: Figures): Difference[] {
  const names = [...new Set([...a.keys(), ...b.keys()])];
  return names.map((name) => difference(what, name, a.get(name) ?? 0, b.get(name) ?? 0));
}

function findings(a: Capture, b: Capture): Difference[] {
  if (Math.max(a.info.events, b.info.events) > CHECKED_EVENTS) return [];
  const found = (capture: Capture): Figures =>
    new Map(
      checkCapture(capture)
        .rules.filter((rule) => rule.findings > 0)
        .map((rule) => [rule.id, rule.findings]),
    );
  // More of what a rule finds is worse, whatever its number.
  return paired('findings', found(a), found(b)).map((each) => ({
    ...each,
    beyond: (each.right ?? 0) > (each.left ?? 0),
  }));
}

function hitRates(a: Capture, b: Capture, { hits }: Thresholds): Difference[] {
  const rates = (capture: Capture): Figures =>
    new Map(
      [...rowsOf(capture, ANALYSES.hits)].map((row) => [
        String(row.of),
        Number(row.hit_rate) * 100,
      ]),
    );
  return paired('hit rate %', rates(a), rates(b)).map((each) => ({
    ...each,
    beyond: (each.left ?? 0) - (each.right ?? 0) > hits,
  }));
}

function latencies(a: Capture, b: Capture, thresholds: Thresholds): Difference[] {
  return ['DOWN', 'READ'].flatMap((source) => {
    const [left, right] = [durations(a, source), durations(b, source)];
    if (left.length === 0 || right.length === 0) return [];
    const { larger, low, high, p } = rankTest(left, right);
    const digits = (value: number) => value.toFixed(2);
    const confidence = `${digits(larger)} [${digits(low)}, ${digits(high)}] p=${p.toPrecision(2)}`;
    return [50, 90, 99].map((percent) => {
      const [x, y] = [left, right].map((sorted) => nearestRank(sorted, percent));
      const each = difference('latency ns', `${source} p${percent}`, x, y);
      const beyond = p < thresholds.p && (each.change ?? 0) > thresholds.latency;
      return { ...each, confidence, beyond };
    });
  });
}

/** How long slices took, nanoseconds, at most SAMPLE of them. */
function durations(capture: Capture, source: string): Float64Array {
  const where = '"source" = @source AND "term_ns" >= "submit_ns"';
  const of = capture.get(`SELECT count(*) AS "n" FROM "subrequest" WHERE ${where}`, { source });
  const every = Math.max(1, Math.ceil(Number(of?.n) / SAMPLE));
  const rows = capture.all(
    `SELECT "term_ns" - "submit_ns" AS "ns" FROM "subrequest"
     WHERE ${where} AND "rowid" % @every = 0`,
    { source, every },
  );
  return Float64Array.from(rows, ({ ns }) => Number(ns));
}

function nearestRank(sorted: Float64Array, percent: number): number {
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1] as number;
}

function totals(a: Capture, b: Capture): Difference[] {
  const of = (capture: Capture): Figures => {
    const row = capture.get(`
SELECT count(*) AS "requests", sum("slices") AS "slices", sum("server_bytes") AS "bytes from server",
  sum("cache_bytes") AS "bytes from cache", sum("zero_bytes") AS "zero bytes",
  sum("stored_bytes") AS "bytes stored", sum("outcome" = 'failed') AS "failed requests"
FROM "request" WHERE "kind" IS NOT NULL`);
    return new Map(Object.entries(row ?? {}).map(([name, value]) => [name, Number(value ?? 0)]));
  };
  return paired('total', of(a), of(b));
}

function counters(a: Capture, b: Capture): Difference[] {
  const deltas = (capture: Capture): Figures => {
    const rows = capture.all(`
SELECT "label" || ' ' || "key" AS "name",
  max(CASE WHEN "snapshot" = "last" THEN "value" END)
    - coalesce(max(CASE WHEN "snapshot" = 1 AND "last" > 1 THEN "value" END), 0) AS "delta"
FROM "stats", (SELECT max("snapshot") AS "last" FROM "stats") GROUP BY "line", 1`);
    return new Map(rows.map(({ name, delta }) => [String(name), Number(delta)]));
  };
  const [left, right] = [deltas(a), deltas(b)];
  return left.size === 0 || right.size === 0 ? [] : paired('counter', left, right);
}

function events(a: Capture, b: Capture): Difference[] {
  const counts = (capture: Capture): Figures => {
    const tables = capture.all(`SELECT "name" FROM "sqlite_master" WHERE "type" = 'table'`);
    const there = new Set(tables.map(({ name }) => name));
    const each = EVENT_TABLES.filter(({ name }) => there.has(name)).map(
      ({ name }) => `SELECT '${name}' AS "name", count(*) AS "n" FROM "${name}"`,
    );
    if (each.length === 0) return new Map();
    const rows = capture.all(`SELECT * FROM (${each.join(' UNION ALL ')}) WHERE "n" > 0`);
    return new Map(rows.map(({ name, n }) => [String(name), Number(n)]));
  };
  return paired('events', counts(a), counts(b));
}
