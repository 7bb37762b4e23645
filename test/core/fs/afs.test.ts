/**
 * The AFS client: versions and validation, limits and widening of requests, completion, lives of
 * vnodes.
 */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { content, makeLab, opened } from '../../helpers/lab.js';
import { sameBytes } from '../../helpers/netfs.js';

/** A lab whose files can be changed behind its back; each change gets a time of its own. */
function changing(t: ExecutionContext, size: number, options: Partial<LabOptions> = {}) {
  const made = makeLab(t, { f: size }, options);
  const name = path.join(made.dir, 'f');
  let changes = 0;
  const stamp = (): void => {
    changes++;
    fs.utimesSync(name, 2e9 + changes, 2e9 + changes);
  };
  return {
    ...made,
    rewrite(bytes: Uint8Array): void {
      fs.writeFileSync(name, bytes);
      stamp();
    },
    truncate(length: number): void {
      fs.truncateSync(name, length);
      stamp();
    },
    remove: () => fs.rmSync(name),
  };
}

const other = content('other', 100_000);

test('an unchanged file that is opened again keeps its pages', async (t) => {
  const { open, read, sink } = changing(t, 10_000);
  await read(open('f'), 0, 10_000);
  const events = sink.rows.length;
  t.is(open('f').readNow(Buffer.alloc(10_000), 0, 10_000, 0), 10_000);
  t.is(sink.rows.length, events);
});

test('a file rewritten between two openings is read anew', async (t) => {
  const { open, read, rewrite, lab } = changing(t, 10_000);
  const first = open('f');
  sameBytes(t, await read(first, 0, 10_000), content('f', 10_000));
  first.close();
  rewrite(other.subarray(0, 10_000));
  const second = open('f');
  t.deepEqual(second.mincore(), []);
  sameBytes(t, await read(second, 0, 10_000), other.subarray(0, 10_000));
  second.close();
  await lab.close();
});

test('a file rewritten while it is open is seen anew by all when it is opened again', async (t) => {
  const { open, read, rewrite } = changing(t, 10_000);
  const first = open('f');
  await read(first, 0, 10_000);
  rewrite(other.subarray(0, 10_000));
  // Not validated by a read: the pages are what they were.
  sameBytes(t, await read(first, 0, 10_000), content('f', 10_000));
  const second = open('f');
  sameBytes(t, await read(second, 0, 10_000), other.subarray(0, 10_000));
  sameBytes(t, await read(first, 0, 10_000), other.subarray(0, 10_000));
});

test('a reply that shows a change leaves the pages until the next opening', async (t) => {
  const { open, read, rewrite } = changing(t, 100_000, { readAheadKb: 4 });
  const first = open('f');
  sameBytes(t, await read(first, 0, 4096), content('f', 100_000).subarray(0, 4096));
  rewrite(other);
  sameBytes(t, await read(first, 40_960, 4096), other.subarray(40_960, 45_056));
  sameBytes(t, await read(first, 0, 4096), content('f', 100_000).subarray(0, 4096));
  open('f').close();
  sameBytes(t, await read(first, 0, 4096), other.subarray(0, 4096));
});

test('a file truncated while it is open ends where the reply says', async (t) => {
  const { open, read, truncate, lab, trace } = changing(t, 20_000);
  const file = open('f');
  truncate(5000);
  t.is((await read(file, 8192, 4096)).length, 0);
  t.is(file.fstat().size, 5000);
  sameBytes(t, await read(file, 4096, 4096), content('f', 20_000).subarray(4096, 5000));
  t.deepEqual(
    (await trace()).filter((line) => /failure|SHORT/.test(line)),
    [],
  );
  file.close();
  await lab.close();
});

test('a short reply that reached the new end of the file is complete', async (t) => {
  const { open, read, truncate, trace } = changing(t, 20_000);
  const file = open('f');
  truncate(5000);
  sameBytes(t, await read(file, 0, 20_000), content('f', 20_000).subarray(0, 5000));
  const terminated = (await trace()).filter((line) => /TERM|failure|SHORT/.test(line));
  t.deepEqual(terminated, [
    'R1[0] TERM DOWN f=02 s=0 4e20/4e20 e=0',
    'R1[1] TERM ZERO f=02 s=4e20 1e0/1e0 e=0',
  ]);
});

test('a file truncated while it is read gives what there is, followed by nothing', async (t) => {
  const { read, truncate, lab } = changing(t, 200_000, {
    completion: 'async',
    latencyNs: 1000,
  });
  const file = await opened(lab, 'f');
  lab.scheduler.after(500, () => truncate(50_000));
  sameBytes(t, await read(file, 0, 100_000), content('f', 200_000).subarray(0, 50_000));
  t.is((await read(file, 50_000, 100)).length, 0);
});

test('a file that grew is read to its new end once that is known', async (t) => {
  const { open, read, rewrite } = changing(t, 5000);
  const first = open('f');
  t.is((await read(first, 0, 50_000)).length, 5000);
  rewrite(other.subarray(0, 20_000));
  t.is((await read(first, 0, 50_000)).length, 5000);
  const second = open('f');
  // The zeros behind the old end are gone with their page.
  sameBytes(t, await read(second, 0, 50_000), other.subarray(0, 20_000));
  sameBytes(t, await read(first, 4000, 50_000), other.subarray(4000, 20_000));
});

test('a page of zeros behind the old end does not survive growth', async (t) => {
  const { open, read, rewrite } = changing(t, 8192);
  const first = open('f');
  await read(first, 0, 8192);
  await read(first, 8192, 4096);
  t.deepEqual(first.mincore(), [{ first: 0, last: 2 }]);
  rewrite(other.subarray(0, 12_288));
  sameBytes(t, await read(open('f'), 8192, 4096), other.subarray(8192, 12_288));
});

test('a file removed while it is open is read to its end, and is gone for the next', async (t) => {
  const { open, read, remove, lab } = changing(t, 200_000);
  const file = open('f');
  remove();
  sameBytes(t, await read(file, 0, 200_000), content('f', 200_000));
  t.throws(() => open('f'), { code: 'ENOENT' });
  file.close();
  await lab.close();
});

test('pages in use when a change is found stay for who uses them', async (t) => {
  const { open, read, rewrite, lab } = changing(t, 8192);
  const first = open('f');
  await read(first, 0, 8192);
  const mapping = first.mmap(0, 8192);
  const load = async (): Promise<Buffer> => {
    const target = Buffer.alloc(10);
    await lab.run('loader', () => mapping.load(target, 0, 10));
    return target;
  };
  const before = await load();
  rewrite(other.subarray(0, 8192));
  open('f').close();
  t.deepEqual(await load(), before);
});

/** The slices that were sent to the server, `0/5000`. */
function submitted(lines: readonly string[]): string[] {
  return lines.flatMap((line) => /SUBMT DOWN .* s=(\S+ \S+) e=/.exec(line)?.[1] ?? []);
}

test('without a limit a window is one server operation', async (t) => {
  const { open, read, trace, lab } = makeLab(
    t,
    { f: 1 << 20 },
    { mm: { batchLimitInclusive: false } },
  );
  await read(open('f'), 0, 65_536);
  t.deepEqual(submitted(await trace()), ['0 0/20000']);
  t.is(lab.server.counters.fetches, 1);
});

test('a limit cuts server operations to its size, whole pages or not', async (t) => {
  const { open, read, trace, lab } = makeLab(t, { f: 12_000 }, { rsize: 5000 });
  sameBytes(t, await read(open('f'), 0, 12_000), content('f', 12_000));
  t.deepEqual(submitted(await trace()), ['0 0/1388', '1388 0/1388', '2710 0/7d0']);
  t.is(lab.server.counters.fetches, 3);
});

test('a stripe unit widens windows to its multiples', async (t) => {
  const options = { stripeUnit: 65_536, mm: { batchLimitInclusive: false } };
  const { open, read, trace, lab } = makeLab(t, { f: 1 << 20 }, options);
  const file = open('f');
  await lab.run('adviser', () => file.fadvise('random'));
  await read(file, 70_000, 10);
  const lines = await trace();
  t.deepEqual(lines.slice(0, 2), [
    'R1 READAHEAD c=00000000 s=11000 1000',
    'R1 EXPANDED c=00000000 s=10000 10000',
  ]);
  t.deepEqual(file.mincore(), [{ first: 16, last: 31 }]);
});

test('a window widened beyond the end of the file is zero there', async (t) => {
  const { open, read, trace, lab } = makeLab(t, { f: 5000 }, { stripeUnit: 16_384 });
  const file = open('f');
  sameBytes(t, await read(file, 0, 5000), content('f', 5000));
  t.deepEqual(file.mincore(), [{ first: 0, last: 3 }]);
  t.true((await trace()).includes('R1[1] SUBMT ZERO f=00 s=1388 0/2c78 e=0'));
  file.close();
  await lab.close();
});

test('an operation that completes in the call is assessed by the reader, any other by its reply', async (t) => {
  const who = async (completion: 'sync' | 'async'): Promise<string[]> => {
    const { read, sink, lab } = makeLab(t, { f: 8192 }, { completion, latencyNs: 1000 });
    await read(await opened(lab, 'f'), 0, 8192);
    await lab.scheduler.drain();
    return sink.rows.filter(({ what }) => what === 'ASSESS').map(({ comm }) => comm);
  };
  t.deepEqual(await who('sync'), ['reader']);
  t.deepEqual(await who('async'), ['<idle>']);
});

test('synchronous operations follow one another, asynchronous ones overlap', async (t) => {
  const ns = async (completion: 'sync' | 'async'): Promise<number> => {
    const options: Partial<LabOptions> = { completion, latencyNs: 1e6, rsize: 4096 };
    const { lab } = makeLab(t, { f: 32_768 }, options);
    const file = await opened(lab, 'f');
    const start = lab.clock.now();
    await lab.run('reader', () => file.readahead(0, 32_768));
    await lab.scheduler.drain();
    return Math.floor((lab.clock.now() - start) / 1e6);
  };
  t.is(await ns('sync'), 8);
  t.is(await ns('async'), 1);
});
