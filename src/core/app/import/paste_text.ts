/**
 * What a paste held and where: the account that imports print, and what its tables, mounts and
 * messages say. Called by `trace import` and `stats import`.
 */
import { formatCount } from '../../base/units.js';
import { mountMeans, mountStats } from '../../importer/paste/mounts.js';
import type { Paste, PastePart } from '../../importer/paste/read_paste.js';
import type { SegmentKind, Segments } from '../../importer/paste/segments.js';
import { type ProcTable, procRow, rowMeans } from '../../importer/paste/tables.js';
import type { Era } from '../../trace/eras.js';
import { flagNames } from '../../trace/flag_bits.js';
import { dmesgLines } from '../explain/dmesg.js';
import { listedState, listOf } from './request_list.js';

/** Stretches that are named one by one; of more, kinds are counted. */
const STRETCHES = 24;
/** Rows of a table that are told in words. */
const ROWS = 50;

const NAMES: Readonly<Record<SegmentKind, string>> = {
  trace: 'trace',
  statistics: 'statistics',
  requests: '/proc/fs/netfs/requests',
  caches: '/proc/fs/fscache/caches',
  volumes: '/proc/fs/fscache/volumes',
  cookies: '/proc/fs/fscache/cookies',
  objects: '/proc/fs/fscache/objects',
  nfs_volumes: '/proc/fs/nfsfs/volumes',
  messages: 'kernel messages',
  mount: '/proc/self/mountstats',
  prose: 'prose',
  damaged: 'damaged',
};

/** What was found where, one line for each stretch. */
export function* accountLines(paste: Paste): Iterable<string> {
  for (const { name, undone, segments, lines } of paste.parts) {
    const how = undone.length === 0 ? '' : ` (${undone.join(', ')} undone)`;
    yield `${name}: ${formatCount(lines.length)} lines${how}`;
    yield* stretches(segments);
    if (segments.repeats.length > 0) {
      const [first] = segments.repeats;
      yield `  ${formatCount(segments.repeats.length)} lines repeat earlier ones; left out: first ${name}:${first?.where}`;
    }
    for (const { where, text } of segments.damaged.slice(0, 3)) {
      yield `  line ${where} could not be read: ${text.slice(0, 120)}`;
    }
  }
  for (const damage of paste.damaged) yield `damaged: ${damage}`;
}

function* stretches({ account, stats, events, proseLines }: Segments): Iterable<string> {
  const told = account.filter(({ kind }) => kind !== 'prose');
  const counts: Partial<Record<SegmentKind, string>> = {
    trace: events.length === 1 ? ', 1 event' : `, ${formatCount(events.length)} events in all`,
    statistics: stats.length === 1 ? ', 1 snapshot' : `, ${stats.length} snapshots in all`,
  };
  for (const { kind, first, last } of told.slice(0, STRETCHES)) {
    const where = first === last ? `line ${first}` : `lines ${first}-${last}`;
    yield `  ${where}: ${NAMES[kind]}${counts[kind] ?? ''}`;
    delete counts[kind];
  }
  if (told.length > STRETCHES) yield `  and ${told.length - STRETCHES} more such stretches`;
  if (proseLines > 0) yield `  ${formatCount(proseLines)} lines of prose`;
}

/** What the tables, mounts and messages of a paste say. */
export function* contentLines(paste: Paste, era: Era): Iterable<string> {
  for (const part of paste.parts) {
    yield* requestLines(part, era);
    for (const table of ['caches', 'volumes', 'cookies', 'nfs_volumes'] as const) {
      yield* tableLines(part, table);
    }
    yield* mountLines(part);
    yield* dmesgLines(part.log);
  }
}

function* requestLines({ segments, lines }: PastePart, era: Era): Iterable<string> {
  const rows = segments.tables.get('requests');
  if (rows === undefined) return;
  const { requests } = listOf(
    rows.map(({ text }) => text),
    lines.join('\n'),
  );
  if (requests.length === 0) yield 'no request is open';
  for (const each of requests.slice(0, ROWS)) {
    const names = flagNames(era, 'rreq', each.flags).join(' ') || 'no flag';
    const R = each.rreq.toString(16).padStart(8, '0');
    yield `request R=${R} ${each.origin}: ${names}; ${each.refs} references; waits for ${listedState(each, era)}`;
  }
}

function* tableLines({ segments }: PastePart, table: ProcTable): Iterable<string> {
  const rows = segments.tables.get(table) ?? [];
  for (const { text } of rows.slice(0, ROWS)) {
    const row = procRow(table, text);
    if (row === null) continue;
    const [id = ''] = Object.values(row);
    const means = rowMeans(table, row);
    const within =
      row.volume !== undefined && table === 'cookies' ? ` of volume ${row.volume}` : '';
    const what = table === 'caches' ? 'cache' : `${table.replace(/s$/, '')} ${id}${within}:`;
    yield `${what} ${means}`;
  }
  if (rows.length > ROWS) yield `and ${formatCount(rows.length - ROWS)} more ${table}`;
}

function* mountLines({ segments }: PastePart): Iterable<string> {
  for (const lines of segments.mounts) {
    const mount = mountStats(lines.map(({ text }) => text));
    if (mount === null || !/^(?:nfs|cifs|smb3|9p|afs|ceph)/.test(mount.fstype)) continue;
    const { device, mounted, fstype, rsize, wsize, operations } = mount;
    const sizes = rsize === null ? '' : `, rsize ${rsize}, wsize ${wsize}`;
    yield `mount ${mounted} of ${device} (${fstype}${sizes})`;
    for (const means of mountMeans(mount)) yield `  ${means}`;
    for (const { name, count, retries, timeouts, rttMs, executeMs } of operations.slice(0, 20)) {
      const mean = (ms: number) => (ms / count).toFixed(1);
      const again = retries + timeouts === 0 ? '' : `, ${retries} sent again, ${timeouts} timeouts`;
      yield `  ${name}: ${count}, ${mean(rttMs)} ms to the reply, ${mean(executeMs)} ms in all${again}`;
    }
  }
}
