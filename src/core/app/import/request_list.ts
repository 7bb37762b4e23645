/**
 * Copies of /proc/fs/netfs/requests: read out of a text, kept in a capture as events of the system
 * `proc`, and shown with their flags by name. Called by imports and by `trace stuck`.
 */
import type { Column, Row, Table } from '../../analysis/types.js';
import { segmentsOf } from '../../importer/paste/segments.js';
import { procRow } from '../../importer/paste/tables.js';
import type { Capture } from '../../store/types.js';
import type { Era, KnownEra } from '../../trace/eras.js';
import { flagNames } from '../../trace/flag_bits.js';
import { erasOfRequests, newestFitting } from '../stats/era.js';

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
  /** The newest era that prints its heading, origins and flags, and all that do. */
  readonly era: Era;
  readonly eras: readonly KnownEra[];
}

/** The events (of the system `proc`) that hold lines of a list, by when it was copied. */
export const REQUEST_EVENTS = {
  before: 'netfs_requests_before',
  after: 'netfs_requests',
} as const;

/** Reads a list of requests, quoted or not; null if the text is something else. */
export function parseRequests(text: string): RequestList | null {
  const lines = text.split(/\r?\n/);
  const { tables } = segmentsOf(lines);
  const rows = tables.get('requests');
  if (rows === undefined) return null;
  return listOf(
    rows.map((row) => row.text),
    text,
  );
}

/** A list of rows; `around` is the text they stand in, for the heading. */
export function listOf(rows: readonly string[], around: string): RequestList {
  const requests = rows.flatMap(requestOf);
  const heading = /REQUEST +OR +REF +(FLAG|FL) +ERR/.exec(around)?.[1] ?? null;
  const eras = erasOfRequests(heading, requests);
  return { requests, era: newestFitting([eras]).era, eras };
}

/** The list that was imported with a capture. */
export function listWithin(capture: Capture): readonly RequestLine[] {
  const sql = `SELECT "text" FROM "other_event" WHERE "system" = 'proc' AND "event" = ?`;
  const lines = capture.all(sql, [REQUEST_EVENTS.after]).map(({ text }) => String(text));
  return listOf(lines, '').requests;
}

function requestOf(text: string): RequestLine[] {
  const row = procRow('requests', text);
  if (row === null) return [];
  const hex = (name: string) => Number.parseInt(row[name] ?? '', 16);
  return [
    {
      rreq: hex('request'),
      origin: row.origin ?? '',
      refs: Number(row.refs),
      flags: hex('flags'),
      error: Number(row.error),
      outstanding: Number(row.operations),
      coverage: row.coverage ?? '',
      text,
    },
  ];
}

/** What a request of a list waits for, as far as its line tells. */
export function listedState({ outstanding, flags }: RequestLine, era: Era): string {
  const running = flagNames(era, 'rreq', flags).includes('IN_PROGRESS');
  if (outstanding > 0) return `${outstanding} operations that have not ended`;
  if (running) return 'its collector: no operation is outstanding, yet it is in progress';
  return 'nothing: it is done, and only references are left';
}

const COLUMNS: readonly Column[] = [
  { name: 'R', doc: 'Number of the request, as printed.', unit: 'text' },
  { name: 'origin', doc: 'Why it was made.', unit: 'text' },
  { name: 'refs', doc: 'References.', unit: 'number' },
  { name: 'error', doc: 'Negative error number, 0 = none.', unit: 'number' },
  { name: 'outstanding', doc: 'Operations that are not finished.', unit: 'number' },
  { name: 'coverage', doc: 'Start, bytes submitted and in all, hexadecimal.', unit: 'text' },
  { name: 'flags', doc: 'Flags, hexadecimal and by name.', unit: 'text' },
  { name: 'waits_for', doc: 'What it waits for, as far as the line tells.', unit: 'text' },
];

/** Requests as a table, with their flags by name. */
export function requestTable(
  capture: string | null,
  requests: readonly RequestLine[],
  era: Era,
): Table {
  const rows = requests.map((each): Row => {
    const { rreq, origin, refs, error, outstanding, coverage, flags } = each;
    const names = [flags.toString(16), ...flagNames(era, 'rreq', flags)].join(' ');
    const R = rreq.toString(16).padStart(8, '0');
    const waits = listedState(each, era);
    return { R, origin, refs, error, outstanding, coverage, flags: names, waits_for: waits };
  });
  return { capture, columns: COLUMNS, rows };
}
