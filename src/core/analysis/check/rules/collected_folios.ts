/**
 * What the rules about folios watch where requests have a collector (v6.14 and later). Called by
 * folios.ts and flags.ts.
 */
import { flagMask } from '../../../trace/flag_bits.js';
import { lawsOf } from '../laws.js';
import type { CheckEvent, Hooks, Report, RequestSeen, Rule, World } from '../types.js';

const PAGE = 4096;
const hex = (value: number): string => value.toString(16);

const CLEARS = ['clear', 'clear_cc', 'clear_s', 'clear_g', 'redirtied'];
const STORES = ['store', 'store_plus', 'store_copy'];

/** What a folio must have been at before; steps that are not listed are not judged. */
const BEFORE: Readonly<Record<string, readonly string[]>> = {
  sched_copy: ['mark_copy', 'filled_gaps'],
  read_unlock: [
    // Marked when it was collected, where few events tell the kernel.
    'mark_copy',
    ...['read_done', 'sched_copy', 'copy_to_cache', 'cancel_copy', 'abandon', 'filled_gaps'],
    ...['pgpriv2_copy', 'store_copy'],
  ],
  abandon: ['read', 'mark_copy', 'cancel_copy', 'pgpriv2_copy'],
  store_copy: [
    ...['read_unlock', 'sched_copy', 'copy_to_cache', 'pgpriv2_copy', 'filled_gaps', 'redirtied'],
  ],
};

/** What a folio cannot have been at before. Reads of one folio print no `read`. */
const NOT_BEFORE: Readonly<Record<string, readonly string[]>> = {
  read: ['read', 'mark_copy', ...STORES],
  read_done: ['sched_copy', 'copy_to_cache', ...STORES],
  mark_copy: ['sched_copy', ...STORES],
  copy_to_cache: STORES,
  store: STORES,
  store_plus: STORES,
  ...Object.fromEntries(
    CLEARS.map((step) => [step, [...CLEARS, 'read', 'read_done', 'sched_copy']]),
  ),
};

/** Labels that the kernel prints only where it finds a fault of its own. */
const FAULTS = new Set(['not_under_wback', 'not_locked']);

/** The steps of a folio fit what it was at before. */
export function watchFolios(_world: World, report: Report): Hooks {
  const inodes = new Map<unknown, Map<number, CheckEvent>>();
  return {
    other: {
      netfs_folio(event, live) {
        // Private buffers, as directories of AFS have them, print no inode.
        if (Number(event.ino) === 0) return;
        let folios = inodes.get(event.ino);
        if (folios === undefined) {
          folios = new Map();
          inodes.set(event.ino, folios);
        }
        const before = folios.get(event.index);
        folios.set(event.index, event);
        const request = live.length === 1 ? live[0] : undefined;
        if (FAULTS.has(event.step)) {
          report(event, `folio ${hex(event.index)}: ${event.why}`, { request });
          return;
        }
        if (before === undefined || follows(before.step, event.step)) return;
        report(event, `folio ${hex(event.index)}: ${event.why} after ${before.why}`, {
          request,
          with: [before.id],
        });
      },
    },
  };
}

function follows(before: string, step: string): boolean {
  if (NOT_BEFORE[step]?.includes(before)) return false;
  return BEFORE[step]?.includes(before) ?? true;
}

/** Kinds of reads that fill the page cache. */
const BUFFERED = new Set(['readahead', 'readpage', 'prefetch_for_write', 'write_begin']);

/** A folio is to be stored exactly when a slice of its read is. */
export function watchCopies(world: World, report: Report): Hooks {
  const { era } = world;
  const copy = flagMask(era, 'sreq', 'COPY_TO_CACHE');
  const cancelled = flagMask(era, 'rreq', 'CANCEL_CACHING');
  return {
    other: {
      netfs_folio(event, live) {
        const says = COPIES.get(event.step);
        if (says === undefined) return;
        const readers = live.filter(({ kind }) => BUFFERED.has(kind));
        const [request] = readers;
        if (request === undefined || readers.length > 1 || !request.whole) return;
        if (!says && cancelled !== 0 && (request.flags & cancelled) !== 0) return;
        const from = event.index * PAGE;
        const to = ((event.last as number | null) ?? event.index) * PAGE + PAGE;
        // Marking at collection goes on for the rest of the round (to v7.2.11).
        const stored = toStore(request, copy, STICKS.has(event.step) ? 0 : from, to);
        if (stored === says) return;
        const slices = stored ? 'a slice of it is to be stored' : 'no slice of it is to be stored';
        report(event, `folio ${hex(event.index)}: ${event.why}, and ${slices}`, { request });
      },
    },
  };
}

/** Labels that say that a folio is to be stored, or not. */
const COPIES = new Map([
  ['copy_to_cache', true],
  ['mark_copy', true],
  ['sched_copy', true],
  ['read_done', false],
]);

/** Labels that a folio may get for a slice before it. */
const STICKS = new Set(['copy_to_cache', 'mark_copy']);

function toStore({ slices }: RequestSeen, copy: number, from: number, to: number): boolean {
  for (const { flags, start, len } of slices.values()) {
    if ((flags & copy) !== 0 && start < to && start + len > from) return true;
  }
  return false;
}

/** Bytes that have to be there before folios are unlocked, unless it is all. */
const THRESHOLD = 0x40000;

/** A readahead window is loaded whole, its references dropped once, and then folios unlocked. */
export const readaheadLoad: Rule = {
  id: 'readahead-load',
  severity: 'error',
  doc: 'The references of a readahead window are dropped once, before any of its folios is unlocked.',
  explanation:
    'The submitter walks the window in the page cache to drop them; a folio that is unlocked before can be gone by then, or is dropped twice.',
  known: null,
  needs: ['netfs_rreq', 'netfs_read', 'netfs_read_progress_at'],
  holds: (era) => lawsOf(era)?.marksAtSubmission === true,
  elsewhere: 'windows are loaded whole since v7.2.12 only',
  watch(world, report) {
    const bit = flagMask(world.era, 'rreq', 'NEED_PUT_RA_REFS');
    const at = new Map<number, CheckEvent>();
    return {
      step(request, event) {
        const { kind, seen, whole } = request;
        // Without these the kernel is one of those before, whatever its texts look like.
        if (!whole || kind === '' || !at.has(event.rreq)) return;
        const has = (event.flags & bit) !== 0;
        if (kind !== 'readahead') {
          if (has) report(event, 'NEED_PUT_RA_REFS, and it is no readahead', { request });
        } else if (event.step === 'ra_put_ref') {
          if (seen.has('ra_put_ref')) report(event, 'RA-PUT twice', { request });
          else if (!has) report(event, 'RA-PUT without NEED_PUT_RA_REFS', { request });
        } else if (event.step === 'waited_put_ra_refs') {
          if (has || !seen.has('wait_put_ra_refs')) {
            report(event, 'DONE-P-RA, and it need not wait', { request });
          }
        } else if (event.step === 'free' && request.slices.size > 0 && !seen.has('ra_put_ref')) {
          report(event, 'freed without RA-PUT', { request });
        }
        if (event.step === 'free') at.delete(event.rreq);
      },
      other: {
        netfs_collect_folio(event) {
          const request = world.reading(event.rreq);
          if (request?.kind !== 'readahead' || !request.whole || !at.has(event.rreq)) return;
          if (request.seen.has('ra_put_ref')) return;
          report(event, 'a folio is looked at before RA-PUT', { request });
        },
        netfs_read_progress_at(event) {
          const request = world.reading(event.rreq);
          if (request === undefined || !request.whole) return;
          const wrong = progressFault(request, event, at.get(event.rreq));
          at.set(event.rreq, event);
          if (wrong !== null) report(event, wrong, { request });
        },
      },
    };
  },
};

function progressFault(
  request: RequestSeen,
  event: CheckEvent,
  before: CheckEvent | undefined,
): string | null {
  const cleaned = event.cleaned_to as number;
  const next = event.progress_at as number;
  if (cleaned > next || next > request.len) {
    return `cleaned to ${hex(cleaned)} and next at ${hex(next)} of ${hex(request.len)}`;
  }
  if (next !== request.len && next - cleaned < THRESHOLD) {
    return `next at ${hex(next)}, which is less than 256 KiB behind ${hex(cleaned)}`;
  }
  if (before !== undefined && cleaned < (before.cleaned_to as number)) return 'it goes back';
  return null;
}
