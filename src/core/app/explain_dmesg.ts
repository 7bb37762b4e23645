/**
 * What kernel messages of FS-Cache and CacheFiles mean and whether they matter. Called by
 * `explain --dmesg`.
 */
import { errnoName } from '../base/errno.js';

/** A message that is known. */
interface Message {
  readonly pattern: RegExp;
  /** `benign`, `look` (find out why) or `harmful`. */
  readonly weight: 'benign' | 'look' | 'harmful';
  readonly means: string;
}

const MESSAGES: readonly Message[] = [
  {
    pattern: /FS-Cache: Duplicate cookie detected/,
    weight: 'benign',
    means:
      'two mounts or inodes claim the same key; the newer one goes uncached until the older is gone. It costs cache hits, it does not slow a start-up.',
  },
  {
    pattern: /FS-Cache: Cache "?[^"]*"? added|CacheFiles: File cache on \S+ registered/,
    weight: 'benign',
    means: 'a cache was put in service.',
  },
  {
    pattern: /CacheFiles: File cache on \S+ unregistering|FS-Cache: Withdrawing cache/,
    weight: 'look',
    means: 'the cache goes out of service: the daemon has ended, or after an I/O error.',
  },
  {
    pattern: /CacheFiles: I\/O Error/,
    weight: 'harmful',
    means:
      'the disk or filesystem of the cache failed; the cache is not used any more until the daemon is started again. Look at the disk.',
  },
  {
    pattern:
      /CacheFiles: Error: Unexpected object collision|CacheFiles: Error: Object already active/,
    weight: 'look',
    means: 'two objects claim one cache file; one of them goes uncached.',
  },
  {
    pattern: /FS-Cache: .*assertion failed|(?:CacheFiles|FS-Cache): Assertion failed/i,
    weight: 'harmful',
    means: 'an internal promise was broken; an oops follows. Note the lines around it.',
  },
  {
    pattern: /mkdir \S+ failed with error (-\d+)/,
    weight: 'look',
    means: 'a directory of the cache could not be made: no space or no inodes left on its disk.',
  },
  {
    pattern: /FS-Cache: Loaded|FS-Cache: Netfs '\S+' registered/,
    weight: 'benign',
    means: 'the module was loaded, or a filesystem registered with it.',
  },
  {
    pattern: /task \S+ blocked for more than \d+ seconds/,
    weight: 'harmful',
    means: 'a task hangs. Record with netfslab capture-script --hang, then netfslab trace stuck.',
  },
];

const COOKIE = /([ON])-cookie (?:c=([0-9a-f]+)|d=\S+)(.*)/;
const KEY = /([ON])-key=\[(\d+)\] '([0-9a-f]*)'/;

/** One line of dmesg explained; null if it is about something else. */
export function explainMessage(line: string): { weight: string; means: string } | null {
  const key = KEY.exec(line);
  if (key !== null) return { weight: 'detail', means: keyText(key) };
  const cookie = COOKIE.exec(line);
  if (cookie !== null) return { weight: 'detail', means: cookieText(cookie) };
  const known = MESSAGES.find(({ pattern }) => pattern.test(line));
  if (known === undefined) return null;
  const error = /(?:error|ret) ?=? ?-(\d+)/.exec(line)?.[1];
  const name = error === undefined ? '' : ` ${errnoName(Number(error))}.`;
  return { weight: known.weight, means: `${known.means}${name}` };
}

function whose(letter: string | undefined): string {
  return letter === 'O' ? 'the one that is there' : 'the new one';
}

function keyText([, letter, length, hex = '']: RegExpExecArray): string {
  const bytes = Buffer.from(hex, 'hex');
  const text = [...bytes].map((byte) =>
    byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.',
  );
  return `key of ${whose(letter)}, ${length} bytes: ${text.join('')}`;
}

function cookieText([, letter, number, rest = '']: RegExpExecArray): string {
  const parts = [`cookie of ${whose(letter)}`];
  if (number !== undefined) parts.push(`number ${number}`);
  const field = (name: string) => new RegExp(`\\b${name}=([0-9a-f]+)`).exec(rest)?.[1];
  const flags = field('fl');
  if (flags !== undefined) parts.push(`flags ${flags}`);
  if (field('nc') !== undefined) parts.push(`${field('nc')} children`);
  if (field('na') !== undefined) parts.push(`${field('na')} users`);
  return parts.join(', ');
}
