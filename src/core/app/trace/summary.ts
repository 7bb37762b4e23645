/**
 * The use case `trace summary`: one screen about a capture, and what is most notable in it.
 * Called by the command.
 */
import { checkCapture } from '../../analysis/check/check.js';
import { RULES, type RuleId } from '../../analysis/check/index.js';
import { STUCK_NS } from '../../analysis/check/rules/stuck_after.js';
import { openRequests } from '../../analysis/check/stuck.js';
import { doubtOf } from '../../analysis/doubt.js';
import { ANALYSES } from '../../analysis/index.js';
import { spanOf } from '../../analysis/span.js';
import type { Analysis, Row } from '../../analysis/types.js';
import { formatBytes, formatCount, formatNs } from '../../base/units.js';
import { openCapture } from '../../store/database.js';
import type { Capture } from '../../store/types.js';
import { type Era, kernelsOf } from '../../trace/eras.js';
import { listNotables, logNotables, statsNotables } from '../stats/notable.js';
import { findCapture } from './capture_path.js';
import { misconfigurations } from './misconfigured.js';
import { rowsOf } from './query.js';

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
  /** The kernels that an import took it for; null for a run. */
  readonly kernels: string | null;
  readonly era: Era;
  readonly events: number;
  readonly lost_events: number;
  /** From the first event to the last, whatever they are; null if they have no times. */
  readonly span_ns: number | null;
  readonly requests: readonly Row[];
  readonly hits: readonly Row[];
  readonly latency: readonly Row[];
  /** What the trace lacks to say more. */
  readonly missing: readonly string[];
  readonly notable: readonly Notable[];
}

/** Captures with more events are not checked here: it would take longer than one waits. */
export const CHECKED_EVENTS = 300_000;

/** Sums a capture up. */
export function summarise(file?: string): TraceSummary {
  const capture = openCapture(findCapture(file));
  try {
    const { info } = capture;
    const doubt = doubtOf(capture, ANALYSES.hits.needs);
    const known = doubt === null;
    const hits = known ? [...rowsOf(capture, ANALYSES.hits)] : [];
    const { first, last, timed } = spanOf(capture);
    return {
      capture: capture.path,
      kernel: info.kernel_release,
      kernels: kernelsTaken(info.options),
      era: info.era,
      events: info.events,
      lost_events: info.lost_events,
      span_ns: timed ? last - first : null,
      requests: known ? capture.all(REQUESTS) : [],
      hits,
      latency: known && timed ? capture.all(LATENCY) : [],
      missing: [...missingFrom(capture), ...(known ? [] : [`bytes, hits, latency: ${doubt}`])],
      notable: [...notables(capture), ...(known ? figures(capture, hits) : [])].sort(
        (a, b) => b.weight - a.weight,
      ),
    };
  } finally {
    capture.close();
  }
}

function kernelsTaken(options: string): string | null {
  const { kernels } = JSON.parse(options) as { kernels?: unknown };
  return typeof kernels === 'string' ? kernels : null;
}

const REQUESTS = `
SELECT "kind", count(*) AS "requests", sum("slices") AS "slices", sum("server_bytes") AS "down",
  sum("cache_bytes") AS "read", sum("zero_bytes") AS "zero", sum("stored_bytes") AS "stored"
FROM "request" WHERE "kind" IS NOT NULL GROUP BY "kind" ORDER BY 2 DESC`;

const LATENCY = `
SELECT "source", count(*) AS "slices", CAST(avg("term_ns" - "submit_ns") AS INTEGER) AS "mean",
  max("term_ns" - "submit_ns") AS "max"
FROM "subrequest"
WHERE "source" IN ('DOWN', 'READ') AND "term_ns" >= "submit_ns" GROUP BY "source" ORDER BY 1`;

/** What is usually asked and is not in the trace, and what to record for it. */
const USUAL: readonly (readonly [events: readonly string[], tells: string])[] = [
  [['netfs_rreq'], 'whether requests ended'],
  [['netfs_read', 'netfs_write'], 'what was asked for, of which file, and whether it has a cookie'],
  [['netfs_sreq'], 'where bytes came from'],
];

/** Empty where everything usual is there; a run records what it does. */
function missingFrom(capture: Capture): string[] {
  if (capture.info.source === 'run') return [];
  const some = (name: string) => capture.get(`SELECT 1 FROM "${name}" LIMIT 1`) !== undefined;
  return USUAL.filter(([events]) => !events.some(some)).map(
    ([events, tells]) => `${tells}: record ${events.join(' or ')}`,
  );
}

/** What page-cache events say, where there is nothing else. */
function pageCacheOnly(capture: Capture): Notable[] {
  const rows = capture.all(FILEMAP);
  if (rows.length === 0) return [];
  const of = (event: string) => Number(rows.find((row) => row.event === event)?.count ?? 0);
  const parts = [
    [of('mm_filemap_add_to_page_cache'), 'brought in'],
    [of('mm_filemap_get_pages'), 'looked up by reads'],
    [of('mm_filemap_map_pages'), 'mapped around faults'],
    [of('mm_filemap_fault'), 'faulted'],
    [of('mm_filemap_delete_from_page_cache'), 'dropped'],
  ] as const;
  const told = parts.filter(([count]) => count > 0).map(([count, how]) => `${count} times ${how}`);
  const files = Number(rows[0]?.files ?? 0);
  const says = `Only page-cache events were recorded: pages of ${countOf(files, 'file')} ${told.join(', ')}.`;
  return [{ weight: 95, says, ask: 'netfslab trace events' }];
}

const FILEMAP = `
WITH "of" AS (
  SELECT "event", substr("text", instr("text", 'dev '), instr("text", ' ofs=') - instr("text", 'dev '))
    AS "file" FROM "other_event" WHERE "event" GLOB 'mm_filemap_*'
)
SELECT "event", count(*) AS "count", (SELECT count(DISTINCT substr("file", 1, CASE
    WHEN instr("file", ' pfn=') > 0 THEN instr("file", ' pfn=') - 1 ELSE length("file") END))
  FROM "of") AS "files"
FROM "of" WHERE NOT EXISTS (SELECT 1 FROM "request") GROUP BY 1`;

/** What is told whatever words are known. */
function notables(capture: Capture): Notable[] {
  return [
    ...pageCacheOnly(capture),
    ...openOnes(capture),
    ...wrong(capture),
    ...statsNotables(capture),
    ...listNotables(capture),
    ...logNotables(capture),
  ];
}

/** What the figures of requests and slices say. */
function figures(capture: Capture, hits: readonly Row[]): Notable[] {
  return [
    ...failures(capture),
    ...readaheads(capture),
    ...repeats(capture),
    ...misses(capture, hits),
    ...misconfigurations(capture),
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
SELECT sum("outcome" = 'failed') AS "failed",
  sum("cache_fallbacks") AS "cache_fallbacks", sum("refused_stores") AS "refused_stores", min("error") AS "error"
FROM "request" WHERE "kind" IS NOT NULL`);
  const of = (name: string) => Number(row?.[name] ?? 0);
  const found: Notable[] = [];
  if (of('failed') > 0) {
    const says = `${countOf(of('failed'), 'request')} failed (error ${of('error')}).`;
    found.push({ weight: 80, says, ask: 'netfslab trace requests --failed' });
  }
  if (of('cache_fallbacks') > 0) {
    const says = `${countOf(of('cache_fallbacks'), 'cache read')} failed and went to the server.`;
    found.push({ weight: 75, says, ask: 'netfslab trace why' });
  }
  if (of('refused_stores') > 0) {
    const says = `The cache refused ${countOf(of('refused_stores'), 'store')}: it is full.`;
    found.push({ weight: 60, says, ask: 'netfslab stats explain nwr' });
  }
  return found;
}

/** Requests that are open, the one that waits longest by name; stuck ones go before all else. */
function openOnes(capture: Capture): Notable[] {
  const some = (sql: string) => capture.get(sql) !== undefined;
  // Whether one ended stands there.
  if (!some('SELECT 1 FROM "netfs_rreq" LIMIT 1')) return [];
  if (!some('SELECT 1 FROM "request" WHERE "free_ns" IS NULL LIMIT 1')) return [];
  const ask = 'netfslab trace stuck';
  if (capture.info.events > CHECKED_EVENTS) {
    return [{ weight: 70, says: 'Requests are open when the trace ends.', ask }];
  }
  // Where words are unknown, one of them may say that the request ended.
  const open = openRequests(capture).filter(({ doubt }) => doubt === null);
  const [first] = open;
  if (first === undefined) return [];
  const says = `${countOf(open.length, 'request')} open when the trace ends; R=${first.request.rreq.toString(16)} waits for ${first.waits.waits}.`;
  // What is cut off in the middle of work is no news.
  const stuck = first.silentNs >= STUCK_NS || first.rules.some((rule) => rule !== 'request-open');
  return [{ weight: stuck ? 110 : 70, says, ask }];
}

function readaheads(capture: Capture): Notable[] {
  const defeated = [...rowsOf(capture, ANALYSES.readahead)].filter(({ note }) => note !== null);
  const [worst] = defeated;
  if (worst === undefined) return [];
  const size = formatBytes(Number(worst.max));
  const [note = '', why] = String(worst.note).split('; ');
  const said = note.startsWith('defeated')
    ? ` is defeated: readers waited for ${worst.missed} of ${worst.sequential} windows of ${size}`
    : `: ${note}`;
  const because = why === undefined ? '' : `: ${why}`;
  const says = `Readahead of ${worst.file}${said}${because}.`;
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
  const ask = 'netfslab trace why';
  const { info } = capture;
  if (info.events > CHECKED_EVENTS) {
    const down = capture.get(`SELECT sum("server_bytes") AS "n" FROM "request"`);
    return [{ weight: 40, says: `${formatBytes(Number(down?.n))} came from the server.`, ask }];
  }
  const [reason, bytes] = mainReason(capture);
  if (bytes === 0) return [];
  return [{ weight: 40, says: `${formatBytes(bytes)} came from the server: ${reason}.`, ask }];
}

/** The reason for which most bytes came from the server, without counting failed cache reads. */
function mainReason(capture: Capture): readonly [string, number] {
  const bytesBy = new Map<string, number>();
  for (const row of rowsOf(capture, ANALYSES.why)) {
    if (row.source !== 'server') continue;
    const reason = String(row.why).replace(/; it was stored$/, '');
    bytesBy.set(reason, (bytesBy.get(reason) ?? 0) + Number(row.bytes));
  }
  return [...bytesBy].reduce((most, each) => (each[1] > most[1] ? each : most), ['', 0]);
}

/** The summary for people: one screen. */
export function* summaryScreen(summary: TraceSummary): Iterable<string> {
  const { era, kernel, events, lost_events: lost, span_ns } = summary;
  const named = kernel ?? summary.kernels ?? kernelsOf(era);
  const span = span_ns === null ? ', no times' : ` in ${formatNs(span_ns)}`;
  yield `trace     kernel ${named} (${era}), ${formatCount(events)} events${span}, ${formatCount(lost)} lost`;
  for (const each of summary.missing) yield `not told  ${each}`;
  for (const row of summary.requests) {
    const bytes = (name: string) => formatBytes(Number(row[name] ?? 0));
    const sources = `server ${bytes('down')}, cache ${bytes('read')}, zeros ${bytes('zero')}`;
    const count = `${formatCount(Number(row.requests))} in ${formatCount(Number(row.slices))} slices`;
    yield `${String(row.kind).padEnd(9)} ${count}: ${sources}, stored ${bytes('stored')}`;
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
