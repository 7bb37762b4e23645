/**
 * The use case `stats import`: copies of the statistics into a capture of their own, one snapshot
 * each, and a copy of /proc/fs/netfs/requests as events.
 */
import type { Column, Row, Table } from '../analysis/types.js';
import { UsageError } from '../base/errors.js';
import { writeCapture } from '../store/database.js';
import { ERAS, type Era, isEra } from '../trace/eras.js';
import { flagNames } from '../trace/flag_bits.js';
import { RecordWriter } from '../trace/record_writer.js';
import { readSmallText, type StatsSource, statsOfText } from './stats_source.js';
import type { TraceTarget } from './trace_sink.js';

/** One line of /proc/fs/netfs/requests. */
export interface RequestLine {
  readonly rreq: number;
  /** Origin as printed: `RA`, `2C`, ... */
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

const REQUEST = /^([0-9a-f]{8}) (\S\S) +(\d+) +([0-9a-f]+) +(-?\d+) +(\d+) (@[0-9a-f]+ \S+)$/;

/** The requests of a copy of /proc/fs/netfs/requests; none if the text is something else. */
export function parseRequests(text: string): RequestLine[] {
  const requests: RequestLine[] = [];
  for (const line of text.split(/\r?\n/)) {
    const match = REQUEST.exec(line.trimEnd());
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
      text: line.trimEnd(),
    });
  }
  return requests;
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
  for (const file of files) {
    const text = readSmallText(file);
    const found = parseRequests(text);
    requests.push(...found);
    if (found.length === 0) sources.push(statsOfText(file, text));
  }
  // Only since v6.8 are requests listed; the flags of the latest release are the likeliest.
  const of = era ?? sources[0]?.era ?? 'E9';
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
  for (const { text } of requests) writer.other(head, 'proc', 'netfs_requests', text);
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
