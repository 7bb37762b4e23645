/**
 * The text of tracefs: `trace`, `trace_pipe`, `trace-cmd show`.
 *
 *     kops-135     [000] .....     7.791543: netfs_read: R=00000001 ...
 *
 * With or without a TGID column, with latency flags of any width or none.
 */
import { textImporter } from './text.js';
import { blanksEnd, CPU_MAX, decimal, digitsEnd, scanEvent, scanTask, scanTime } from './text_line.js';
import type { TextLine } from './text_line.js';

/** Where `[CPU]` stands in a line; reused. */
interface Place {
  open: number;
  close: number;
}

/** Finds the last `[digits]` that has a task in front of it and a time behind it. */
function scanFront(line: string, place: Place): boolean {
  for (let open = line.indexOf('['); open >= 0; open = line.indexOf('[', open + 1)) {
    const close = digitsEnd(line, open + 1);
    if (close > open + 1 && line.charCodeAt(close) === 93 && line.charCodeAt(open - 1) === 32) {
      place.open = open;
      place.close = close;
      return true;
    }
    if (open > 100) return false;
  }
  return false;
}

/** Skips a column `(-----)` or `( 1234)` that ends at `end`; returns where it begins, or `end`. */
function beforeTgid(line: string, end: number): number {
  let at = end;
  while (line.charCodeAt(at - 1) === 32) at--;
  if (line.charCodeAt(at - 1) !== 41) return end;
  const open = line.lastIndexOf('(', at - 1);
  return open > 0 && /^\(\s*(?:-+|\d+)\)$/.test(line.slice(open, at)) ? open : end;
}

/** Takes lines apart; a prefix like the last one's is not looked at again. */
class FtraceFormat {
  readonly #place: Place = { open: 0, close: 0 };
  #prefix = '';

  parse(line: string, to: TextLine): boolean {
    const { length } = this.#prefix;
    if (length > 0 && line.startsWith(this.#prefix)) {
      const at = blanksEnd(line, length);
      const end = scanTime(line, at, to);
      if (end > 0 && line.charCodeAt(end) === 58 && line.charCodeAt(end + 1) === 32) {
        return scanEvent(line, end + 2, to);
      }
    }
    return this.#parseWhole(line, to);
  }

  #parseWhole(line: string, to: TextLine): boolean {
    const place = this.#place;
    if (!scanFront(line, place)) return false;
    const { open, close } = place;
    const cpu = decimal(line, open + 1, close);
    if (cpu > CPU_MAX || close - open > 6) return false;
    let at = blanksEnd(line, close + 1);
    let flagsEnd = at;
    let end = scanTime(line, at, to);
    if (end < 0 || line.charCodeAt(end) !== 58) {
      flagsEnd = line.indexOf(' ', at);
      if (flagsEnd < 0 || flagsEnd - at > 16) return false;
      end = scanTime(line, blanksEnd(line, flagsEnd), to);
      if (end < 0 || line.charCodeAt(end) !== 58) return false;
    }
    if (line.charCodeAt(end + 1) !== 32 || !scanTask(line, beforeTgid(line, open), to)) return false;
    to.cpu = cpu;
    to.flags = line.slice(at, flagsEnd);
    at = flagsEnd;
    if (!scanEvent(line, end + 2, to)) return false;
    this.#prefix = line.slice(0, blanksEnd(line, at));
    // The blanks in front of a time are padding, which differs when the time grows a digit.
    while (this.#prefix.endsWith('  ')) this.#prefix = this.#prefix.slice(0, -1);
    return true;
  }
}

/** The importer of ftrace text. */
export const ftrace = textImporter({
  name: 'ftrace',
  doc: 'text of tracefs: trace, trace_pipe, trace-cmd show',
  priority: 50,
  what: 'ftrace lines (task-pid [cpu] flags time: event:)',
  format: () => new FtraceFormat(),
});
