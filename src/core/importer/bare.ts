/**
 * Lines that somebody trimmed by hand, for a mail or a report: the name of an event and its text,
 * with as much in front as was left over. Only events of the systems of interest are recognised,
 * since anything may look like `word: text`.
 */
import { TRACEPOINTS } from '../trace/index.js';
import { type LineFormat, scanEvent, scanTask, scanTime, type TextLine } from './text/line.js';
import { textImporter } from './text/text.js';

/** Only the front of a line is searched. */
const FRONT = 200;

const systems = [...new Set(TRACEPOINTS.map(({ name }) => name.split('_')[0] as string))];
const names = [...new Set([...systems, 'netfs', 'fscache', 'cachefiles', '9p', 'afs', 'smb3'])];
/** The system in front of the name of an event, as perf prints it. */
const SYSTEM = /(?:^|\s)(?:netfs|fscache|cachefiles|9p|afs|nfs4?|cifs|ceph):\s*$/;
const NAME = new RegExp(`(?:^|[ \\t:])((?:${names.join('|')})_\\w+|tracing_mark_write): `);

class BareFormat implements LineFormat {
  parse(line: string, to: TextLine): boolean {
    // A space at the end is what mail takes away first.
    const found = NAME.exec(line.length < FRONT ? `${line} ` : line.slice(0, FRONT));
    if (found === null) return false;
    const name = found.index + found[0].indexOf(found[1] as string);
    to.comm = '';
    to.pid = 0;
    to.cpu = 0;
    to.flags = '';
    to.timed = false;
    this.#scanFront(line.slice(0, name), to);
    return scanEvent(line, name, to);
  }

  /** What was left of the front, such as ` xfs_io-6059: `. */
  #scanFront(front: string, to: TextLine): void {
    const time = /(?:^|\s)(\d+\.\d{6,9}): ?$/.exec(front);
    const task = time === null ? front : front.slice(0, time.index);
    to.timed = time !== null && scanTime(time[1] as string, 0, to) > 0;
    const own = task.replace(SYSTEM, '');
    const plain = own.replace(/\s+\[\d+\].*$/, '').replace(/[\s:]+$/, '');
    if (!scanTask(plain, plain.length, to)) to.comm = nameOf(own, plain.trim());
  }
}

/** Longest name of a task that ftrace prints. */
const NAME_MAX = 20;

/** A task without its pid, `ip:` or `kworker/u8:3:`; '' where what is there is rather prose. */
function nameOf(front: string, name: string): string {
  const ends = /\S\s*:\s*$|\s\[\d+\]/.test(front);
  return ends && name.length <= NAME_MAX ? name.replace(/^(?:=+>|-+>|>+|\*+)\s+/, '') : '';
}

/** The importer of trimmed lines. */
export const bare = textImporter({
  name: 'bare',
  doc: 'lines trimmed by hand, with or without task and time',
  priority: 10,
  what: 'event: text of netfs, fscache, cachefiles or a filesystem',
  format: () => new BareFormat(),
  noise: true,
});
