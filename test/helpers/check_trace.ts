/**
 * Checks a trace of the read helper against the invariants of BEHAVIOUR 3.13a, from the events
 * alone: it shares no code with the engine and knows only what a line says. Fed live by
 * `check_pages.ts`, or with the rows of a trace after the fact. Every violation is one sentence.
 */
import type { MemoryRow } from '../../src/core/trace/sink.js';
import type { StatValues, StatVariable } from '../../src/core/trace/stats_layout.js';

const INCOMPLETE_IO = 0x01;
const WRITE_TO_CACHE = 0x02;
const FAILED = 0x10;
const IN_PROGRESS = 0x20;
const STORE = 0x01;
const CLEAR_TAIL = 0x02;
const SHORT_READ = 0x04;
const SEEK_DATA = 0x08;
const NO_PROGRESS = 0x10;
const ENODATA = 61;
const PAGE = 4096;

/** What a trace was made under, as far as the invariants depend on it. */
export interface TraceConditions {
  readonly defects: 'kernel' | 'repaired';
  /** Slices may be missing because memory was short. */
  readonly allocationsFail?: boolean;
}

/** A slice as its last event showed it. */
export interface SliceSeen {
  readonly index: number;
  source: string;
  start: number;
  len: number;
  transferred: number;
  error: number;
  flags: number;
  /** When the pages were unlocked, before stores rewrite it. */
  rangeAtUnlock: readonly [start: number, len: number];
  reading: boolean;
  writing: boolean;
  /** Written or skipped in the store phase. */
  handled: boolean;
  freed: boolean;
  /** Error of the failure event that precedes the end it explains. */
  announced: { what: string; error: number } | undefined;
}

/** A request as its events showed it. */
export interface RequestSeen {
  readonly id: number;
  readonly what: string;
  start: number;
  len: number;
  submitted: number;
  readonly slices: SliceSeen[];
  stage: 'begun' | 'reading' | 'unlocked' | 'storing' | 'done' | 'freed';
  resubmitting: boolean;
  /** Last slice of the present resubmission, -1 before the first. */
  resubmitted: number;
  /** Assessed at all, and since the last read was issued. */
  assessed: boolean;
  assessedSince: boolean;
  shortTold: boolean;
  /** Flags of the UNLOCK event. */
  flagsAtUnlock: number;
}

/** Events by counter: which rows raise it. */
const COUNTED: Partial<Record<StatVariable, (row: MemoryRow) => boolean>> = {
  netfs_n_rh_readahead: ({ what }) => what === 'READAHEAD',
  netfs_n_rh_readpage: ({ what }) => what === 'READPAGE',
  netfs_n_rh_write_begin: ({ what }) => what === 'WRITEBEGN',
  netfs_n_rh_zero: ({ what, source }) => what === 'SUBMT' && source === 'ZERO',
  netfs_n_rh_short_read: ({ what }) => what === 'SHORT',
  netfs_n_rh_download: (row) => issues(row) && row.source === 'DOWN',
  netfs_n_rh_download_done: ({ what, source }) => what === 'TERM' && source === 'DOWN',
  netfs_n_rh_download_failed: (row) => failsToEnd(row) && row.source !== 'READ',
  netfs_n_rh_download_instead: ({ what }) => what === 'RDOWN',
  netfs_n_rh_read: (row) => issues(row) && row.source === 'READ',
  netfs_n_rh_read_done: ({ what, source }) => what === 'TERM' && source === 'READ',
  netfs_n_rh_read_failed: (row) => failsToEnd(row) && row.source === 'READ',
  netfs_n_rh_write: (row) => row.event === 'netfs_sreq' && row.what === 'WRITE',
  netfs_n_rh_write_failed: ({ what }) => what === 'copy-to-cache',
};

const ISSUES = ['SUBMT', 'SHORT', 'RDOWN'];
const issues = (row: MemoryRow): boolean => ISSUES.includes(String(row.what));
const failsToEnd = (row: MemoryRow): boolean => row.what === 'TERM' && Number(row.error) < 0;

/** Checks a whole trace; with the statistics also every counter. Returns the violations. */
export function checkTrace(
  rows: readonly MemoryRow[],
  conditions: TraceConditions,
  stats?: StatValues,
): string[] {
  const checker = new TraceChecker(conditions);
  for (const row of rows) checker.event(row);
  checker.end();
  if (stats !== undefined) checker.checkCounters(rows, stats);
  return checker.problems;
}

/** Follows every request of a trace. */
export class TraceChecker {
  readonly problems: string[] = [];
  readonly requests = new Map<number, RequestSeen>();
  readonly #conditions: TraceConditions;

  constructor(conditions: TraceConditions) {
    this.#conditions = conditions;
  }

  /** Takes the next event; those of other systems are passed over. */
  event(row: MemoryRow): void {
    if (row.event === 'netfs_read') this.#read(row);
    else if (row.event === 'netfs_rreq') this.#request(row);
    else if (row.event === 'netfs_sreq') this.#slice(row);
    else if (row.event === 'netfs_failure') this.#failure(row);
  }

  /** The trace is over and everything was at rest. */
  end(): void {
    for (const { id, stage } of this.requests.values()) {
      this.#expect(stage === 'freed', id, `never freed, last seen ${stage}`);
    }
  }

  /** Compares the counters with the events that raise them. */
  checkCounters(rows: readonly MemoryRow[], stats: StatValues): void {
    for (const [name, counts] of Object.entries(COUNTED)) {
      const seen = rows.filter(counts).length;
      const counted = stats[name as StatVariable];
      if (seen !== counted) this.problems.push(`${name} is ${counted}, events say ${seen}`);
    }
    const ended = rows.filter(({ what }) => what === 'WTERM').length;
    const counted = stats.netfs_n_rh_write_done + stats.netfs_n_rh_write_failed;
    if (ended !== counted) this.problems.push(`ws + wf is ${counted}, events say ${ended}`);
    const skipped = rows.filter(({ what }) => what === 'SKIP').length;
    const refused = rows.filter(({ what }) => what === 'prep-write').length;
    if (skipped !== refused) this.problems.push(`${skipped} SKIP for ${refused} refusals`);
    const alive = stats.netfs_n_rh_rreq + stats.netfs_n_rh_sreq;
    if (alive !== 0) this.problems.push(`rr + sr is ${alive} at rest`);
  }

  #expect(holds: boolean, id: number, what: string): void {
    if (!holds) this.problems.push(`R${id.toString(16)}: ${what}`);
  }

  #read(row: MemoryRow): void {
    const id = Number(row.rreq);
    const [start, len] = [Number(row.start), Number(row.len)];
    const request = this.requests.get(id);
    if (row.what !== 'EXPANDED') {
      this.#expect(request === undefined, id, 'began twice');
      // A write names its own range; the request reads the page around it.
      const page = row.what === 'WRITEBEGN';
      this.requests.set(id, {
        id,
        what: String(row.what),
        start: page ? start - (start % PAGE) : start,
        len: page ? PAGE : len,
        submitted: 0,
        slices: [],
        stage: 'begun',
        resubmitting: false,
        resubmitted: -1,
        assessed: false,
        assessedSince: false,
        shortTold: false,
        flagsAtUnlock: 0,
      });
      return;
    }
    if (request === undefined) {
      this.#expect(false, id, 'EXPANDED before it began');
      return;
    }
    const grown = start <= request.start && start + len >= request.start + request.len;
    this.#expect(request.stage === 'begun' && request.slices.length === 0, id, 'EXPANDED late');
    this.#expect(grown, id, 'EXPANDED lost part of its window');
    this.#expect(request.what !== 'READPAGE', id, 'a READPAGE was EXPANDED');
    Object.assign(request, { start, len, stage: 'reading' });
  }

  #request(row: MemoryRow): void {
    const id = Number(row.rreq);
    const flags = Number(row.flags);
    const request = this.requests.get(id);
    if (request === undefined) {
      // The cache's begin failed hard: only the end is seen.
      this.#expect(row.what === 'FREE' && flags === IN_PROGRESS, id, `${row.what} unbegun`);
      return;
    }
    const running = request.slices.some(({ reading }) => reading);
    this.#expect(!running, id, `${row.what} while a read is in flight`);
    if (row.what === 'UNLOCK') this.#unlock(request, flags);
    else if (row.what === 'WRITE') this.#storing(request, flags);
    else if (row.what === 'DONE') this.#done(request, flags);
    else if (row.what === 'FREE') this.#free(request);
    else {
      const early = request.stage === 'begun' || request.stage === 'reading';
      this.#expect(early, id, `${row.what} after ${request.stage}`);
      this.#expect((flags & IN_PROGRESS) !== 0, id, `${row.what} without IN_PROGRESS`);
      this.#expectResubmitted(request);
      request.resubmitting = row.what === 'RESUBM';
      request.resubmitted = -1;
      if (!request.resubmitting) {
        this.#expect(!request.assessedSince, id, 'ASSESS twice of the same reads');
        request.assessed = true;
        request.assessedSince = true;
        return;
      }
      this.#expectAssessed(request);
      this.#expect((flags & INCOMPLETE_IO) !== 0, id, 'RESUBM of a complete request');
      this.#expect((flags & FAILED) === 0, id, 'RESUBM of a failed request');
    }
  }

  #expectResubmitted({ id, resubmitting, resubmitted }: RequestSeen): void {
    this.#expect(!resubmitting || resubmitted >= 0, id, 'RESUBM of nothing');
  }

  // Readahead assesses a round in silence when it ended inside the resubmission; readpage never
  // does.
  #expectAssessed({ id, what, assessed, assessedSince }: RequestSeen): void {
    this.#expect(what === 'READAHEAD' ? assessed : assessedSince, id, 'a round was not assessed');
  }

  #unlock(request: RequestSeen, flags: number): void {
    const { id, slices, stage, submitted, len } = request;
    const failed = (flags & FAILED) !== 0;
    const repaired = this.#conditions.defects === 'repaired';
    this.#expect(stage === 'begun' || stage === 'reading', id, `UNLOCK after ${stage}`);
    this.#expect((flags & IN_PROGRESS) !== 0, id, 'UNLOCK without IN_PROGRESS');
    this.#expectAssessed(request);
    this.#expectResubmitted(request);
    const invalid = slices.some(({ source }) => source === 'INVL');
    const lost = slices.some(({ source, error }) => source !== 'READ' && error < 0);
    this.#expect(failed === (lost || (invalid && repaired)), id, `UNLOCK with FAILED ${failed}`);
    const bad = slices.filter((slice) => slice.source !== 'INVL' && isBad(slice));
    this.#expect(failed || bad.length === 0, id, `${bad.length} bad slices, request not FAILED`);
    const stopped = failed || invalid || this.#conditions.allocationsFail === true;
    this.#expect(stopped || submitted === len, id, `sliced ${submitted} of ${len} bytes`);
    for (const slice of slices) slice.rangeAtUnlock = [slice.start, slice.len];
    request.flagsAtUnlock = flags;
    const stores = slices.some((slice) => this.isStored(request, slice));
    const says = (flags & WRITE_TO_CACHE) !== 0;
    this.#expect(says === stores, id, `UNLOCK says storing ${says}, slices say ${stores}`);
    request.stage = 'unlocked';
  }

  /**
   * True if the slice is to be stored once its request has been unlocked. Repaired, a slice that
   * reaches into a page which no slice completes is not.
   */
  isStored(
    request: RequestSeen,
    { flags, source, rangeAtUnlock: [start, len] }: SliceSeen,
  ): boolean {
    if ((request.flagsAtUnlock & FAILED) !== 0 || source === 'INVL') return false;
    if ((flags & STORE) === 0) return false;
    const end = request.start + request.submitted;
    const torn = request.submitted < request.len && end % PAGE !== 0;
    if (this.#conditions.defects === 'kernel' || !torn) return true;
    return start + len <= end - (end % PAGE);
  }

  #storing(request: RequestSeen, flags: number): void {
    const { id, stage } = request;
    this.#expect(stage === 'unlocked', id, `WRITE after ${stage}`);
    this.#expect((request.flagsAtUnlock & WRITE_TO_CACHE) !== 0, id, 'WRITE of nothing');
    this.#expect((flags & (FAILED | IN_PROGRESS)) === 0, id, 'WRITE of a failed request');
    request.stage = 'storing';
  }

  #done(request: RequestSeen, flags: number): void {
    const { id, slices, stage } = request;
    const expected = (request.flagsAtUnlock & WRITE_TO_CACHE) !== 0 ? 'storing' : 'unlocked';
    this.#expect(stage === expected, id, `DONE after ${stage}, expected ${expected}`);
    this.#expect((flags & IN_PROGRESS) === 0, id, 'DONE in progress');
    for (const slice of slices) {
      this.#expect(!slice.writing, id, `DONE while slice ${slice.index} is being stored`);
      const settled = slice.handled || slice.freed || !this.isStored(request, slice);
      this.#expect(settled, id, `slice ${slice.index} was never stored`);
    }
    request.stage = 'done';
  }

  #free(request: RequestSeen): void {
    const { id, slices, stage, flagsAtUnlock } = request;
    this.#expect(stage === 'done', id, `FREE after ${stage}`);
    const short = request.what === 'READPAGE' && request.submitted < request.len;
    const silent = short && !request.shortTold && (flagsAtUnlock & FAILED) === 0;
    this.#expect(!silent, id, 'a short readpage was not told');
    for (const { index, freed } of slices) this.#expect(freed, id, `slice ${index} outlives it`);
    request.stage = 'freed';
  }

  #slice(row: MemoryRow): void {
    const id = Number(row.rreq);
    const request = this.requests.get(id);
    if (request === undefined) {
      this.#expect(false, id, 'a slice of no request');
      return;
    }
    const now = seen(row);
    if (row.what === 'PREP') this.#prepare(request, now);
    else this.#step(request, String(row.what), now);
  }

  #step(request: RequestSeen, what: string, now: SliceSeen): void {
    const { id } = request;
    const slice = request.slices[now.index];
    if (slice === undefined) {
      this.#expect(false, id, `${what} of slice ${now.index}`);
      return;
    }
    this.#expect(!slice.freed, id, `${what} of slice ${now.index} after its FREE`);
    const error = (
      {
        SUBMT: () => this.#submit(request, slice, now),
        TERM: () => this.#terminate(request, slice, now),
        SHORT: () => resubmitShort(request, slice, now),
        RDOWN: () => downloadInstead(request, slice, now, this.#conditions),
        WRITE: () => this.#write(request, slice, now),
        WTERM: () => (slice.writing ? null : 'was not being stored'),
        SKIP: () => (slice.announced?.what === 'prep-write' ? null : 'without a refusal'),
        FREE: () => this.#freeSlice(request, slice),
      } as Record<string, () => string | null>
    )[what]?.();
    this.#expect(error === null, id, `${what} of slice ${now.index} ${error}`);
    if (what !== 'WRITE') {
      const moved = slice.start !== now.start || slice.len !== now.len;
      const refused = what === 'SKIP' || what === 'FREE';
      this.#expect(!moved || refused, id, `slice ${now.index} moved`);
    }
    const { source, start, len, transferred, error: result, flags } = now;
    Object.assign(slice, { source, start, len, transferred, error: result, flags });
    if (what === 'WTERM' || what === 'SKIP') {
      Object.assign(slice, { writing: false, handled: true });
    }
    if (what !== 'FREE') slice.announced = undefined;
  }

  #prepare(request: RequestSeen, now: SliceSeen): void {
    const { id, slices, submitted } = request;
    const before = slices.at(-1);
    const inTurn = request.stage === 'begun' || request.stage === 'reading';
    this.#expect(inTurn, id, `PREP after ${request.stage}`);
    this.#expect(now.index === slices.length, id, `PREP of slice ${now.index} out of order`);
    this.#expect(now.start === request.start + submitted, id, `slice ${now.index} leaves a gap`);
    const left = request.len - submitted;
    const fits = now.len > 0 && now.len <= left;
    this.#expect(fits || now.source === 'INVL', id, `slice ${now.index} of ${now.len} bytes`);
    this.#expect(now.transferred === 0 && now.error === 0, id, `PREP of slice ${now.index} used`);
    this.#expect(before?.source !== 'INVL', id, 'sliced on behind an invalid slice');
    const ready = before === undefined || before.start + before.len <= now.start;
    this.#expect(ready, id, `slice ${now.index} overlaps the one before`);
    slices.push(now);
    request.stage = 'reading';
  }

  #submit(request: RequestSeen, slice: SliceSeen, now: SliceSeen): string | null {
    const again = request.start + request.submitted !== now.start;
    if (again || slice.reading || slice.source === 'INVL') return 'again or of an invalid slice';
    const asPrepared = slice.source === now.source && slice.flags === now.flags;
    const unused = now.error === 0 && now.transferred === 0;
    if (!asPrepared || !unused) return 'is not what was prepared';
    slice.reading = true;
    request.submitted += now.len;
    return null;
  }

  #terminate(request: RequestSeen, slice: SliceSeen, now: SliceSeen): string | null {
    if (request.stage !== 'reading') return `after ${request.stage}`;
    if (!slice.reading) return 'without a read in flight';
    slice.reading = false;
    if (now.source !== slice.source) return 'from another source';
    if (now.transferred > now.len) return 'transferred too much';
    if (now.transferred < slice.transferred) return 'lost bytes';
    if (now.error !== 0) {
      if (now.transferred !== slice.transferred) return 'transferred and failed';
      const silent = now.error === -ENODATA && (now.flags & NO_PROGRESS) !== 0;
      const told = slice.announced?.what === 'read' && slice.announced.error === now.error;
      return silent || told ? null : 'failed without a failure event';
    }
    if (slice.announced !== undefined) return 'succeeded after a failure event';
    const complete = now.transferred === now.len;
    if (!complete && (now.flags & CLEAR_TAIL) !== 0) return 'left its tail uncleared';
    if (!complete && (now.flags & SHORT_READ) === 0) return 'is short and not marked so';
    if (complete && (now.flags & NO_PROGRESS) !== 0) return 'is complete without progress';
    return null;
  }

  #write(request: RequestSeen, slice: SliceSeen, now: SliceSeen): string | null {
    if (request.stage !== 'storing') return `after ${request.stage}`;
    if (!this.isStored(request, slice) || slice.handled) return 'that is not to be stored';
    if (now.start % PAGE !== 0 || now.len % PAGE !== 0) return 'is not whole pages';
    const [start, len] = slice.rangeAtUnlock;
    if (now.start > start || now.start + now.len < start + len) return 'does not cover it';
    Object.assign(slice, { writing: true, handled: true });
    return null;
  }

  #freeSlice(request: RequestSeen, slice: SliceSeen): string | null {
    if (slice.reading || slice.writing) return 'in flight';
    slice.freed = true;
    if (request.stage === 'done') return null;
    if (request.stage !== 'storing') return `while ${request.stage}`;
    if (!this.isStored(request, slice)) return null;
    // A slice that was joined to the one before it goes early; both are stored.
    const before = request.slices[slice.index - 1];
    const joined = before !== undefined && this.isStored(request, before) && !slice.handled;
    return joined ? null : 'that is still to be stored';
  }

  #failure(row: MemoryRow): void {
    const id = Number(row.rreq);
    const request = this.requests.get(id);
    const what = String(row.what);
    if (request === undefined) {
      this.#expect(false, id, `failure ${what} of no request`);
      return;
    }
    if (what === 'short-readpage') {
      const short = request.submitted < request.len && request.what === 'READPAGE';
      const unlocked = ['unlocked', 'storing', 'done'].includes(request.stage);
      this.#expect(unlocked && short && !request.shortTold, id, 'short-readpage, not short');
      request.shortTold = true;
      return;
    }
    const slice = request.slices[Number(row.index)];
    if (slice === undefined) {
      this.#expect(false, id, `failure ${what} of no slice`);
      return;
    }
    if (what === 'read') this.#expect(slice.reading, id, 'failure read of nothing in flight');
    else if (what === 'copy-to-cache') this.#expect(slice.writing, id, 'failure of no store');
    else this.#expect(request.stage === 'storing', id, `failure ${what} after ${request.stage}`);
    this.#expect(slice.announced === undefined, id, `failure ${what} told twice`);
    slice.announced = { what, error: Number(row.error) };
  }
}

function seen(row: MemoryRow): SliceSeen {
  return {
    index: Number(row.index),
    source: String(row.source),
    start: Number(row.start),
    len: Number(row.len),
    transferred: Number(row.transferred),
    error: Number(row.error),
    flags: Number(row.flags),
    rangeAtUnlock: [0, 0],
    reading: false,
    writing: false,
    handled: false,
    freed: false,
    announced: undefined,
  };
}

/** True if what was read of a slice cannot be used. */
function isBad({ error, transferred, len }: SliceSeen): boolean {
  return error < 0 || transferred < len;
}

// A round goes over the slices once, in order.
function mayResubmit({ resubmitting, resubmitted }: RequestSeen, slice: SliceSeen): boolean {
  return resubmitting && slice.index > resubmitted && !slice.reading;
}

function resubmitShort(request: RequestSeen, slice: SliceSeen, now: SliceSeen): string | null {
  if (!mayResubmit(request, slice)) return 'outside a resubmission';
  if ((slice.flags & SHORT_READ) === 0 || slice.error !== 0) return 'that was not short';
  if ((now.flags & SHORT_READ) !== 0 || (now.flags & SEEK_DATA) === 0) return 'with wrong flags';
  if (now.source !== slice.source) return 'from another source';
  if (now.transferred !== slice.transferred) return 'from another position';
  slice.reading = true;
  request.assessedSince = false;
  request.resubmitted = slice.index;
  return null;
}

function downloadInstead(
  request: RequestSeen,
  slice: SliceSeen,
  now: SliceSeen,
  { defects }: TraceConditions,
): string | null {
  if (!mayResubmit(request, slice)) return 'outside a resubmission';
  if (slice.source !== 'READ' || now.source !== 'DOWN') return 'that was not read from the cache';
  if (now.error !== 0) return 'with an error';
  slice.reading = true;
  request.assessedSince = false;
  request.resubmitted = slice.index;
  if (now.transferred === slice.transferred) return null;
  // What is no longer valid is read anew, all of it.
  return now.transferred === 0 && defects === 'repaired' ? null : 'from another position';
}
