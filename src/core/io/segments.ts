/**
 * Storage for segment lists that is used again, so that building one allocates nothing once warm.
 */
import type { SegmentList } from './types.js';

/** Makes an empty list. */
export function makeSegmentList(): SegmentList {
  return { count: 0, segments: [] };
}

/** Adds a piece, joining it to the last one when it continues it in memory. */
export function addSegment(
  list: SegmentList,
  memory: Uint8Array,
  offset: number,
  length: number,
): void {
  if (list.count > 0) {
    const last = list.segments[list.count - 1];
    if (last !== undefined && last.memory === memory && last.offset + last.length === offset) {
      last.length += length;
      return;
    }
  }
  const slot = list.segments[list.count];
  if (slot === undefined) list.segments.push({ memory, offset, length });
  else {
    slot.memory = memory;
    slot.offset = offset;
    slot.length = length;
  }
  list.count++;
}

/** Total bytes of the list. */
export function segmentBytes(list: SegmentList): number {
  let bytes = 0;
  for (let i = 0; i < list.count; i++) bytes += list.segments[i]?.length ?? 0;
  return bytes;
}
