/** What one variable of the statistics is. Called by the layouts of the statistics text. */

/** A counter only rises; a gauge counts objects alive and is back at 0 at rest. */
export type StatKind = 'counter' | 'gauge';

/** What one variable counts. */
export interface StatDoc {
  readonly kind: StatKind;
  readonly doc: string;
  /** The tracepoints that happen when it changes, or why none does. */
  readonly events: string;
  /** What holds at rest, '' if nothing does. */
  readonly healthy: string;
}

/** Something that only rises. */
export function counter(doc: string, events: string, healthy = ''): StatDoc {
  return { kind: 'counter', doc, events, healthy };
}

/** Something that counts what is alive. */
export function gauge(
  doc: string,
  events: string,
  healthy = '0 when no request is in flight',
): StatDoc {
  return { kind: 'gauge', doc, events, healthy };
}
