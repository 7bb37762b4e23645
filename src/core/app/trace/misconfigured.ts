/**
 * The classic misconfigurations, as far as a capture shows them: each with the numbers that show it
 * and the setting to change. Called by `trace summary`.
 */
import { formatBytes, formatNs } from '../../base/units.js';
import type { Capture } from '../../store/types.js';
import { exactCurve } from '../../workload/mrc/curve.js';
import { referencesIn } from '../whatif/references.js';
import { fitServer } from '../whatif/server_model.js';
import type { Notable } from './summary.js';

/** Fewer requests are no habit. */
const REQUESTS_MIN = 8;
/** A short file, or a server next door, gains nothing by a larger window. */
const WINDOWS_MIN = 16;
const LATENCY_MIN = 500_000;
/** Slices that a server is fitted from, evenly taken. */
const SLICES_MAX = 2000;
/** Operations and references from which a curve of misses is made, in less than a second. */
const OPERATIONS_MAX = 50_000;
const REFERENCES_MAX = 100_000;
const PAGE = 4096;
/** A curve that falls by less is no reason to change anything. */
const LESS_MISSES = 0.2;
const NEARLY = 0.02;

/** What of a capture looks as if a setting were wrong. */
export function misconfigurations(capture: Capture): Notable[] {
  return [
    smallWindow(capture),
    largeRequests(capture),
    pastTheCache(capture),
    withoutCookie(capture),
    smallPageCache(capture),
  ].filter((each) => each !== null);
}

/** One window at a time, and most of its time is the server's latency. */
function smallWindow(capture: Capture): Notable | null {
  const windows = capture.get(`
SELECT count(*) AS "n", max(coalesce("expanded_len", "len")) AS "largest" FROM "request"
WHERE "kind" = 'readahead' AND "server_bytes" > 0 AND "cache_bytes" = 0`);
  if (Number(windows?.n ?? 0) < WINDOWS_MIN) return null;
  const total = Number(
    capture.get(`SELECT count(*) AS "n" FROM "subrequest" AS "s"
    JOIN "request" AS "r" USING ("request_uid")
    WHERE "s"."source" = 'DOWN' AND "r"."kind" = 'readahead'`)?.n,
  );
  const slices = capture.all(
    `SELECT "s"."transferred" AS "bytes", "s"."submit_ns" AS "start", "s"."term_ns" AS "end"
     FROM "subrequest" AS "s" JOIN "request" AS "r" USING ("request_uid")
     WHERE "s"."source" = 'DOWN' AND "r"."kind" = 'readahead' AND "s"."error" = 0
       AND "s"."term_ns" > "s"."submit_ns" AND "s"."rowid" % @every = 0`,
    { every: Math.max(1, Math.ceil(total / SLICES_MAX)) },
  );
  const server = fitServer(
    slices.map(({ bytes, start, end }) => {
      return { bytes: Number(bytes), startNs: Number(start), endNs: Number(end) };
    }),
  );
  if (server === undefined || server.bandwidth === 0 || server.concurrency > 1) return null;
  const largest = Number(windows?.largest);
  const inFlight = (server.bandwidth * server.latencyNs) / 1e9;
  // Below this, latency is a smaller part of a window's time than its bytes are.
  if (inFlight < 2 * largest || server.latencyNs < LATENCY_MIN) return null;
  const share = (100 * inFlight) / (inFlight + largest);
  const says = `One readahead window of ${formatBytes(largest)} is in flight at a time, and ${share.toFixed(0)} % of its time is the server's latency of ${formatNs(server.latencyNs)}: bandwidth times latency is ${formatBytes(Math.round(inFlight))}. Raise read_ahead_kb of the mount's bdi (/sys/class/bdi).`;
  return { weight: 48, says, ask: 'netfslab whatif --vary read-ahead-kb=128,1024,4096' };
}

/** Reads at random places, each of which makes the server send much more. */
function largeRequests(capture: Capture): Notable | null {
  const reads = capture.get(`
WITH "read" AS (
  SELECT "result" AS "bytes",
    "offset" = lag("offset" + "result") OVER (PARTITION BY "file" ORDER BY "id") AS "next"
  FROM "op" WHERE "kind" = 'read' AND "result" > 0 AND coalesce("direct", 0) = 0
)
SELECT count(*) AS "n", sum("bytes") AS "bytes", avg("bytes") AS "mean",
  avg(coalesce("next", 0)) AS "sequential" FROM "read"`);
  const got = capture.get(`SELECT count(*) AS "n", sum("server_bytes") AS "bytes",
    avg("server_bytes") AS "mean" FROM "request"
    WHERE "side" = 'read' AND "direct" = 0 AND "server_bytes" > 0`);
  const [read, server] = [Number(reads?.bytes ?? 0), Number(got?.bytes ?? 0)];
  if (Number(reads?.n ?? 0) < REQUESTS_MIN || Number(got?.n ?? 0) < REQUESTS_MIN) return null;
  if (Number(reads?.sequential) > 0.5 || server < 3 * read) return null;
  const says = `The server sent ${(server / read).toFixed(1)} times what was read: reads of ${formatBytes(Math.round(Number(reads?.mean)))} at random places make requests of ${formatBytes(Math.round(Number(got?.mean)))}. Lower read_ahead_kb or the cache's granule, or let the program say POSIX_FADV_RANDOM.`;
  return { weight: 47, says, ask: 'netfslab trace sources' };
}

/** Direct reads beside a cache that they do not use. */
function pastTheCache(capture: Capture): Notable | null {
  const row = capture.get(`
SELECT sum("direct" = 1) AS "n",
  sum(CASE WHEN "direct" = 1 THEN "server_bytes" END) AS "bytes", sum("server_bytes") AS "all",
  sum("direct" = 0 AND "cookie" > 0) AS "cached" FROM "request" WHERE "side" = 'read'`);
  const [bytes, all] = [Number(row?.bytes ?? 0), Number(row?.all ?? 0)];
  if (Number(row?.n ?? 0) < REQUESTS_MIN || Number(row?.cached ?? 0) === 0) return null;
  if (bytes * 2 < all) return null;
  const says = `${formatBytes(bytes)} of ${formatBytes(all)} from the server were read with O_DIRECT or unbuffered, past page cache and disk cache. Leave O_DIRECT out, or mount so that files are cached.`;
  return { weight: 46, says, ask: 'netfslab trace hits' };
}

/** A file that has a cookie at one time and none at another: open for writing, as a rule. */
function withoutCookie(capture: Capture): Notable | null {
  const row = capture.get(`
WITH "each" AS (
  SELECT "f"."file" AS "file", sum("r"."cookie" > 0) AS "with", sum("r"."cookie" = 0) AS "without",
    sum(CASE WHEN "r"."cookie" = 0 THEN "r"."server_bytes" ELSE 0 END) AS "bytes"
  FROM "request" AS "r" JOIN "request_file" AS "f" USING ("request_uid")
  WHERE "r"."side" = 'read' AND "r"."direct" = 0 AND "f"."file" IS NOT NULL GROUP BY 1
)
SELECT * FROM "each" WHERE "with" > 0 AND "without" >= ${REQUESTS_MIN} ORDER BY "bytes" DESC LIMIT 1`);
  if (row === undefined || Number(row.bytes) === 0) return null;
  const says = `${formatBytes(Number(row.bytes))} of ${row.file} were read without its cookie, which it has at other times: a file that is open for writing is not cached. Open it read-only where nobody writes.`;
  return { weight: 45, says, ask: 'netfslab trace why' };
}

/** A page cache that is smaller than what is used again and again; what it cost is known. */
function smallPageCache(capture: Capture): Notable | null {
  const { pageCache } = JSON.parse(capture.info.options || '{}') as { pageCache?: unknown };
  if (typeof pageCache !== 'number') return null;
  const again = capture.get(`SELECT sum("result") AS "bytes", count(*) AS "n" FROM "op"
    WHERE "kind" IN ('read', 'write', 'load', 'store') AND "result" > 0`);
  if (Number(again?.n) > OPERATIONS_MAX) return null;
  if (Number(again?.bytes ?? 0) > REFERENCES_MAX * PAGE) return null;
  const { units, count } = referencesIn(capture, PAGE);
  // What fits needs no curve, and what is used once has none.
  if (count * PAGE <= pageCache || units.length < 2 * count) return null;
  const { points } = exactCurve(units, count);
  const now = points.findLast(({ size }) => size * PAGE <= pageCache);
  const least = points.at(-1)?.lru ?? 1;
  // The smallest that is nearly as good as one that holds everything.
  const enough = points.find(({ lru }) => lru <= least + NEARLY);
  if (now === undefined || enough === undefined || now.lru - enough.lru < LESS_MISSES) return null;
  const percent = (ratio: number) => `${(100 * ratio).toFixed(0)} %`;
  const says = `The page cache of ${formatBytes(pageCache)} is smaller than what is used again and again: ${percent(now.lru)} of the references miss it; ${formatBytes(enough.size * PAGE)} would miss ${percent(enough.lru)}.`;
  return { weight: 44, says, ask: 'netfslab mrc' };
}
