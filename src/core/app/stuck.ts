/**
 * The use case `trace stuck`: requests that never end, from the trace and from a copy of
 * /proc/fs/netfs/requests. Called by the command.
 */
import { type OpenRequest, openRequests } from '../analysis/check/stuck.js';
import type { Column, Row, Table } from '../analysis/types.js';
import { StoreError } from '../base/errors.js';
import { openCapture } from '../store/database.js';
import type { Capture } from '../store/types.js';
import type { Era } from '../trace/eras.js';
import { flagNames } from '../trace/flag_bits.js';
import { findCapture } from './capture_path.js';
import { listedState, parseRequests, REQUEST_EVENTS, type RequestLine } from './request_list.js';
import { readSmallText } from './stats_source.js';

const COLUMNS: readonly Column[] = [
  { name: 'R', doc: 'Request, as printed.', unit: 'text' },
  { name: 'kind', doc: 'Why it was made, or its origin as printed.', unit: 'text' },
  { name: 'silent', doc: 'Since its last event.', unit: 'ns' },
  { name: 'step', doc: 'Its last step.', unit: 'text' },
  { name: 'open', doc: 'Slices that have not ended, of those not freed.', unit: 'text' },
  { name: 'waits_for', doc: 'What it waits for, as far as the trace tells.', unit: 'text' },
  { name: 'flags', doc: 'Its flags by name.', unit: 'text' },
  {
    name: 'listed',
    doc: 'Its line in the list of requests: references, operations.',
    unit: 'text',
  },
  { name: 'rules', doc: 'Rules of trace check that find something in it.', unit: 'text' },
  { name: 'last_event', doc: 'Last event: id of the event tables.', unit: 'number' },
];

/**
 * The requests that are open when the trace ends, joined with a copy of the list of requests: the
 * file named, else what was imported with the trace.
 */
export function stuckTable(file?: string, requests?: string): Table & { readonly count: number } {
  const given = requests === undefined ? null : listOf(requests);
  const capture = openCapture(findCapture(file));
  try {
    const list = given ?? listWithin(capture);
    const { era } = capture.info;
    const open = openRequests(capture);
    const rows = open.map((each) => rowOf(each, era, list));
    const known = new Set(open.map(({ request }) => request.rreq));
    const alone = list.filter(({ rreq }) => !known.has(rreq)).map((line) => listedOnly(line, era));
    const all = [...rows, ...alone];
    return { capture: capture.path, columns: COLUMNS, rows: all, count: all.length };
  } finally {
    capture.close();
  }
}

/** The list that was imported with the trace. */
function listWithin(capture: Capture): readonly RequestLine[] {
  const sql = `SELECT "text" FROM "other_event" WHERE "system" = 'proc' AND "event" = ?`;
  const lines = capture.all(sql, [REQUEST_EVENTS.after]).map(({ text }) => String(text));
  return parseRequests(lines.join('\n'))?.requests ?? [];
}

/** The requests of a copy of /proc/fs/netfs/requests. Throws `StoreError`. */
function listOf(file: string): readonly RequestLine[] {
  const list = parseRequests(readSmallText(file));
  if (list !== null) return list.requests;
  throw new StoreError(file, 'holds no list of requests', {
    hint: 'it should be a copy of /proc/fs/netfs/requests',
  });
}

const number = (rreq: number) => rreq.toString(16).padStart(8, '0');

function rowOf(each: OpenRequest, era: Era, list: readonly RequestLine[]): Row {
  const { request, open, silentNs, waits, rules } = each;
  const line = list.find(({ rreq }) => rreq === request.rreq);
  const flying = open.filter(({ terminated }) => !terminated).map(({ index }) => `[${index}]`);
  return {
    R: number(request.rreq),
    kind: request.kind || String(request.last.origin ?? line?.origin ?? request.side),
    silent: silentNs,
    step: request.lastStep,
    open: `${flying.length} of ${open.length} ${flying.slice(0, 4).join('')}`.trim(),
    waits_for: waits,
    flags: flagNames(era, 'rreq', request.flags).join(' ') || null,
    listed: line === undefined ? null : listed(line),
    rules: rules.join(' ') || null,
    last_event: request.last.id,
  };
}

function listed({ refs, outstanding, error }: RequestLine): string {
  const failed = error === 0 ? '' : `, error ${error}`;
  return `${refs} references, ${outstanding} operations${failed}`;
}

function listedOnly(line: RequestLine, era: Era): Row {
  const flags = flagNames(era, 'rreq', line.flags).join(' ') || null;
  const kind = line.origin;
  const none = { silent: null, step: null, open: null, rules: null, last_event: null };
  const waits = `${listedState(line, era)} (it is not in the trace)`;
  return { R: number(line.rreq), kind, ...none, waits_for: waits, flags, listed: listed(line) };
}
