/**
 * What the kernels of an era do, as data: which step may follow which, and which flags mean what.
 * The laws of v5.13 to v6.7 are the helper's of BEHAVIOUR 3 and of the captures of 6.1; those of
 * v6.12 were read off 108 captures of four filesystems; those of v6.8 to v6.11 from the source;
 * those of v6.14 and later stand in laws_streams.ts. An era without laws leaves rules undecided.
 * Called by the rules.
 */
import { type Era, inEra, type PerEra } from '../../trace/eras.js';
import { BULK_LOADING, COLLECTOR, FIRST_COLLECTOR, SERIAL_WRITES } from './laws_streams.js';
import type { RequestSeen } from './types.js';

/** Steps that may follow each step; a step that is not a key may be followed by anything. */
export type Order = Readonly<Record<string, readonly string[]>>;

/** What holds of the requests and slices of one side. */
export interface SideLaws {
  readonly requests: Order;
  readonly slices: Order;
  /** Request steps told by others than the one who works on it, at any time. */
  readonly floating: readonly string[];
  /** Step after which no read may be in flight. */
  readonly settled: readonly string[];
  /** Request flags that may change in its life, by name; the others stay. */
  readonly changing: readonly string[];
  /** Steps at which IN_PROGRESS is set, and at which it is clear. */
  readonly inProgress: readonly string[];
  readonly ended: readonly string[];
  /** Step by which every slice has been taken off its stream; none where nobody collects. */
  readonly collected?: readonly string[];
  /** Request flags that may be set on the way and then stay, by name. */
  readonly sticky?: readonly string[];
  /** Steps at which ALL_QUEUED is set. */
  readonly queued?: readonly string[];
}

/** The laws of an era. */
export interface Laws {
  /** How slices come to cover the request. */
  readonly slicing: 'in turn' | 'rest first' | 'streams';
  /** References of a slice when it is made. */
  readonly sliceRefs: number;
  /** References of a request when it is made without an event; null = it has one (NEW). */
  readonly requestRefs: number | null;
  /** At which steps of the request these references are dropped. */
  readonly drops: Order;
  readonly read: SideLaws;
  readonly write: SideLaws | null;
  /** The failure event comes before or after the TERM it explains. */
  readonly failure: 'before' | 'either';
  /** True where a slice that ends short without an error must be marked SHORT. */
  readonly marksShort: boolean;
  /** True where a request stores what it read by itself; else writeback does. */
  readonly stores: boolean;
  /** True where a slice that its client wants to retry ends with an error and no failure event. */
  readonly quietRetry?: boolean;
  /** True where folios are marked for the cache when their slice is submitted, not collected. */
  readonly marksAtSubmission?: boolean;
  /** True where a flag is cleared before the event that tells of it. */
  readonly clearsFirst?: boolean;
  /** True where the cache decides before a slice has a source. */
  readonly verdictFirst?: boolean;
  /** Kinds of reads whose slices are added before they are prepared. */
  readonly adds?: readonly string[];
  /** Direct and unbuffered writes, where they go one slice at a time. */
  readonly serial?: SideLaws | null;
}

const CLASSIC: Laws = {
  slicing: 'in turn',
  sliceRefs: 2,
  requestRefs: 1,
  drops: { put_clear: ['done'], put_complete: ['done'], put_no_copy: ['write'] },
  failure: 'before',
  marksShort: true,
  stores: true,
  read: {
    requests: {
      begun: ['assess', 'free'],
      assess: ['resubmit', 'unlock'],
      resubmit: ['assess', 'resubmit', 'unlock'],
      unlock: ['write', 'unmark', 'done'],
      write: ['unmark', 'done'],
      unmark: ['done'],
      done: ['free'],
    },
    slices: {
      new: ['prepare'],
      prepare: ['submit', 'free'],
      submit: ['terminated'],
      terminated: ['resubmit_short', 'download_instead', 'write', 'write_skip', 'free'],
      resubmit_short: ['terminated'],
      download_instead: ['terminated'],
      write: ['write_term'],
      write_skip: ['free'],
      write_term: ['free'],
      free: [],
    },
    floating: [],
    settled: ['assess', 'resubmit', 'unlock', 'write', 'done', 'free'],
    changing: ['INCOMPLETE_IO', 'FAILED', 'IN_PROGRESS', 'WRITE_TO_CACHE', 'COPY_TO_CACHE'],
    inProgress: ['assess', 'resubmit', 'unlock'],
    ended: ['write', 'done', 'free'],
  },
  write: null,
};

/**
 * v6.8 and v6.9: readers are let go on before storing begins, direct reads unlock nothing, and a
 * slice that can be submitted tells its PREP twice.
 */
const WOKEN: Laws = {
  ...CLASSIC,
  requestRefs: null,
  read: {
    ...CLASSIC.read,
    requests: {
      ...CLASSIC.read.requests,
      assess: ['resubmit', 'unlock', 'wake_ip'],
      resubmit: ['assess', 'resubmit', 'unlock', 'wake_ip'],
      unlock: ['wake_ip'],
      wake_ip: ['write', 'done'],
    },
    slices: {
      ...CLASSIC.read.slices,
      new: ['prepare', 'limited'],
      limited: ['prepare'],
      prepare: ['prepare', 'submit', 'free'],
    },
    floating: ['wait_ip'],
    settled: [...CLASSIC.read.settled, 'wake_ip'],
    changing: [...CLASSIC.read.changing, 'BLOCKED'],
    inProgress: [...CLASSIC.read.inProgress, 'wake_ip'],
  },
};

/** What may happen between SUBMT and TERM of a slice that is unlocked as it progresses. */
const UNDER_WAY = [
  ...['progress', 'io_progress', 'add_donations', 'donate_to_prev', 'donate_to_next', 'clear'],
  ...['hit_eof', 'short', 'split', 'retry', 'reprep_failed', 'limited', 'terminated'],
];

const PROGRESSIVE: Laws = {
  slicing: 'rest first',
  sliceRefs: 2,
  requestRefs: null,
  drops: { put_clear: ['done'], put_work_complete: ['wake_ip', 'done'] },
  failure: 'either',
  marksShort: false,
  stores: false,
  read: {
    requests: {
      begun: ['assess', 'set_pause', 'unpause'],
      assess: ['resubmit', 'wake_ip'],
      resubmit: ['assess', 'wake_ip'],
      wake_ip: ['done'],
      done: ['free'],
    },
    slices: {
      new: ['added'],
      added: ['prepare', 'prep_failed', 'submit', ...UNDER_WAY],
      prepare: ['submit', ...UNDER_WAY],
      submit: UNDER_WAY,
      ...Object.fromEntries(UNDER_WAY.map((step) => [step, UNDER_WAY])),
      terminated: ['retry', 'free'],
      free: [],
    },
    floating: ['wait_ip', 'wait_pause'],
    settled: ['assess', 'wake_ip', 'done', 'free'],
    changing: ['FAILED', 'IN_PROGRESS', 'PAUSE', 'ALL_QUEUED', 'NEED_RETRY'],
    inProgress: ['assess', 'wake_ip'],
    ended: ['done', 'free'],
  },
  write: {
    requests: {
      begun: ['collect', 'set_pause', 'unpause', 'resubmit', 'write_done', 'unlock_pgpriv2'],
      collect: ['collect', 'set_pause', 'unpause', 'resubmit', 'write_done', 'redirty'],
      set_pause: ['collect', 'unpause', 'resubmit', 'redirty'],
      unpause: ['collect', 'set_pause', 'resubmit', 'write_done', 'redirty'],
      write_done: ['wake_ip'],
      wake_ip: ['free'],
    },
    slices: {
      new: ['prepare'],
      prepare: ['submit', 'fail', 'prep_failed', 'discard'],
      submit: ['io_progress', 'short', 'limited', 'fail', 'terminated', 'discard'],
      io_progress: ['io_progress', 'terminated'],
      terminated: ['retry', 'free', 'discard'],
      free: [],
    },
    floating: ['wait_ip', 'wait_pause'],
    settled: ['write_done', 'wake_ip', 'free'],
    changing: ['FAILED', 'IN_PROGRESS', 'PAUSE', 'ALL_QUEUED', 'NEED_RETRY', 'UPLOAD_TO_SERVER'],
    inProgress: ['collect', 'write_done', 'wake_ip'],
    ended: ['free'],
  },
};

const LAWS: PerEra<Laws> = {
  E0: CLASSIC,
  E4: WOKEN,
  // Only clients that still mark pages with PG_private_2 store as before.
  // Writes go through the streams and the collector that v6.12 has.
  E5: { ...WOKEN, stores: false, write: PROGRESSIVE.write },
  E6: PROGRESSIVE,
  E7: FIRST_COLLECTOR,
  E8: COLLECTOR,
  E9: SERIAL_WRITES,
  E11: BULK_LOADING,
  E13: null,
};

/** The laws of an era, null where they are not known. */
export function lawsOf(era: Era): Laws | null {
  // Asked for each event, and a capture has one era.
  if (era !== lastEra) {
    lastLaws = inEra(LAWS, era);
    lastEra = era;
  }
  return lastLaws;
}

let lastEra: Era | null = null;
let lastLaws: Laws | null = null;

/** The kinds of write that go one slice at a time where an era has such. */
const SERIAL = new Set(['dio_write', 'unbuffered_write']);

/** The laws of a request's side in an era, null where they are not known. */
export function sideLaws(era: Era, { side, kind }: RequestSeen): SideLaws | null {
  const laws = lawsOf(era);
  // Of a write that began before the trace nobody knows which it is: what holds of both is taken.
  const serial = side === 'write' && (SERIAL.has(kind) || kind === '');
  if (serial && laws?.serial) return laws.serial;
  return laws?.[side] ?? null;
}

/** True where an era has one collector per request (v6.14 and later). */
export function collectorEra(era: Era): boolean {
  return lawsOf(era)?.slicing === 'streams';
}
