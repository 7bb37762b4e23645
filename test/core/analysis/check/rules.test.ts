/**
 * Every rule of `trace check` fires on a trace that breaks it and is silent on one that nearly
 * does. The traces are those of real kernels, spoilt by one edit.
 */
import test from 'ava';
import { RULES, type RuleId } from '../../../../src/core/analysis/check/index.js';
import type { CheckEvent, Rule } from '../../../../src/core/analysis/check/types.js';
import { EVENT_TABLES } from '../../../../src/core/store/schema.js';
import { rulesFiring, type SampleName, Samples } from '../../../helpers/samples.js';

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

const CASES: Record<RuleId, Case> = {
  'request-order': {
    sample: 'afs-6.1',
    fires: without(rreq('unlock')),
    spares: asIs,
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
    spares: followed(rreq('free', { rreq: 1 }), { ...read, step: 'readahead', what: 'READAHEAD' }),
  },
  'request-open': { sample: 'afs-6.1', fires: without(rreq('free')), spares: asIs },
  'never-collected': {
    sample: '9p-6.12-full',
    fires: cutAfter(rreq('wake_ip')),
    spares: cutAfter(rreq('done')),
  },
  'paused-for-ever': {
    sample: '9p-6.12-full',
    fires: cutAfter(rreq('set_pause')),
    spares: asIs,
  },
  'slice-order': { sample: 'afs-6.1', fires: without(sreq('submit')), spares: asIs },
  'slice-turn': {
    sample: 'afs-6.1',
    fires: moved(sreq('write', { rreq: 1 }), rreq('done', { rreq: 1 })),
    spares: asIs,
  },
  'slice-tiling': {
    sample: 'afs-6.1',
    fires: changed(sreq('prepare', { index: 1 }), { start: 0x777000 }),
    spares: asIs,
  },
  'slice-moved': {
    sample: 'cifs-6.12',
    fires: changed(sreq('submit'), { start: 0x1000 }),
    // Cut by the server's limit between PREP and SUBMT.
    spares: asIs,
  },
  'slice-overrun': {
    sample: 'nfs-6.12',
    fires: changed(sreq('terminated'), { transferred: 2 ** 30 }),
    spares: changed(sreq('terminated'), { ts: 1 }),
  },
  'slice-changed-late': {
    sample: 'afs-6.1',
    fires: changed(sreq('free'), { transferred: 1 }),
    spares: asIs,
  },
  'slice-in-flight': {
    sample: 'afs-6.1',
    fires: moved(sreq('terminated', { rreq: 2 }), rreq('assess', { rreq: 2 })),
    spares: asIs,
  },
  'short-transfer': {
    sample: 'afs-6.1',
    fires: changed(sreq('terminated', { rreq: 3 }), { transferred: 1 }),
    spares: changed(sreq('terminated', { rreq: 3 }), { transferred: 1, flags: 4 }),
  },
  'source-changed': {
    sample: 'afs-6.1-bad-cache',
    fires: changed(sreq('terminated'), { from: 'zero' }),
    // READ became DOWN, by RDOWN.
    spares: asIs,
  },
  'failure-told': {
    sample: 'afs-6.1-bad-cache',
    fires: without({ event: 'netfs_failure' }),
    spares: asIs,
  },
  'flags-in-progress': {
    sample: 'afs-6.1',
    fires: changed(rreq('unlock'), { flags: 0x02 }),
    spares: changed(rreq('unlock'), { ts: 1 }),
  },
  'flags-of-request': {
    sample: 'afs-6.1',
    fires: changed(rreq('unlock'), { flags: 0x26 }),
    spares: asIs,
  },
  'flags-failed': {
    sample: 'afs-6.1',
    fires: changed(rreq('unlock'), { flags: 0x32 }),
    spares: asIs,
  },
  'flags-copy': {
    sample: 'afs-6.1',
    fires: changed(rreq('unlock'), { flags: 0x20 }),
    spares: asIs,
  },
  'flags-incomplete': {
    sample: 'afs-6.1-bad-cache',
    fires: changed(rreq('assess', { flags: 0x21 }), { flags: 0x20 }),
    spares: asIs,
  },
  'flags-of-slice': {
    sample: 'afs-6.1',
    fires: changed(sreq('write'), { flags: 2 }),
    spares: asIs,
  },
  'ref-jump': { sample: 'afs-6.1', fires: changed(ref('put_complete'), { ref: 5 }), spares: asIs },
  'ref-left': {
    sample: 'afs-6.1',
    fires: without(sref('put_terminated', { ref: 0 })),
    spares: asIs,
  },
  'ref-turn': {
    sample: 'afs-6.1',
    fires: moved(ref('get_subreq', { rreq: 2 }), sreq('terminated', { rreq: 2 })),
    spares: asIs,
  },
  'early-unlock': {
    sample: 'mail-unlock',
    fires: asIs,
    spares: without({ ...folio('read_unlock'), index: 5 }),
  },
  'folio-order': {
    sample: '9p-6.12-full',
    fires: twice(folio('read_unlock')),
    spares: asIs,
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
    fires: changed({ event: 'cachefiles_prep_read' }, { from: 'zero' }),
    spares: asIs,
  },
  'cache-read-failed': {
    sample: 'afs-6.1-bad-cache',
    fires: asIs,
    spares: (events) => events.slice(0, place(events, sreq('download_instead'))),
  },
  'cache-error-to-reader': {
    sample: '9p-6.12-full',
    fires: (events) => {
      const at = place(events, sreq('terminated', { from: 'read' }));
      const { rreq: of, index } = events[at] as CheckEvent;
      return events.map((event, i) =>
        i >= at && fits(event, { event: 'netfs_sreq', rreq: of, index })
          ? { ...event, error: -5, transferred: 0 }
          : event,
      );
    },
    spares: asIs,
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
};

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
    t.true(rulesFiring(sample, fires(sample.events)).includes(id), 'fires');
    t.false(rulesFiring(sample, spares(sample.events)).includes(id), 'spares');
  });
}
