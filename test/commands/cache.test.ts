/** The `cache` commands, on a cache that `run` has filled. */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { mapPath } from '../../src/core/cachefiles/data_file.js';
import { type CacheRig, cacheRig, overwrite } from '../helpers/cache.js';
import { netfslab, netfslabHere } from '../helpers/cli.js';
import { content } from '../helpers/lab.js';

async function json(args: readonly string[], status = 0, t?: ExecutionContext) {
  const ended = await netfslabHere([...args, '--json']);
  t?.is(ended.status, status, ended.stderr);
  return JSON.parse(ended.stdout) as { rows: Record<string, unknown>[] };
}

async function filled(t: ExecutionContext): Promise<CacheRig> {
  const rig = cacheRig(t, { f: 0x9800, 'd/g': 0x4000 });
  await rig.readAll(['f', 'd/g']);
  return rig;
}

test('cache ls names the files that are cached, with their sizes', async (t) => {
  const rig = await filled(t);
  const { rows } = await json(['cache', 'ls', '--cache', rig.dir], 0, t);
  const shown = rows.map(({ name, size, stored, blocks, state }) => [
    name,
    size,
    stored,
    blocks,
    state,
  ]);
  t.deepEqual(shown.sort(), [
    ['d/g', 0x4000, 0x4000, 4, 'ok'],
    ['f', 0x9800, 0x9800, 10, 'ok'],
  ]);
});

test('cache show draws data and holes, and says where map and filesystem disagree', async (t) => {
  const rig = cacheRig(t, { f: 0x8000 });
  const lab = rig.lab();
  const file = lab.open('f');
  await lab.lab.run('reader', () => file.readahead(0x2000, 0x2000));
  file.close();
  await lab.lab.close();
  overwrite(rig.object(), 0x6000, Buffer.alloc(0x1000));
  const { stdout } = await netfslabHere(['cache', 'show', '--cache', rig.dir, 'f']);
  t.deepEqual(stdout.split('\n').slice(1, -1), [
    '  map   ..##....',
    '  disk  ..##..#.',
    '  00000000-00002000 hole',
    '  00002000-00004000 data',
    '  00004000-00006000 hole',
    '  00006000-00007000 hole  the filesystem says data',
    '  00007000-00008000 hole',
  ]);
});

test('cache check finds nothing in a sound cache', async (t) => {
  const rig = await filled(t);
  const { status, stdout, stderr } = await netfslab(['cache', 'check', '--cache', rig.dir]);
  t.deepEqual([status, stdout, stderr], [0, '', 'nothing is wrong\n']);
});

test('cache check --repair mends what is wrong, and the next run downloads only that', async (t) => {
  const rig = await filled(t);
  const g = rig.objects().find((file) => fs.statSync(file).size === 0x4000) as string;
  const f = rig.objects().find((file) => file !== g) as string;
  overwrite(g, 0x1000, Buffer.from('rot'));
  fs.rmSync(mapPath(f));
  fs.writeFileSync(path.join(path.dirname(f), 'left.map.new'), '');
  const check = ['cache', 'check', '--cache', rig.dir];
  const { rows } = await json(check, 1, t);
  t.deepEqual(rows.map(({ problem, repaired }) => [problem, repaired]).sort(), [
    ['a map that was never published', 'no'],
    ['no map that could be believed', 'no'],
    ['wrong checksums', 'no'],
  ]);
  t.is((await json([...check, '--repair'], 0, t)).rows.length, 3);
  t.deepEqual((await json(check, 0, t)).rows, []);
  const { bytes, downloaded } = await rig.readAll(['f', 'd/g']);
  t.deepEqual(bytes, [content('f', 0x9800), content('d/g', 0x4000)]);
  t.is(downloaded, 0x9800 + 0x1000);
});

test('cache invalidate forgets one file of the server', async (t) => {
  const rig = await filled(t);
  const args = ['cache', 'invalidate', '--cache', rig.dir, '--server', rig.server, 'd/g'];
  t.is((await json(args, 0, t)).rows.length, 1);
  t.is((await json(args, 0, t)).rows.length, 0);
  t.is((await rig.readAll(['f', 'd/g'])).downloaded, 0x4000);
});

test('cache cull removes the least recently used objects until the size is kept', async (t) => {
  const rig = await filled(t);
  const old = rig.objects()[1] as string;
  fs.utimesSync(old, 1, 1);
  const args = [
    'cache',
    'cull',
    '--cache',
    rig.dir,
    '--cache-size',
    '90k',
    '--cull-limits',
    '10/7/0',
  ];
  const { rows } = await json(args, 0, t);
  t.deepEqual(
    rows.map(({ object }) => object),
    [old],
  );
  t.is(rig.objects().length, 1);
});

test('limits for culling are three numbers that go down', async (t) => {
  const rig = await filled(t);
  for (const limits of ['a', '10/7', '10/7/3/1', '3/7/10']) {
    const args = ['cache', 'cull', '--cache', rig.dir, '--cull-limits', limits];
    const { status, stderr } = await netfslabHere(args);
    t.is(status, 2);
    t.true(stderr.includes('--cull-limits: expected') && stderr.includes(limits), stderr);
  }
});

test('cache clear leaves an empty cache that can be used again', async (t) => {
  const rig = await filled(t);
  t.is((await json(['cache', 'clear', '--cache', rig.dir], 0, t)).rows.length, 2);
  t.deepEqual(rig.objects(), []);
  t.is((await rig.readAll(['f'])).downloaded, 0x9800);
});

test('a directory that is no cache is refused, and one in use too', async (t) => {
  const rig = await filled(t);
  const none = await netfslabHere(['cache', 'clear', '--cache', rig.server]);
  t.is(none.status, 2);
  t.true(none.stderr.includes('is not a cache'), none.stderr);
  const { lab } = rig.lab();
  const busy = await netfslab(['cache', 'check', '--cache', rig.dir]);
  await lab.close();
  t.is(busy.status, 1);
  t.true(busy.stderr.includes('EBUSY: another process uses this cache'), busy.stderr);
});

test('an empty file is cached as any other, and listed', async (t) => {
  const rig = cacheRig(t, { empty: 0 });
  await rig.readAll(['empty']);
  const { rows } = await json(['cache', 'ls', '--cache', rig.dir], 0, t);
  t.like(rows, [{ name: 'empty', size: 0, stored: 0, state: 'ok' }]);
  const shown = await netfslabHere(['cache', 'show', '--cache', rig.dir, 'empty']);
  t.deepEqual([shown.status, shown.stderr], [0, '']);
  t.true(shown.stdout.startsWith('empty: 0 bytes'), shown.stdout);
  t.is((await rig.readAll(['empty'])).lab.cache.counters.found, 1);
});

test('looking at a cache changes nothing in it', async (t) => {
  const rig = await filled(t);
  fs.writeFileSync(path.join(rig.dir, 'graveyard', 'left'), 'behind');
  const state = () => {
    const names = fs.readdirSync(rig.dir, { recursive: true, encoding: 'utf8' }).sort();
    return names.map((name) => [name, fs.statSync(path.join(rig.dir, name)).ctimeMs]);
  };
  const before = state();
  for (const args of [['ls'], ['show', 'f'], ['check']]) {
    const { status, stderr } = await netfslabHere(['cache', ...args, '--cache', rig.dir]);
    t.is(status, 0, stderr);
  }
  t.deepEqual(state(), before);
});

test('a run whose cache cannot be used goes on without, says so once, and succeeds', async (t) => {
  const rig = cacheRig(t, { f: 0x9800 });
  const args = ['run', '--server', rig.server, '--no-trace', '--verify', '--json'];
  const { status, stdout, stderr } = await netfslabHere([...args, '--cache', `${rig.server}/f`]);
  t.is(status, 0, stderr);
  t.is(
    stderr.match(/no disk cache, everything comes from the server: (EEXIST|ENOTDIR)/g)?.length,
    1,
  );
  const { cache, server } = JSON.parse(stdout);
  t.deepEqual([cache, server.bytes], [null, 0x9800]);
});

test('run with --cache says what the cache was good for, in a second process too', async (t) => {
  const rig = cacheRig(t, { f: 0x9800 });
  const args = ['run', '--server', rig.server, '--cache', rig.dir, '--no-trace', '--verify'];
  await netfslabHere(args);
  const { stdout } = await netfslab(args);
  t.true(stdout.includes('cache     application bytes: 100.0 % hit'), stdout);
  t.true(stdout.includes('server    0 operations, 0 B'), stdout);
});
