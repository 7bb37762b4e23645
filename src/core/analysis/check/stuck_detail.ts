/**
 * How far an open request came: its front slices with stream and slot, what its collector reached,
 * and the folios that are still locked or under writeback. Called by stuck.ts.
 */
import type { Capture } from '../../store/types.js';
import type { RequestSeen, SliceSeen } from './types.js';

/** How far an open request came, in words; null = not told. */
export interface Detail {
  readonly front: string | null;
  readonly collected: string | null;
  readonly folios: string | null;
}

interface Open {
  readonly request: RequestSeen;
  readonly open: readonly SliceSeen[];
}

const PAGE = 4096;
const hex = (value: unknown): string => Number(value).toString(16);

/** How far a request came. */
export function detailOf({ request, open }: Open, capture: Capture): Detail {
  return {
    front: frontOf(open, capture),
    collected: collectedOf(request, capture),
    folios: foliosOf(request, capture),
  };
}

/** Streams of a write: 0 goes to the server, 1 to the cache; a read has one. */
function frontOf(open: readonly SliceSeen[], capture: Capture): string | null {
  const streams = new Map<number, SliceSeen>();
  for (const slice of [...open].sort((a, b) => a.start - b.start)) {
    const stream = slice.source === 'write' ? 1 : 0;
    if (!streams.has(stream)) streams.set(stream, slice);
  }
  const each = [...streams].map(([stream, { index, start, len, transferred, last }]) => {
    const row = capture.get('SELECT "slot" FROM "netfs_sreq" WHERE "id" = ?', [last]);
    const slot = row?.slot === null || row === undefined ? '' : ` slot ${row.slot}`;
    return `[${stream}:${index}] ${hex(start)} ${hex(transferred)}/${hex(len)}${slot}`;
  });
  return each.length === 0 ? null : each.join(', ');
}

function collectedOf({ rreq, first, start }: RequestSeen, capture: Capture): string | null {
  const last = (table: string, column: string) =>
    capture.get(
      `SELECT * FROM "${table}" WHERE "${column}" = ? AND "id" >= ? ORDER BY "id" DESC LIMIT 1`,
      [rreq, first.id],
    );
  const state = last('netfs_collect_state', 'wreq');
  const next = last('netfs_read_progress_at', 'rreq');
  const parts: string[] = [];
  if (state !== undefined) {
    parts.push(`collected to ${hex(state.collected_to)}, cleaned to ${hex(state.cleaned_to)}`);
  }
  if (next !== undefined) parts.push(`unlocks at ${hex(start + Number(next.progress_at))}`);
  return parts.length === 0 ? null : parts.join(', ');
}

const FOLIOS = `
SELECT "index", "last", "why", max("id") FROM "netfs_folio"
WHERE "id" >= @first AND "ino" = @ino AND "index" >= @from AND "index" < @to
GROUP BY "index" HAVING "why" IN ('read', 'mark-copy', 'read-done', 'sched-copy', 'store', 'store+',
  'store-copy') ORDER BY "index"`;

function foliosOf(request: RequestSeen, capture: Capture): string | null {
  const { ino, first, side } = request;
  if (ino === null) return null;
  const [from, to] =
    side === 'read' ? [request.start, request.start + request.len] : rangeOf(request);
  const rows = capture.all(FOLIOS, {
    first: first.id,
    ino,
    from: Math.floor(from / PAGE),
    to: Math.ceil(to / PAGE),
  });
  if (rows.length === 0) return null;
  const [begin, end] = [rows[0]?.index, rows.at(-1)?.last ?? rows.at(-1)?.index];
  const block = capture.get(
    'SELECT "fq" FROM "netfs_folioq" WHERE "rreq" = ? AND "id" >= ? ORDER BY "id" LIMIT 1',
    [request.rreq, first.id],
  );
  const queue = block === undefined ? '' : ` from fq=${hex(block.fq)} on`;
  const how = side === 'read' ? 'locked' : 'under writeback';
  return `${rows.length} ${how}, ix ${hex(begin)}-${hex(end)}${queue}`;
}

function rangeOf({ slices, start }: RequestSeen): [from: number, to: number] {
  let [from, to] = [start, start];
  for (const slice of slices.values()) {
    from = Math.min(from, slice.start);
    to = Math.max(to, slice.start + slice.len);
  }
  return [from, to];
}
