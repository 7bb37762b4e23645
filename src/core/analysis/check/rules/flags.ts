/**
 * Rules about the flag words of requests and slices: what they say agrees with what was seen.
 * Called through the registry in index.ts.
 */
import type { Era } from '../../../trace/eras.js';
import { flagMask, flagNames } from '../../../trace/flag_bits.js';
import { coveredTo, rangeOf } from '../coverage.js';
import { collectorEra, lawsOf, type SideLaws, sideLaws } from '../laws.js';
import type { CheckEvent, Hooks, RequestSeen, Rule, SliceSeen } from '../types.js';
import { watchFailed, watchQueued, watchRequestFlags, watchSliceFlags } from './collected_flags.js';
import { watchCopies } from './collected_folios.js';
import { classicEra, lawfulEra, NO_LAW, storingEra } from './eras.js';

/** Masks by the list of names they are made of, for each era. */
const masks = new WeakMap<readonly string[], Map<Era, number>>();

/** The bits of flags by name; lists are constants, so each is looked up once. */
function mask(era: Era, set: 'rreq' | 'sreq', names: readonly string[]): number {
  let known = masks.get(names);
  if (known === undefined) {
    known = new Map();
    masks.set(names, known);
  }
  let bits = known.get(era);
  if (bits === undefined) {
    bits = names.reduce((sum, name) => (sum | flagMask(era, set, name)) >>> 0, 0);
    known.set(era, bits);
  }
  return bits;
}

function named(era: Era, set: 'rreq' | 'sreq', bits: number): string {
  return flagNames(era, set, bits).join(' ');
}

const progress: Rule = {
  id: 'flags-in-progress',
  severity: 'error',
  doc: 'A request says IN_PROGRESS until its readers may go on, and no longer.',
  explanation: 'Whoever waits for the request waits too long, or goes on too early.',
  known: null,
  needs: ['netfs_rreq'],
  sure: true,
  holds: lawfulEra,
  elsewhere: NO_LAW,
  watch(world, report) {
    const bit = flagMask(world.era, 'rreq', 'IN_PROGRESS');
    const queued: Hooks = collectorEra(world.era) ? watchQueued(world, report) : {};
    return {
      step(request, event) {
        queued.step?.(request, event);
        const laws = sideLaws(world.era, request);
        if (laws === null) return;
        const on = (event.flags & bit) !== 0;
        // A request that never got as far as a slice is freed as it was.
        if (event.step === 'free' && ['begun', 'new'].includes(request.step)) return;
        if (!on && laws.inProgress.includes(event.step)) {
          report(event, `${event.what} without IN_PROGRESS`, { request });
        } else if (on && laws.ended.includes(event.step)) {
          report(event, `${event.what} with IN_PROGRESS`, { request });
        }
      },
    };
  },
};

const requestFlags: Rule = {
  id: 'flags-of-request',
  severity: 'error',
  doc: 'The flags of a request that describe it stay as they are; the others change in turn.',
  explanation: 'A flag word was changed by somebody whose business it is not.',
  known: null,
  needs: ['netfs_rreq'],
  holds: lawfulEra,
  elsewhere: NO_LAW,
  watch(world, report) {
    if (collectorEra(world.era)) return watchRequestFlags(world, report);
    return {
      step(request, event) {
        const laws = sideLaws(world.era, request);
        if (laws === null || request.step === 'begun' || request.step === 'new') return;
        const fixed = fixedBits(world.era, laws, request, event);
        const changed = ((request.flags ^ event.flags) & fixed) >>> 0;
        if (changed === 0) return;
        report(event, `${named(world.era, 'rreq', changed)} changed at ${event.what}`, {
          request,
          with: [request.last.id],
        });
      },
    };
  },
};

/** The bits that may not change between the last step and this one. */
function fixedBits(era: Era, laws: SideLaws, request: RequestSeen, event: CheckEvent): number {
  const changing = mask(era, 'rreq', laws.changing);
  const over = laws.ended.includes(request.step) || laws.ended.includes(event.step);
  // From the end of reading on only IN_PROGRESS is taken away.
  const free = over ? mask(era, 'rreq', AT_END) : changing;
  return ~free >>> 0;
}

const failedFlag: Rule = {
  id: 'flags-failed',
  severity: 'error',
  doc: 'A request is FAILED exactly when a slice ended with an error that nothing made good.',
  explanation:
    'FAILED too many: data that came is thrown away. FAILED too few: readers get data that never came.',
  known: null,
  needs: ['netfs_rreq', 'netfs_sreq'],
  holds: lawfulEra,
  elsewhere: NO_LAW,
  watch(world, report) {
    if (collectorEra(world.era)) return watchFailed(world, report);
    const bit = flagMask(world.era, 'rreq', 'FAILED');
    return {
      step(request, event) {
        if (!request.whole || request.slices.size === 0 || request.side === 'write') return;
        // A direct read that comes to the end of the file fails without an error (v6.10).
        if (request.kind === 'dio_read') return;
        if (!['assess', 'unlock', 'wake_ip', 'done', 'free'].includes(event.step)) return;
        const failed = (event.flags & bit) !== 0;
        const slices = [...request.slices.values()];
        const lost = slices.some(({ error, source }) => error < 0 && source !== 'read');
        const invalid = slices.some(({ source }) => source === 'invalid');
        const where = { request, with: slices.filter(({ error }) => error < 0).map(lastOf) };
        if (failed && !lost && !invalid) report(event, 'FAILED, and no slice failed', where);
        if (!failed && lost) report(event, 'a slice failed, and it is not FAILED', where);
      },
    };
  },
};

const lastOf = ({ last }: SliceSeen): number => last;

const copyFlag: Rule = {
  id: 'flags-copy',
  severity: 'error',
  doc: 'A request or folio is to be stored exactly when a slice of it is, and then it is stored.',
  explanation:
    'PG_fscache is set by this flag at UNLOCK and taken away after the store: a page may stay marked for ever, or be written while it is stored.',
  known: null,
  needs: ['netfs_rreq', 'netfs_sreq'],
  collectorNeeds: ['netfs_folio', 'netfs_read'],
  holds: (era) => storingEra(era) || collectorEra(era),
  elsewhere: 'in v6.10 to v6.12 neither a request nor a folio says whether it is stored',
  watch(world, report) {
    if (collectorEra(world.era)) return watchCopies(world, report);
    const copy = mask(world.era, 'rreq', ['WRITE_TO_CACHE', 'COPY_TO_CACHE']);
    const failed = flagMask(world.era, 'rreq', 'FAILED');
    const store = mask(world.era, 'sreq', ['WRITE_TO_CACHE', 'COPY_TO_CACHE']);
    return {
      step(request, event) {
        if (!request.whole || request.step === 'new') return;
        const says = (event.flags & copy) !== 0;
        if (event.step === 'done' && request.step !== 'write' && request.step !== 'unmark') {
          if (says) report(event, 'DONE with a store outstanding', { request });
        }
        if (event.step !== 'unlock') return;
        const slices = [...request.slices.values()];
        const any = slices.some(({ flags, error }) => (flags & store) !== 0 && error === 0);
        const expected = any && (event.flags & failed) === 0;
        if (says === expected) return;
        // A slice whose last page nobody completed is not stored; then neither is the request.
        if (!says && (slices.some(({ source }) => source === 'invalid') || torn(request))) return;
        report(event, `says storing ${says}, its slices say ${expected}`, { request });
      },
      slice(request, slice, event) {
        if (event.step !== 'free' || slice.step !== 'terminated' || !request.whole) return;
        if (request.step !== 'done' || (slice.flags & store) === 0 || slice.error < 0) return;
        if ((event.flags & store) === 0 || torn(request)) return;
        report(event, 'was to be stored, and neither was nor was refused', {
          request,
          slice: event.index,
        });
      },
    };
  },
};

/** True if memory was short, so that slices do not cover the request. */
function torn(request: RequestSeen): boolean {
  return coveredTo(request) < rangeOf(request)[1];
}

const incompleteFlag: Rule = {
  id: 'flags-incomplete',
  severity: 'error',
  doc: 'A request is INCOMPLETE_IO at ASSESS exactly when a slice was short or its cache read failed.',
  explanation: 'Slices that must be read again are not, or good ones are.',
  known: null,
  needs: ['netfs_rreq', 'netfs_sreq'],
  holds: classicEra,
  elsewhere: 'no request has INCOMPLETE_IO since v6.12: slices are judged one by one',
  watch(world, report) {
    const bit = flagMask(world.era, 'rreq', 'INCOMPLETE_IO');
    const short = mask(world.era, 'sreq', ['SHORT_READ', 'SHORT_IO']);
    return {
      step(request, event) {
        if (!request.whole || request.step !== 'begun' || event.step !== 'assess') return;
        const slices = [...request.slices.values()];
        const any = slices.some(
          ({ error, source, flags }) => (error < 0 && source === 'read') || (flags & short) !== 0,
        );
        const says = (event.flags & bit) !== 0;
        if (says !== any) report(event, `says incomplete ${says}, slices say ${any}`, { request });
      },
    };
  },
};

/** Bits of a slice that are added on the way, and by whom. */
const ADDED: readonly string[] = [
  ...['CLEAR_TAIL', 'SHORT_READ', 'SHORT_IO', 'NO_PROGRESS', 'SEEK_DATA_READ', 'HIT_EOF'],
  ...['IN_PROGRESS', 'NEED_RETRY', 'RETRYING', 'FAILED', 'MADE_PROGRESS', 'BOUNDARY'],
];

const sliceFlags: Rule = {
  id: 'flags-of-slice',
  severity: 'error',
  doc: 'The flags of a slice change only where its reading or its end changes them.',
  explanation: 'A slice is stored, cleared or retried that should not be, or the other way round.',
  known: null,
  needs: ['netfs_sreq'],
  holds: lawfulEra,
  elsewhere: NO_LAW,
  watch(world, report) {
    const { era } = world;
    if (collectorEra(era)) return watchSliceFlags(world, report);
    const inTurn = lawsOf(era)?.slicing === 'in turn';
    return {
      slice(request, slice, event) {
        const allowed = inTurn
          ? allowedInTurn(era, slice, event)
          : allowedProgressive(era, slice, event);
        const before = slice.step === 'new' ? 0 : slice.flags;
        const changed = ((before ^ event.flags) & ~allowed) >>> 0;
        if (changed === 0) return;
        const what = named(era, 'sreq', changed);
        report(event, `${what} changed at ${event.what}`, {
          request,
          slice: event.index,
          with: slice.step === 'new' ? [] : [slice.last],
        });
      },
    };
  },
};

/** Flags that change at the end of a request, at a second try, and while a slice is under way. */
const AT_END = ['IN_PROGRESS', 'ALL_QUEUED'];
const AGAIN = ['SHORT_READ', 'SHORT_IO', 'SEEK_DATA_READ', 'NO_PROGRESS'];
const UNDER_WAY = ['IN_PROGRESS'];
const STORED = ['WRITE_TO_CACHE', 'COPY_TO_CACHE'];

function allowedInTurn(era: Era, slice: SliceSeen, event: CheckEvent): number {
  if (slice.step === 'new') {
    if (event.step !== 'prepare') return ~0;
    return event.from === 'read' || event.from === 'zero' ? 0 : mask(era, 'sreq', STORED);
  }
  switch (event.step) {
    case 'terminated':
      return mask(era, 'sreq', ADDED);
    case 'resubmit_short':
    case 'download_instead':
      return mask(era, 'sreq', AGAIN);
    case 'free':
      // A request that failed stores nothing: the bit is taken from all its slices.
      return slice.step === 'terminated' ? mask(era, 'sreq', STORED) : 0;
    default:
      return 0;
  }
}

function allowedProgressive(era: Era, slice: SliceSeen, event: CheckEvent): number {
  const added = mask(era, 'sreq', ADDED) & ~slice.flags;
  if (slice.step === 'new' && event.step !== 'added' && event.step !== 'prepare') return ~0;
  switch (event.step) {
    case 'added':
      return 0;
    case 'free':
      return mask(era, 'sreq', UNDER_WAY);
    case 'retry':
    case 'short':
      return mask(era, 'sreq', ADDED);
    default:
      return added | (slice.step === 'added' ? mask(era, 'sreq', STORED) : 0);
  }
}

/** The rules about flags. */
export const FLAG_RULES = {
  'flags-in-progress': progress,
  'flags-of-request': requestFlags,
  'flags-failed': failedFlag,
  'flags-copy': copyFlag,
  'flags-incomplete': incompleteFlag,
  'flags-of-slice': sliceFlags,
} as const satisfies Record<string, Rule>;
