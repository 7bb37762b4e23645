/**
 * Which events are compared and what of each: one row per tracepoint. Called by read.ts. Left out
 * everywhere: times, inode numbers, addresses, process ids; numbers of objects are replaced by the
 * order in which they appear.
 */
import type { EventRow, Part, Role, Where } from './types.js';

/** How one tracepoint takes part. */
export interface ComparedEvent {
  readonly part: Part;
  /** What of it is compared, as text. */
  text(row: EventRow, names: Names): string;
  /** The slice it is about. */
  slice?(row: EventRow): number;
  role(row: EventRow, where: Where): Role;
  /** Where it ran is compared too: nothing but the kernel's design decides it. */
  placed(row: EventRow): boolean;
}

/** Names of objects by their numbers in the trace. */
export interface Names {
  cookie(number: unknown): string;
  object(number: unknown): string;
}

const hex = (value: unknown): string =>
  typeof value === 'number' ? value.toString(16) : String(value ?? '-');
const flags = (row: EventRow): string => `f=${hex(row.flags).padStart(2, '0')}`;
const extent = (row: EventRow): string =>
  `s=${hex(row.start)} ${hex(row.transferred)}/${hex(row.len)}`;
const indexOf = (row: EventRow): number => (typeof row.index === 'number' ? row.index : -1);

const SLICE_ROLES: Readonly<Record<string, Role>> = {
  PREP: 'issue',
  SUBMT: 'issue',
  WRITE: 'store',
  SKIP: 'store',
  WTERM: 'stored',
  FREE: 'free',
};

/** Slice events whose place is decided by who happened to be last. */
const UNPLACED = new Set(['FREE', 'RDOWN', 'SHORT', 'SKIP']);

/** A cache read ends where it is, or in an interrupt when the disk is done. */
const diskEnds = (what: unknown, source: unknown): boolean => what === 'TERM' && source === 'READ';

/** An end in the issuing task is part of its course; anywhere else it comes when it comes. */
function endRole(where: Where): Role {
  return where === 'task' ? 'issue' : 'ended';
}

const STORE_FAILURES = new Set(['copy-to-cache', 'prep-write']);

/** The tracepoints that are compared. */
export const COMPARED: Readonly<Record<string, ComparedEvent>> = {
  netfs_read: {
    part: 'b-requests',
    text: (row, { cookie }) =>
      `read ${row.what} ${cookie(row.cookie)} s=${hex(row.start)} ${hex(row.len)}`,
    role: () => 'phase',
    placed: () => true,
  },
  netfs_rreq: {
    part: 'c-request',
    text: (row) => ['rreq', row.origin, row.what, flags(row)].filter(Boolean).join(' '),
    role: () => 'phase',
    placed: ({ what }) => what === 'COPY',
  },
  netfs_sreq: {
    part: 'c-request',
    text: (row) =>
      `sreq[${row.index}] ${row.source} ${row.what} ${flags(row)} ${extent(row)} e=${row.error}`,
    slice: indexOf,
    role: ({ what }, where) =>
      what === 'TERM' ? endRole(where) : (SLICE_ROLES[String(what)] ?? 'phase'),
    placed: ({ what, source }) => !UNPLACED.has(String(what)) && !diskEnds(what, source),
  },
  netfs_failure: {
    part: 'c-request',
    text: (row) =>
      `failure[${row.index}] ${row.source} ${flags(row)} ${extent(row)} ${row.what} e=${row.error}`,
    slice: indexOf,
    role: ({ what }, where) =>
      STORE_FAILURES.has(String(what))
        ? what === 'prep-write'
          ? 'store'
          : 'stored'
        : endRole(where),
    placed: ({ what, source }) => source !== 'READ' || STORE_FAILURES.has(String(what)),
  },
  cachefiles_prep_read: {
    part: 'd-cache',
    text: (row) =>
      `prep_read[${row.index}] ${row.source} ${row.why} ${flags(row)} ` +
      `s=${hex(row.start)} ${hex(row.len)}`,
    slice: indexOf,
    role: () => 'issue',
    placed: () => true,
  },
  cachefiles_read: {
    part: 'd-cache',
    text: (row, { object }) =>
      `cache read ${object(row.obj)} s=${hex(row.start)} l=${hex(row.len)}`,
    role: () => 'issue',
    placed: () => true,
  },
  cachefiles_write: {
    part: 'd-cache',
    text: (row, { object }) =>
      `cache write ${object(row.obj)} s=${hex(row.start)} l=${hex(row.len)}`,
    role: () => 'store',
    placed: () => true,
  },
};

/** Where an event ran. */
export function whereOf({ comm, common_flags }: EventRow): Where {
  // The third latency flag tells the interrupt: h hard, s soft, H both, Z and z NMI.
  if (/^..[hsHZz]/.test(common_flags)) return 'irq';
  return comm.startsWith('kworker/') ? 'worker' : 'task';
}

const SECTIONS: readonly (readonly [pattern: RegExp, section: string])[] = [
  [/^read READAHEAD/, '2, 3.2, 6.5'],
  [/^read READPAGE/, '3.3'],
  [/^read WRITEBEGN/, '3.4, 3.6'],
  [/^prep_read/, '4.3, 6.4'],
  [/^cache (read|write)/, '4.4, 4.5, 6.4'],
  [/^sreq\S* \S+ (PREP|SUBMT)/, '3.5, 6.3'],
  [/^sreq\S* \S+ (TERM|SHORT|RDOWN)/, '3.7, 3.8'],
  [/^sreq\S* \S+ (WRITE|WTERM|SKIP)/, '3.10'],
  [/^sreq\S* \S+ FREE/, '3.11'],
  [/^failure/, '3.7, 3.10'],
  [/^rreq (\S+ )?(ASSESS|RESUBMT)/, '3.8'],
  [/^rreq (\S+ )?UNLOCK/, '3.9'],
  [/^rreq (\S+ )?(COPY|UNMARK)/, '3.10'],
  [/^rreq/, '3.11'],
  [/^ref /, '6.2'],
];

/** The section of BEHAVIOUR.md that an event, as text, is about. */
export function sectionOf(text: string | null): string {
  return SECTIONS.find(([pattern]) => pattern.test(text ?? ''))?.[1] ?? '3';
}
