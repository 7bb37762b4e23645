/**
 * The buffer as `ftrace_dump_on_oops` and the latency format of tracefs print it:
 *
 *     [29690.046137] kworker/-19194     1..... 9424710955us : fscache_cookie: c=00000b95 ...
 *
 * The time of an event is the number in front of `us`; that of printk is when it was dumped.
 */

import { decimal, isDigit, type LineFormat, scanEvent, type TextLine } from './text/line.js';
import { scanPlace } from './text/prefix.js';
import { textImporter } from './text/text.js';

/** What syslog, a serial console and printk put in front. */
const CONSOLE = /^.{0,80}?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?/;

class OopsFormat implements LineFormat {
  parse(line: string, to: TextLine): boolean {
    const plain = line.includes('[') ? line.replace(CONSOLE, '') : line;
    // Behind "us" stands a blank, or a mark for how long it took.
    for (let us = plain.indexOf('us'); us >= 0; us = plain.indexOf('us', us + 2)) {
      if (!isDigit(plain, us - 1)) continue;
      const colon = plain.charCodeAt(us + 2) === 58 ? us + 2 : us + 3;
      if (plain.charCodeAt(colon) !== 58 || plain.charCodeAt(colon + 1) !== 32) continue;
      let from = us;
      while (isDigit(plain, from - 1)) from--;
      if (us - from > 15 || !scanPlace(plain, from, to)) return false;
      const micros = decimal(plain, from, us);
      to.seconds = Math.floor(micros / 1e6);
      to.nanoseconds = (micros % 1e6) * 1000;
      return scanEvent(plain, colon + 2, to);
    }
    return false;
  }
}

/** The importer of dumps on a console. */
export const oops = textImporter({
  name: 'oops',
  doc: 'ftrace buffer dumped to the console (ftrace_dump_on_oops), or in latency format',
  priority: 60,
  what: 'task-pid cpu+flags microseconds us : event: text',
  format: () => new OopsFormat(),
  // A console prints other things too.
  noise: true,
  bare: (line) => line.replace(CONSOLE, ''),
});
