/**
 * The requests that are not freed when a trace ends: how far they are and what they wait for.
 * Called by app/stuck.ts.
 */
import type { Capture } from '../../store/types.js';
import { checkCapture, endOf } from './check.js';
import { eventStream } from './stream.js';
import type { RequestSeen, SliceSeen } from './types.js';
import { REQUEST_EVENTS, Walk } from './walk.js';
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
  /** What it waits for, as far as the trace tells. */
  readonly waits: string;
  /** Rules of `trace check` that find something in it. */
  readonly rules: readonly string[];
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
        waits: waitsFor(request, slices),
        rules: [...new Set(mine.map(({ rule }) => rule))],
      };
    })
    .sort((a, b) => b.silentNs - a.silentNs);
}

/** Number of the last begin of a read before a moment; 0 if there is none. */
function lastBefore(capture: Capture, ts: number): number {
  const row = capture.get('SELECT max("id") AS "id" FROM "netfs_read" WHERE "ts" < @ts', { ts });
  return Number(row?.id ?? 0);
}

function waitsFor(request: RequestSeen, slices: readonly SliceSeen[]): string {
  const flying = slices.filter(({ terminated, step }) => !terminated && step !== 'new');
  const source = (from: string) => flying.filter((slice) => slice.source === from).length;
  if (source('down') > 0) return `the server: ${source('down')} downloads`;
  if (source('read') > 0) return `the cache: ${source('read')} reads`;
  if (source('upload') > 0) return `the server: ${source('upload')} uploads`;
  const storing = slices.filter(({ step }) => step === 'write').length + source('write');
  if (storing > 0) return `the cache: ${storing} stores`;
  if (request.lastStep === 'set_pause') return 'itself: it is paused';
  if (request.lastStep === 'wake_queue') return 'its collector, which was woken and did not run';
  if (request.step === 'unlock') return 'a worker, to store what came';
  if (request.step === 'done') return 'whoever holds it: the work is done';
  if (slices.length > 0) return 'its collector: all slices have ended';
  return 'its first slice';
}
