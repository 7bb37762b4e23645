/**
 * Reduces a trace to what the structural comparison compares. Called by compare.ts through app/,
 * with the rows of a database or of memory.
 */
import type { OpRecord, StatEntry } from '../../trace/record.js';
import { COMPARED, type ComparedEvent, type Names, whereOf } from './events.js';
import { LEDGERS, LedgerAudit } from './ledger.js';
import type {
  EventRow,
  LaneEvent,
  RequestEvent,
  RequestStructure,
  Structure,
  TraceView,
  Where,
} from './types.js';

/** Reduces a trace. */
export function readStructure({ rows, ops, snapshots }: TraceView): Structure {
  const compared = [...rows].filter(({ event }) => event in COMPARED || event in LEDGERS);
  const reader = new StructureReader(compared);
  for (const row of compared) reader.take(row);
  return reader.finish(ops.map(opText), statsChange(snapshots));
}

function opText({ op, kind, file, offset, len }: OpRecord): string {
  const range = Number.isFinite(offset) ? ` ${offset} ${len}` : '';
  return `op ${op} ${kind} ${file}${range}`;
}

// What each line of the statistics changed by. LRU at= is a clock.
function statsChange(snapshots: TraceView['snapshots']): StatEntry[] | null {
  const first = snapshots[0];
  const last = snapshots.at(-1);
  if (first === undefined || last === undefined || snapshots.length < 2) return null;
  const before = new Map(first.map(({ label, key, value }) => [`${label} ${key}`, value]));
  return last
    .filter(({ label, key }) => !(label === 'LRU' && key === 'at'))
    .map((entry) => {
      const old = before.get(`${entry.label} ${entry.key}`) ?? 0;
      return { ...entry, value: entry.value - old };
    });
}

interface OpenRequest extends RequestStructure {
  read: string;
  readonly number: number;
  readonly events: RequestEvent[];
  readonly refs: Map<string, number>;
}

/** The slice whose SUBMT or WRITE a task told last, and that has not touched the cache yet. */
interface Pending {
  readonly request: OpenRequest;
  readonly slice: number;
  readonly event: 'cachefiles_read' | 'cachefiles_write';
}

class StructureReader {
  readonly #names: Names;
  readonly #foreign: ReadonlySet<EventRow>;
  readonly #foreignIds = new Set<unknown>();
  readonly #open = new Map<unknown, OpenRequest>();
  readonly #requests: OpenRequest[] = [];
  readonly #lanes = new Map<string, LaneEvent[]>();
  readonly #io: Record<Where, string[]> = { task: [], worker: [], irq: [] };
  readonly #refs = new Map<string, number>();
  readonly #audit = new LedgerAudit();
  readonly #pending = new Map<string, Pending>();
  #events = 0;

  constructor(rows: readonly EventRow[]) {
    this.#names = nameObjects(rows);
    this.#foreign = foreignReads(rows);
  }

  take(row: EventRow): void {
    if (this.#isForeign(row)) return;
    const compared = COMPARED[row.event];
    if (compared === undefined) this.#takeRef(row);
    else if (hasRequest(row)) this.#takeEvent(row, compared, this.#requestOf(row));
    else this.#takeIo(row, compared);
  }

  finish(ops: readonly string[], stats: readonly StatEntry[] | null): Structure {
    return {
      ops,
      requests: this.#requests,
      lanes: [...this.#lanes.values()],
      io: this.#io,
      refs: this.#refs,
      badRefs: this.#audit.bad,
      stats,
      events: this.#events,
    };
  }

  #isForeign(row: EventRow): boolean {
    if (!hasRequest(row)) return false;
    if (row.event === 'netfs_read') {
      if (this.#foreign.has(row)) this.#foreignIds.add(row.rreq);
      else this.#foreignIds.delete(row.rreq);
    }
    return this.#foreignIds.has(row.rreq);
  }

  #requestOf(row: EventRow): OpenRequest {
    const { rreq, op } = row;
    const known = this.#open.get(rreq);
    if (known !== undefined && (row.event !== 'netfs_read' || known.read === '')) return known;
    const request: OpenRequest = {
      rreq: Number(rreq),
      number: this.#requests.length + 1,
      op,
      read: '',
      events: [],
      refs: new Map(),
    };
    this.#open.set(rreq, request);
    this.#requests.push(request);
    return request;
  }

  #takeRef(row: EventRow): void {
    this.#audit.take(row);
    const text = `ref ${row.event.replace(/_ref$/, '')}`;
    const what = LEDGERS[row.event]?.what(row);
    if (!hasRequest(row)) {
      const { obj } = row;
      count(this.#refs, `${text} ${this.#names.object(obj)} ${what}`);
      return;
    }
    const { subreq } = row;
    const slice = 'subreq' in row ? `[${subreq}]` : '';
    count(this.#requestOf(row).refs, `${text}${slice} ${what}`);
  }

  #takeEvent(row: EventRow, compared: ComparedEvent, request: OpenRequest): void {
    const where = whereOf(row);
    const text = placedText(row, compared, this.#names, where);
    const slice = compared.slice?.(row) ?? -1;
    if (row.event === 'netfs_read') request.read = text;
    this.#add(row, request, { part: compared.part, slice, role: compared.role(row, where), text });
    const { what } = row;
    if (row.event !== 'netfs_sreq') return;
    const event = what === 'SUBMT' ? 'cachefiles_read' : 'cachefiles_write';
    const starts = what === 'WRITE' || (what === 'SUBMT' && row.source === 'READ');
    if (starts) this.#pending.set(taskOf(row), { request, slice, event });
  }

  // Cache I/O names no request: it belongs to the slice that its task has just begun.
  #takeIo(row: EventRow, compared: ComparedEvent): void {
    const where = whereOf(row);
    const text = placedText(row, compared, this.#names, where);
    const pending = this.#pending.get(taskOf(row));
    if (pending === undefined || pending.event !== row.event) {
      this.#io[where].push(text);
      this.#note(row, 0, text);
      return;
    }
    this.#pending.delete(taskOf(row));
    const { request, slice } = pending;
    this.#add(row, request, { part: compared.part, slice, role: compared.role(row, where), text });
  }

  #add(row: EventRow, request: OpenRequest, event: RequestEvent): void {
    request.events.push(event);
    this.#note(row, request.number, event.text);
  }

  #note(row: EventRow, request: number, text: string): void {
    this.#events++;
    if (whereOf(row) !== 'task') return;
    const lane = this.#lanes.get(taskOf(row)) ?? [];
    lane.push({ request, text });
    this.#lanes.set(taskOf(row), lane);
  }
}

function placedText(row: EventRow, event: ComparedEvent, names: Names, where: Where): string {
  const text = event.text(row, names);
  return event.placed(row) ? `${text} (${where})` : text;
}

// Some tracepoints name their request in some eras only.
function hasRequest({ rreq }: EventRow): boolean {
  return typeof rreq === 'number';
}

function taskOf({ comm, pid }: EventRow): string {
  return `${comm}-${pid}`;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

// Requests that another program of the machine made while the operations were played: they have no
// operation, though others have.
function foreignReads(rows: readonly EventRow[]): ReadonlySet<EventRow> {
  const reads = rows.filter(({ event }) => event === 'netfs_read');
  const ours = new Set(reads.filter(({ op }) => op > 0).map(({ comm }) => comm));
  if (ours.size === 0) return new Set();
  return new Set(reads.filter(({ op, comm }) => op === 0 && !ours.has(comm)));
}

// Cookies by the order in which requests name them, objects by their cookie and their order.
function nameObjects(rows: readonly EventRow[]): Names {
  const cookies = new Map<unknown, number>();
  const cookieOf = new Map<unknown, unknown>();
  const perCookie = new Map<unknown, unknown[]>();
  const reads = rows.filter(({ event }) => event === 'netfs_read');
  for (const { cookie } of [...reads, ...rows]) {
    if (typeof cookie === 'number' && cookie !== 0 && !cookies.has(cookie)) {
      cookies.set(cookie, cookies.size + 1);
    }
  }
  for (const { obj, cookie } of rows) {
    if (typeof obj === 'number' && typeof cookie === 'number') cookieOf.set(obj, cookie);
  }
  for (const { obj } of rows) {
    if (typeof obj !== 'number' || obj === 0) continue;
    const cookie = cookieOf.get(obj);
    const known = perCookie.get(cookie) ?? [];
    if (!known.includes(obj)) perCookie.set(cookie, [...known, obj]);
  }
  const nameOf = (number: unknown): string => {
    if (typeof number !== 'number') return 'c-';
    return number === 0 ? 'c0' : `c${cookies.get(number)}`;
  };
  return {
    cookie: nameOf,
    object: (number) => {
      if (typeof number !== 'number' || number === 0) return 'o0';
      const cookie = cookieOf.get(number);
      const order = (perCookie.get(cookie) ?? []).indexOf(number) + 1;
      return `o${nameOf(cookie).slice(1)}.${order}`;
    },
  };
}
