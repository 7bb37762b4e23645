/** A capture's events as the kernel prints them, filtered. Called by `trace events`. */
import { UsageError } from '../../base/errors.js';
import { closest } from '../../base/suggest.js';
import { parseDuration } from '../../base/units.js';
import { openCapture } from '../../store/database.js';
import type { Capture, LineFilter } from '../../store/types.js';
import { netfsSreqSources } from '../../trace/events/netfs.js';
import { TRACEPOINTS } from '../../trace/index.js';
import { findCapture } from './capture_path.js';
import { parseRequest } from './query.js';

/** What to print, as a person writes it. */
export interface EventOptions {
  readonly events?: readonly string[] | undefined;
  /** Request number in hexadecimal, as printed. */
  readonly request?: string | undefined;
  readonly file?: string | undefined;
  /** Times as printed (seconds) or with a unit; half-open. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly source?: string | undefined;
  readonly limit?: number | undefined;
  /** Names flag bits behind each flag word. */
  readonly decode?: boolean | undefined;
}

/** The trace as text: the heading the kernel prints, then one line per event, without newlines. */
export function eventLines(
  file: string | undefined,
  options: EventOptions,
): { capture: string; lines: Iterable<string> } {
  const capture = openCapture(findCapture(file));
  try {
    const filter = lineFilter(capture, options);
    return { capture: capture.path, lines: walk(capture, filter, options.limit) };
  } catch (error) {
    capture.close();
    throw error;
  }
}

function* walk(capture: Capture, filter: LineFilter, limit = Number.POSITIVE_INFINITY) {
  try {
    yield* capture.heading();
    let left = limit;
    if (left <= 0) return;
    for (const line of capture.lines(filter)) {
      yield line;
      if (--left <= 0) return;
    }
  } finally {
    capture.close();
  }
}

function lineFilter(capture: Capture, options: EventOptions): LineFilter {
  const { events, request, file, since, until, source, decode } = options;
  const time = (text: string, flag: string) =>
    parseDuration(text, flag) - capture.info.clock_origin_ns;
  for (const event of events ?? []) checkEvent(capture, event);
  return {
    ...(events === undefined ? {} : { events }),
    ...(request === undefined ? {} : { rreq: parseRequest(request) }),
    ...(file === undefined ? {} : { file: checkFile(capture, file) }),
    ...(since === undefined ? {} : { since: time(since, '--since') }),
    ...(until === undefined ? {} : { until: time(until, '--until') }),
    ...(source === undefined ? {} : { source: checkSource(capture, source) }),
    ...(decode ? { decode } : {}),
  };
}

function checkEvent(capture: Capture, event: string): void {
  const known: string[] = [...TRACEPOINTS.map(({ name }) => name), 'tracing_mark_write'];
  if (known.includes(event)) return;
  const others = capture.all('SELECT DISTINCT "event" FROM "other_event"');
  known.push(...others.map((row) => String(row.event)));
  if (!known.includes(event))
    throw unknown('--event', event, known, 'netfslab sql --schema lists the events');
}

function checkFile(capture: Capture, file: string): string {
  const files = capture.all(`SELECT "file" FROM "op" WHERE "file" <> ''
    UNION SELECT "file" FROM "request_file" WHERE "file" IS NOT NULL`);
  const known = files.map((row) => String(row.file));
  if (known.includes(file)) return file;
  throw unknown('--file', file, known, 'netfslab trace sources lists the files');
}

function checkSource(capture: Capture, source: string): string {
  const known = netfsSreqSources.labels(capture.info.era).map(({ text }) => text);
  const upper = source.toUpperCase();
  if (known.includes(upper)) return upper;
  throw unknown('--source', source, known, `one of ${known.join(', ')}`);
}

function unknown(flag: string, value: string, known: readonly string[], hint: string): UsageError {
  const near = closest(value, known);
  return new UsageError(
    flag,
    `no such ${flag.slice(2)} in this capture: '${value}'`,
    near === undefined ? hint : `${flag} ${near}`,
  );
}
