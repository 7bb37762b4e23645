/** Several server operations in flight: windows, order, and how many are found to be of use. */
import test from 'ava';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { ParallelTuner } from '../../../src/core/netfs/parallel_download.js';
import { content, makeLab, opened, serverDir } from '../../helpers/lab.js';

const SIZE = 8 << 20;

/** Reads a file from its beginning to its end: the time it took, ns, and what the server saw. */
async function readThrough(
  server: string,
  options: Partial<LabOptions>,
  t: Parameters<typeof makeLab>[0],
) {
  const made = makeLab(t, {}, { server, latencyNs: 2e6, completion: 'async', ...options });
  const file = await opened(made.lab, 'f');
  const all = content('f', SIZE);
  let wrong = 0;
  for (let at = 0; at < SIZE; at += 131_072) {
    const bytes = await made.read(file, at, 131_072);
    if (!bytes.equals(all.subarray(at, at + 131_072))) wrong++;
  }
  const ns = made.lab.clock.now();
  file.close();
  await made.lab.close();
  t.is(wrong, 0);
  return { ns, ...made.lab.server.counters };
}

test('with more streams a slow server is read faster, byte for byte, and no more is read', async (t) => {
  const server = serverDir(t, { f: SIZE });
  const one = await readThrough(server, { streams: 1 }, t);
  const eight = await readThrough(server, { streams: 8 }, t);
  const auto = await readThrough(server, { streams: 'auto' }, t);
  for (const { bytes } of [one, eight, auto]) t.is(bytes, SIZE);
  t.true(one.maxInService <= 2);
  t.true(eight.maxInService >= 8);
  t.true(eight.ns * 4 < one.ns, `${eight.ns} ${one.ns}`);
  t.true(auto.ns * 4 < one.ns, `${auto.ns} ${one.ns}`);
});

test('streams stay within a quarter of the page cache and what the server takes', async (t) => {
  const server = serverDir(t, { f: SIZE });
  const small = await readThrough(server, { streams: 64, pageCache: 2 << 20 }, t);
  t.true(small.maxInService <= 8, String(small.maxInService));
  const rsize = await readThrough(server, { streams: 4, rsize: 65_536 }, t);
  t.is(rsize.bytes, SIZE);
});

test('random reads are not widened', async (t) => {
  const server = serverDir(t, { f: SIZE });
  const asked = async (streams: number): Promise<number> => {
    const made = makeLab(t, {}, { server, streams, completion: 'async' });
    const file = await opened(made.lab, 'f');
    for (const at of [5, 1, 7, 3, 6]) await made.read(file, at << 20, 4096);
    file.close();
    await made.lab.close();
    return made.lab.server.counters.bytes;
  };
  t.is(await asked(16), await asked(1));
});

/** Lets a tuner run against a server of this latency (ns) and bandwidth (bytes/ns). */
function tuned(latency: number, bandwidth: number, most = 64): number {
  const tuner = new ParallelTuner(most);
  const unit = 131_072;
  let now = 0;
  const counts = new Set<number>();
  for (let i = 0; i < 500; i++) {
    const bytes = tuner.count * unit;
    const began = now;
    now += Math.max(latency, bytes / bandwidth);
    tuner.ended(bytes, began, now);
    if (i > 100) counts.add(tuner.count);
  }
  return Math.max(...counts);
}

test('auto finds as many streams as latency and bandwidth are worth', (t) => {
  t.is(tuned(2e6, 1000), 64, 'latency alone');
  t.is(tuned(2e6, 1000, 10), 8, 'no more than there may be');
  // 2 ms at 0.5 bytes/ns is a megabyte, eight units.
  t.true([8, 16].includes(tuned(2e6, 0.5)), String(tuned(2e6, 0.5)));
  t.true(tuned(1000, 0.5) <= 8, 'bandwidth alone');
});
