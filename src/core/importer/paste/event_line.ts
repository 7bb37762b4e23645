/**
 * Recognises lines of a trace between anything else, and says when an event that mail wrapped is
 * whole. Called by segments.ts; the lines are then read by the importer of their form.
 */
import { ERAS } from '../../trace/eras.js';
import { tracepointNamed } from '../../trace/index.js';

/** How a line of a trace looks: with a front that an importer knows, or trimmed by hand. */
export type EventForm = 'front' | 'bare';

const FRONTS: readonly RegExp[] = [
  // tracefs and trace-cmd report, with any of their columns.
  /^\s*\S.{0,60}?-\d{1,10}\s+(?:\([-\s\d]{1,12}\)\s*)?\[\d{1,4}\]\s+(?:\S{1,16}\s+)?\d{1,20}(?:\.\d{1,9})?:\s+(?:\(\+\d+\)\s+)?[\w-]{2,64}:/,
  // Latency format, and what an oops dumps.
  /^\s*\S{1,24}-\d{1,10}\s+\d{1,4}\S{0,12}\s+\d{1,16}us[ !#+*@$&]?: ?[\w-]{2,64}:/,
  /^\s*\S{1,24}-\d{1,10}\s+\d{1,4}\S{1,12}\s+\d{1,12}\.\d{3,9}: [\w-]{2,64}:/,
  // perf script.
  /^\s*\S.{0,60}?\s\d{1,10}(?:\/\d{1,10})?\s+(?:\[\d{1,4}\]\s+)?\d{1,12}\.\d{3,9}:\s+(?:\d{1,12}\s+)?[\w-]{2,32}:[\w-]{2,64}:/,
];
/** Where a front stops that was wrapped before the name of its event. */
const CUT_FRONT =
  /-\d{1,10}\s+(?:\([-\s\d]{1,12}\)\s*)?\[\d{1,4}\](?:\s+\S{1,16})?(?:\s+\d{1,12}\.\d{1,9}:?)?$/;
const NAME = /(?:^|[ \t:])([a-z0-9]{2,16}_\w{2,48}|tracing_mark_write): ?(.*)$/;
/** Trace systems whose events are recognised by a name and fields alone. */
const SYSTEMS =
  /^(?:netfs|fscache|cachefiles|9p|afs|rxrpc|smb3|nfs|nfs4|ceph|filemap|mm|writeback)_/;

/** An event in a line. */
export interface EventText {
  readonly form: EventForm;
  readonly name: string;
  readonly text: string;
  /** Where the name begins. */
  readonly at: number;
}

/** The event in a line, null if there is none. */
export function eventIn(line: string): EventText | null {
  const front = FRONTS.find((each) => each.test(line));
  const match = NAME.exec(line);
  if (front !== undefined) {
    const [, name = '', text = ''] = match ?? /([\w-]{2,64}): ?(.*)$/.exec(line) ?? [];
    return { form: 'front', name, text, at: match === null ? 0 : match.index };
  }
  if (match === null) return null;
  const [, name = '', text = ''] = match;
  const known = tracepointNamed(name) !== undefined || name === 'tracing_mark_write';
  // A function of the kernel and a colon is no event: those have fields.
  const shaped = SYSTEMS.test(name) && /^\s*(?:[A-Za-z]\w{0,7}=|\w{1,3} \w+=)/.test(text);
  if (!known && !shaped) return null;
  if (known && text !== '' && !/[=\d]/.test(text)) return null;
  return { form: 'bare', name, text, at: line.indexOf(`${name}:`) };
}

/** True for the front of an event without the rest of it. */
export function isCutFront(line: string): boolean {
  return CUT_FRONT.test(line);
}

/** True if the text is what some kernel prints for the event; of unknown events nothing is. */
export function isWhole({ name, text }: EventText): boolean {
  const tracepoint = tracepointNamed(name);
  if (tracepoint === undefined) return false;
  const plain = text.trimEnd();
  return ERAS.some(
    (era) =>
      tracepoint.format(era) !== null &&
      (tracepoint.parse(plain, era) ??
        tracepoint.parse(`${plain}\n`, era) ??
        tracepoint.parse(` ${plain}`, era)) !== null,
  );
}

/** True for an event that the tables know. */
export function isKnownEvent(name: string): boolean {
  return tracepointNamed(name) !== undefined;
}

/** True for a line that has the shape of an event and is none that can be read. */
export function isDamagedEvent(line: string): boolean {
  return /\[\d{3}\]\s+\S{0,16}\s*\d{1,12}\.\d{3,9}:/.test(line);
}

/** What people write behind a line that they point at. */
export const REMARK = /\s+(?:<[-=]{1,}|[-=]{2,}>?\s|#|\/\/|\u2190|<=).*$/;
