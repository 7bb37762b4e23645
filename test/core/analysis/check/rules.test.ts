/**
 * Every rule of `trace check` fires on a trace that breaks it and is silent on one that nearly
 * does. The traces are those of real kernels, spoilt by one edit.
 */
import test from 'ava';
import { checkCapture } from '../../../../src/core/analysis/check/check.js';
import { RULES, type RuleId } from '../../../../src/core/analysis/check/index.js';
import type { CheckEvent, Rule } from '../../../../src/core/analysis/check/types.js';
import { EVENT_TABLES } from '../../../../src/core/store/schema.js';
import { ERAS, type Era, eraOfKernel } from '../../../../src/core/trace/eras.js';
import { findingsOf, type SampleName, Samples } from '../../../helpers/samples.js';

type Edit = (events: readonly CheckEvent[]) => readonly CheckEvent[];
type Match = Readonly<Record<string, string | number>>;

const samples = new Samples();
test.after.always(() => samples.close());

function fits(event: CheckEvent, match: Match): boolean {
  return Object.entries(match).every(([name, value]) => event[name] === value);
}

/** The place of the first event that matches. */
function place(events: readonly CheckEvent[], match: Match): number {
  const at = events.findIndex((event) => fits(event, match));
  if (at < 0) throw new Error(`no event ${JSON.stringify(match)}`);
  return at;
}

const asIs: Edit = (events) => events;
const without =
  (match: Match): Edit =>
  (events) =>
    events.toSpliced(place(events, match), 1);
const twice =
  (match: Match): Edit =>
  (events) =>
    events.toSpliced(place(events, match), 0, events[place(events, match)] as CheckEvent);
const changed =
  (match: Match, change: object): Edit =>
  (events) => {
    const at = place(events, match);
    return events.with(at, { ...(events[at] as CheckEvent), ...change });
  };
/** Puts an event behind the first that matches, with that one's other columns. */
const followed =
  (match: Match, ...news: object[]): Edit =>
  (events) => {
    const at = place(events, match);
    const made = news.map((each) => ({ ...(events[at] as CheckEvent), ...each }));
    return events.toSpliced(at + 1, 0, ...made);
  };
/** Moves the first that matches behind the first that matches `to`. */
const moved =
  (match: Match, to: Match): Edit =>
  (events) => {
    const event = events[place(events, match)] as CheckEvent;
    const rest = without(match)(events);
    return rest.toSpliced(place(rest, to) + 1, 0, event);
  };
/** Ends the trace behind the first that matches. */
const cutAfter =
  (match: Match): Edit =>
  (events) =>
    events.slice(0, place(events, match) + 1);
/** Begins the trace behind the first that matches. */
const from =
  (match: Match): Edit =>
  (events) =>
    events.slice(place(events, match) + 1);
/** Ends the trace before the first that matches. */
const cutBefore =
  (match: Match): Edit =>
  (events) =>
    events.slice(0, place(events, match));
/** Changes all that match. */
const everywhere =
  (match: Match, change: (event: CheckEvent) => object): Edit =>
  (events) =>
    events.map((event) => (fits(event, match) ? { ...event, ...change(event) } : event));
const both =
  (first: Edit, second: Edit): Edit =>
  (events) =>
    second(first(events));
const rreq = (step: string, more: Match = {}) => ({ event: 'netfs_rreq', step, ...more });
const sreq = (step: string, more: Match = {}) => ({ event: 'netfs_sreq', step, ...more });
const ref = (step: string, more: Match = {}) => ({ event: 'netfs_rreq_ref', step, ...more });
const sref = (step: string, more: Match = {}) => ({ event: 'netfs_sreq_ref', step, ...more });
const read = { event: 'netfs_read' };
const folio = (step: string) => ({ event: 'netfs_folio', step });

interface Case {
  readonly sample: SampleName;
  readonly fires: Edit;
  readonly spares: Edit;
}

const access = (step: string) => ({ event: 'fscache_access', step, why: step, cookie: 77 });
const opened = { event: 'fscache_active', step: 'use', why: 'USE', cookie: 77, n_active: 1 };
const begun = (events: readonly CheckEvent[]) => events[place(events, read)] as CheckEvent;
const donate = (to: number) => ({ event: 'netfs_donate', step: 'to_prev', from: 5, to, rreq: 1 });

const overq = (step: string) => ({ event: 'fscache_cookie', step, cookie: 0x77 });

const CASES: Record<RuleId, Case> = {
  'request-order': {
    sample: 'afs-6.1',
    fires: without(rreq('unlock', { rreq: 1 })),
    // What came before the trace is not missed.
    spares: from(rreq('unlock', { rreq: 1 })),
  },
  'request-unbegun': {
    sample: 'afs-6.1',
    fires: without({ ...read, rreq: 2 }),
    // The first request of a trace may have begun before it.
    spares: without({ ...read, rreq: 1 }),
  },
  'after-free': {
    sample: 'afs-6.1',
    fires: moved(sreq('free', { rreq: 1 }), rreq('free', { rreq: 1 })),
    // The number is used again.
    spares: both(
      moved(sreq('free', { rreq: 1 }), rreq('free', { rreq: 1 })),
      followed(rreq('free', { rreq: 1 }), { ...read, step: 'readahead', what: 'READAHEAD' }),
    ),
  },
  'request-open': {
    sample: 'afs-6.1',
    fires: cutBefore(rreq('free', { rreq: 1 })),
    spares: cutAfter(rreq('free', { rreq: 1 })),
  },
  'never-collected': {
    sample: '9p-6.12-full',
    fires: cutAfter(rreq('wake_ip')),
    spares: cutAfter(rreq('done')),
  },
  'paused-for-ever': {
    sample: '9p-6.12-full',
    fires: cutAfter(rreq('set_pause')),
    spares: cutAfter(rreq('unpause')),
  },
  'slice-order': {
    sample: 'afs-6.1',
    fires: without(sreq('submit', { rreq: 1 })),
    spares: from(sreq('submit', { rreq: 1 })),
  },
  'slice-turn': {
    sample: 'afs-6.1',
    fires: moved(sreq('write', { rreq: 1 }), rreq('done', { rreq: 1 })),
    // Stored as late as its request allows.
    spares: (events) => {
      const done = events[place(events, rreq('done', { rreq: 1 }))] as CheckEvent;
      const late = moved(sreq('write', { rreq: 1 }), rreq('done', { rreq: 1 }))(events);
      return moved(done as unknown as Match, sreq('write', { rreq: 1 }))(late);
    },
  },
  'slice-tiling': {
    sample: 'afs-6.1',
    fires: shiftedBoundary(0x10, 0),
    // The boundary lies elsewhere, and both sides know.
    spares: shiftedBoundary(0x10, 0x10),
  },
  'slice-moved': {
    sample: 'cifs-6.12',
    fires: changed(sreq('submit'), { start: 0x1000 }),
    // Cut by the server's limit between ADD and SUBMT.
    spares: cutSlice(0x1000),
  },
  'slice-overrun': {
    sample: 'nfs-6.12',
    fires: firstTerm((event) => ({ transferred: event.len + 1 })),
    spares: firstTerm((event) => ({ transferred: event.len })),
  },
  'slice-changed-late': {
    sample: 'afs-6.1',
    fires: changed(sreq('free', { rreq: 1 }), { transferred: 1 }),
    // It got as little, and that was told when it ended.
    spares: (events) => {
      const at = place(events, sreq('terminated', { rreq: 1 }));
      const match = { event: 'netfs_sreq', rreq: 1, index: 0 };
      return [
        ...events.slice(0, at),
        ...everywhere(match, () => ({ transferred: 1 }))(events.slice(at)),
      ];
    },
  },
  'slice-in-flight': {
    sample: 'afs-6.1',
    fires: moved(sreq('terminated', { rreq: 2 }), rreq('assess', { rreq: 2 })),
    // As late as can be.
    spares: (events) => {
      const assess = events[place(events, rreq('assess', { rreq: 2 }))] as CheckEvent;
      const term = sreq('terminated', { rreq: 2, index: 0 });
      const late = moved(term, rreq('assess', { rreq: 2 }))(events);
      return moved(assess as unknown as Match, term)(late);
    },
  },
  'short-transfer': {
    sample: 'afs-6.1',
    fires: changed(sreq('terminated', { rreq: 3 }), { transferred: 1 }),
    spares: changed(sreq('terminated', { rreq: 3 }), { transferred: 1, flags: 4 }),
  },
  'source-changed': {
    sample: 'afs-6.1-bad-cache',
    fires: without(sreq('download_instead')),
    // READ became DOWN, by RDOWN.
    spares: asIs,
  },
  'failure-told': {
    sample: 'afs-6.1-bad-cache',
    fires: changed({ event: 'netfs_failure' }, { error: -4 }),
    spares: changed({ event: 'netfs_failure' }, { error: -5 }),
  },
  'flags-in-progress': {
    sample: 'afs-6.1',
    fires: both(
      (events) => events.filter(({ rreq: of, step }) => of !== 1 || KEPT.has(step)),
      everywhere(rreq('free', { rreq: 1 }), () => ({ flags: 0x20 })),
    ),
    // Freed as it was made, as nothing was begun for it.
    spares: both(
      (events) => events.filter(({ rreq: of, step }) => of !== 1 || step !== 'assess'),
      both(
        (events) => events.filter(({ rreq: of, step }) => of !== 1 || KEPT.has(step)),
        everywhere(rreq('free', { rreq: 1 }), () => ({ flags: 0x20 })),
      ),
    ),
  },
  'flags-of-request': {
    sample: 'afs-6.1',
    fires: changed(rreq('unlock'), { flags: 0x26 }),
    // This bit may come on the way.
    spares: both(
      everywhere(rreq('unlock', { rreq: 1 }), () => ({ flags: 0x32 })),
      (events) =>
        ENDS.reduce((all, step) => everywhere(rreq(step, { rreq: 1 }), FAILS)(all), events),
    ),
  },
  'flags-failed': {
    sample: 'afs-6.1',
    fires: failedRequest({}),
    spares: failedRequest({ error: -5, transferred: 0 }),
  },
  'flags-copy': {
    sample: 'afs-6.1',
    fires: changed(rreq('unlock', { rreq: 1 }), { flags: 0x20 }),
    // None of its slices is to be stored either.
    spares: both(
      changed(rreq('unlock', { rreq: 1 }), { flags: 0x20 }),
      everywhere({ event: 'netfs_sreq', rreq: 1 }, ({ flags }) => ({ flags: flags & ~1 })),
    ),
  },
  'flags-incomplete': {
    sample: 'afs-6.1-bad-cache',
    fires: changed(rreq('assess', { flags: 0x21 }), { flags: 0x20 }),
    spares: changed(rreq('assess', { flags: 0x21 }), { flags: 0x29 }),
  },
  'flags-of-slice': {
    sample: 'afs-6.1',
    fires: changed(sreq('submit', { rreq: 1 }), { flags: 3 }),
    // The same bit, where its reading ends.
    spares: changed(sreq('terminated', { rreq: 1 }), { flags: 3 }),
  },
  'ref-jump': {
    sample: 'afs-6.1',
    fires: changed(ref('put_complete'), { ref: 5 }),
    // One reference more, told and given back.
    spares: (events) => {
      const at = place(events, ref('put_complete'));
      const put = events[at] as CheckEvent;
      const get = { ...put, step: 'get_for_outstanding', what: 'GET OUTSTND', ref: put.ref + 2 };
      return events.toSpliced(at, 0, get, { ...put, step: 'put_work', ref: put.ref + 1 });
    },
  },
  'ref-left': {
    sample: 'afs-6.1',
    fires: without(sref('put_terminated', { rreq: 1, ref: 0 })),
    // Whoever holds it may still give it back.
    spares: both(
      without(sref('put_terminated', { rreq: 1, ref: 0 })),
      cutBefore(sreq('free', { rreq: 1, index: 0 })),
    ),
  },
  'ref-turn': {
    sample: 'afs-6.1',
    fires: moved(ref('get_subreq', { rreq: 2 }), sreq('terminated', { rreq: 2 })),
    spares: asIs,
  },
  'early-unlock': {
    sample: 'mail-unlock',
    fires: asIs,
    // The folio is unlocked when its tail has been cleared.
    spares: moved({ ...folio('read_unlock'), index: 5 }, sreq('terminated', { from: 'zero' })),
  },
  'folio-order': {
    sample: '9p-6.12-full',
    fires: twice(folio('read_unlock')),
    // Read anew in between.
    spares: followed(
      folio('read_unlock'),
      ...['read', 'read_done', 'read_unlock'].map((step) => ({ step, why: step })),
    ),
  },
  'donation-apart': {
    sample: 'nfs-6.12',
    fires: followed(sreq('added', { rreq: 1, index: 6 }), donate(2)),
    spares: followed(sreq('added', { rreq: 1, index: 6 }), donate(4)),
  },
  'progress-chain': {
    sample: '9p-6.12-full',
    fires: twice({ event: 'netfs_progress' }),
    spares: asIs,
  },
  'collect-order': {
    sample: '9p-6.12-full',
    fires: (events) => {
      const [first, second] = events.filter(({ event }) => event === 'netfs_collect_folio');
      return moved(first as unknown as Match, second as unknown as Match)(events);
    },
    // A folio that is not ready is looked at again.
    spares: twice({ event: 'netfs_collect_folio' }),
  },
  'prep-read': {
    sample: 'afs-6.1',
    fires: lengthened(0x1000),
    // The helper may make the slice shorter than the cache said.
    spares: lengthened(-0x1000),
  },
  'cache-read-failed': {
    sample: 'afs-6.1-bad-cache',
    fires: asIs,
    spares: (events) => events.slice(0, place(events, sreq('download_instead'))),
  },
  'cache-error-to-reader': {
    sample: '9p-6.12-full',
    fires: failedCacheRead([]),
    // Retried, and read from the server.
    spares: failedCacheRead([
      { step: 'retry', from: 'down', error: 0 },
      { step: 'terminated', from: 'down', error: 0 },
    ]),
  },
  'cookie-gone-io': {
    sample: 'afs-6.1',
    fires: followed(read, access('unpin_cache'), access('begin_io_read')),
    // Looked up again in between.
    spares: followed(
      read,
      ...['unpin_cache', 'begin_lookup', 'pin_cache', 'begin_io_read'].map(access),
    ),
  },
  'cache-never-read': {
    sample: 'afs-6.1',
    fires: followed(read, access('begin_io_writ'), opened, opened),
    spares: followed(read, opened, access('begin_io_writ'), opened),
  },
  'downloaded-again': {
    sample: 'afs-6.1',
    fires: again([]),
    spares: again([{ event: 'fscache_invalidate', step: '', new_size: 0 }]),
  },
  'invalidation-hangs': {
    sample: '9p-6.12-full',
    fires: (events) => [
      ...events,
      ...hang(events, { event: 'netfs_folio', step: 'copy_to_cache', index: 3, why: 'mark-copy' }),
    ],
    spares: (events) => [
      ...events,
      ...hang(events, { event: 'netfs_folio', step: 'store_copy', index: 3, why: 'store-copy' }),
    ],
  },
  'readahead-load': {
    sample: '9p-7.3-odd',
    fires: without(rreq('ra_put_ref')),
    // The collector that comes early waits for it.
    spares: followed(
      rreq('ra_put_ref'),
      { step: 'wait_put_ra_refs', what: 'WAIT-P-RA', flags: 0x103 },
      { step: 'waited_put_ra_refs', what: 'DONE-P-RA', flags: 0x103 },
    ),
  },
  'collector-ended-early': {
    sample: '9p-7.3-odd',
    fires: (events) => {
      const last = { rreq: begun(events).rreq };
      return moved(sreq('terminated', last), rreq('done', last))(events);
    },
    // As late as it may end.
    spares: (events) => {
      const last = { rreq: begun(events).rreq };
      return moved(sreq('terminated', last), rreq('collect', last))(events);
    },
  },
  'retry-not-made': {
    sample: '9p-7.3-killed',
    // The client asked for a retry of what failed.
    fires: changed(sreq('terminated', { from: 'down', error: -5, flags: 0x503 }), { flags: 0x703 }),
    spares: asIs,
  },
  'direct-result-lost': {
    sample: '9p-6.18-direct',
    fires: failedUpload(1),
    // The last one may come short.
    spares: failedUpload(5),
  },
  'waiter-never-woken': {
    sample: 'cifs-6.18-hang',
    fires: cutAfter(rreq('wake_ip', { origin: 'RW' })),
    spares: cutAfter(rreq('waited_ip', { origin: 'RW' })),
  },
  'cookie-overqueued': {
    sample: '9p-7.3-odd',
    fires: followed({ event: 'fscache_cookie', step: 'gq_use' }, overq('pq_overq')),
    // Its worker runs.
    spares: followed({ event: 'fscache_cookie', step: 'gq_use' }, overq('pq_overq'), overq('work')),
  },
  'volume-discarded': {
    sample: 'bad-volume',
    fires: asIs,
    spares: without({ event: 'cachefiles_vol_coherency', step: 'vol_bad_cmp' }),
  },
};

const ENDS: readonly string[] = ['write', 'done', 'free'];
const FAILS = ({ flags }: CheckEvent) => ({ flags: flags | 0x10 });

/** What is left of a request that nothing was begun for, and one step too many. */
const KEPT = new Set(['readahead', 'readpage', 'free', 'assess', 'new']);

/** Ends the first slice earlier, and begins the second one earlier by as much or not. */
function shiftedBoundary(shorter: number, earlier: number): Edit {
  return (events) => {
    const slice = (index: number) => ({ event: 'netfs_sreq', rreq: 2, index });
    return both(
      everywhere(slice(0), ({ len }) => ({ len: len - shorter })),
      everywhere(slice(1), ({ start, len }) => ({ start: start - earlier, len: len + earlier })),
    )(events);
  };
}

/** Cuts the first slice of the trace from its SUBMT on, so that a rest of the request is left. */
function cutSlice(by: number): Edit {
  return (events) => {
    const at = place(events, sreq('submit'));
    const { rreq: of, index } = events[at] as CheckEvent;
    const match = { event: 'netfs_sreq', rreq: of, index };
    const cut = everywhere(match, ({ len, transferred }) => ({
      len: len - by,
      transferred: Math.max(0, transferred - by),
    }));
    return [...events.slice(0, at), ...cut(events.slice(at))];
  };
}

/** Changes the first TERM of a read that has got all its bytes. */
function firstTerm(change: (event: CheckEvent) => object): Edit {
  return (events) => {
    const at = events.findIndex(
      (each) => fits(each, sreq('terminated', { from: 'down' })) && each.transferred > 0,
    );
    return events.with(at, { ...(events[at] as CheckEvent), ...change(events[at] as CheckEvent) });
  };
}

/** The first request FAILED from ASSESS on, and its slice ended as told. */
function failedRequest(end: object): Edit {
  return (events) => {
    const at = place(events, sreq('terminated', { rreq: 1 }));
    const failed = everywhere({ event: 'netfs_rreq', rreq: 1 }, ({ flags }) => ({
      flags: flags | 0x10,
    }));
    const ended = everywhere({ event: 'netfs_sreq', rreq: 1, index: 0 }, () => end);
    return [...events.slice(0, at), ...both(failed, ended)(events.slice(at))];
  };
}

/** A slice of the first direct write, which has five, fails. */
function failedUpload(index: number): Edit {
  return (events) => {
    const at = place(events, sreq('terminated', { rreq: 1, index }));
    const match = { event: 'netfs_sreq', rreq: 1, index };
    const fails = everywhere(match, () => ({ error: -5, transferred: 0 }));
    return [...events.slice(0, at), ...fails(events.slice(at))];
  };
}

/** Makes a slice longer or shorter than what the cache said of it. */
function lengthened(by: number): Edit {
  return (events) => {
    const at = events.findIndex(
      ({ event, len }) => event === 'cachefiles_prep_read' && len > 0x2000,
    );
    const { rreq: of, index } = events[at] as CheckEvent;
    const match = { event: 'netfs_sreq', rreq: of, index };
    return everywhere(match, ({ len }) => ({ len: len + by }))(events);
  };
}

/** The first cache read fails, and what follows is told of it before it is freed. */
function failedCacheRead(after: readonly object[]): Edit {
  return (events) => {
    const at = place(events, sreq('terminated', { from: 'read' }));
    const term = events[at] as CheckEvent;
    const match = { event: 'netfs_sreq', rreq: term.rreq, index: term.index };
    const more = after.map((each) => ({ ...term, ...each }));
    const last = more.at(-1) ?? { ...term, error: -5, transferred: 0 };
    const { from: source, error, transferred } = last;
    const rest = everywhere(match, () => ({ from: source, error, transferred }));
    return [
      ...events.slice(0, at),
      { ...term, error: -5, transferred: 0 },
      ...more,
      ...rest(events.slice(at + 1)),
    ];
  };
}

/** The first request once more under another number, with events between the two. */
function again(between: readonly object[]): Edit {
  return (events) => {
    const first = events.filter(({ rreq: of }) => of === 1);
    const { cookie } = begun(events);
    const last = first.at(-1) as CheckEvent;
    const at = place(events, last as unknown as Match) + 1;
    const more = first.map((event) => ({ ...event, rreq: 0x7777 }));
    const made = between.map((each) => ({ ...last, ...each, cookie: cookie as number }));
    return events.toSpliced(at, 0, ...[...made, ...more].map((each) => each as CheckEvent));
  };
}

/** A folio at a step, then an invalidation by a task that is not seen again. */
function hang(events: readonly CheckEvent[], at: object): CheckEvent[] {
  const { netfs_inode, cookie, task } = begun(events);
  const last = { ...(events.at(-1) as CheckEvent), task, ts: 1e15 };
  return [
    { ...last, ino: netfs_inode as number, ...at },
    { ...last, event: 'fscache_invalidate', step: '', cookie: cookie as number },
  ];
}

for (const [id, rule] of Object.entries(RULES) as [RuleId, Rule][]) {
  test(`the rule ${id} is documented, and needs events that exist`, (t) => {
    t.is(rule.id, id);
    for (const text of [rule.doc, rule.explanation]) t.regex(text, /^[A-Z].*\.$/);
    const tables = EVENT_TABLES.map(({ name }) => name);
    for (const event of rule.needs) t.true(tables.includes(event), event);
  });

  test(`the rule ${id} fires on what breaks it, and not on what nearly does`, async (t) => {
    const { sample: name, fires, spares } = CASES[id];
    const sample = await samples.get(name);
    t.true(findingsOf(sample, id, fires(sample.events)).length > 0);
    t.deepEqual(findingsOf(sample, id, spares(sample.events)), []);
  });
}

test('a request that is done while a slice is being stored is told, one that waited is not', async (t) => {
  const sample = await samples.get('afs-6.1');
  const stored = place(sample.events, sreq('write_term'));
  const { rreq: of, index } = sample.events[stored] as CheckEvent;
  const late = moved(sreq('write_term', { rreq: of, index }), rreq('done', { rreq: of }));
  const id = Number(of).toString(16).padStart(8, '0');
  t.deepEqual(findingsOf(sample, 'slice-in-flight', late(sample.events)), [
    `R=${id}: DONE while slice ${index} is being stored`,
  ]);
  t.deepEqual(findingsOf(sample, 'slice-in-flight', sample.events), []);
});

test('a rule that does not hold in every kernel says why', (t) => {
  for (const rule of Object.values(RULES) as Rule[]) {
    const everywhere = ERAS.every((era) => rule.holds(era));
    t.is(rule.elsewhere === undefined, everywhere, rule.id);
  }
});

test('at most five rules have no law in v6.18 and v7.3', (t) => {
  for (const release of ['6.18', '7.0', '7.3']) {
    const era = eraOfKernel(release) as Era;
    const without = (Object.values(RULES) as Rule[]).filter((rule) => !rule.holds(era));
    t.true(without.length <= 5, `${release}: ${without.map(({ id }) => id).join(' ')}`);
  }
});

test('a word that no table has causes no finding: the rules that need it cannot tell', async (t) => {
  const sample = await samples.get('9p-7.3-odd');
  const events = sample.events.map((event) =>
    fits(event, sreq('consumed')) ? { ...event, step: 'XYZZY', what: 'XYZZY', strange: 1 } : event,
  );
  const { rules, findings } = checkCapture(sample.capture, undefined, () => events);
  t.deepEqual(findings, []);
  const order = rules.find(({ id }) => id === 'slice-order');
  t.is(order?.state, 'cannot tell');
  t.regex(order?.reason ?? '', /XYZZY \(netfs_sreq\)/);
});
