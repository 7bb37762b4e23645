/**
 * Requests and slices for the timeline of a report. A page holds so many and no more: of a larger
 * capture those that failed, those that were found fault with, the slowest, and of the others one
 * in so many; the density is that of all.
 */
import { requestStory, STORY_COLUMNS } from '../../analysis/request_story.js';
import type {
  RequestColumns,
  SliceColumns,
  TimelineDocument,
  Value,
} from '../../report/page/types.js';
import type { Capture, SqlRow } from '../../store/types.js';

/** How much a page holds. */
export interface PageLimits {
  readonly requests: number;
  readonly slices: number;
  /** Requests whose life is told. */
  readonly lives: number;
}

/** A page below 5 MB. */
export const PAGE_LIMITS: PageLimits = { requests: 20_000, slices: 60_000, lives: 150 };

/** Captures with more events have the lives of fewer requests. */
const LARGE_EVENTS = 1_000_000;

/** Stretches of time of the density. */
const STRETCHES = 2048;

/** When a request is first and last seen, as SQL. */
const FIRST = `coalesce("begin_ns", "expanded_ns", "submit_ns", "term_ns", "assess_ns", "unlock_ns",
  "write_ns", "done_ns", "free_ns")`;
const LAST = `coalesce("free_ns", "done_ns", "write_ns", "unlock_ns", "assess_ns", "term_ns",
  "submit_ns", "begin_ns")`;

/** The requests that are shown: the remarkable ones, then one in @every. */
const CHOSEN = `WITH "slow" AS (
  SELECT "request_uid" FROM "request" WHERE "begin_ns" IS NOT NULL
  ORDER BY "free_ns" - "begin_ns" DESC LIMIT @slow
)
SELECT "r".*, ${FIRST} AS "from_ns", ${LAST} AS "to_ns", "f"."file" AS "file", "t"."comm", "t"."pid"
FROM "request" AS "r" JOIN "request_file" AS "f" ON "f"."request_uid" = "r"."request_uid"
LEFT JOIN "task" AS "t" ON "t"."id" = "r"."task"
WHERE "from_ns" IS NOT NULL AND ("r"."request_uid" % @every = 0 OR "r"."outcome" <> 'ok'
  OR "r"."request_uid" IN (SELECT "request_uid" FROM "slow")
  OR "r"."request_uid" IN (SELECT "value" FROM json_each(@wanted)))
ORDER BY "from_ns", "r"."request_uid" LIMIT @limit`;

const SLICES = `SELECT * FROM "subrequest" WHERE "request_uid" = @uid ORDER BY "index"`;

const DENSITY = `SELECT CAST(("submit_ns" - @from) * ${STRETCHES}.0 / @len AS INTEGER) AS "bin",
  "source", count(*) AS "n" FROM "subrequest" WHERE "submit_ns" BETWEEN @from AND @to GROUP BY 1, 2`;

/** The timeline of a capture with times; null if it has no requests. */
export function timelineOf(
  capture: Capture,
  wanted: ReadonlySet<number>,
  limits: PageLimits,
): TimelineDocument | null {
  const bounds = capture.get(`SELECT count(*) AS "n", sum("slices") AS "slices",
    min(${FIRST}) AS "from", max(${LAST}) AS "to" FROM "request"`);
  const total = Number(bounds?.n ?? 0);
  if (total === 0 || bounds?.from === null) return null;
  const [from, to] = [Number(bounds?.from), Number(bounds?.to)];
  const share = Math.max(total / limits.requests, Number(bounds?.slices ?? 0) / limits.slices);
  const chosen = capture.all(CHOSEN, {
    every: share <= 1 ? 1 : Math.ceil(share * 1.25),
    slow: Math.ceil(limits.requests / 20),
    wanted: JSON.stringify([...wanted]),
    limit: limits.requests,
  });
  const strings = new Strings();
  const { requests, slices } = columnsOf(capture, chosen, { from, strings, most: limits.slices });
  return {
    from,
    to,
    total,
    requests,
    slices,
    density: densityOf(capture, from, to),
    lives: livesOf(capture, chosen, wanted, livesFor(capture, limits)),
    lifeColumns: STORY_COLUMNS,
    strings: strings.all,
  };
}

/** Texts by number. */
class Strings {
  readonly all: string[] = [];
  readonly #numbers = new Map<string, number>();

  number(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.all.push(text) - 1;
      this.#numbers.set(text, number);
    }
    return number;
  }
}

type Filling<T> = { [Name in keyof T]: T[Name] extends readonly (infer Each)[] ? Each[] : never };

function columnsOf(
  capture: Capture,
  chosen: readonly SqlRow[],
  { from, strings, most }: { from: number; strings: Strings; most: number },
) {
  const requests = emptyRequests();
  const slices = emptySlices();
  const since = (ns: SqlRow[string] | undefined) =>
    ns === null || ns === undefined ? null : Number(ns) - from;
  for (const row of chosen) {
    const position = requests.uid.length;
    pushRequest(requests, row, strings, since);
    if (slices.index.length >= most) continue;
    for (const slice of capture.all(SLICES, { uid: row.request_uid as number })) {
      slices.request.push(position);
      slices.index.push(Number(slice.index));
      slices.source.push(strings.number(String(slice.source ?? '')));
      slices.start.push(Number(slice.start));
      slices.bytes.push(Number(slice.transferred ?? 0) || Number(slice.len ?? 0));
      slices.submit.push(since(slice.submit_ns ?? slice.prep_ns));
      slices.term.push(since(slice.term_ns));
      slices.write.push(since(slice.write_ns));
      slices.wterm.push(since(slice.wterm_ns));
      slices.error.push(Number(slice.error ?? 0));
    }
  }
  return { requests, slices };
}

function pushRequest(
  to: Filling<RequestColumns>,
  row: SqlRow,
  strings: Strings,
  since: (ns: SqlRow[string] | undefined) => number | null,
): void {
  to.uid.push(Number(row.request_uid));
  to.rreq.push(Number(row.rreq));
  to.kind.push(strings.number(String(row.kind ?? row.side)));
  to.file.push(strings.number(String(row.file ?? 'file not known')));
  to.task.push(strings.number(row.comm === null ? 'task not known' : `${row.comm}-${row.pid}`));
  to.outcome.push(strings.number(String(row.outcome)));
  to.start.push(row.start === null ? null : Number(row.expanded_start ?? row.start));
  to.len.push(row.len === null ? null : Number(row.expanded_len ?? row.len));
  to.begin.push(since(row.from_ns) ?? 0);
  to.unlock.push(since(row.unlock_ns));
  to.end.push(row.outcome === 'open' ? null : since(row.to_ns));
  to.server.push(Number(row.server_bytes));
  to.cache.push(Number(row.cache_bytes));
  to.zero.push(Number(row.zero_bytes));
  to.stored.push(Number(row.stored_bytes));
  to.error.push(Number(row.error));
}

function emptyRequests(): Filling<RequestColumns> {
  return {
    ...{ uid: [], rreq: [], kind: [], file: [], task: [], outcome: [], start: [], len: [] },
    ...{ begin: [], unlock: [], end: [], server: [], cache: [], zero: [], stored: [], error: [] },
  };
}

function emptySlices(): Filling<SliceColumns> {
  return {
    ...{ request: [], index: [], source: [], start: [], bytes: [], submit: [], term: [] },
    ...{ write: [], wterm: [], error: [] },
  };
}

function densityOf(capture: Capture, from: number, to: number): TimelineDocument['density'] {
  const empty = () => new Array<number>(STRETCHES).fill(0);
  const density = { server: empty(), cache: empty(), zero: empty(), other: empty() };
  const names: Record<string, keyof typeof density> = {
    ...{ DOWN: 'server', UPLD: 'server', READ: 'cache', WRIT: 'cache', ZERO: 'zero' },
  };
  for (const { bin, source, n } of capture.all(DENSITY, { from, to, len: to - from + 1 })) {
    const counts = density[names[String(source)] ?? 'other'];
    const at = Math.min(STRETCHES - 1, Number(bin));
    counts[at] = (counts[at] ?? 0) + Number(n);
  }
  return density;
}

/** A life takes a third of a second to find where numbers of requests begin again and again. */
function livesFor({ info }: Capture, { lives }: PageLimits): number {
  return info.events > LARGE_EVENTS ? Math.ceil(lives / 5) : lives;
}

/** The lives of the requests that people ask for first. */
function livesOf(
  capture: Capture,
  chosen: readonly SqlRow[],
  wanted: ReadonlySet<number>,
  most: number,
): TimelineDocument['lives'] {
  const life = ({ begin_ns, free_ns }: SqlRow) => Number(free_ns ?? 0) - Number(begin_ns ?? 0);
  const rank = (row: SqlRow) =>
    Number(wanted.has(Number(row.request_uid))) * 2 + Number(row.outcome !== 'ok');
  const first = [...chosen].sort((a, b) => rank(b) - rank(a) || life(b) - life(a)).slice(0, most);
  return Object.fromEntries(
    first.map((row) => [
      String(row.request_uid),
      requestStory(capture, row).map((each) =>
        STORY_COLUMNS.map(({ name }) => (each[name] ?? null) as Value),
      ),
    ]),
  );
}
