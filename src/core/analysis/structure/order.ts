/**
 * The order of a request's events: what must come as on the other side, and what may pass. Called
 * by compare.ts; docs/explanation/conformance.md explains the list.
 *
 * Two events of a request may swap places only if they are about different slices and their roles
 * are a row of `MAY_PASS`. Everything else happens before or after as the kernel makes it: events
 * of one slice, everything against the phases of the request, the issuing of slices by one task,
 * the starting of stores by one worker. Two courses are the same if one becomes the other by such
 * swaps.
 */
import type { RequestEvent, Role } from './types.js';

/** Roles whose events may pass each other, of different slices. */
const MAY_PASS: readonly (readonly [Role, Role])[] = [
  // The end of an asynchronous read comes when the disk or the server is done.
  ['ended', 'issue'],
  ['ended', 'ended'],
  // The end of a store likewise, on another worker than the one that starts them.
  ['stored', 'store'],
  ['stored', 'stored'],
  // Whoever drops the last reference frees the slice.
  ['free', 'free'],
];

/** True if the two events may come in either order. */
function mayPass(a: RequestEvent, b: RequestEvent): boolean {
  if (a.slice < 0 || b.slice < 0 || a.slice === b.slice) return false;
  return MAY_PASS.some(
    ([one, other]) => (a.role === one && b.role === other) || (a.role === other && b.role === one),
  );
}

/** How two courses of a request compare. `at`: place in `left` of the first difference. */
export type CourseVerdict =
  | { readonly same: true; readonly reordered: boolean }
  | { readonly same: false; readonly at: number };

/** Compares the courses of a request on both sides. */
export function compareCourses(
  left: readonly RequestEvent[],
  right: readonly RequestEvent[],
): CourseVerdict {
  let at = 0;
  while (at < left.length && at < right.length && left[at]?.text === right[at]?.text) at++;
  if (at === left.length && at === right.length) return { same: true, reordered: false };
  const places = placesIn(left, right);
  if (places === undefined) return { same: false, at };
  for (let i = at; i < left.length; i++) {
    for (let j = i + 1; j < left.length; j++) {
      const swapped = (places[i] as number) > (places[j] as number);
      if (swapped && !mayPass(left[i] as RequestEvent, left[j] as RequestEvent)) {
        return { same: false, at };
      }
    }
  }
  return { same: true, reordered: true };
}

// Where each event of `left` stands in `right`; undefined when they are not the same events.
function placesIn(
  left: readonly RequestEvent[],
  right: readonly RequestEvent[],
): number[] | undefined {
  if (left.length !== right.length) return undefined;
  const free = new Map<string, number[]>();
  for (const [i, { text }] of right.entries()) {
    const places = free.get(text);
    if (places === undefined) free.set(text, [i]);
    else places.push(i);
  }
  for (const places of free.values()) places.reverse();
  const places: number[] = [];
  for (const { text } of left) {
    const place = free.get(text)?.pop();
    if (place === undefined) return undefined;
    places.push(place);
  }
  return places;
}
