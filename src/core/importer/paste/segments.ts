/**
 * Finds in a text what the readers know: lines of a trace, statistics, tables of /proc, kernel
 * messages, mounts; the rest is prose. Lines that were wrapped are joined, text that stands there
 * twice is taken once. Called by app/import/paste.ts.
 */

import { isCookieDump } from '../dmesg/cookies.js';
import { frameOf } from '../dmesg/frames.js';
import { isFailure, isOwnMessage, matchMessage } from '../dmesg/messages.js';
import { isStackOwner } from '../dmesg/read_log.js';
import { isBody, splatOf } from '../dmesg/splats.js';
import { type CleanLine, cleanLine } from './clean_line.js';
import {
  type EventText,
  eventIn,
  isCutFront,
  isDamagedEvent,
  isKnownEvent,
  isWhole,
  REMARK,
} from './event_line.js';
import { MOUNT, MOUNT_LINE } from './mounts.js';
import {
  isDamagedStats,
  isStatsHeading,
  isStatsRest,
  type PlacedStats,
  type StatsCopy,
  statsCopies,
  statsLineOf,
} from './stats_text.js';
import { headingOf, isRow, isRule, type ProcTable, tableOfRow } from './tables.js';

/** What a stretch of lines is. */
export type SegmentKind =
  | 'trace'
  | 'statistics'
  | ProcTable
  | 'messages'
  | 'mount'
  | 'prose'
  | 'damaged';

/** A line and where it stands. */
export interface PlacedLine {
  readonly text: string;
  /** Line of the document, counted from 1. */
  readonly where: number;
}

/** A line of a trace. */
export interface PlacedEvent extends PlacedLine {
  readonly form: EventText['form'];
}

/** What a document holds. */
export interface Segments {
  /** Lines of a trace, without repeats. */
  readonly events: readonly PlacedEvent[];
  /** Lines that repeat an earlier one and were left out. */
  readonly repeats: readonly PlacedLine[];
  readonly stats: readonly StatsCopy[];
  readonly tables: ReadonlyMap<ProcTable, readonly PlacedLine[]>;
  /** Of a table that stands there several times, where each copy begins. */
  readonly tableStarts: ReadonlyMap<ProcTable, readonly number[]>;
  /** Lines of a kernel log, with their log prefixes. */
  readonly messages: readonly PlacedLine[];
  readonly mounts: readonly (readonly PlacedLine[])[];
  /** Lines with the shape of something known that could not be read. */
  readonly damaged: readonly PlacedLine[];
  /** Which lines hold what, in their order; neighbours of one kind are one. */
  readonly account: readonly {
    readonly kind: SegmentKind;
    readonly first: number;
    readonly last: number;
  }[];
  readonly proseLines: number;
  /** A release of the kernel that the prose names, null = none, or several. */
  readonly kernel: string | null;
}

/** Lines that a wrapped one may go on. */
const WRAPS = 4;
/** Width from which a mail program wraps. */
const WRAP_WIDTH = 60;

interface Walk {
  readonly lines: readonly CleanLine[];
  readonly kinds: (SegmentKind | null)[];
  readonly events: (PlacedEvent & { readonly block: number; readonly event: EventText })[];
  readonly stats: PlacedStats[];
  readonly tables: Map<ProcTable, PlacedLine[]>;
  readonly starts: Map<ProcTable, number[]>;
  readonly messages: PlacedLine[];
  readonly mounts: PlacedLine[][];
  readonly damaged: PlacedLine[];
  /** Table whose rows may come. */
  table: ProcTable | null;
  inMount: boolean;
  block: number;
}

/** Takes a document apart. */
export function segmentsOf(lines: readonly string[]): Segments {
  const clean = lines.map((line, i) => cleanLine(line, i + 1));
  const walk: Walk = {
    lines: clean,
    kinds: clean.map(() => null),
    events: [],
    stats: [],
    tables: new Map(),
    starts: new Map(),
    messages: [],
    mounts: [],
    damaged: [],
    table: null,
    inMount: false,
    block: 0,
  };
  for (let i = 0; i < clean.length; ) i += takeLine(walk, i);
  const { kept, repeats } = withoutRepeats(walk.events);
  return {
    events: kept,
    repeats,
    stats: distinctCopies(statsCopies(walk.stats)),
    tables: walk.tables,
    tableStarts: walk.starts,
    messages: distinctMessages(walk.messages, walk.lines),
    mounts: walk.mounts,
    damaged: walk.damaged,
    account: accountOf(walk),
    proseLines: walk.kinds.filter((kind, i) => kind === 'prose' && clean[i]?.text.trim() !== '')
      .length,
    kernel: kernelNamed(walk),
  };
}

/** Takes the line at `i` and those that go on in it; returns how many. */
function takeLine(walk: Walk, i: number): number {
  const line = walk.lines[i] as CleanLine;
  const { bare } = line;
  if (bare === '' || /^(?:```|~~~|\{code|\{noformat|--+$|\.\.\.$)/.test(bare)) return 1;
  return (
    takeTable(walk, i) ||
    takeMount(walk, i) ||
    takeStats(walk, i) ||
    takeEvent(walk, i) ||
    takeMessage(walk, i) ||
    takeDamaged(walk, i) ||
    takeProse(walk, i)
  );
}

function mark(walk: Walk, i: number, count: number, kind: SegmentKind): number {
  for (let at = i; at < i + count; at++) walk.kinds[at] = kind;
  if (kind !== 'mount') walk.inMount = false;
  return count;
}

function takeTable(walk: Walk, i: number): number {
  const { bare, where } = walk.lines[i] as CleanLine;
  const heading = headingOf(bare);
  if (heading !== null) {
    walk.table = heading;
    walk.starts.set(heading, [...(walk.starts.get(heading) ?? []), where]);
    if (!walk.tables.has(heading)) walk.tables.set(heading, []);
    return mark(walk, i, 1, heading);
  }
  if (walk.table !== null && isRule(bare)) return mark(walk, i, 1, walk.table);
  const table = walk.table !== null && isRow(walk.table, bare) ? walk.table : tableOfRow(bare);
  if (table === null) {
    return 0;
  }
  // A row that was wrapped has its last column in the next line.
  const next = walk.lines[i + 1]?.bare ?? '';
  const goesOn = table === 'requests' && isRow(table, `${bare} ${next}`) && !isRow(table, next);
  const text = goesOn ? `${bare} ${next}` : bare;
  const rows = walk.tables.get(table) ?? [];
  rows.push({ text: text.trim(), where });
  walk.tables.set(table, rows);
  return mark(walk, i, goesOn ? 2 : 1, table);
}

function takeMount(walk: Walk, i: number): number {
  const { text, bare, where } = walk.lines[i] as CleanLine;
  if (MOUNT.test(bare)) {
    walk.mounts.push([{ text: bare, where }]);
    mark(walk, i, 1, 'mount');
    walk.inMount = true;
    return 1;
  }
  if (!walk.inMount || !(MOUNT_LINE.test(text) || MOUNT_LINE.test(` ${bare}`))) return 0;
  walk.mounts.at(-1)?.push({ text: bare, where });
  return mark(walk, i, 1, 'mount');
}

function takeStats(walk: Walk, i: number): number {
  const { text, bare, where, quoted } = walk.lines[i] as CleanLine;
  if (isStatsHeading(bare)) return mark(walk, i, 1, 'statistics');
  if (!bare.includes('=') || !/\d/.test(bare)) return 0;
  if (eventIn(text) !== null) return 0;
  let whole = text;
  let count = 1;
  if (statsLineOf(whole) === null) return 0;
  while (count < WRAPS && isStatsRest(walk.lines[i + count]?.bare ?? '')) {
    whole += ` ${walk.lines[i + count]?.bare.trim()}`;
    count++;
  }
  const line = statsLineOf(whole);
  if (line === null) return 0;
  walk.stats.push({ line, where, quoted, apart: walk.kinds[i - 1] !== 'statistics' });
  walk.table = null;
  return mark(walk, i, count, 'statistics');
}

function takeEvent(walk: Walk, i: number): number {
  const { where } = walk.lines[i] as CleanLine;
  const found = eventAt(walk, i);
  if (found === null) return 0;
  const { event, text, count } = found;
  walk.events.push({ text, where, form: event.form, block: walk.block, event });
  walk.table = null;
  mark(walk, i, count, 'trace');
  return count + framesBehind(walk, i + count);
}

/** The event that begins in a line, with as many lines as it needs. */
function eventAt(walk: Walk, i: number): { event: EventText; text: string; count: number } | null {
  const textAt = (at: number) => walk.lines[at]?.text ?? '';
  let text = textAt(i);
  let event = eventIn(text);
  let count = 1;
  if (event === null) {
    const next = textAt(i + 1);
    if (!isCutFront(text) || next.trim() === '') return null;
    text = `${text} ${next.trimStart()}`;
    event = eventIn(text);
    if (event === null) return null;
    count = 2;
  }
  if (isWhole(event)) return { event, text, count };
  const remark = text.replace(REMARK, '');
  const plain = remark === text ? null : eventIn(remark);
  if (plain !== null && isWhole(plain)) return { event: plain, text: remark, count };
  let longer = text;
  for (let more = count; more < count + WRAPS && isKnownEvent(event.name); more++) {
    const next = textAt(i + more);
    if (next.trim() === '' || eventIn(next)?.form === 'front') break;
    longer = `${longer.trimEnd()} ${next.trim()}`;
    const joined = eventIn(longer);
    if (joined !== null && isWhole(joined)) return { event: joined, text: longer, count: more + 1 };
  }
  return { event, text, count };
}

/** The call chain that perf prints below an event. */
function framesBehind(walk: Walk, from: number): number {
  let count = 0;
  while (/^\s+[0-9a-f]{4,16} \S/.test(walk.lines[from + count]?.text ?? '')) count++;
  mark(walk, from, count, 'trace');
  return count;
}

function takeMessage(walk: Walk, i: number): number {
  const line = walk.lines[i] as CleanLine;
  // The line above a stack says whose it is.
  const heads = /^\[<0>\] /.test(walk.lines[i + 1]?.bare ?? '') && isStackOwner(line.bare);
  if (!heads && !isMessage(line) && !(isBehindMessage(walk, i) && isPart(line))) return 0;
  if (heads) {
    walk.messages.push({ text: line.raw, where: line.where });
    return mark(walk, i, 1, 'messages');
  }
  let text = line.raw;
  let count = 1;
  while (count < WRAPS && isWrapped(walk, i + count - 1)) {
    text += ` ${walk.lines[i + count]?.bare.trim()}`;
    count++;
  }
  walk.messages.push({ text, where: line.where });
  walk.table = null;
  return mark(walk, i, count, 'messages');
}

/** True if a message stands before the line, blank lines aside. */
function isBehindMessage({ kinds, lines }: Walk, i: number): boolean {
  for (let at = i - 1; at >= 0 && at >= i - 4; at--) {
    if (kinds[at] === 'messages') return true;
    if (!/^(?:\.\.\.)?$/.test(lines[at]?.bare.trim() ?? '')) return false;
  }
  return false;
}

/** A line that says something only behind others. */
function isPart({ bare }: CleanLine): boolean {
  return isBody(bare) || matchMessage(bare, true) !== null;
}

function isMessage({ bare, stamped, text }: CleanLine): boolean {
  if (stamped) return true;
  if (/^-+\[ cut here \]-+|^---\[ end trace/.test(bare)) return true;
  if (isOwnMessage(bare) || isCookieDump(bare) || frameOf(bare) !== null) return true;
  if (
    /^(?:Call Trace:|<\/?(?:TASK|IRQ|NMI)>|RIP: |CPU: \d|Workqueue: |Hardware name: |task:|Tainted: )/.test(
      bare,
    )
  )
    return true;
  if (splatOf(bare, 0, '') !== null || isFailure(bare)) return true;
  return !/^\s*[-*] /.test(text) && matchMessage(bare) !== null;
}

/** True if the next line is the rest of the one at `i`, which a mail program wrapped. */
function isWrapped(walk: Walk, i: number): boolean {
  const line = walk.lines[i] as CleanLine;
  const next = walk.lines[i + 1];
  if (next !== undefined && (isPart(next) || /^(?:```|~~~)/.test(next.bare))) return false;
  if (next === undefined || next.bare.trim() === '' || next.logged || isMessage(next)) return false;
  if (next.quoted !== line.quoted || eventIn(next.text) !== null || headingOf(next.bare) !== null)
    return false;
  if (statsLineOf(next.text) !== null) return false;
  if (
    /:$/.test(line.bare) &&
    /^(?:netfs|FS-Cache|CacheFiles|kernel|INFO|BUG|WARNING|watchdog):?$/.test(line.bare)
  )
    return true;
  const [word = ''] = next.bare.trim().split(/\s/, 1);
  return line.width + 1 + word.length > WRAP_WIDTH && line.width <= 100;
}

function takeDamaged(walk: Walk, i: number): number {
  const { text, bare, where } = walk.lines[i] as CleanLine;
  if (!isDamagedEvent(text) && !isDamagedStats(bare)) return 0;
  walk.damaged.push({ text: text.trim(), where });
  return mark(walk, i, 1, 'damaged');
}

function takeProse(walk: Walk, i: number): number {
  walk.table = null;
  walk.block++;
  return mark(walk, i, 1, 'prose');
}

type WalkedEvent = Walk['events'][number];

/**
 * Leaves out what stands there twice. With times, the same line is the same event. Without, a block
 * behind prose that repeats earlier lines in their order is a quotation; within a block equal lines
 * are events of their own.
 */
function withoutRepeats(events: readonly WalkedEvent[]): {
  kept: PlacedEvent[];
  repeats: PlacedLine[];
} {
  const kept: WalkedEvent[] = [];
  const repeats: PlacedLine[] = [];
  const timed = new Map<string, number>();
  const places = new Map<string, number[]>();
  for (let from = 0; from < events.length; ) {
    const { block } = events[from] as WalkedEvent;
    let to = from;
    while (events[to]?.block === block) to++;
    const piece = events.slice(from, to);
    const quotation = from > 0 && isQuotation(piece, places);
    for (const each of piece) {
      const line = each.text.trim().replaceAll(/\s+/g, ' ');
      const again = timeOf(each) !== '' && (timed.get(line) ?? block) !== block;
      if (quotation || again) {
        repeats.push({ text: each.text, where: each.where });
        continue;
      }
      if (!timed.has(line)) timed.set(line, block);
      const key = keyOf(each);
      places.set(key, [...(places.get(key) ?? []).slice(-64), kept.length]);
      kept.push(each);
    }
    from = to;
  }
  return { kept: kept.map(({ text, where, form }) => ({ text, where, form })), repeats };
}

/** True if all lines of a piece, none of them with a time, stand earlier in this order. */
function isQuotation(
  piece: readonly WalkedEvent[],
  places: ReadonlyMap<string, readonly number[]>,
): boolean {
  let after = -1;
  for (const each of piece) {
    if (timeOf(each) !== '') return false;
    const at = places.get(keyOf(each))?.find((place) => place > after);
    if (at === undefined) return false;
    after = at;
  }
  return true;
}

function keyOf({ event }: WalkedEvent): string {
  return `${event.name} ${event.text.trim().replaceAll(/\s+/g, ' ')}`;
}

/** The time in the front of an event, '' where there is none. */
function timeOf({ text, event }: WalkedEvent): string {
  return (
    /(\d+\.\d{3,9}):?\s*(?:[\w-]+:)?$|(\d+us)[ !#+*@$&]?: ?$/.exec(
      text.slice(0, event.at + 1).trimEnd(),
    )?.[0] ?? ''
  );
}

/** A copy that is quoted again says nothing new. */
function distinctCopies(copies: readonly StatsCopy[]): StatsCopy[] {
  const seen = new Set<string>();
  return copies.filter(({ entries, quoted }) => {
    const id = entries.map(({ label, key, value }) => `${label} ${key}=${value}`).join(' ');
    if (seen.has(id) && quoted > 0) return false;
    seen.add(id);
    return true;
  });
}

/** The same line with the same time, quoted again, was printed once. */
function distinctMessages(
  messages: readonly PlacedLine[],
  lines: readonly CleanLine[],
): PlacedLine[] {
  const seen = new Set<string>();
  return messages.filter(({ text, where }) => {
    const { stamped, quoted } = lines[where - 1] as CleanLine;
    if (!stamped) return true;
    if (seen.has(text) && quoted > 0) return false;
    seen.add(text);
    return true;
  });
}

function accountOf({ kinds }: Walk): Segments['account'] {
  const account: { kind: SegmentKind; first: number; last: number }[] = [];
  for (const [i, kind] of kinds.entries()) {
    if (kind === null) continue;
    const last = account.at(-1);
    if (last?.kind === kind) last.last = i + 1;
    else account.push({ kind, first: i + 1, last: i + 1 });
  }
  return account;
}

const RELEASE =
  /\b(?:kernel|linux|v|uname -r:?|version|on|running)[ :-]{0,3}v?(\d\.\d{1,2}(?:\.\d{1,3})?(?:-[\w.+~-]{1,40})?)\b/gi;

/** The release that the prose speaks of, if it is one. */
function kernelNamed({ lines, kinds }: Walk): string | null {
  const named = new Set<string>();
  for (const [i, kind] of kinds.entries()) {
    if (kind !== 'prose') continue;
    for (const [, release = ''] of (lines[i]?.text.slice(0, 400) ?? '').matchAll(RELEASE)) {
      if (/^[4-9]\./.test(release)) named.add(release);
    }
    if (named.size > 1) return null;
  }
  return [...named][0] ?? null;
}
