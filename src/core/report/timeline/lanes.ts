/**
 * Spreads slices that overlap over lanes, so that those of one lane follow one another: a slice
 * takes the lane that has been free for longest, or a new one. Called by the timeline export.
 */
import TinyQueue from 'tinyqueue';
import type { TimelineWriter, Track } from './types.js';

interface Lane {
  readonly track: Track;
  /** When its last slice ends. */
  free: number;
}

/** The lanes of one name in one group. */
export class Lanes {
  readonly #lanes = new TinyQueue<Lane>([], (a, b) => a.free - b.free);
  readonly #make: () => Track;

  /** Makes lanes as they are needed. */
  constructor(writer: TimelineWriter<unknown>, group: number, name: string) {
    this.#make = () => writer.lane(group, name);
  }

  /** The lane for a slice; calls come by `begin`. A slice without an end keeps its lane. */
  take(begin: number, end: number | null): Track {
    const first = this.#lanes.peek();
    const lane =
      first !== undefined && first.free <= begin ? first : { track: this.#make(), free: 0 };
    if (lane === first) this.#lanes.pop();
    lane.free = end ?? Number.POSITIVE_INFINITY;
    this.#lanes.push(lane);
    return lane.track;
  }
}
