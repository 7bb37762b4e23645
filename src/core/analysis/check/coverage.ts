/** How far the slices of a request cover it. Called by the rules. */
import { PAGE_SIZE } from '../../base/range.js';
import type { RequestSeen } from './types.js';

/** The range a request is to cover, half-open; a write names its own, the page is read. */
export function rangeOf({ kind, start, len }: RequestSeen): [start: number, end: number] {
  if (kind !== 'write_begin') return [start, start + len];
  return [
    start - (start % PAGE_SIZE),
    Math.max(start + len, start - (start % PAGE_SIZE) + PAGE_SIZE),
  ];
}

/** Where the slices of a request end, as they were prepared. */
export function coveredTo(request: RequestSeen): number {
  let end = rangeOf(request)[0];
  for (const slice of request.slices.values()) {
    if (slice.step === 'new') continue;
    end = Math.max(end, slice.firstStart + slice.firstLen);
  }
  return end;
}
