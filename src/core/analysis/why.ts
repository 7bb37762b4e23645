/**
 * Where the bytes of a range came from and why, slice by slice, in words. Called by `trace why`.
 */
import { formatNs } from '../base/units.js';
import { CHANGE_TABLES, type CookieState, CookieStates } from './cookies.js';
import { sqlModule } from './sql_module.js';
import type { Analysis, Row } from './types.js';

/** What a verdict of the cache means for people. */
const VERDICTS: Readonly<Record<string, string>> = {
  'after-eof': 'behind the end of the file, so there is nothing to read',
  'found-hole': 'the cache file has a hole here: it was never stored',
  'found-part': 'the cache file has a hole here and data behind it; the slice was cut at the data',
  'have-data': 'the cache has it',
  'no-data': 'the cache object is new or was not looked up yet, and holds nothing',
  'no-file': 'the cache object has no file',
  'seek-error': 'asking the cache file for data failed',
  'seek-enxio': 'the cache file holds nothing from here on',
};

/** Verdicts of an object that holds nothing here: it was never stored, or was thrown away. */
const NOTHING_THERE = new Set(['no-data', 'found-hole', 'seek-enxio']);

const hex = (value: Row[string] | undefined) => Number(value).toString(16);

/** States of a cookie in which nothing can come from the cache. */
const NOT_BOUND = new Set(['acquired', 'not cached', 'put away', 'gone']);

/** The source of a slice in a word. */
function sourceOf(row: Row): string {
  if (Number(row.cache_fallbacks) > 0) return 'server after cache failure';
  switch (row.source) {
    case 'ZERO':
      return 'zero';
    case 'DOWN':
      return row.first_source === 'READ' ? 'server after cache failure' : 'server';
    case 'READ':
      return 'cache';
    default:
      return String(row.source);
  }
}

/** Objects that were looked up and discarded as stale, where only statistics tell (to v5.16). */
interface Discards {
  readonly discarded: number;
  readonly kept: number;
  /** Volumes that were thrown away: ts, word and number (size), in order. */
  readonly volumes: readonly Row[];
}

/** The last volume that was thrown away before a request, in words; null if none was. */
function volumeBefore({ begin_ns: begin }: Row, { volumes }: Discards): string | null {
  const last = volumes.findLast(({ ts }) => begin === null || Number(ts) <= Number(begin));
  if (last === undefined) return null;
  const ago = begin === null ? '' : `, ${formatNs(Number(begin) - Number(last.ts))} before`;
  const which = `${last.word}, V=${hex(last.size)}${ago}`;
  return `the volume's coherency data differed (${which}), so all that was cached of it was thrown away`;
}

/** What the cache said, in words; undefined = it said nothing. */
function verdictOf(row: Row, state: CookieState | null, discards: Discards): string | undefined {
  if (row.verdict === null) return undefined;
  if (NOTHING_THERE.has(String(row.verdict))) {
    const { discarded, kept } = discards;
    const counted = `ChkAux obs=${discarded}`;
    if (state !== null && state.empty !== null) return `${state.empty}, so nothing is stored here`;
    if (discarded > 0 && kept === 0) {
      return `the cached version differed from the server's and was discarded (${counted})`;
    }
    if (discarded > 0 && row.verdict === 'no-data')
      return `the cache object is new, or its version was stale (${counted})`;
  }
  return VERDICTS[String(row.verdict)];
}

/** Why, in a sentence without its period; `state` is that of the cookie when the request began. */
function reasonOf(row: Row, state: CookieState | null, discards: Discards): string {
  const verdict = verdictOf(row, state, discards);
  const parts: string[] = [];
  if (Number(row.cache_fallbacks) > 0) parts.push('the cache had it, but reading it failed');
  else if (verdict !== undefined) parts.push(verdict);
  else if (row.source === 'ZERO') parts.push('behind the end of the file');
  else if (row.cookie === null) {
    parts.push('whether a cache is used cannot be told: record netfs_read');
  } else if (!(Number(row.cookie) > 0)) {
    parts.push('the file has no cookie: no cache is used for it');
  } else if (state !== null && NOT_BOUND.has(state.state)) {
    parts.push(`its cookie was ${state.state} then: ${state.cause}`);
  } else {
    const volume = state === null ? volumeBefore(row, discards) : null;
    parts.push(volume ?? 'the trace does not tell: record cachefiles_prep_read and fscache');
  }
  if (Number(row.error) < 0) parts.push(`it failed with ${row.error}`);
  if (Number(row.short_reads) > 0) parts.push('it came short and was asked for again');
  if (Number(row.store_refused) > 0) parts.push('the cache refused to store it');
  else if (row.source === 'DOWN' && Number(row.stored) > 0) parts.push('it was stored');
  return parts.join('; ');
}

/**
 * One row per slice that overlaps what is asked for, cut to it, in the order of the file, then of
 * time; two of one that the cache gave the first part of before it failed.
 */
export const why: Analysis = {
  name: 'why',
  doc: 'For every byte range: where it came from, and why from there.',
  needs: ['request', 'subrequest', 'op', ...CHANGE_TABLES],
  records: [['netfs_sreq']],
  columns: [
    { name: 'file', doc: 'File; NULL if not known.', unit: 'text' },
    { name: 'range', doc: 'Half-open range of the file, hexadecimal.', unit: 'text' },
    { name: 'bytes', doc: 'Bytes obtained.', unit: 'bytes' },
    { name: 'source', doc: 'zero, server, cache or server after cache failure.', unit: 'text' },
    { name: 'R', doc: 'Request, as printed, and slice.', unit: 'text' },
    { name: 'kind', doc: 'Why the request was made.', unit: 'text' },
    { name: 'op', doc: 'Operation that caused it: op.id.', unit: 'number' },
    { name: 'verdict', doc: 'What the cache said.', unit: 'text' },
    { name: 'state', doc: 'State of the cookie when the request began.', unit: 'text' },
    { name: 'why', doc: 'In words.', unit: 'text' },
  ],
  params: [
    { name: 'file', doc: 'Only this file.', default: null },
    { name: 'ino', doc: 'Only this inode.', default: null },
    { name: 'rreq', doc: 'Only requests of this number.', default: null },
    { name: 'op', doc: 'Only requests of this operation.', default: null },
    { name: 'from', doc: 'Only bytes from this one on.', default: 0 },
    { name: 'to', doc: 'Only bytes before this one.', default: Number.MAX_SAFE_INTEGER },
  ],
  context: sqlModule('why_context'),
  sql: sqlModule('why'),
  derive(_era, changes) {
    const states = new CookieStates();
    const checks: Record<string, number> = {};
    const volumes: Row[] = [];
    for (const row of changes) {
      if (row.event === 'ChkAux') checks[String(row.word)] = Number(row.size);
      else if (row.event === 'volume') volumes.push(row);
      else states.change(row);
    }
    const discards = { discarded: checks.obs ?? 0, kept: checks.ok ?? 0, volumes };
    return (row) => told(row, states.at(Number(row.cookie), Number(row.begin_ns)), discards);
  },
};

function told(row: Row, state: CookieState | null, discards: Discards): Row {
  const start = Number(row.start);
  return {
    ...row,
    range: `${hex(start)}-${hex(start + Number(row.len))}`,
    bytes: row.transferred ?? null,
    source: sourceOf(row),
    R: `${hex(row.rreq).padStart(8, '0')}[${row.index}]`,
    state: state?.state ?? null,
    why: reasonOf(row, state, discards),
  };
}
