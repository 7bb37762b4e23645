/**
 * What a viewer of timelines is told: groups of lanes, slices on lanes, flows between slices, and
 * counters. Written by `perfetto.ts` and `chrome.ts`; times are nanoseconds from 0.
 */

/** A named value of a slice; null is left out. */
export type Arg = readonly [name: string, value: string | number | null];

/** A lane or a counter, by the number the writer gave it. */
export type Track = number;

/** One slice. */
export interface Slice {
  readonly lane: Track;
  readonly begin: number;
  /** null = its end is not in the capture. */
  readonly end: number | null;
  /** What kind of thing it is, for the viewer's filter. */
  readonly category: string;
  readonly name: string;
  readonly args: readonly Arg[];
  /** Flows that begin here; below 2^53, each is used once. */
  readonly out: readonly number[];
  /** The flow that ends here, null = none. */
  readonly into: number | null;
}

/** Takes a timeline and gives it piece by piece in a viewer's format. */
export interface TimelineWriter<T> {
  /** A group, shown as a process; `pid` is null where it is none. Texts are taken as they are. */
  group(name: string, pid: number | null): number;
  /** A lane of a group, on which slices follow or enclose one another; null = of no group. */
  lane(group: number | null, name: string): Track;
  counter(name: string, unit: 'count' | 'bytes'): Track;
  /** Slices of a lane come by their begin; one that another encloses comes after it. */
  slice(slice: Slice): void;
  /** Something without a duration; only on lanes that have no slices. */
  instant(slice: Omit<Slice, 'end'>): void;
  /** The value from `time` on; values of a counter come by time. */
  count(counter: Track, time: number, value: number): void;
  /** What is written by now if it is much; null if it is little and not the end. */
  take(end: boolean): T | null;
}
