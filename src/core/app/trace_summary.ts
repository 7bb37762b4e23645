/**
 * The use case `trace summary`: one screen about a capture, and what is most notable in it.
 * Called by the command.
 */
import { checkCapture } from '../analysis/check/check.js';
import { RULES, type RuleId } from '../analysis/check/index.js';
import { ANALYSES } from '../analysis/index.js';
import type { Analysis, Row } from '../analysis/types.js';
import { VERDICTS } from '../analysis/why.js';
import { formatBytes, formatCount, formatNs } from '../base/units.js';
import { openCapture } from '../store/database.js';
import type { Capture } from '../store/types.js';
import { type Era, kernelsOf } from '../trace/eras.js';
import { findCapture } from './capture_path.js';
import { rowsOf } from './query.js';
import { listNotables, logNotables, statsNotables } from './stats_notable.js';

/** Something a person should know, with what to ask next. */
export interface Notable {
  /** How much it matters; only the order counts. */
  readonly weight: number;
  readonly says: string;
  readonly ask: string;
}

/** What `trace summary --json` gives. */
export interface TraceSummary {
  readonly capture: string;
  readonly kernel: string | null;
  readonly era: Era;
  readonly events: number;
  readonly lost_events: number;
  readonly span_ns: number;
  readonly requests: readonly Row[];
  readonly hits: readonly Row[];
  readonly latency: readonly Row[];
  readonly notable: readonly Notable[];
}

/** Captures with more events are not checked here: it would take longer than one waits. */
const CHECKED_EVENTS = 300_000;

/** Sums a capture up. */
export function summarise(file?: string): TraceSummary {
  const capture = openCapture(findCapture(file));
  try {
    const { info } = capture;
    const hits = [...rowsOf(capture, ANALYSES.hits)];
    const span = capture.get(
      'SELECT max("free_ns", "begin_ns") AS "end" FROM (SELECT max(coalesce("free_ns", 0)) AS "free_ns", max(coalesce("begin_ns", 0)) AS "begin_ns" FROM "request")',
    );
    return {
      capture: capture.path,
      kernel: info.kernel_release,
      era: info.era,
      events: info.events,
      lost_events: info.lost_events,
      span_ns: Number(span?.end ?? 0),
      requests: capture.all(REQUESTS),
      hits,
      latency: capture.all(LATENCY),
      notable: notables(capture, hits).sort((a, b) => b.weight - a.weight),
    };
  } finally {
    capture.close();
  }
}

const REQUESTS = `
SELECT "kind", count(*) AS "requests", sum("slices") AS "slices", sum("down_bytes") AS "down",
  sum("read_bytes") AS "read", sum("zero_bytes") AS "zero", sum("stored_bytes") AS "stored"
FROM "request" WHERE "kind" IS NOT NULL GROUP BY "kind" ORDER BY 2 DESC`;

const LATENCY = `
SELECT "source", count(*) AS "slices", CAST(avg("term_ns" - "submit_ns") AS INTEGER) AS "mean",
  max("term_ns" - "submit_ns") AS "max"
FROM "subrequest"
WHERE "source" IN ('DOWN', 'READ') AND "term_ns" >= "submit_ns" GROUP BY "source" ORDER BY 1`;

function notables(capture: Capture, hits: readonly Row[]): Notable[] {
  return [
    ...wrong(capture),
    ...failures(capture),
    ...readaheads(capture),
    ...repeats(capture),
    ...misses(capture, hits),
    ...statsNotables(capture),
    ...listNotables(capture),
    ...logNotables(capture),
  ];
}

function wrong(capture: Capture): Notable[] {
  const { events, lost_events } = capture.info;
  const found: Notable[] = [];
  if (lost_events > 0) {
    const says = `${formatCount(lost_events)} events were lost; figures are too low.`;
    found.push({ weight: 90, says, ask: 'netfslab capture-script --slow' });
  }
  if (events > CHECKED_EVENTS) return found;
  for (const { id, findings, severity } of checkCapture(capture).rules) {
    if (findings === 0 || severity === 'note') continue;
    const [what] = RULES[id as RuleId].explanation.split(/(?<=\.) /);
    const says = `${what?.replace(/\.$/, '')} (${countOf(findings, 'finding')}).`;
    found.push({ weight: 100, says, ask: `netfslab trace check --rule ${id}` });
  }
  return found;
}

/** `1 request`, `2 requests`. */
function countOf(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`;
}

function failures(capture: Capture): Notable[] {
  const row = capture.get(`
SELECT sum("outcome" = 'failed') AS "failed", sum("outcome" = 'open') AS "open",
  sum("rdowns") AS "rdowns", sum("skips") AS "skips", min("error") AS "error"
FROM "request" WHERE "kind" IS NOT NULL`);
  const of = (name: string) => Number(row?.[name] ?? 0);
  const found: Notable[] = [];
  if (of('failed') > 0) {
    const says = `${countOf(of('failed'), 'request')} failed (error ${of('error')}).`;
    found.push({ weight: 80, says, ask: 'netfslab trace requests --failed' });
  }
  if (of('open') > 0) {
    const says = `${countOf(of('open'), 'request')} open when the trace ends.`;
    found.push({ weight: 70, says, ask: 'netfslab trace stuck' });
  }
  if (of('rdowns') > 0) {
    const says = `${countOf(of('rdowns'), 'cache read')} failed and went to the server.`;
    found.push({ weight: 75, says, ask: 'netfslab trace why' });
  }
  if (of('skips') > 0) {
    const says = `The cache refused ${countOf(of('skips'), 'store')}: it is full.`;
    found.push({ weight: 60, says, ask: 'netfslab stats explain nwr' });
  }
  return found;
}

function readaheads(capture: Capture): Notable[] {
  const defeated = [...rowsOf(capture, ANALYSES.readahead)].filter(({ note }) => note !== null);
  const [worst] = defeated;
  if (worst === undefined) return [];
  const says = `Readahead of ${worst.file} is defeated: readers waited for ${worst.missed} of ${worst.sequential} windows of ${formatBytes(Number(worst.max))}.`;
  return [{ weight: 65, says, ask: 'netfslab trace readahead' }];
}

function repeats(capture: Capture): Notable[] {
  const [worst] = [...rowsOf(capture, ANALYSES.dup as Analysis)];
  if (worst === undefined) return [];
  const says = `${formatBytes(Number(worst.bytes))} of ${worst.file} were downloaded again: ${worst.cause}.`;
  return [{ weight: 50, says, ask: 'netfslab trace dup' }];
}

/** Why most of what missed the cache did, if there is a cache and it missed much. */
function misses(capture: Capture, hits: readonly Row[]): Notable[] {
  const devices = hits.find(({ of }) => of === 'device bytes');
  if (devices === undefined || Number(devices.hit_rate ?? 1) > 0.5) return [];
  const row = capture.get(`
SELECT "s"."verdict", sum("s"."transferred") AS "bytes", max("r"."cookie") AS "cookie",
  min("r"."rreq") AS "rreq"
FROM "subrequest" AS "s" JOIN "request" AS "r" ON "r"."uid" = "s"."request"
WHERE "s"."source" = 'DOWN' AND "s"."rdowns" = 0 GROUP BY 1 ORDER BY 2 DESC LIMIT 1`);
  if (row === undefined || Number(row.bytes) === 0) return [];
  const bytes = formatBytes(Number(row.bytes));
  const none = Number(row.cookie) > 0 ? 'the trace does not tell why' : 'no cache is used';
  const because = row.verdict === null ? none : reasonOf(capture, row);
  return [
    { weight: 40, says: `${bytes} came from the server: ${because}.`, ask: 'netfslab trace why' },
  ];
}

/** Why the first slice of a verdict went to the server; later ones have the same reason mostly. */
function reasonOf(capture: Capture, { rreq, verdict }: Row): string {
  const rows = [...rowsOf(capture, ANALYSES.why, { rreq: Number(rreq) })];
  const slice = rows.find((row) => row.verdict === verdict);
  return String(slice?.why ?? VERDICTS[String(verdict)] ?? verdict).replace(/; it was stored$/, '');
}

/** The summary for people: one screen. */
export function* summaryScreen(summary: TraceSummary): Iterable<string> {
  const { era, kernel, events, lost_events: lost, span_ns } = summary;
  const named = kernel ?? kernelsOf(era);
  const span = formatNs(span_ns);
  yield `trace     kernel ${named} (${era}), ${formatCount(events)} events in ${span}, ${formatCount(lost)} lost`;
  for (const row of summary.requests) {
    const bytes = (name: string) => formatBytes(Number(row[name] ?? 0));
    const sources = `server ${bytes('down')}, cache ${bytes('read')}, zeros ${bytes('zero')}`;
    const count = `${formatCount(Number(row.requests))} in ${formatCount(Number(row.slices))} slices`;
    yield `${String(row.kind).padEnd(10)}${count}: ${sources}, stored ${bytes('stored')}`;
  }
  const rates = summary.hits
    .filter(({ hit_rate }) => hit_rate !== null)
    .map(({ of, hit_rate }) => `${of} ${(Number(hit_rate) * 100).toFixed(1)} %`);
  if (rates.length > 0) yield `hit rate  ${rates.join(', ')}`;
  for (const { source, slices, mean, max } of summary.latency) {
    const name = source === 'DOWN' ? 'server' : 'cache';
    const each = `mean ${formatNs(Number(mean))}, max ${formatNs(Number(max))}`;
    yield `${name.padEnd(10)}${formatCount(Number(slices))} slices, ${each}`;
  }
  const shown = summary.notable.slice(0, 3);
  if (shown.length === 0) yield 'notable   nothing';
  for (const [i, { says, ask }] of shown.entries()) yield `${i + 1}. ${says} (${ask})`;
}
