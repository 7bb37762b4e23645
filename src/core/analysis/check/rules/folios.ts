/**
 * Rules about folios and what slices give to each other (v6.8 and later). Called through the
 * registry in index.ts.
 */

import { collectorEra } from '../laws.js';
import type { CheckEvent, Hooks, Report, RequestSeen, Rule, SliceSeen, World } from '../types.js';
import { readaheadLoad, watchFolios } from './collected_folios.js';
import { collectedEra, everyEra, NO_FOLIOS, progressiveEra } from './eras.js';

const PAGE = 4096;
const hex = (value: number): string => value.toString(16);

function overlap(ranges: RequestSeen['unlocked'], from: number, to: number): number | null {
  for (const [first, last] of ranges) {
    if (from < (last + 1) * PAGE && to > first * PAGE) return first;
  }
  return null;
}

const earlyUnlock: Rule = {
  id: 'early-unlock',
  severity: 'error',
  doc: 'A folio is unlocked after the last slice that reaches into it has got its bytes.',
  explanation:
    'Readers, mmap above all, see the folio before all of it was read or cleared: old or foreign data, most often behind the end of the file.',
  known: '"netfs: Fix early read unlock of page with EOF in middle", D. Howells, 2025-12-20',
  needs: ['netfs_folio', 'netfs_sreq'],
  sure: true,
  holds: everyEra,
  watch: watchUnlocks,
};

/** Steps that show other bytes than those that came. */
const PAST_BYTES = new Set(['add_donations', 'free', 'consumed', 'abandoned', 'retry']);

function watchUnlocks(world: World, report: Report): Hooks {
  /** Where the collector was last, for requests whose inode is not in the trace. */
  const collected = new Map<number, RequestSeen>();
  const got = new WeakMap<SliceSeen, number>();
  let abandoned: CheckEvent | null = null;
  // Downloads let go of folios while they go on, and only the collector tells how far they were.
  const unseen = collectorEra(world.era) && !world.recorded('netfs_collect_sreq');
  return {
    slice(request, slice, event) {
      if (unseen && event.from === 'down') return;
      if (request.side !== 'read' || request.unlocked.length === 0) return;
      if (PAST_BYTES.has(event.step)) return;
      const before = got.get(slice) ?? (slice.step === 'new' ? 0 : slice.transferred);
      if (event.transferred <= before) return;
      got.set(slice, event.transferred);
      const from = event.start + before;
      const page = overlap(request.unlocked, from, event.start + event.transferred);
      if (page === null) return;
      const range = `${hex(from)}-${hex(event.start + event.transferred)}`;
      report(event, `${range} came after folio ${hex(page)} was unlocked`, {
        request,
        slice: event.index,
      });
    },
    other: {
      netfs_progress(event) {
        const request = world.reading(event.rreq);
        const slice = request?.slices.get(event.index);
        if (slice !== undefined) got.set(slice, Math.max(event.transferred, got.get(slice) ?? 0));
      },
      netfs_collect_sreq(event) {
        const slice = world.reading(event.rreq)?.slices.get(event.index);
        if (slice !== undefined) got.set(slice, Math.max(event.transferred, got.get(slice) ?? 0));
      },
      netfs_collect_folio(event) {
        const request = world.reading(event.rreq);
        if (request !== undefined && request.ino === null) collected.set(event.index, request);
      },
      netfs_folio(event, live) {
        if (event.step === 'abandon') abandoned = event;
        if (event.step !== 'read_unlock') return;
        // What was given up is unlocked without its bytes.
        if (abandoned?.index === event.index && abandoned.ino === event.ino) return;
        const known = live[0] ?? collected.get(event.index);
        if (known !== undefined) unlock(known, event);
      },
    },
  };
}

/** Adds a folio to those that are unlocked; one behind the last makes no new range. */
function unlock({ unlocked }: RequestSeen, { index, last }: CheckEvent): void {
  const to = (last as number | null) ?? index;
  const before = unlocked.at(-1);
  if (before !== undefined && before[1] + 1 === index) before[1] = to;
  else unlocked.push([index, to]);
}

/** What a folio must have been at before; steps that are not listed are not judged. */
const BEFORE: Readonly<Record<string, readonly string[]>> = {
  read_done: ['read'],
  copy_to_cache: ['read'],
  read_unlock: ['read', 'read_done', 'copy_to_cache'],
  store_copy: ['read_unlock'],
  end_copy: ['store_copy'],
  clear_cc: ['store_copy'],
  clear: ['store', 'store_plus'],
  clear_s: ['store', 'store_plus'],
};

/** Steps at which a folio is locked or under writeback, and cannot be read again. */
const BUSY = new Set(['read', 'read_done', 'store', 'store_plus', 'store_copy']);

const folioOrder: Rule = {
  id: 'folio-order',
  severity: 'error',
  doc: 'A folio is read, then unlocked, once; then stored, and the store ended, once.',
  explanation:
    'A lock or a writeback mark was dropped that was not held, or a folio was shown before it was ready.',
  known: null,
  needs: ['netfs_folio'],
  holds: collectedEra,
  elsewhere: NO_FOLIOS,
  watch(world, report) {
    if (collectorEra(world.era)) return watchFolios(world, report);
    const inodes = new Map<unknown, Map<number, CheckEvent>>();
    return {
      other: {
        netfs_folio(event) {
          let folios = inodes.get(event.ino);
          if (folios === undefined) {
            folios = new Map();
            inodes.set(event.ino, folios);
          }
          const before = folios.get(event.index);
          folios.set(event.index, event);
          if (before === undefined) return;
          const expected = BEFORE[event.step];
          const fits =
            event.step === 'read'
              ? !BUSY.has(before.step)
              : expected === undefined || expected.includes(before.step);
          if (fits) return;
          report(event, `folio ${hex(event.index)}: ${event.why} after ${before.why}`, {
            with: [before.id],
          });
        },
      },
    };
  },
};

const progress: Rule = {
  id: 'progress-chain',
  severity: 'error',
  doc: 'The bytes of a slice are handed to its folios one after the other, each once.',
  explanation: 'Folios are skipped or shown twice, or bytes are counted that did not come.',
  known: null,
  needs: ['netfs_progress', 'netfs_sreq'],
  holds: progressiveEra,
  elsewhere: 'only v6.12 and v6.13 tell netfs_progress',
  watch(world, report) {
    const last = new WeakMap<SliceSeen, CheckEvent>();
    return {
      other: {
        netfs_progress(event) {
          const request = world.reading(event.rreq);
          const slice = request?.slices.get(event.index);
          if (slice === undefined) return;
          const where = { request, slice: event.index };
          const consumed = event.consumed as number;
          if (TELLS.has(slice.step) && slice.transferred !== event.transferred) {
            report(
              event,
              `hands on ${hex(event.transferred)}, got ${hex(slice.transferred)}`,
              where,
            );
          } else if (event.f_avail !== event.transferred - consumed) {
            report(event, 'what is left does not add up', where);
          }
          const before = last.get(slice);
          last.set(slice, event);
          if (before === undefined || slice.start !== slice.firstStart) return;
          const stay = before.consumed as number;
          const go = stay + (before.f_part as number);
          // The same place again is fine when more came for it meanwhile.
          if (consumed === stay && slice.last > before.id) return;
          if (consumed === stay && event.transferred > before.transferred) return;
          if (consumed === go && (before.f_part as number) > 0) return;
          report(event, `at ${hex(consumed)}, expected ${hex(go)}`, where);
        },
      },
      slice(request, slice, event) {
        if (event.step !== 'terminated' || event.error < 0) return;
        const before = last.get(slice);
        if (before === undefined || slice.start !== event.start || slice.len !== event.len) return;
        const done = (before.consumed as number) + (before.f_part as number);
        if (done >= event.transferred) return;
        report(event, `ended with ${hex(event.transferred)}, ${hex(done)} were handed on`, {
          request,
          slice: event.index,
        });
      },
    };
  },
};

/** Steps that show how many bytes there are. */
const TELLS = new Set(['progress', 'add_donations', 'io_progress', 'clear']);

const collectOrder: Rule = {
  id: 'collect-order',
  severity: 'error',
  doc: 'The folios of a request are collected in order, each once, and its progress only grows.',
  explanation:
    'A folio was unlocked, or its writeback ended, twice or never: it is lost, or waited for for ever.',
  known: null,
  needs: ['netfs_collect_folio'],
  holds: collectedEra,
  elsewhere: NO_FOLIOS,
  watch(world, report) {
    const last = new Map<number, CheckEvent>();
    const states = new Map<number, CheckEvent>();
    const forget = (rreq: number) => {
      last.delete(rreq);
      states.delete(rreq);
    };
    return {
      step(_request, event) {
        if (event.step === 'free') forget(event.rreq);
      },
      begin(_request, event) {
        forget(event.rreq);
      },
      other: {
        netfs_collect_folio(event) {
          const before = last.get(event.rreq);
          last.set(event.rreq, event);
          // A folio that is not ready is looked at again; what was not dirty is passed over.
          if (before === undefined || event.start === before.start) return;
          if (event.start >= (before.fend as number)) return;
          report(event, `from ${hex(event.start)} after ${hex(before.start)}`, {
            with: [before.id],
          });
        },
        netfs_collect_state(event) {
          const before = states.get(event.rreq);
          states.set(event.rreq, event);
          if (before === undefined || world.reading(event.rreq) === undefined) return;
          const back = (name: string) => Number(event[name]) < Number(before[name]);
          if (!back('collected_to') && !back('cleaned_to')) return;
          report(event, 'what was collected or cleaned became less', { with: [before.id] });
        },
      },
    };
  },
};

const donationApart: Rule = {
  id: 'donation-apart',
  severity: 'error',
  doc: 'A slice gives what does not fill a folio only to its neighbour.',
  explanation:
    'The bytes are booked to a range that they do not belong to: pages are unlocked with the wrong data.',
  known: 'D. Howells on linux-cifs, December 2024 (mechanism removed in v6.14)',
  needs: ['netfs_donate', 'netfs_sreq'],
  sure: true,
  holds: progressiveEra,
  elsewhere: 'slices give nothing to each other since v6.14',
  watch(world, report) {
    return {
      other: {
        netfs_donate(event) {
          const to = event.to as number;
          const request = world.reading(event.rreq);
          const giver = request?.slices.get(event.from as unknown as number);
          const taker = request?.slices.get(to);
          if (request === undefined || giver === undefined || taker === undefined) return;
          if (to === 0xffffffff || between(request, giver, taker) === null) return;
          const bad = between(request, giver, taker);
          report(event, `[${giver.index}] gives to [${to}], but [${bad}] lies between`, {
            request,
            slice: giver.index,
          });
        },
      },
    };
  },
};

/** A slice with bytes that lies between two others in the file; null if they are neighbours. */
function between(request: RequestSeen, a: SliceSeen, b: SliceSeen): number | null {
  const low = Math.min(a.start, b.start);
  const high = Math.max(a.start, b.start);
  for (const slice of request.slices.values()) {
    if (slice === a || slice === b || slice.len === 0) continue;
    if (slice.start > low && slice.start < high) return slice.index;
  }
  return null;
}

/** The rules about folios. */
export const FOLIO_RULES = {
  'early-unlock': earlyUnlock,
  'folio-order': folioOrder,
  'donation-apart': donationApart,
  'progress-chain': progress,
  'collect-order': collectOrder,
  'readahead-load': readaheadLoad,
} as const satisfies Record<string, Rule>;
