/**
 * The front of a line up to the time, `task-pid [cpu] flags seconds:`, as tracefs and trace-cmd
 * print it. Used by ftrace.ts and report.ts; the hot path of every import of text.
 */
import {
  blanksEnd,
  CPU_MAX,
  decimal,
  digitsEnd,
  isDigit,
  scanTask,
  scanTime,
  type TextLine,
} from './line.js';

const BLANK = 32;
const COLON = 58;
const CLOSE = 93;

/** Widest latency flags that are taken for flags. */
const FLAGS_MAX = 16;

/** Skips a column `(-----)` or `( 1234)` that ends at `end`; returns where it begins, or `end`. */
function beforeTgid(line: string, end: number): number {
  let at = end;
  while (line.charCodeAt(at - 1) === BLANK) at--;
  if (line.charCodeAt(at - 1) !== 41) return end;
  const open = line.lastIndexOf('(', at - 1);
  return open > 0 && /^\(\s*(?:-+|\d+)\)$/.test(line.slice(open, at)) ? open : end;
}

/** Reads fronts; one that is like the last is not looked at again. */
export class PrefixScanner {
  /** The last front up to the time, with one blank at its end, and what it said. */
  #prefix = '';
  #comm = '';
  #pid = 0;
  #cpu = 0;
  #flags = '';

  /** The last front that may come again. */
  get prefix(): string {
    return this.#prefix;
  }

  /** Fills `to`; returns where the rest begins, after colon and blank; -1 if it is no front. */
  scan(line: string, to: TextLine): number {
    const { length } = this.#prefix;
    if (length > 0 && line.startsWith(this.#prefix)) {
      const end = scanTime(line, blanksEnd(line, length), to);
      if (end > 0 && line.charCodeAt(end) === COLON && line.charCodeAt(end + 1) === BLANK) {
        to.comm = this.#comm;
        to.pid = this.#pid;
        to.cpu = this.#cpu;
        to.flags = this.#flags;
        return end + 2;
      }
    }
    // A name may hold brackets, so every one is tried.
    for (let open = line.indexOf('['); open >= 0; open = line.indexOf('[', open + 1)) {
      const rest = this.#scanAt(line, open, to);
      if (rest > 0) return rest;
      if (open > 80) break;
    }
    this.#prefix = '';
    return scanLatency(line, to);
  }

  #scanAt(line: string, open: number, to: TextLine): number {
    const close = digitsEnd(line, open + 1);
    if (close === open + 1 || line.charCodeAt(close) !== CLOSE) return -1;
    to.cpu = decimal(line, open + 1, close);
    if (close - open > 6 || to.cpu > CPU_MAX) return -1;
    const flags = blanksEnd(line, close + 1);
    let flagsEnd = flags;
    let end = scanTime(line, flags, to);
    if (end < 0 || line.charCodeAt(end) !== COLON) {
      flagsEnd = line.indexOf(' ', flags);
      if (flagsEnd < 0 || flagsEnd - flags > FLAGS_MAX) return -1;
      end = scanTime(line, blanksEnd(line, flagsEnd), to);
    }
    if (end < 0 || line.charCodeAt(end) !== COLON || line.charCodeAt(end + 1) !== BLANK) return -1;
    if (!scanTask(line, beforeTgid(line, open), to)) return -1;
    to.flags = line.slice(flags, flagsEnd);
    this.#remember(line, to.flags === '' ? close + 1 : flagsEnd, to);
    return end + 2;
  }

  #remember(line: string, end: number, to: TextLine): void {
    // One blank only: how many pad a time depends on its digits.
    this.#prefix = line.slice(0, end + 1);
    this.#comm = to.comm;
    this.#pid = to.pid;
    this.#cpu = to.cpu;
    this.#flags = to.flags;
  }
}

/** The latency format, `task-pid  cpu+flags  seconds:`; returns where the rest begins, or -1. */
function scanLatency(line: string, to: TextLine): number {
  const colon = line.indexOf(': ');
  let from = colon;
  while (from > 0 && (isDigit(line, from - 1) || line.charCodeAt(from - 1) === 46)) from--;
  if (colon < 0 || scanTime(line, from, to) !== colon) return -1;
  return scanPlace(line, from, to) ? colon + 2 : -1;
}

/** Reads `task-pid  cpu+flags` that ends at `end`, blanks behind it aside. */
export function scanPlace(line: string, end: number, to: TextLine): boolean {
  let stop = end;
  while (stop > 0 && line.charCodeAt(stop - 1) === BLANK) stop--;
  const start = line.lastIndexOf(' ', stop - 1) + 1;
  const flags = digitsEnd(line, start);
  if (flags === start || flags - start > 4 || stop - flags > FLAGS_MAX) return false;
  to.cpu = decimal(line, start, flags);
  to.flags = line.slice(flags, stop);
  return to.cpu <= CPU_MAX && scanTask(line, start, to);
}
