/**
 * The checkers that the properties rely on can fail: every event of a trace that is dropped,
 * repeated or altered, every counter that is wrong, every page in a wrong state and every wrong
 * byte is reported.
 */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { errnoOf } from '../../src/core/base/errno.js';
import { PG_FSCACHE, PG_UPTODATE } from '../../src/core/mm/folio.js';
import type { OpenFile } from '../../src/core/mm/types.js';
import type { CacheShare } from '../../src/core/netfs/types.js';
import type { MemoryRow } from '../../src/core/trace/sink.js';
import type { StatValues, StatVariable } from '../../src/core/trace/stats_layout.js';
import { type Misbehaviour, misbehave } from '../helpers/bad_server.js';
import { PageWatch } from '../helpers/check_pages.js';
import { checkTrace, type TraceConditions } from '../helpers/check_trace.js';
import { brief, content, makeLab, serverDir } from '../helpers/lab.js';
import { readahead, readpage } from '../helpers/netfs.js';
import { TestCache } from '../helpers/test_cache.js';
import { FILE_SIZES, runCase } from './read_case.js';

const CONDITIONS: TraceConditions = { defects: 'repaired', allocationsFail: true };

/** What becomes of the server's replies, in turn, and of the cache's reads and writes. */
const REPLIES: readonly (Misbehaviour | undefined)[] = [
  undefined,
  { most: 0x400 },
  undefined,
  { error: -errnoOf('ETIMEDOUT') },
];

/** A trace with every kind of event in it, and the counters at its end. */
async function richTrace(
  t: ExecutionContext,
): Promise<{ rows: readonly MemoryRow[]; stats: StatValues }> {
  let allocations = 0;
  const cache = new TestCache({
    granule: 0x4000,
    onRead: ({ number }) => (number === 0 ? -5 : undefined),
    onWrite: ({ number }) => (number === 0 ? -28 : undefined),
    refuse: () => cache.writes.length === 2,
  });
  const made = makeLab(
    t,
    { f: 0x20000 },
    {
      ...{ clearTail: false, rsize: 0x3000, cache: cache.share },
      wrapServer: misbehave(({ number }) => REPLIES[number]),
      failAllocation: (what) => what === 'sreq' && ++allocations === 11,
    },
  );
  cache.attach(made.lab.scheduler);
  const file = made.open('f');
  cache.fill(file.fstat().ino, 0x3000, content('f', 0x4000).subarray(0x3000));
  await readahead(made, file, 0x1000, 0x2000);
  for (const index of [5, 6]) await readpage(made, file, index).catch(() => {});
  await readpage(made, file, 9);
  await readahead(made, file, 0x10000, 0x8000);
  for (const index of [24, 25, 26]) await readpage(made, file, index).catch(() => {});
  await made.lab.close();
  return { rows: made.sink.rows, stats: made.lab.stats };
}

const KINDS = [
  ...['READAHEAD', 'EXPANDED', 'READPAGE', 'ASSESS', 'RESUBM', 'UNLOCK', 'DONE', 'FREE'],
  ...['PREP', 'SUBMT', 'TERM', 'SHORT', 'RDOWN', 'WRITE', 'WTERM', 'SKIP'],
  ...['read', 'prep-write', 'copy-to-cache', 'short-readpage'],
];

test('the trace that is spoilt below is right, and has every kind of event', async (t) => {
  const { rows, stats } = await richTrace(t);
  t.deepEqual(checkTrace(rows, CONDITIONS, stats), []);
  const kinds = new Set(rows.map(({ what }) => String(what)));
  t.deepEqual(
    KINDS.filter((kind) => !kinds.has(kind)),
    [],
  );
});

test('an event that is missing is reported, whichever it is', async (t) => {
  const { rows, stats } = await richTrace(t);
  const unseen = rows.filter((_, at) => {
    const spoilt = rows.filter((_row, i) => i !== at);
    return checkTrace(spoilt, CONDITIONS, stats).length === 0;
  });
  t.deepEqual(unseen.map(brief), []);
});

test('an event that comes twice is reported, whichever it is', async (t) => {
  const { rows, stats } = await richTrace(t);
  const unseen = rows.filter((row, at) => {
    const spoilt = [...rows.slice(0, at), row, ...rows.slice(at)];
    return checkTrace(spoilt, CONDITIONS, stats).length === 0;
  });
  t.deepEqual(unseen.map(brief), []);
});

test('a slice that moves, grows or got too much is reported at any event', async (t) => {
  const { rows, stats } = await richTrace(t);
  for (const change of [
    (row: MemoryRow) => ({ ...row, start: Number(row.start) + 0x1000 }),
    (row: MemoryRow) => ({ ...row, len: Number(row.len) + 0x1000 }),
    (row: MemoryRow) => ({ ...row, transferred: Number(row.len) + 1 }),
    (row: MemoryRow) => ({ ...row, error: -121 }),
  ]) {
    const unseen = rows.filter((row, at) => {
      const reads = ['PREP', 'SUBMT', 'TERM'].includes(String(row.what));
      if (row.event !== 'netfs_sreq' || !reads) return false;
      const spoilt = rows.with(at, change(row) as MemoryRow);
      return checkTrace(spoilt, CONDITIONS, stats).length === 0;
    });
    t.deepEqual(unseen.map(brief), [], String(change));
  }
});

test('slices that overlap or leave a gap are reported as such', async (t) => {
  const { rows } = await richTrace(t);
  const second = (row: MemoryRow): boolean => row.event === 'netfs_sreq' && row.index === 1;
  for (const shift of [-0x1000, 0x1000]) {
    const spoilt = rows.map((row) =>
      second(row) ? { ...row, start: Number(row.start) + shift } : row,
    );
    const problems = checkTrace(spoilt as MemoryRow[], CONDITIONS);
    t.true(problems.some((problem) => /slice 1 leaves a gap/.test(problem)));
    const overlap = problems.some((problem) => /slice 1 overlaps/.test(problem));
    t.is(overlap, shift < 0);
  }
});

test('a wrong flag is reported at each stage of a request', async (t) => {
  const { rows, stats } = await richTrace(t);
  const stages: Record<string, number> = { UNLOCK: 0x10, WRITE: 0x20, DONE: 0x20, RESUBM: 0x01 };
  for (const [what, bit] of Object.entries({ ...stages, TERM: 0x04, SHORT: 0x08 })) {
    const at = rows.findIndex((row) => row.what === what && row.event !== 'netfs_failure');
    const row = rows[at] as MemoryRow;
    const complete = rows.findIndex((each) => each.what === 'TERM' && Number(each.flags) & 4);
    const place = what === 'TERM' ? complete : at;
    const old = rows[place] ?? row;
    const spoilt = rows.with(place, { ...old, flags: Number(old.flags) ^ bit } as MemoryRow);
    t.not(checkTrace(spoilt, CONDITIONS, stats).length, 0, what);
  }
});

test('a counter that is one off is reported, whichever it is', async (t) => {
  const { rows, stats } = await richTrace(t);
  const names = Object.keys(stats).filter((name) => name.startsWith('netfs_n_rh_'));
  const unseen = names.filter((name) => {
    const wrong = { ...stats, [name]: (stats[name as StatVariable] ?? 0) + 1 };
    return checkTrace(rows, CONDITIONS, wrong).length === 0;
  });
  // Writes that read nothing leave no event.
  t.deepEqual(unseen, ['netfs_n_rh_write_zskip']);
});

/** Runs a readahead of four pages whose page 1 is tampered with before the walk or after it. */
async function watched(
  t: ExecutionContext,
  when: 'before' | 'after',
  tamper: (page: { set(flag: number): void; clear(flag: number): void }) => void,
): Promise<string[]> {
  const watch = new PageWatch('E1', { defects: 'repaired' });
  const page = (): Parameters<typeof tamper>[0] => {
    const { folios } = made.lab;
    const pfn = (file as unknown as OpenFile).mapping.find(1);
    return { set: (flag) => folios.set(pfn, flag), clear: (flag) => folios.clear(pfn, flag) };
  };
  const share: CacheShare = {
    ...watch.share,
    done: (rreq) => {
      if (when === 'after') tamper(page());
      watch.share.done?.(rreq);
    },
  };
  const wrapServer = misbehave(() => {
    if (when === 'before') tamper(page());
    return undefined;
  });
  const made = makeLab(t, { f: 0x4000 }, { sink: watch.sink, cache: share, wrapServer });
  const file = made.open('f');
  await readahead(made, file, 0, 0x4000);
  return watch.finish(made.lab.stats);
}

test('a page in a wrong state is reported', async (t) => {
  t.deepEqual(await watched(t, 'after', () => {}), []);
  t.deepEqual(await watched(t, 'after', (page) => page.clear(PG_UPTODATE)), [
    'R1: page 1 is not uptodate though read',
  ]);
  t.deepEqual(await watched(t, 'after', (page) => page.set(PG_FSCACHE)), [
    'R1: page 1 has PG_fscache',
  ]);
  t.deepEqual(await watched(t, 'before', (page) => page.set(PG_UPTODATE)), [
    'R1: page 1 is valid before UNLOCK',
  ]);
});

test('one wrong byte in a file is found by a case that reads it', async (t) => {
  const dir = serverDir(t, Object.fromEntries(FILE_SIZES.map((size, i) => [`f${i}`, size])));
  const name = path.join(dir, 'f7');
  const bytes = fs.readFileSync(name);
  bytes[0x4321] = (bytes[0x4321] as number) ^ 1;
  fs.writeFileSync(name, bytes);
  const none = { latencyNs: 0, jitterNs: 0, maxConcurrent: 0, rsize: 0, stripeUnit: 0 };
  const noFaults = {
    ...{ serverShort: 0, serverEmpty: 0, serverError: 0, serverSurplus: 0, cacheBegin: 0 },
    ...{ cacheShort: 0, cacheError: 0, storeFails: 0, storeRefused: 0, noSpace: 0 },
    ...{ stale: 0, memory: 0 },
  };
  const { problems } = await runCase(t, dir, {
    seed: 1,
    jobs: [{ file: 7, steps: [{ kind: 'read', at: 0x4000, count: 0x1000 }] }],
    settings: {
      ...none,
      ...{ clearTail: true, completion: 'sync', readAheadKb: 128, inclusive: true },
    },
    cache: undefined,
    faults: noFaults,
  });
  t.deepEqual(problems, [`wrong byte at ${0x4321}`]);
});
