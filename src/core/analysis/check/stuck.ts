/**
 * The requests that are not freed when a trace ends: how far they are and what they wait for.
 * Called by app/trace/stuck.ts.
 */
import type { Capture } from '../../store/types.js';
import { checkCapture, endOf } from './check.js';
import { eventStream } from './stream.js';
import { type Detail, detailOf } from './stuck_detail.js';
import type { RequestSeen, SliceSeen } from './types.js';
import { settingOf, type Waits, waitsOf } from './waits.js';
import { REQUEST_EVENTS, type Strange, Walk } from './walk.js';
import { Walked } from './world.js';

/** Captures with more events are not checked by the rules as well: that takes seconds. */
const CHECKED_EVENTS = 300_000;

/** Up to so many open requests only their events are read. */
const FEW = 1000;
/** Their numbers. A number may be that of a request that ended as well. */
const OPEN = `SELECT DISTINCT "rreq" FROM "request" WHERE "free_ns" IS NULL LIMIT ${FEW + 1}`;
/** Before this none of them begins. */
const FIRST = 'SELECT min(coalesce("begin_ns", 0)) AS "ts" FROM "request" WHERE "free_ns" IS NULL';

/** A request that is open at the end. */
export interface OpenRequest {
  readonly request: RequestSeen;
  /** Slices that have not ended, those that have but were not freed behind them. */
  readonly open: readonly SliceSeen[];
  /** Nanoseconds since its last event. */
  readonly silentNs: number;
  /** Who waits in it, and for what, as far as the trace tells. */
  readonly waits: Waits;
  /** How far it came; null where that is not looked up. */
  readonly detail: Detail | null;
  /** Rules of `trace check` that find something in it. */
  readonly rules: readonly string[];
  /** Words in its events that no table has: one of them may say that it ended. Null if none. */
  readonly doubt: string | null;
}

/** The open requests, those silent for longest first. */
export function openRequests(capture: Capture): OpenRequest[] {
  const requests = capture.all(OPEN).map(({ rreq }) => Number(rreq));
  const begin = capture.get(FIRST)?.ts;
  if (begin === null || begin === undefined) return [];
  const present = new Set<string>(
    REQUEST_EVENTS.filter((name) => capture.get(`SELECT 1 FROM "${name}" LIMIT 1`) !== undefined),
  );
  const seen: RequestSeen[] = [];
  const endNs = endOf(capture, present);
  const world = new Walked(capture, present, 0);
  const walk = new Walk(world, [{ open: (request) => void seen.push(request) }]);
  const after = lastBefore(capture, Number(begin));
  const few = requests.length <= FEW;
  walk.run(eventStream(capture, [...present], few ? { after, requests } : { after }));
  const doubts = doubtsOf(walk.strange);
  const setting = settingOf(capture);
  const small = capture.info.events <= CHECKED_EVENTS;
  const findings = small ? checkCapture(capture).findings : [];
  return seen
    .map((request) => {
      const number = request.rreq.toString(16).padStart(8, '0');
      const mine = findings.filter((finding) => finding.request === number);
      const slices = [...request.slices.values()].filter(({ freed }) => !freed);
      return {
        request,
        open: slices.sort((a, b) => Number(a.terminated) - Number(b.terminated)),
        silentNs: endNs - request.last.ts,
        waits: waitsOf(request, setting),
        detail: null,
        rules: [...new Set(mine.map(({ rule }) => rule))],
        doubt: doubts.get(request.rreq) ?? null,
      };
    })
    .sort((a, b) => b.silentNs - a.silentNs)
    .map((each, i) => (i < DETAILED ? { ...each, detail: detailOf(each, capture) } : each));
}

/** By request: the words in its events that no table has. */
function doubtsOf(strange: ReadonlyMap<string, Strange>): Map<number, string> {
  const doubts = new Map<number, string>();
  for (const [event, { words, requests }] of strange) {
    for (const rreq of requests) doubts.set(rreq, `${[...words].slice(0, 4).join(' ')} (${event})`);
  }
  return doubts;
}

/** Requests of which details are looked up; each costs a walk over the folios since it began. */
const DETAILED = 50;

/** A request of which only the making was seen: it waits before it can begin. */
export interface UnbegunRequest {
  readonly rreq: number;
  readonly event: number;
  readonly silentNs: number;
  readonly waits: string;
}

/** Requests made (NEW) that neither began nor were refused, oldest first. */
export function unbegunRequests(capture: Capture): UnbegunRequest[] {
  const begins = ['netfs_read', 'netfs_write'].some(
    (name) => capture.get(`SELECT 1 FROM "${name}" LIMIT 1`) !== undefined,
  );
  // Without either no request is seen to begin.
  if (!begins) return [];
  const endNs = endOf(capture, new Set(REQUEST_EVENTS));
  return capture.all(UNBEGUN).map(({ id, ts, rreq, task }) => {
    const wait = capture.get(WAITING, { id, task });
    const cookie = wait === undefined ? '' : Number(wait.cookie).toString(16);
    const waits = cookie === '' ? 'the cache, or its client, to begin' : lookupOf(cookie);
    const silentNs = endNs - Number(wait?.ts ?? ts);
    return { rreq: Number(rreq), event: Number(wait?.id ?? id), silentNs, waits };
  });
}

const lookupOf = (cookie: string) => `the lookup or invalidation of c=${cookie} (WAIT io)`;

const UNBEGUN = `
SELECT "id", "ts", "rreq", "task" FROM "netfs_rreq_ref" WHERE "what" = 'NEW' AND "rreq" IN (
  SELECT "rreq" FROM "netfs_rreq_ref" WHERE "what" = 'NEW'
  EXCEPT SELECT "rreq" FROM "netfs_read" EXCEPT SELECT "wreq" FROM "netfs_write"
  EXCEPT SELECT "rreq" FROM "netfs_rreq_ref" WHERE "what" = 'PUT FAILED'
  EXCEPT SELECT "rreq" FROM "netfs_rreq" WHERE "what" = 'FREE'
) ORDER BY "id" LIMIT ${FEW}`;

const WAITING = `
SELECT "id", "ts", "cookie" FROM "fscache_access"
WHERE "id" > @id AND "task" = @task AND "why" LIKE 'WAIT%' ORDER BY "id" LIMIT 1`;

/** Number of the last begin of a read before a moment; 0 if there is none. */
function lastBefore(capture: Capture, ts: number): number {
  const row = capture.get('SELECT max("id") AS "id" FROM "netfs_read" WHERE "ts" < @ts', { ts });
  return Number(row?.id ?? 0);
}
