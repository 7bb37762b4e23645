/**
 * The text of `perf script`:
 *
 *     kops   135 [000]     7.791543:          netfs:netfs_read: R=00000001 ...
 *
 * The process may be `pid/tid`, the processor may be missing, times may have nanoseconds.
 */

import {
  blanksEnd,
  CPU_MAX,
  decimal,
  digitsEnd,
  isDigit,
  type LineFormat,
  scanEvent,
  scanTime,
  type TextLine,
} from './text/line.js';
import { textImporter } from './text/text.js';

class PerfFormat implements LineFormat {
  parse(line: string, to: TextLine): boolean {
    const colon = line.indexOf(': ');
    let from = colon;
    while (from > 0 && (isDigit(line, from - 1) || line.charCodeAt(from - 1) === 46)) from--;
    if (colon < 0 || scanTime(line, from, to) !== colon || !this.#scanTask(line, from, to)) {
      return false;
    }
    let name = blanksEnd(line, colon + 1);
    // How often a sample counts may stand in front of its event.
    const period = digitsEnd(line, name);
    if (period > name && line.charCodeAt(period) === 32) name = blanksEnd(line, period);
    if (line.startsWith('PERF_RECORD_', name)) return this.#scanRecord(line.slice(name), to);
    const system = line.indexOf(':', name);
    if (system < 0) return false;
    // A tracepoint is `system:event:`, anything else `event:`.
    const tracepoint = !(line.charCodeAt(system + 1) === 32 || system + 1 === line.length);
    to.system = tracepoint ? line.slice(name, system) : 'perf';
    if (!/^[\w-]+$/.test(to.system)) return false;
    if (!scanEvent(line, tracepoint ? system + 1 : name, to)) return false;
    if (to.system === 'ftrace' && to.event === 'print') {
      to.event = 'tracing_mark_write';
      to.text = to.text.replace(/^\S+ ?/, '');
    }
    return true;
  }

  /** Reads what perf itself says, `PERF_RECORD_COMM exec: text`, lost events aside. */
  #scanRecord(record: string, to: TextLine): boolean {
    const [, name = '', text = ''] = /^(\w+):? ?(.*)$/s.exec(record) ?? [];
    to.system = 'perf';
    to.event = name;
    to.text = text;
    return !name.startsWith('PERF_RECORD_LOST');
  }

  /** Reads `comm pid[/tid] [cpu]` that ends at `end`. */
  #scanTask(line: string, end: number, to: TextLine): boolean {
    let front = line.slice(0, end).trimEnd();
    to.cpu = 0;
    to.flags = '';
    // Newer versions print latency flags between the processor and the time.
    const place = /\s\[(\d{1,4})\](?: +(\S{1,16}))?$/.exec(front);
    if (place !== null) {
      to.cpu = Number(place[1]);
      to.flags = place[2] ?? '';
      front = front.slice(0, place.index).trimEnd();
    }
    let at = front.length;
    while (isDigit(front, at - 1)) at--;
    if (at === front.length || front.length - at > 10 || to.cpu > CPU_MAX) return false;
    // Of pid/tid the thread is what ftrace calls pid.
    to.pid = decimal(front, at, front.length);
    if (front.charCodeAt(at - 1) === 47) {
      at--;
      while (isDigit(front, at - 1)) at--;
    }
    if (front.charCodeAt(at - 1) !== 32) return false;
    to.comm = front.slice(0, at).trim();
    return digitsEnd(front, 0) !== front.length;
  }
}

/** A function of the call chain that `perf record -g` adds below an event; it may be cut off. */
const STACK = /^\s+[0-9a-f]{4,16} \S/;

/** The importer of perf's script. */
export const perf = textImporter({
  name: 'perf',
  doc: 'text of perf script',
  priority: 30,
  what: 'comm pid [cpu] time: system:event: text',
  format: () => new PerfFormat(),
  numbers: true,
  skips: (line) => STACK.test(line),
});
