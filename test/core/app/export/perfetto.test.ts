/**
 * The timeline says what SQL says: every request, slice and store once, with its duration, on lanes
 * that do not overlap; flows lead back in time to what caused them; names are text.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Export } from '../../../../src/core/app/export/export.js';
import type { Capture } from '../../../../src/core/store/types.js';
import { temporaryFolder } from '../../../helpers/capture.js';
import { type ReadSlice, type ReadTimeline, readPerfetto } from '../../../helpers/perfetto.js';
import { imported, SAMPLES, type SampleName } from '../../../helpers/samples.js';
import { ROOT } from '../../../helpers/source.js';

function exported(path: string): ReadTimeline {
  const from = new Export(path, 'perfetto', {});
  const pieces = [...from.bytes()];
  from.close();
  return readPerfetto(Buffer.concat(pieces));
}

/** Begin and duration of everything of a category; null = no end in the capture. */
function spans(slices: readonly ReadSlice[], category: string): string[] {
  const of = slices.filter((each) => each.category === category && !each.instant);
  return of.map(({ begin, end }) => `${begin} ${end === null ? null : end - begin}`).sort();
}

function sqlSpans(capture: Capture, table: string, begin: string, end: string): string[] {
  const sql = `SELECT ${begin} || ' ' || coalesce("${end}" - ${begin}, 'null') AS "span"
    FROM "${table}" WHERE ${begin} IS NOT NULL`;
  return capture
    .all(sql)
    .map(({ span }) => String(span))
    .sort();
}

/** The first event that the capture has of a request, whose begin may be before the capture. */
const FIRST_SEEN = `(SELECT min("at") FROM (SELECT "begin_ns" AS "at" UNION ALL SELECT "expanded_ns"
  UNION ALL SELECT "submit_ns" UNION ALL SELECT "term_ns" UNION ALL SELECT "assess_ns"
  UNION ALL SELECT "unlock_ns" UNION ALL SELECT "write_ns" UNION ALL SELECT "done_ns"
  UNION ALL SELECT "free_ns"))`;

/** The slices that overlap another one of their lane. */
function overlapping(slices: readonly ReadSlice[]): string[] {
  const last = new Map<number, ReadSlice>();
  return slices.flatMap((each) => {
    if (each.instant) return [];
    const before = last.get(each.track);
    last.set(each.track, each);
    const free = before === undefined || (before.end !== null && before.end <= each.begin);
    return free ? [] : [`${before.name} and ${each.name}`];
  });
}

/** Flows that do not lead from exactly one slice to exactly one that begins no earlier. */
function badFlows(slices: readonly ReadSlice[]): string[] {
  const from = new Map<string, ReadSlice[]>();
  for (const each of slices) {
    for (const flow of each.out) from.set(flow, [...(from.get(flow) ?? []), each]);
  }
  const ended = new Set<string>();
  const bad = slices.flatMap((each) =>
    each.into.flatMap((flow) => {
      const [cause, ...more] = from.get(flow) ?? [];
      const good =
        cause !== undefined && more.length === 0 && !ended.has(flow) && cause.begin <= each.begin;
      ended.add(flow);
      return good ? [] : [`${flow} to ${each.name} from ${cause?.name}`];
    }),
  );
  return [
    ...bad,
    ...[...from.keys()].filter((flow) => !ended.has(flow)).map((flow) => `${flow} has no end`),
  ];
}

/** The most that were in flight at once, of spans without their ends among the open ones. */
function most(capture: Capture, table: string, begin: string, end: string, where = 'true'): number {
  const rows = capture.all(
    `SELECT "${begin}" AS "b", "${end}" AS "e" FROM "${table}" WHERE "${begin}" IS NOT NULL AND ${where}`,
  );
  // Those that end and begin at one time are told as one change.
  const times = [...new Set(rows.map(({ b }) => Number(b)))];
  const at = (time: number) =>
    rows.filter(({ b, e }) => Number(b) <= time && (e === null || Number(e) > time)).length;
  return Math.max(0, ...times.map(at));
}

function compare(t: ExecutionContext, capture: Capture): void {
  const { slices, counters } = exported(capture.path);
  t.deepEqual(spans(slices, 'request'), sqlSpans(capture, 'request', FIRST_SEEN, 'free_ns'));
  t.deepEqual(spans(slices, 'slice'), sqlSpans(capture, 'subrequest', '"submit_ns"', 'term_ns'));
  t.deepEqual(spans(slices, 'store'), sqlSpans(capture, 'subrequest', '"write_ns"', 'wterm_ns'));
  t.deepEqual(spans(slices, 'op'), sqlSpans(capture, 'op', '"start_ns"', 'end_ns'));
  const errors = slices.filter(({ category, args }) => category === 'slice' && 'error' in args);
  const failed = `SELECT count(*) AS "n" FROM "subrequest"
    WHERE "submit_ns" IS NOT NULL AND "error" <> 0`;
  t.is(errors.length, Number(capture.get(failed)?.n));
  t.deepEqual(overlapping(slices), []);
  t.deepEqual(badFlows(slices), []);
  const peak = (name: string) =>
    Math.max(0, ...(counters.get(name) ?? []).map(([, value]) => value));
  t.is(peak('requests in flight'), most(capture, 'request', 'begin_ns', 'free_ns'));
  const server = most(capture, 'subrequest', 'submit_ns', 'term_ns', `"source" = 'DOWN'`);
  t.is(peak('slices in flight from the server'), server);
}

const NAMES: readonly SampleName[] = [
  ...(['afs-6.1', '9p-6.1-full', 'cifs-6.12', 'nfs-6.12', 'afs-6.18-writes'] as const),
  ...(['cifs-6.18-hang', '9p-7.3-odd', 'cifs-7.3-writes'] as const),
];

for (const name of NAMES) {
  test(`the timeline of ${name} is what SQL says`, async (t) => {
    const capture = await imported(temporaryFolder(t), 'a', join(ROOT, SAMPLES[name]));
    t.true(Number(capture.get('SELECT count(*) AS "n" FROM "request"')?.n) > 0);
    compare(t, capture);
    capture.close();
  });
}

test('flags have names, bytes have their source, and lanes belong to files and tasks', async (t) => {
  const capture = await imported(temporaryFolder(t), 'a', join(ROOT, SAMPLES['cifs-6.12']));
  const { slices, processes } = exported(capture.path);
  const request = slices.find(
    ({ category, args }) => category === 'request' && String(args.flags ?? '00') !== '00',
  ) as ReadSlice;
  t.regex(request.name, /^R=[0-9a-f]{8} \w+$/);
  t.regex(String(request.args.flags), /^[0-9a-f]+\[[A-Z_|]+\]$/);
  const total = slices.reduce(
    (sum, { args }) => sum + Number(args['bytes from the server'] ?? 0),
    0,
  );
  t.true(total > 0);
  t.true(slices.some(({ category, group }) => category === 'op' && group === 'kops'));
  t.true([...processes.values()].includes(request.group));
  capture.close();
});

test('names that are markup, escapes or right-to-left stay text', async (t) => {
  const folder = temporaryFolder(t);
  const hostile = '</script><img src=x>"\\\u001b[31m\u202eb\u0007\'';
  const comm = '<b>"\u202ex';
  const line = (us: number, text: string) =>
    `   ${comm}-7     [000] .....  1.${String(us).padStart(6, '0')}: ${text}\n`;
  const lines = [
    line(10, `tracing_mark_write: kcap op=1 open 0 ${hostile}`),
    line(11, `tracing_mark_write: ${hostile}`),
    line(20, 'netfs_read: R=00000001 READAHEAD c=00000001 ni=5 s=0 1000'),
    line(40, 'netfs_rreq: R=00000001 RA FREE   f=00'),
  ];
  writeFileSync(join(folder, 'trace.txt'), lines.join(''));
  const capture = await imported(folder, 'a', join(folder, 'trace.txt'));
  const markers = capture.all('SELECT "text" FROM "marker"').map(({ text }) => String(text));
  t.true(markers.includes(hostile));
  const { slices, processes } = exported(capture.path);
  t.true([...processes.values()].includes(comm));
  t.deepEqual(
    slices.filter(({ category }) => category === 'marker').map(({ name }) => name),
    markers,
  );
  const from = new Export(capture.path, 'chrome', {});
  const { traceEvents } = JSON.parse([...from.lines()].join('\n')) as {
    traceEvents: { name: string; cat?: string; args: { name: string } }[];
  };
  from.close();
  t.true(traceEvents.some(({ name, args }) => name === 'process_name' && args.name === comm));
  t.deepEqual(
    traceEvents.filter(({ cat }) => cat === 'marker').map(({ name }) => name),
    markers,
  );
  capture.close();
});
