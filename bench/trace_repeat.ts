/**
 * Makes a large trace of small real ones: what a kernel printed, over and over, by several programs
 * at once on processors of their own. Each repetition works on other files: numbers of requests,
 * cookies, objects and inodes go on where the last one ended, times too. What a repetition says is
 * otherwise as it was recorded, so the rules of `trace check` find in it what they find in the
 * original. A pure function of the traces and the number of events.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { TextFile } from './text_file.js';

/** Programs at work at the same time. */
const STREAMS = 4;
/** Pause of a program between two traces, microseconds. */
const PAUSE_US = 1000;
/** Files stand in folders of so many repetitions. */
const FOLDER = 50;

/** One event: what stands around its time, and lines that belong to it. */
interface Recorded {
  readonly comm: string;
  readonly pid: number;
  readonly flags: string;
  readonly us: number;
  readonly text: string;
}

/** Traces that follow one another: the later ones find what the earlier ones left. */
interface Session {
  readonly events: readonly Recorded[];
  /** Numbers of a kind are below this. */
  readonly span: Readonly<Record<Kind, number>>;
}

/** Kinds of numbers that events print; all of them in hexadecimal. */
const KINDS = { R: 'R', c: 'c', o: 'o', V: 'V', B: 'B', ni: 'i', i: 'i' } as const;
type Kind = (typeof KINDS)[keyof typeof KINDS];

const LINE = /^ *(.{1,16})-(\d+) +\[\d+\] (\S+) +(\d+)\.(\d{6}): (.*)$/;
// Counts are printed in fewer digits under the same letters.
const NUMBER = /\b([RcoV](?==[0-9a-f]{8}\b)|B|ni|i)=([0-9a-f]+)/g;
/** Events whose numbers are those of netfs and its cache; others count what they print apart. */
const COUNTED = /^(netfs|fscache|cachefiles)_/;
/** A marker of a program: its operation's number, name, slot and the rest. */
const MARKER = /^tracing_mark_write: kcap op=(\d+) (\w+)(?: (\d+)( .*)?)?$/;
const NO_SLOT = new Set(['drop', 'sleep', 'host']);

function recordedOf(path: string): Recorded[] {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1');
  const events: Recorded[] = [];
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (match !== null) {
      const [, comm = '', pid, flags = '', seconds, fraction, said = ''] = match;
      const us = Number(seconds) * 1e6 + Number(fraction);
      events.push({ comm: comm.trim(), pid: Number(pid), flags, us, text: said });
    } else if (events.length > 0 && line !== '') {
      const last = events.pop() as Recorded;
      events.push({ ...last, text: `${last.text}\n${line}` });
    }
  }
  return events;
}

function spanOf(events: readonly Recorded[]): Record<Kind, number> {
  const span: Record<Kind, number> = { R: 0, c: 0, o: 0, V: 0, B: 0, i: 0 };
  for (const { text } of events) {
    if (!COUNTED.test(text)) continue;
    for (const [, name, value = ''] of text.matchAll(NUMBER)) {
      const kind = KINDS[name as keyof typeof KINDS];
      span[kind] = Math.max(span[kind], Number.parseInt(value, 16) + 1);
    }
  }
  return span;
}

/**
 * The traces below a folder as sessions: folders are named by a number, and those of following
 * numbers were recorded one after the other.
 */
export function sessionsIn(folder: string): Session[] {
  const sessions: Recorded[][] = [];
  let last = Number.NaN;
  for (const name of readdirSync(folder).sort()) {
    const files = readdirSync(join(folder, name)).filter((each) => /^trace\.txt/.test(each));
    if (files.length === 0) continue;
    const number = Number.parseInt(name, 10);
    if (number !== last + 1) sessions.push([]);
    last = number;
    for (const file of files) sessions.at(-1)?.push(...recordedOf(join(folder, name, file)));
  }
  return sessions.map((events) => ({ events, span: spanOf(events) }));
}

/** The netfs, fscache and cachefiles events of traces, each a session of its own. */
export function countedSessions(paths: readonly string[]): Session[] {
  return paths.map((path) => {
    const events = recordedOf(path).filter(({ text }) => COUNTED.test(text));
    return { events, span: spanOf(events) };
  });
}

/** One pass of a program through a session. */
interface Repetition {
  readonly number: number;
  readonly shift: Readonly<Record<Kind, number>>;
}

/** What all programs share: numbers that are not used yet. */
class Numbers {
  readonly next: Record<Kind, number> = { R: 0, c: 0, o: 0, V: 0, B: 0, i: 0 };
  op = 1;
  #repetition = 0;

  /** What is to be added to the numbers of a session that begins, and which repetition it is. */
  take({ span }: Session): Repetition {
    const shift = { ...this.next };
    for (const kind of Object.values(KINDS)) this.next[kind] += span[kind];
    return { number: this.#repetition++, shift };
  }
}

/** One program, repeating the sessions without end; `us` is when it says its next line. */
class Program {
  us: number;
  readonly #number: number;
  readonly #sessions: readonly Session[];
  readonly #numbers: Numbers;
  #session: number;
  #at = 0;
  #repetition: Repetition;

  constructor(number: number, sessions: readonly Session[], numbers: Numbers) {
    this.us = 7_000_000 + number;
    this.#number = number;
    this.#sessions = sessions;
    this.#numbers = numbers;
    this.#session = Math.floor((number * sessions.length) / STREAMS);
    this.#repetition = numbers.take(this.#current());
  }

  /** The next line. */
  next(): string {
    const { comm, pid, flags, us, text } = this.#event();
    const place = `[${String(this.#number).padStart(3, '0')}] ${flags}`;
    const seconds = Math.floor(this.us / 1e6);
    const time = `${seconds}.${String(this.us % 1e6).padStart(6, '0')}`.padStart(12);
    const task = `${comm}-${pid + 1000 * this.#number}`.padStart(20);
    const line = `${task}   ${place} ${time}: ${this.#told(text)}`;
    this.#at++;
    if (this.#at === this.#current().events.length) this.#begin();
    else this.us += Math.min(1e6, Math.max(0, this.#event().us - us));
    return line;
  }

  #begin(): void {
    this.us += PAUSE_US;
    this.#at = 0;
    this.#session = (this.#session + 1) % this.#sessions.length;
    this.#repetition = this.#numbers.take(this.#current());
  }

  #current(): Session {
    return this.#sessions[this.#session] as Session;
  }

  #event(): Recorded {
    return this.#current().events[this.#at] as Recorded;
  }

  #told(text: string): string {
    if (COUNTED.test(text))
      return text.replace(NUMBER, (_, name, value) => this.#moved(name, value));
    const [, op, verb = '', slot, rest = ''] = MARKER.exec(text) ?? [];
    if (op === undefined) return text;
    const said = `tracing_mark_write: kcap op=${this.#numbers.op++} ${verb}`;
    if (slot === undefined || NO_SLOT.has(verb)) return `${said} ${slot ?? ''}${rest}`.trimEnd();
    const own = `${said} ${Number(slot) + 100 * this.#number}`;
    const { number: repetition } = this.#repetition;
    const folder = `${Math.floor(repetition / FOLDER)}/${repetition % FOLDER}`;
    return own + (verb === 'open' ? rest.replace(/ (\S+)$/, ` ${folder}/$1`) : rest);
  }

  #moved(name: string, value: string): string {
    const was = Number.parseInt(value, 16);
    // 0 = none.
    const is = was === 0 ? 0 : was + this.#repetition.shift[KINDS[name as keyof typeof KINDS]];
    return `${name}=${is.toString(16).padStart(value.length, '0')}`;
  }
}

/** Columns of `csvOf`: where it happened, the event, and what it says word by word. */
export const REPEATED_COLUMNS = 'ts,comm,pid,cpu,event,v1,v2,v3,v4,v5,v6,v7,v8,v9'.split(',');

/** A line as CSV. */
function csvOf(line: string): string {
  const [, comm = '', pid, cpu, time = '', event, said = ''] =
    /^ *(.+)-(\d+) +\[(\d+)\] \S+ +([\d.]+): (\w+): (.*)$/.exec(line) ?? [];
  const words = said.split(/ +/);
  const values = Array.from({ length: 9 }, (_, i) => words[i] ?? '');
  const us = Math.round(Number(time) * 1e6);
  return [us, comm.trim(), pid, Number(cpu), event, ...values]
    .map((value) => (/[",]/.test(String(value)) ? `"${value}"` : value))
    .join(',');
}

/**
 * Writes `count` events of the sessions, repeated, as text of ftrace, and the same as CSV where a
 * path is given.
 */
export function writeRepeated(
  sessions: readonly Session[],
  count: number,
  path: string,
  csv: string | null = null,
): void {
  const table = csv === null ? null : new TextFile(csv);
  table?.line(REPEATED_COLUMNS.join(','));
  const numbers = new Numbers();
  const programs = Array.from({ length: STREAMS }, (_, i) => new Program(i, sessions, numbers));
  const file = new TextFile(path);
  file.line('# tracer: nop\n#');
  for (let i = 0; i < count; i++) {
    const line = programs.reduce((a, b) => (b.us < a.us ? b : a)).next();
    file.line(line);
    table?.line(csvOf(line));
  }
  file.close();
  table?.close();
}
