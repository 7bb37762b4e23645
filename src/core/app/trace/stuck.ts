/**
 * The use case `trace stuck`: requests that never end, from the trace and from a copy of
 * /proc/fs/netfs/requests. Called by the command.
 */
import {
  type OpenRequest,
  openRequests,
  type UnbegunRequest,
  unbegunRequests,
} from '../../analysis/check/stuck.js';
import { spanOf } from '../../analysis/span.js';
import type { Column, Row, Table } from '../../analysis/types.js';
import { StoreError } from '../../base/errors.js';
import { openCapture } from '../../store/database.js';
import type { Era } from '../../trace/eras.js';
import { flagNames } from '../../trace/flag_bits.js';
import {
  listedState,
  listWithin,
  parseRequests,
  type RequestLine,
} from '../import/request_list.js';
import { readSmallText } from '../stats/source.js';
import { findCapture } from './capture_path.js';

const COLUMNS: readonly Column[] = [
  { name: 'R', doc: 'Request, as printed.', unit: 'text' },
  { name: 'kind', doc: 'Why it was made, or its origin as printed.', unit: 'text' },
  { name: 'silent', doc: 'Since its last event.', unit: 'ns' },
  { name: 'step', doc: 'Its last step.', unit: 'text' },
  { name: 'open', doc: 'Slices that have not ended, of those not freed.', unit: 'text' },
  { name: 'who', doc: 'Who waits in it: issuer, collector, reader; nobody.', unit: 'text' },
  { name: 'waits_for', doc: 'What for, as far as the trace tells.', unit: 'text' },
  {
    name: 'front',
    doc: 'First open slice of each stream: [stream:slice] start bytes.',
    unit: 'text',
  },
  { name: 'collected', doc: 'How far its collector came.', unit: 'text' },
  { name: 'folios', doc: 'Folios still locked or under writeback.', unit: 'text' },
  { name: 'flags', doc: 'Its flags by name.', unit: 'text' },
  {
    name: 'listed',
    doc: 'Its line in the list of requests: references, operations.',
    unit: 'text',
  },
  { name: 'rules', doc: 'Rules of trace check that find something in it.', unit: 'text' },
  { name: 'last_event', doc: 'Last event: id of the event tables.', unit: 'number' },
];

/** The open requests; `note` says what the trace lacks to tell, null if nothing. */
export interface StuckTable extends Table {
  readonly count: number;
  readonly note: string | null;
}

/** True if a request is under way whatever became of the request events that were not recorded. */
function isUnderWay({ request, open }: OpenRequest): boolean {
  const held = request.ref !== null && request.ref > 0;
  return held || open.some(({ reading }) => reading);
}

/**
 * The requests that are open when the trace ends, joined with a copy of the list of requests: the
 * file named, else what was imported with the trace.
 */
export function stuckTable(file?: string, requests?: string): StuckTable {
  const given = requests === undefined ? null : listOf(requests);
  const capture = openCapture(findCapture(file));
  try {
    const list = given ?? listWithin(capture);
    const { era } = capture.info;
    const seen = openRequests(capture);
    // That a request ended stands in netfs_rreq.
    const told = capture.get('SELECT 1 FROM "netfs_rreq" LIMIT 1') !== undefined;
    const open = seen.filter((each) => each.doubt === null && (told || isUnderWay(each)));
    const note = untold(seen.filter((each) => !open.includes(each)));
    const rows = open.map((each) => rowOf(each, era, list));
    const known = new Set(open.map(({ request }) => request.rreq));
    const unbegun = unbegunRequests(capture)
      .filter(({ rreq }) => !known.has(rreq))
      .map(unbegunRow);
    const alone = list.filter(({ rreq }) => !known.has(rreq)).map((line) => listedOnly(line, era));
    const { timed } = spanOf(capture);
    // Without times nobody can say for how long.
    const all = [...rows, ...unbegun, ...alone].map((row) =>
      timed ? row : { ...row, silent: null },
    );
    return { capture: capture.path, columns: COLUMNS, rows: all, count: all.length, note };
  } finally {
    capture.close();
  }
}

/** Why it is not known whether these ended; null if there are none. */
function untold(requests: readonly OpenRequest[]): string | null {
  const [first] = requests;
  if (first === undefined) return null;
  const which = requests.length === 1 ? '1 request' : `${requests.length} requests`;
  const doubt = requests.find((each) => each.doubt !== null)?.doubt ?? null;
  const why = doubt === null ? 'record netfs_rreq' : `no table has the word ${doubt}`;
  return `cannot tell whether ${which} ended: ${why}`;
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
  const { request, open, silentNs, waits, rules, detail } = each;
  const line = list.find(({ rreq }) => rreq === request.rreq);
  const flying = open.filter(({ terminated }) => !terminated).map(({ index }) => `[${index}]`);
  return {
    R: number(request.rreq),
    kind: request.kind || String(request.last.origin ?? line?.origin ?? request.side),
    silent: silentNs,
    step: request.lastStep,
    open: `${flying.length} of ${open.length} ${flying.slice(0, 4).join('')}`.trim(),
    who: waits.who,
    waits_for: waits.waits,
    front: detail?.front ?? null,
    collected: detail?.collected ?? null,
    folios: detail?.folios ?? null,
    flags: flagNames(era, 'rreq', request.flags).join(' ') || null,
    listed: line === undefined ? null : listed(line),
    rules: rules.join(' ') || null,
    last_event: request.last.id,
  };
}

function unbegunRow({ rreq, event, silentNs, waits }: UnbegunRequest): Row {
  const none = { open: null, front: null, collected: null, folios: null, flags: null };
  const rest = { ...none, listed: null, rules: null, last_event: event };
  return {
    ...{ R: number(rreq), kind: null, silent: silentNs, step: 'NEW' },
    ...{ who: 'issuer', waits_for: waits },
    ...rest,
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
  const detail = { who: null, front: null, collected: null, folios: null };
  const waits = `${listedState(line, era)} (it is not in the trace)`;
  return {
    ...{ R: number(line.rreq), kind, ...none, ...detail },
    ...{ waits_for: waits, flags, listed: listed(line) },
  };
}
