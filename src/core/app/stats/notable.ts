/**
 * What statistics and lists of requests show that a person should know. Called by `trace summary`,
 * for captures that hold them.
 */
import { formatCount } from '../../base/units.js';
import type { Capture } from '../../store/types.js';
import { listedState, listWithin } from '../import/request_list.js';
import type { Notable } from '../trace/summary.js';

/** Keys that count what went wrong: label, key, what it says of `n`, and how much it matters. */
const FAULTS: readonly (readonly [labels: RegExp, key: string, says: string, weight: number])[] = [
  [/^(?:UpldOps|Netfs)$/, 'uf', 'writes to the server failed', 95],
  [/^(?:DownOps|RdHelp|Netfs)$/, 'df', 'reads from the server failed', 85],
  [/^(?:CaRdOps|RdHelp|Netfs)$/, 'rf', 'reads of the cache failed and went to the server', 72],
  [/^(?:CaWrOps|RdHelp|Netfs)$/, 'wf', 'writes to the cache failed', 72],
  [/^NoSpace$/, 'nwr', 'writes to the cache were refused for want of space', 62],
  [/^NoSpace$/, 'ncr', 'cache files were not made for want of space', 62],
  [/^Cookies$/, 'vcol', 'volumes wanted the key of another and went without a cache', 68],
  [/^Cookies$/, 'voom', 'volumes were not made for want of memory', 68],
  [/^IO$/, 'mis', 'accesses to the cache were not aligned and went past it', 55],
  [/^Stores$/, 'oom', 'stores were dropped for want of memory', 55],
  [/^CacheEv$/, 'nsp', 'objects found no space in the cache', 62],
];

/** What went wrong by the last snapshot; with several, what was added since the first. */
export function statsNotables(capture: Capture): Notable[] {
  const last = Number(capture.get('SELECT max("snapshot") AS "n" FROM "stats"')?.n ?? 0);
  if (last === 0) return [];
  const valuesOf = (snapshot: number) =>
    capture.all('SELECT "label", "key", "value" FROM "stats" WHERE "snapshot" = ?', [snapshot]);
  const before = last > 1 ? valuesOf(1) : [];
  const found: Notable[] = [];
  for (const { label, key, value } of valuesOf(last)) {
    const fault = FAULTS.find(([labels, name]) => name === key && labels.test(String(label)));
    if (fault === undefined) continue;
    const old = before.find((each) => each.label === label && each.key === key)?.value ?? 0;
    const count = Number(value) - Number(old);
    if (count <= 0) continue;
    const since = last > 1 ? 'between the snapshots' : 'since the kernel was started';
    const says = `${formatCount(count)} ${fault[2]} ${since} (${label} ${key}).`;
    found.push({ weight: fault[3], says, ask: `netfslab stats explain ${key}` });
  }
  return found;
}

/** The requests that a list of the kernel shows, if there is no trace of them. */
export function listNotables(capture: Capture): Notable[] {
  const traced = capture.get('SELECT 1 FROM "request" LIMIT 1') !== undefined;
  const list = traced ? [] : listWithin(capture);
  const [first] = list;
  if (first === undefined) return [];
  const R = first.rreq.toString(16).padStart(8, '0');
  const more = list.length === 1 ? '' : ` and ${formatCount(list.length - 1)} more`;
  const says = `Request R=${R} (${first.origin})${more} listed as open; it waits for ${listedState(first, capture.info.era)}.`;
  return [{ weight: 92, says, ask: 'netfslab trace stuck' }];
}

/** What a kernel log of the capture reports. */
export function logNotables(capture: Capture): Notable[] {
  const lines = capture.get(
    `SELECT count(*) AS "n" FROM "other_event" WHERE "system" = 'dmesg' AND "event" = 'message'`,
  );
  const count = Number(lines?.n ?? 0);
  if (count === 0) return [];
  const says = `${formatCount(count)} lines of a kernel log came with it.`;
  const sql = `SELECT text FROM other_event WHERE system = 'dmesg'`;
  return [{ weight: 58, says, ask: `netfslab sql "${sql}"` }];
}
