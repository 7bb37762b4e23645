/**
 * The use case `stats import`: copies of the statistics into a capture of their own, one snapshot
 * each, and a copy of /proc/fs/netfs/requests as events.
 */
import type { Column, Row, Table } from '../analysis/types.js';
import { UsageError } from '../base/errors.js';
import { writeCapture } from '../store/capture_writer.js';
import { ERAS, type Era, isEra } from '../trace/eras.js';
import { netfsRreqOrigins } from '../trace/events/netfs.js';
import { flagNames } from '../trace/flag_bits.js';
import { RecordWriter } from '../trace/record_writer.js';
import { readSmallText, type StatsSource, statsOfText } from './stats_source.js';
import type { TraceTarget } from './trace_sink.js';

/** One line of /proc/fs/netfs/requests. */
export interface RequestLine {
  readonly rreq: number;
  /** Origin as printed: `RA`, `2C`, `(null)`, ... */
  readonly origin: string;
  readonly refs: number;
  readonly flags: number;
  readonly error: number;
  /** Operations that are not finished. */
  readonly outstanding: number;
  /** What it covers, as printed: `@0000 0/29e1`. */
  readonly coverage: string;
  readonly text: string;
}

/** A copy of /proc/fs/netfs/requests. */
export interface RequestList {
  readonly requests: readonly RequestLine[];
  /** The era whose list it is, as far as the heading and the origins tell. */
  readonly era: Era;
}

/** The events (of the system `proc`) that hold lines of a list, by when it was copied. */
export const REQUEST_EVENTS = {
  before: 'netfs_requests_before',
  after: 'netfs_requests',
} as const;

const HEADING = /^REQUEST +OR +REF +(FL|FLAG) +ERR +OPS +COVERAGE$/;
const REQUEST = /^([0-9a-f]{8}) (\S+) +(-?\d+) +([0-9a-f]+) +(-?\d+) +(-?\d+) (@[0-9a-f]+ \S+)$/;

/** Reads a list of requests, quoted or not; null if the text is something else. */
export function parseRequests(text: string): RequestList | null {
  const requests: RequestLine[] = [];
  let heading: string | null = null;
  for (const quoted of text.split(/\r?\n/)) {
    const line = quoted.replace(/^(?: ?>)+ ?/, '').trim();
    heading ??= HEADING.exec(line)?.[1] ?? null;
    const match = REQUEST.exec(line);
    if (match === null) continue;
    const [, rreq = '', origin = '', refs, flags = '', error, outstanding, coverage = ''] = match;
    requests.push({
      rreq: Number.parseInt(rreq, 16),
      origin,
      refs: Number(refs),
      flags: Number.parseInt(flags, 16),
      error: Number(error),
      outstanding: Number(outstanding),
      coverage,
      text: line,
    });
  }
  if (heading === null && requests.length === 0) return null;
  return { requests, era: eraOfRequests(heading, requests) };
}

/** The column of flags got its wider name in v6.16; origins came and went. */
function eraOfRequests(heading: string | null, requests: readonly RequestLine[]): Era {
  const since = ERAS.indexOf('E8');
  const eras = heading === 'FL' ? ERAS.slice(ERAS.indexOf('E4'), since) : ERAS.slice(since);
  const fits = (era: Era) =>
    requests.every(({ origin }) => netfsRreqOrigins.find(era, origin) !== undefined);
  // Of those that fit the longterm line is the likeliest, then the oldest.
  return ['E6' as const, ...eras].find((era) => eras.includes(era) && fits(era)) ?? eras[0] ?? 'E8';
}

/** What was imported. */
export interface StatsImport {
  readonly capture: string;
  readonly era: Era;
  readonly snapshots: number;
  /** Requests of copies of /proc/fs/netfs/requests, with their flags by name. */
  readonly requests: Table;
}

const COLUMNS: readonly Column[] = [
  { name: 'R', doc: 'Number of the request, as printed.', unit: 'text' },
  { name: 'origin', doc: 'Why it was made.', unit: 'text' },
  { name: 'refs', doc: 'References.', unit: 'number' },
  { name: 'error', doc: 'Negative error number, 0 = none.', unit: 'number' },
  { name: 'outstanding', doc: 'Operations that are not finished.', unit: 'number' },
  { name: 'coverage', doc: 'Start, bytes submitted and in all, hexadecimal.', unit: 'text' },
  { name: 'flags', doc: 'Flags, hexadecimal and by name.', unit: 'text' },
];

/** Imports copies of statistics and of requests. */
export function importStats(
  files: readonly string[],
  target: TraceTarget,
  era?: string,
): StatsImport {
  if (era !== undefined && !isEra(era)) {
    throw new UsageError('--era', `no era '${era}'`, `one of ${ERAS.join(', ')}`);
  }
  const requests: RequestLine[] = [];
  const sources: StatsSource[] = [];
  let eraOfList: Era | undefined;
  for (const file of files) {
    const text = readSmallText(file);
    const list = parseRequests(text);
    if (list === null) sources.push(statsOfText(file, text));
    else requests.push(...list.requests);
    eraOfList ??= list?.era;
  }
  const of = era ?? sources[0]?.era ?? eraOfList ?? 'E8';
  const sink = writeCapture(target.out, {
    source: 'import',
    era: of,
    workload: files.join(' '),
    command_line: target.commandLine,
    tool_version: target.toolVersion,
  });
  const writer = new RecordWriter(sink);
  const head = { ts: 0, task: 0, cpu: 0, flags: '', op: 0 };
  for (const { entries } of sources) writer.stats(head, entries);
  for (const { text } of requests) writer.other(head, 'proc', REQUEST_EVENTS.after, text);
  sink.finish();
  const rows = requests.map((each): Row => {
    const { rreq, origin, refs, error, outstanding, coverage, flags } = each;
    const names = [flags.toString(16), ...flagNames(of, 'rreq', flags)].join(' ');
    const R = rreq.toString(16).padStart(8, '0');
    return { R, origin, refs, error, outstanding, coverage, flags: names };
  });
  return {
    capture: target.out,
    era: of,
    snapshots: sources.length,
    requests: { capture: target.out, columns: COLUMNS, rows },
  };
}
