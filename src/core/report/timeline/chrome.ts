/**
 * A timeline in the Trace Event Format of Chrome (JSON), for viewers that do not read Perfetto's.
 * A lane is a thread, a slice a complete event (X), or a begin (B) where its end is not known.
 */
import type { Slice, TimelineWriter, Track } from './types.js';

/** The process of what is in no group. */
const TOP = 0;
/** Groups that are no process get numbers above any that Linux gives to one (2^22). */
const NO_PROCESS = 1 << 23;
const LINES = 1024;

/** Microseconds with the nanoseconds behind the point. */
function microseconds(ns: number): string {
  const rest = ns % 1000;
  return `${(ns - rest) / 1000}.${String(rest).padStart(3, '0')}`;
}

/** Writes the JSON, one event a line. */
export class ChromeWriter implements TimelineWriter<readonly string[]> {
  #lines = ['{"displayTimeUnit":"ns","traceEvents":['];
  #comma = false;
  readonly #pids = new Set<number>([TOP]);
  /** The process of each lane, by its number. */
  readonly #groups: number[] = [];
  readonly #counters = new Map<Track, string>();

  group(name: string, pid: number | null): number {
    const own = pid !== null && !this.#pids.has(pid) ? pid : NO_PROCESS + this.#pids.size;
    this.#pids.add(own);
    this.#meta('process_name', own, 0, name);
    return own;
  }

  lane(group: number | null, name: string): Track {
    const pid = group ?? TOP;
    const track = this.#groups.push(pid);
    this.#meta('thread_name', pid, track, name);
    return track;
  }

  counter(name: string): Track {
    const track = this.#groups.push(TOP);
    this.#counters.set(track, JSON.stringify(name));
    return track;
  }

  slice(slice: Slice): void {
    const { begin, end } = slice;
    const phase = end === null ? '"ph":"B"' : `"ph":"X","dur":${microseconds(end - begin)}`;
    this.#event(phase, slice);
  }

  instant(slice: Omit<Slice, 'end'>): void {
    this.#event('"ph":"i","s":"t"', slice);
  }

  count(counter: Track, time: number, value: number): void {
    const name = this.#counters.get(counter);
    this.#add(
      `{"ph":"C","name":${name},"pid":${TOP},"ts":${microseconds(time)},"args":{"value":${value}}}`,
    );
  }

  take(end: boolean): readonly string[] | null {
    if (!end && this.#lines.length < LINES) return null;
    const lines = this.#lines;
    this.#lines = [];
    if (end) lines.push(']}');
    return lines;
  }

  #event(
    phase: string,
    { lane, begin, category, name, args, out, into }: Omit<Slice, 'end'>,
  ): void {
    const at = `"pid":${this.#groups[lane - 1]},"tid":${lane},"ts":${microseconds(begin)}`;
    const kept = Object.fromEntries(args.filter(([, value]) => value !== null));
    this.#add(
      `{${phase},${at},"cat":"${category}","name":${JSON.stringify(name)},"args":${JSON.stringify(kept)}}`,
    );
    for (const flow of out) this.#add(`{"ph":"s",${at},"cat":"flow","name":"flow","id":${flow}}`);
    if (into !== null) {
      this.#add(`{"ph":"f","bp":"e",${at},"cat":"flow","name":"flow","id":${into}}`);
    }
  }

  #meta(what: string, pid: number, tid: number, name: string): void {
    const args = JSON.stringify({ name });
    this.#add(`{"ph":"M","name":"${what}","pid":${pid},"tid":${tid},"args":${args}}`);
  }

  #add(event: string): void {
    this.#lines.push(this.#comma ? `,${event}` : event);
    this.#comma = true;
  }
}
