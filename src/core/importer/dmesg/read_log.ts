/**
 * Reads a kernel log: messages of netfs, FS-Cache, CacheFiles and their filesystems with the lines
 * that belong to them, and the kernel's reports of hangs and crashes in which they have a part.
 * Called by `explain --dmesg` and by pastes.
 */

import { errnoName, errnoText } from '../../base/errno.js';
import { withoutLogPrefix } from '../paste/log_prefix.js';
import { cookieDetail, cookieState, type Detail, isCookieDump } from './cookies.js';
import {
  isFailure,
  isOwnMessage,
  type MatchedMessage,
  matchMessage,
  releasesText,
} from './messages.js';
import { runsBackwards } from './order.js';
import { type Splat, splatOf } from './splats.js';

/** How much something matters. */
export type Weight = 'benign' | 'look' | 'harmful' | 'unknown';

/** One thing that a log says, however many lines it takes. */
export interface LogItem {
  /** Lines of the log, counted from 1, both inclusive. */
  readonly first: number;
  last: number;
  readonly weight: Weight;
  /** The kernel's own word for it (`err`), null where the line does not tell. */
  readonly severity: string | null;
  /** As printed, without log prefixes. */
  readonly title: string;
  readonly means: string;
  readonly cause: string;
  readonly next: string;
  /** Releases that print it, in words; null = all. */
  readonly kernels: string | null;
  readonly details: Detail[];
  /** How often it is there. */
  times: number;
  /** Tasks that hang or crashed in it. */
  readonly tasks: string[];
}

/** What a log holds. */
export interface KernelLog {
  readonly items: readonly LogItem[];
  /** Releases that it names, in the order they stand there. */
  readonly kernels: readonly string[];
  /** Lines that belong to one of the items. */
  readonly told: number;
  /** Reports of the kernel in which nothing of netfs or its filesystems has a part. */
  readonly foreign: number;
  /** First and last release that all messages fit, from the table; '' = open. */
  readonly since: string;
  readonly until: string;
}

/** A line of a log with its number. */
export interface NumberedLine {
  readonly text: string;
  readonly where: number;
}

/** Items that are kept; of more only the number is. */
const ITEMS_MAX = 20_000;
/** Longest part of a line that is looked at. */
const LINE_MAX = 4096;
/** Lines by which the order of a log is told, and lines of one that runs backwards. */
const ORDER_LINES = 400;
const BACKWARDS_MAX = 200_000;
/** Lines after a message in which its dump may come. */
const DUMP_LINES = 12;
/** Lines between a cut and the head of its report. */
const CUT_LINES = 3;

/** Reads a log line by line. */
export class LogReader {
  readonly #items: LogItem[] = [];
  readonly #byTitle = new Map<string, LogItem>();
  readonly #kernels = new Set<string>();
  readonly #open = new Map<string, Splat>();
  #pending: NumberedLine[] = [];
  #pendingAt = 0;
  #lastItem: LogItem | null = null;
  #lastMatch: MatchedMessage | null = null;
  #told = 0;
  #foreign = 0;
  #since = '';
  #until = '';
  /** The line before, which may say whose stack follows. */
  #previous = '';

  /**
   * Lines until it is known whether the newest comes first; null once they are read as they come.
   */
  #held: { readonly raw: string; readonly where: number }[] | null = [];
  #backwards = false;

  /** Takes a line as it stands in the log. */
  add(raw: string, where: number): void {
    if (this.#held === null) {
      this.#read(raw, where);
      return;
    }
    this.#held.push({ raw: raw.slice(0, LINE_MAX), where });
    const { length } = this.#held;
    if (length === ORDER_LINES) this.#backwards = runsBackwards(this.#held.map((line) => line.raw));
    if (length >= (this.#backwards ? BACKWARDS_MAX : ORDER_LINES)) this.#readHeld();
  }

  #readHeld(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const { raw, where } of this.#backwards ? held.reverse() : held) this.#read(raw, where);
  }

  #read(raw: string, where: number): void {
    const { text, caller, program } = withoutLogPrefix(raw.slice(0, LINE_MAX));
    if (program !== '') {
      this.#program(program, text, where);
      return;
    }
    this.#release(text);
    if (this.#splatLine(text, where, caller)) {
      this.#previous = text;
      return;
    }
    if (isCookieDump(text)) this.#dump(text, where);
    else this.#message(text, where);
    this.#previous = text;
  }

  /** Ends the log. */
  end(): KernelLog {
    if (this.#held !== null) {
      this.#backwards ||= runsBackwards(this.#held.map((line) => line.raw));
      this.#readHeld();
    }
    for (const caller of [...this.#open.keys()]) this.#close(caller);
    this.#flushPending();
    return {
      items: this.#items.sort((a, b) => a.first - b.first),
      kernels: [...this.#kernels],
      told: this.#told,
      foreign: this.#foreign,
      since: this.#since,
      until: this.#until,
    };
  }

  /** The daemon of the cache says things too. */
  #program(program: string, text: string, where: number): void {
    if (program !== 'cachefilesd') return;
    const failed = /error|fail|unable|refus|can't|cannot/i.test(text);
    this.#item(`cachefilesd: ${text}`, where, {
      weight: failed ? 'look' : 'benign',
      severity: null,
      means: failed
        ? 'The daemon of the cache failed: while it does not run, nothing is cached.'
        : 'The daemon of the cache reports what it does.',
      cause: '',
      next: failed ? '/etc/cachefilesd.conf; journalctl -u cachefilesd' : '',
      kernels: null,
    });
  }

  #release(text: string): void {
    const named =
      /\bLinux version (\d+\.\d+[\w.+-]*)/.exec(text) ??
      /\bLinux \S+ (\d+\.\d+[\w.+-]*) #\d/.exec(text) ??
      /^(\d+\.\d+[\w.+-]*) #\d+ (?:Not t|T)ainted/.exec(text) ??
      /(?:ot tainted|ainted: [A-Z ]{1,40}?)\s+\(?(\d+\.\d+[\w.+-]*)/.exec(text);
    if (named !== null && this.#kernels.size < 64) this.#kernels.add(named[1] as string);
  }

  /** Takes a line of a report; false if it is none. */
  #splatLine(text: string, where: number, caller: string): boolean {
    const own = isOwnMessage(text) || isCookieDump(text);
    const late = where - this.#pendingAt > CUT_LINES + 1;
    if (this.#pendingAt > 0 && (own || late)) this.#flushPending();
    if (/^-+\[ cut here \]-+/.test(text)) {
      this.#close(caller);
      this.#flushPending();
      this.#pendingAt = where;
      return true;
    }
    const open = this.#open.get(caller);
    const isFrame = /^\[<0>\]/.test(text);
    const goesOn = open !== undefined && isFrame && where - open.last <= 1;
    if (goesOn && open.add(text, where)) return true;
    // A dump of the task is part of the report of its hang; an Oops: line of the crash above.
    const partOf =
      open !== undefined &&
      /^(?:task:|Oops|Internal error|Kernel panic|refcount_t|[\w/:.-]+ +D )/.test(text);
    const fresh = partOf && open.frames.length === 0 && open.add(text, where);
    if (fresh) return true;
    const label = isFrame ? stackLabel(this.#previous) : '';
    const splat = splatOf(text, where, label);
    if (splat !== null) {
      const [refcount] = [...this.#open.values()].filter(({ kind }) => kind.name === 'refcount');
      // A warning that brings the text of refcount_t is one report, not two.
      if (refcount?.frames.length === 0 && splat.kind.name === 'WARNING')
        return refcount.add(text, where);
      this.#close(caller);
      this.#open.set(caller, splat);
      if (isFrame) nameStack(splat, this.#previous);
      this.#explain(splat, where);
      return true;
    }
    if (this.#pendingAt > 0 && where - this.#pendingAt <= CUT_LINES && text.trim() !== '') {
      this.#pending.push({ text: text.trim(), where });
      return true;
    }
    if (open === undefined) return false;
    if (own) {
      this.#close(caller);
      return false;
    }
    if (open.add(text, where)) return true;
    this.#close(caller);
    return false;
  }

  /** What a warning says stands before its head. */
  #explain(splat: Splat, where: number): void {
    if (this.#pendingAt > 0 && where - this.#pendingAt <= CUT_LINES + 1) {
      for (const { text } of this.#pending) {
        const match = matchMessage(text);
        if (match !== null) this.#narrow(match);
        splat.said.push(match === null ? `${text}.` : `${text}: ${match.message.meaning}`);
        if (match?.message.harmless === 'no') splat.weight = 'harmful';
      }
    } else {
      this.#flushPending();
    }
    this.#pendingAt = 0;
    this.#pending = [];
  }

  /** Lines below a cut that no report followed. */
  #flushPending(): void {
    const pending = this.#pending;
    this.#pending = [];
    this.#pendingAt = 0;
    for (const { text, where } of pending) this.#message(text, where);
  }

  #close(caller: string): void {
    const splat = this.#open.get(caller);
    if (splat === undefined) return;
    this.#open.delete(caller);
    if (splat.kernel !== '') this.#kernels.add(splat.kernel);
    if (!splat.isOurs) {
      this.#foreign++;
      return;
    }
    const { kind, means, next, kernels, special, first, last } = splat;
    const { weight, title } = splat;
    const cause = special?.cause ?? '';
    const what = { weight, severity: null, means, cause, next, kernels } as const;
    const key = kind.sleeps ? `${kind.name} ${splat.who}` : `${title} ${means}`;
    const item = this.#item(splat.title, first, what, key);
    item.last = Math.max(item.last, last);
    this.#told += last - first;
    if (splat.task !== '' && !item.tasks.includes(splat.who)) item.tasks.push(splat.who);
    if (item.details.length === 0) item.details.push(...chainDetail(splat));
    this.#lastItem = null;
  }

  #dump(text: string, where: number): void {
    const collision = /Duplicate|ollision/.test(this.#lastItem?.title ?? '');
    const detail = cookieDetail(text, collision);
    if (detail === null) return;
    this.#told++;
    if (this.#lastItem === null) {
      const means = 'Part of a dump of a cookie; the message before it is missing.';
      this.#item(text.trim(), where, { ...NOTHING, means });
      this.#lastItem = this.#items.at(-1) ?? null;
    }
    const item = this.#lastItem;
    if (item === null) return;
    item.last = Math.max(where, item.last);
    if (item.details.length < 24) item.details.push(detail);
  }

  #message(text: string, where: number): void {
    const near = this.#lastItem !== null && where - this.#lastItem.last <= DUMP_LINES;
    const match = matchMessage(text, near && this.#lastMatch !== null);
    if (match !== null) {
      this.#narrow(match);
      const dumps = this.#lastMatch !== null && HAS_DUMP.test(this.#lastMatch.message.format);
      const part = (dumps && isPart(match)) || match.message.cause.startsWith('Follows another');
      if (near && part && this.#lastItem !== null) this.#part(match, where);
      else this.#known(match, text, where);
      return;
    }
    if (!isOwnMessage(text) && !isFailure(text)) return;
    const means = `Not in the table of messages.${errnoNote(text)}`;
    this.#item(text.trim(), where, { ...NOTHING, weight: 'unknown', means });
  }

  #known(match: MatchedMessage, text: string, where: number): void {
    const { message } = match;
    const special = specialOf(match, text);
    const { severity, cause, next } = message;
    const means = `${message.meaning}${special?.note ?? ''}${errnoNote(text)}`;
    const weight = special?.weight ?? weightOf(message.severity, message.harmless);
    const kernels = releasesText(message);
    this.#lastItem = this.#item(text.trim(), where, {
      weight,
      severity,
      means,
      cause,
      next,
      kernels,
    });
    this.#lastMatch = match;
  }

  /** A line of a dump is a detail of the message before it. */
  #part({ message, text, values }: MatchedMessage, where: number): void {
    const item = this.#lastItem as LogItem;
    const means = partText(message.format, values) ?? message.meaning;
    this.#told++;
    item.last = where;
    if (item.details.length < 24) item.details.push({ name: text.trim(), means });
  }

  /** Each message says something about which kernels it can be. */
  #narrow({ message }: MatchedMessage): void {
    if (message.since !== '' && isLater(message.since, this.#since)) this.#since = message.since;
    if (message.until !== '' && (this.#until === '' || isLater(this.#until, message.until))) {
      this.#until = message.until;
    }
  }

  #item(
    title: string,
    where: number,
    what: Pick<LogItem, 'weight' | 'severity' | 'means' | 'cause' | 'next' | 'kernels'>,
    key = `${title}\n${what.means}`,
  ): LogItem {
    this.#told++;
    const again = this.#byTitle.get(key);
    if (again !== undefined) {
      again.times++;
      again.last = Math.max(again.last, where);
      return again;
    }
    const item = { first: where, last: where, title, ...what, details: [], times: 1, tasks: [] };
    if (this.#items.length < ITEMS_MAX) {
      this.#items.push(item);
      this.#byTitle.set(key, item);
    }
    return item;
  }
}

const NOTHING = {
  weight: 'look',
  severity: null,
  means: '',
  cause: '',
  next: '',
  kernels: null,
} as const;

/** Reads a log that is at hand. */
export function readLog(lines: Iterable<string>): KernelLog {
  const reader = new LogReader();
  let where = 0;
  for (const line of lines) reader.add(line, ++where);
  return reader.end();
}

function isLater(a: string, b: string): boolean {
  if (b === '') return true;
  const [major = 0, minor = 0] = a.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = b.split('.').map(Number);
  return major !== otherMajor ? major > otherMajor : minor > otherMinor;
}

function weightOf(severity: string, harmless: string): Weight {
  if (harmless === 'yes') return 'benign';
  if (harmless === 'usually' || harmless === 'mostly') return 'look';
  return severity === 'info' || severity === 'notice' ? 'look' : 'harmful';
}

/** Where an error number stands in a message. */
const ERRNO =
  /(?:\b(?:rc|ret|err|error|e|er|errno|code|status|failed|with|returned|register|result)\b[ =:(]{0,3}|\(|= ?)(-\d{1,3})\b/gi;

/** The names of the error numbers in a text, '' where there are none. */
function errnoNote(text: string): string {
  const named = new Set([...text.matchAll(ERRNO)].map((match) => Number(match[1])));
  return [...named]
    .filter((number) => number < 0)
    .map((number) => ` ${number} is ${errnoName(number)}: ${errnoText(number)}.`)
    .join('');
}

/** What the values of a message add to its meaning. */
function specialOf(
  { message, values }: MatchedMessage,
  text: string,
): { readonly note: string; readonly weight?: Weight } | null {
  const [first = '', second = '', third = ''] = values;
  if (message.format.startsWith("Couldn't get user pages")) {
    if (first === '-4') {
      return { note: ' The reading process was killed: harmless.', weight: 'benign' };
    }
    if (first === '-14') {
      return { note: ' The buffer of the caller cannot be pinned: its read or write fails.' };
    }
  }
  if (message.format.includes('cookie state change wait timed out')) {
    const now = cookieState(second);
    const began =
      second === third ? 'it has not moved since the wait began' : `it was ${cookieState(third)}`;
    return {
      note: ` In ${first}; state ${second} is ${now}; ${began}. A symptom: look at the filesystem of the cache.`,
    };
  }
  if (message.format.startsWith('Free space limits')) {
    return {
      note: ' bstop < bcull < brun (and fstop < fcull < frun) does not hold in cachefilesd.conf: the daemon does not start and nothing is cached.',
    };
  }
  if (message.format.startsWith("Can't donate prior")) {
    return {
      note: ' Its slice lies in a folio whose beginning was not read before it.',
      weight: 'harmful',
    };
  }
  const request = /\bR=?([0-9a-f]{1,8})\b/.exec(text)?.[1];
  if (request === undefined || !message.format.includes('R')) return null;
  return { note: ` Request R=${request.padStart(8, '0')}.` };
}

/** Messages that a dump follows. */
const HAS_DUMP =
  /^Can't donate|^fpos > start|empty rolling|^R=%08x\[%x\] s=%llx-%llx ctl|EDESTADDR|Bad status|^Assertion|undefined type|bad magic|Unexpected object|Overlong wait|already active|preemptively/;

/** Parts of a dump, which say nothing by themselves. */
function isPart({ message }: MatchedMessage): boolean {
  if (HAS_DUMP.test(message.format) && !message.format.startsWith('R=')) return false;
  return /^Dump|^Part of|^Stream:|^Slice:|^Start;|^Cleaned|^The filesystem's write function|^The values of/.test(
    message.meaning,
  );
}

function partText(format: string, values: readonly string[]): string | null {
  const [a = '', b = '', c = '', d = '', e = ''] = values;
  if (format.startsWith('R=%08x[%x] s=%llx-%llx')) {
    return `request ${Number.parseInt(a, 16).toString(16)}, slice ${b}, bytes ${c}-${d}`;
  }
  if (format.startsWith('folio: %llx-%llx')) return `the folio it lies in, bytes ${a}-${b}`;
  if (format.startsWith('donated:'))
    return `bytes given by its neighbours: before ${a}, after ${b}`;
  if (format.startsWith('s=%llx av='))
    return `begins at ${a}, ${b} bytes there, ${c} of them in this part`;
  const object = objectText(format, values);
  if (object !== null) return object;
  if (format.startsWith('Request R=')) {
    return `request ${a}: ${b} references, flags ${c}, origin ${d}, error ${e}${errnoNote(`e=${e}`)}`;
  }
  return null;
}

/** Bits of an object's pending events, up to v5.16. */
const EVENTS = ['new child', 'parent ready', 'update', 'invalidate', 'cleared', 'error', 'kill'];

/** The state of an object of cachefiles, up to v5.16. */
function objectText(format: string, values: readonly string[]): string | null {
  if (!format.includes('objstate=')) return null;
  const [, state = '', , busy = '', pending = '0'] = format.startsWith('%s')
    ? values
    : ['', ...values];
  const running = ['idle', 'queued', 'running'][Number(busy)] ?? busy;
  const events = EVENTS.filter((_, bit) => (Number.parseInt(pending, 16) >> bit) % 2 === 1);
  const waiting = events.length === 0 ? 'no event pending' : `pending: ${events.join(', ')}`;
  return `state ${state}, its work is ${running}, ${waiting}`;
}

/** The chain of functions in one line, innermost first. */
function chainDetail({ known }: Splat): Detail[] {
  if (known.length === 0) return [];
  const means = known
    .slice(0, 12)
    .map(({ name }) => name)
    .join(' <- ');
  return [{ name: 'call trace', means }];
}

/** The line that says whose stack follows. */
const OWNER =
  /^== (?<pid>\d+) (?<task>\S+)|^PID: (?<pid2>\d+) .*COMMAND: "(?<task2>[^"]*)"|\/proc\/(?<pid3>\d+)\/stack|^(?<task4>\S{1,32})[ -](?<pid4>\d{2,8}):?$/;

/** True for a line that says whose stack follows. */
export function isStackOwner(line: string): boolean {
  return OWNER.test(line.trim());
}

function stackLabel(previous: string): string {
  return OWNER.test(previous.trim()) ? previous.trim() : '';
}

function nameStack(splat: Splat, previous: string): void {
  const { groups } = OWNER.exec(previous.trim()) ?? {};
  if (groups === undefined) return;
  splat.pid = groups.pid ?? groups.pid2 ?? groups.pid3 ?? groups.pid4 ?? '';
  splat.task = groups.task ?? groups.task2 ?? groups.task4 ?? 'process';
}
