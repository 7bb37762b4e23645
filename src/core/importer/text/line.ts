/**
 * What the forms of text have in common: a line taken apart, and the small scanners for it. Used by
 * ftrace.ts, oops.ts, report.ts, perf.ts and bare.ts on every line, so nothing here is a regular
 * expression over whole lines.
 */

import type { EventHead } from '../types.js';

/** A line taken apart; filled by a `LineFormat`, reused for every line. */
export class TextLine implements EventHead {
  /** Nanoseconds since the origin; set by the reader, of `seconds` and `nanoseconds`. */
  ns = 0;
  comm = '';
  pid = 0;
  cpu = 0;
  flags = '';
  /** Time of the trace clock. */
  seconds = 0;
  nanoseconds = 0;
  /** The line has a time. */
  timed = true;
  /** Trace system where the form prints it. */
  system = '';
  event = '';
  text = '';
}

/** Processors are stored in 12 bits. */
export const CPU_MAX = 4095;

const DIGIT_0 = 48;

/** True for a decimal digit at `at`. */
export function isDigit(line: string, at: number): boolean {
  const code = line.charCodeAt(at) - DIGIT_0;
  return code >= 0 && code <= 9;
}

/** Where the decimal digits at `from` end; `from` itself where there are none. */
export function digitsEnd(line: string, from: number): number {
  let at = from;
  while (isDigit(line, at)) at++;
  return at;
}

/** Where the blanks at `from` end. */
export function blanksEnd(line: string, from: number): number {
  let at = from;
  while (line.charCodeAt(at) === 32 || line.charCodeAt(at) === 9) at++;
  return at;
}

/** The number of the decimal digits in [from, to). */
export function decimal(line: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 10 + line.charCodeAt(at) - DIGIT_0;
  return value;
}

/** Takes the lines of one form apart. */
export interface LineFormat {
  /** Fills `to` from the line of an event; false if it is none, and `to` is then undefined. */
  parse(line: string, to: TextLine): boolean;
  /**
   * What stood before the time, and the blanks in front of that, in the last line that was parsed:
   * lines that begin so have the same task, processor and flags, then `time: event: text`. Absent
   * or '' where that cannot be told.
   */
  readonly prefix?: string;
}

/** Most digits of a number of seconds; 11 reach the year 5138. */
const SECONDS_DIGITS = 11;
const NS_PER_DIGITS = [0, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 100, 10, 1];

/**
 * Reads `seconds.fraction` at `from`, or whole nanoseconds as clocks that count something print
 * them; returns its end, -1 where there is none.
 */
export function scanTime(line: string, from: number, to: TextLine): number {
  const dot = digitsEnd(line, from);
  if (dot === from) return -1;
  if (line.charCodeAt(dot) !== 46) return scanCount(line, from, dot, to);
  if (dot - from > SECONDS_DIGITS) return -1;
  const end = digitsEnd(line, dot + 1);
  const digits = end - dot - 1;
  if (digits < 1 || digits > 9) return -1;
  to.seconds = decimal(line, from, dot);
  to.nanoseconds = decimal(line, dot + 1, end) * (NS_PER_DIGITS[digits] as number);
  return end;
}

function scanCount(line: string, from: number, end: number, to: TextLine): number {
  if (end - from > SECONDS_DIGITS + 9) return -1;
  const split = Math.max(from, end - 9);
  to.seconds = decimal(line, from, split);
  to.nanoseconds = decimal(line, split, end);
  return end;
}

/** Reads `event: text` (the text may be empty) from `from` to the end of the line. */
export function scanEvent(line: string, from: number, to: TextLine): boolean {
  if (line.startsWith('sys_', from) && scanSystemCall(line, from, to)) return true;
  const colon = line.indexOf(':', from);
  if (colon <= from || colon - from > 128) return false;
  for (let at = from; at < colon; at++) {
    const code = line.charCodeAt(at);
    // A name is one word: nothing that a terminal or a page would take for something else.
    if (code <= 32 || code >= 127) return false;
  }
  const after = line.charCodeAt(colon + 1);
  if (!(after === 32 || Number.isNaN(after))) return false;
  to.event = line.slice(from, colon);
  to.text = line.slice(colon + 2);
  return true;
}

/**
 * Reads `sys_read(fd: 3, ...)` or `sys_read -> 0x10`, as the kernel prints the events
 * sys_enter_read and sys_exit_read; false for anything else.
 */
function scanSystemCall(line: string, from: number, to: TextLine): boolean {
  const match = /^sys_(\w+)(?:\((.*)\)| -> (\S+))\s*$/.exec(line.slice(from));
  if (match === null) return false;
  const [, call = '', args, result = ''] = match;
  to.event = args === undefined ? `sys_exit_${call}` : `sys_enter_${call}`;
  to.text = args ?? result;
  return true;
}

/** A name in [from, to), without a mark that somebody put in front of the line: `=>`, `>>>`. */
function withoutMark(line: string, from: number, to: number): string {
  const name = line.slice(from, to);
  return MARKS.has(line.charCodeAt(from)) ? name.replace(/^(?:=+>|-+>|>{2,}|\*+)\s+/, '') : name;
}

/** What marks begin with: = - > * */
const MARKS: ReadonlySet<number> = new Set([61, 45, 62, 42]);

/** Reads `comm-pid` that ends at `end`: the last dash before digits; false where there is none. */
export function scanTask(line: string, end: number, to: TextLine): boolean {
  let at = end;
  while (at > 0 && line.charCodeAt(at - 1) === 32) at--;
  const stop = at;
  while (at > 0 && isDigit(line, at - 1)) at--;
  if (at === stop || stop - at > 10 || line.charCodeAt(at - 1) !== 45) return false;
  to.pid = decimal(line, at, stop);
  let from = blanksEnd(line, 0);
  // A name of nothing, or of blanks only, is still a name.
  if (from > at - 1) from = at - 1;
  to.comm = withoutMark(line, from, at - 1);
  return true;
}
