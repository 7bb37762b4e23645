/**
 * Callbacks of both AFS clients: as long as the server's promise holds it is asked nothing; it is
 * broken by changes of others, by time, and by a server that starts anew (BEHAVIOUR 5.9, 5.10).
 */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ErrnoError } from '../../../src/core/base/errors.js';
import type { AfsVnode } from '../../../src/core/fs/afs/types.js';
import type { Lab } from '../../../src/core/lab/lab.js';
import type { LabOptions } from '../../../src/core/lab/options.js';
import type { OpenFile } from '../../../src/core/mm/types.js';
import { cacheRig, readFile } from '../../helpers/cache.js';
import { forward } from '../../helpers/forward_server.js';
import { content, makeLab, opened } from '../../helpers/lab.js';
import { inBothModes, sameBytes } from '../../helpers/netfs.js';
import { filled, fsync, openRw, write } from '../../helpers/write.js';

const SIZE = 0x3000;
const SECOND = 1e9;
const other = content('other', SIZE);

/** A lab over one file that others change. */
function changing(t: ExecutionContext, options: Partial<LabOptions>) {
  const made = makeLab(t, { f: SIZE }, { serverWrites: 'direct', ...options });
  const { server, scheduler } = made.lab;
  return {
    ...made,
    /** Opens the file, reads it, closes it. */
    use: () => readFile(made, 'f'),
    /** Status requests and broken promises since the lab was made. */
    asked: () => [server.counters.statuses, server.counters.breaks],
    change: (bytes: Uint8Array) => server.change('f', { position: 0, bytes }),
    sleep: (seconds: number) => made.lab.run('t', () => scheduler.sleep(seconds * SECOND)),
  };
}

const seconds = ({ clock }: Lab): number => Math.floor(clock.now() / SECOND);

/** Declares a test for each client. */
function ofBoth(
  title: string,
  body: (t: ExecutionContext, options: Partial<LabOptions>) => Promise<void>,
): void {
  for (const profile of ['linux-5.13-afs', 'linux-6.1-afs']) {
    test(`${title} (${profile})`, (t) => body(t, { profile }));
  }
}

ofBoth(
  'while the promise holds, opening and reading ask the server nothing',
  async (t, options) => {
    const { use, asked, lab } = changing(t, options);
    for (let i = 0; i < 5; i++) sameBytes(t, await use(), content('f', SIZE));
    t.deepEqual(asked(), [1, 0]);
    t.is(lab.server.counters.fetches, 1);
    await lab.close();
  },
);

ofBoth('a change by somebody else breaks the promise', async (t, options) => {
  const { use, asked, change, lab } = changing(t, options);
  await use();
  t.is(change(other), 0);
  t.deepEqual(asked(), [1, 1]);
  sameBytes(t, await use(), other);
  sameBytes(t, await use(), other);
  t.deepEqual(asked(), [2, 1]);
  await lab.close();
});

ofBoth('a change that nobody told of is noticed when the file is used', async (t, options) => {
  const { use, asked, dir, lab } = changing(t, options);
  await use();
  fs.writeFileSync(path.join(dir, 'f'), other);
  fs.utimesSync(path.join(dir, 'f'), 2e9, 2e9);
  sameBytes(t, await use(), other);
  t.deepEqual(asked(), [2, 1]);
  await lab.close();
});

ofBoth('a promise is believed until ten seconds before its end', async (t, options) => {
  const { use, asked, sleep, lab } = changing(t, { ...options, callbackNs: 60 * SECOND });
  await use();
  await sleep(49);
  await use();
  t.deepEqual(asked(), [1, 0]);
  await sleep(2);
  await use();
  t.deepEqual(asked(), [2, 0]);
  t.is(lab.server.counters.fetches, 1, 'the pages are as good as before');
  await lab.close();
});

ofBoth('a server that makes no promise is asked each time', async (t, options) => {
  const { use, asked, lab } = changing(t, { ...options, callbackNs: 0 });
  await use();
  const [first = 0] = asked();
  await use();
  t.true((asked()[0] as number) > first);
  await lab.close();
});

ofBoth('nothing holds that was promised before the server started anew', async (t, options) => {
  const { use, asked, lab } = changing(t, options);
  await use();
  lab.server.callbacks.breakAll();
  await use();
  await use();
  t.deepEqual(asked(), [2, 1]);
  await lab.close();
});

ofBoth('a promise that is broken while it is on its way is worth nothing', async (t, options) => {
  const { lab, read, use, asked, sleep, change } = changing(t, {
    ...options,
    latencyNs: 10 * SECOND,
    callbackNs: 60 * SECOND,
  });
  const file = await opened(lab, 'f');
  const reading = read(file, 0, SIZE);
  await sleep(5);
  change(other);
  await reading;
  const [before = 0] = asked();
  t.is(asked()[1], 1);
  sameBytes(t, await use(), other);
  t.is(asked()[0], before + 1);
  file.close();
  await lab.close();
});

ofBoth('what the client itself writes breaks no promise', async (t, options) => {
  const made = changing(t, options);
  const file = openRw(made, 'f');
  await write(made, file, 0, filled(0x1000, 1));
  await fsync(made, file);
  await made.lab.run('w', () => file.truncate(0x2000));
  file.close();
  await made.use();
  t.deepEqual(made.asked(), [1, 0]);
  await made.lab.close();
});

ofBoth(
  'what is dirty outlives a change by somebody else, and is stored over it',
  async (t, options) => {
    const made = changing(t, options);
    const file = openRw(made, 'f');
    await write(made, file, 0x1000, filled(0x1000, 1));
    made.change(other);
    await fsync(made, file);
    const expected = Buffer.from(other).fill(1, 0x1000, 0x2000);
    sameBytes(t, fs.readFileSync(path.join(made.dir, 'f')), expected);
    file.close();
    sameBytes(t, await made.use(), expected);
    t.is(made.asked()[1], 1);
    await made.lab.close();
  },
);

ofBoth('two clients that write to one file agree about it afterwards', async (t, options) => {
  const one = changing(t, options);
  const two = makeLab(t, {}, { serverWrites: 'direct', server: one.dir, ...options });
  for (let round = 1; round <= 3; round++) {
    for (const [i, made] of [one, two].entries()) {
      const file = openRw(made, 'f');
      await write(made, file, i * 0x800, filled(0x1000, round * 16 + i));
      await fsync(made, file);
      file.close();
    }
    const stored = fs.readFileSync(path.join(one.dir, 'f'));
    t.deepEqual(
      [stored[0], stored[0x800], stored[0x17ff]],
      [16, 17, 17].map((x) => x + (round - 1) * 16),
    );
    sameBytes(t, await readFile(one, 'f'), stored);
    sameBytes(t, await readFile(two, 'f'), stored);
  }
  t.true((one.asked()[1] as number) >= 3);
  await one.lab.close();
  await two.lab.close();
});

ofBoth(
  'nothing more is written to a file that the server has no more (ESTALE)',
  async (t, options) => {
    const made = changing(t, options);
    const file = openRw(made, 'f');
    fs.unlinkSync(path.join(made.dir, 'f'));
    await write(made, file, 0, filled(0x1000, 1)).catch(() => {});
    await t.throwsAsync(fsync(made, file), { instanceOf: ErrnoError });
    const thrown = await t.throwsAsync(write(made, file, 0, filled(0x1000, 1)), {
      instanceOf: ErrnoError,
    });
    t.is(thrown?.code, 'ESTALE');
    file.close();
    await made.lab.close();
  },
);

ofBoth('a file cannot be opened when the server that must be asked is dead', async (t, options) => {
  const { lab } = changing(t, options);
  const file = await opened(lab, 'f');
  lab.health.kill(0);
  await lab.run('t', () => lab.scheduler.sleep(1));
  (await opened(lab, 'f')).close();
  lab.server.callbacks.breakAll();
  const thrown = await t.throwsAsync(opened(lab, 'f'), { instanceOf: ErrnoError });
  t.is(thrown?.code, 'ECONNREFUSED');
  file.close();
  await lab.close();
});

test('a file is not asked about while it is being changed, also past the page cache', async (t) => {
  const made = changing(t, { latencyNs: SECOND });
  const { lab } = made;
  const file = await opened(lab, 'f', { write: true, direct: true });
  const ended: string[] = [];
  await Promise.all([
    lab.run('writer', function* () {
      yield* file.write(filled(0x1000, 1), 0, 0x1000, 0);
      ended.push('written');
    }),
    lab.run('opener', function* () {
      yield* lab.scheduler.sleep(SECOND / 4);
      lab.server.callbacks.breakAll();
      (yield* lab.vfs.open('f')).close();
      ended.push('opened');
    }),
  ]);
  t.deepEqual(ended, ['written', 'opened']);
  t.is(seconds(lab), 3);
  (await opened(lab, 'f')).close();
  t.is(made.asked()[0], 2);
  file.close();
  await lab.close();
});

ofBoth('a mapping maps what there is, whatever the server says', async (t, options) => {
  const { lab, open, read } = changing(t, options);
  const file = open('f');
  await read(file, 0, SIZE);
  const area = file.mmap(0, SIZE);
  lab.server.callbacks.breakAll();
  lab.health.kill(0);
  const target = Buffer.alloc(SIZE);
  await lab.run('loader', () => area.load(target, 0, SIZE));
  sameBytes(t, target, content('f', SIZE));
  area.munmap();
  file.close();
  await lab.close();
});

ofBoth(
  'a file that a reply shows to be outdated is asked about, promise or not',
  async (t, options) => {
    const made = changing(t, { ...options, readAheadKb: 0 });
    const { lab } = made;
    const file = made.open('f');
    await made.read(file, 0, 0x1000);
    // Without telling: the reply to the next fetch shows it, with a new promise.
    fs.writeFileSync(path.join(made.dir, 'f'), other);
    fs.utimesSync(path.join(made.dir, 'f'), 2e9, 2e9);
    const { look } = lab.server;
    lab.server.look = () => {};
    await made.read(file, 0x2000, 0x1000);
    await lab.scheduler.drain();
    const { callback } = (file as unknown as OpenFile).inode as unknown as AfsVnode;
    callback.expires = Number.MAX_SAFE_INTEGER;
    const [before = 0] = made.asked();
    sameBytes(t, await made.use(), other);
    t.is(made.asked()[0], before + 1);
    sameBytes(t, await made.use(), other);
    t.is(made.asked()[0], before + 1);
    lab.server.look = look;
    file.close();
    await lab.close();
  },
);

ofBoth(
  'a status from before a change of ours that comes after it is not believed',
  async (t, options) => {
    const made = changing(t, {
      ...options,
      readAheadKb: 0,
      wrapServer: (server) =>
        forward(server, {
          fetch: (file, position, into, done) =>
            server.fetch(file, position, into, (reply) => {
              made.lab.scheduler.after(SECOND, () => done(reply));
            }),
        }),
    });
    const { lab } = made;
    const file = openRw(made, 'f');
    await made.read(file, 0, 0x1000);
    await write(made, file, 0, filled(0x1000, 1));
    await Promise.all([made.read(file, 0x2000, 0x1000), lab.run('syncer', () => file.flush())]);
    const expected = content('f', SIZE).fill(1, 0, 0x1000);
    sameBytes(t, await made.use(), expected);
    t.deepEqual(made.asked(), [1, 0]);
    t.is(lab.server.counters.fetches, 3, 'no page was dropped');
    file.close();
    await lab.close();
  },
);

ofBoth('opening takes as long as the server, unless its promise holds', async (t, options) => {
  const { lab, asked } = changing(t, { ...options, latencyNs: SECOND });
  const timed = async (): Promise<number> => {
    const start = lab.clock.now();
    (await opened(lab, 'f')).close();
    return Math.floor((lab.clock.now() - start) / SECOND);
  };
  const file = await opened(lab, 'f');
  t.is(seconds(lab), 1);
  t.is(await timed(), 0);
  lab.server.callbacks.breakAll();
  t.is(await timed(), 1);
  t.is(await timed(), 0);
  t.is(asked()[0], 2);
  file.close();
  await lab.close();
});

ofBoth('two that open a file at once wait for one answer', async (t, options) => {
  const { lab, asked } = changing(t, { ...options, latencyNs: SECOND });
  const files = await Promise.all([opened(lab, 'f'), opened(lab, 'f'), opened(lab, 'f')]);
  t.is(seconds(lab), 1);
  t.is(asked()[0], 1);
  for (const file of files) file.close();
  await lab.close();
});

ofBoth('who opens a file that must be asked about waits for what is stored', async (t, options) => {
  const made = changing(t, { ...options, latencyNs: SECOND });
  const { lab } = made;
  const file = await opened(lab, 'f', { write: true });
  await write(made, file, 0, filled(0x1000, 1));
  const ended: string[] = [];
  await Promise.all([
    lab.run('syncer', function* () {
      yield* file.flush();
      ended.push('stored');
    }),
    lab.run('opener', function* () {
      yield* lab.scheduler.sleep(SECOND / 2);
      lab.server.callbacks.breakAll();
      (yield* lab.vfs.open('f')).close();
      ended.push('opened');
    }),
  ]);
  t.deepEqual(ended, ['stored', 'opened']);
  file.close();
  await lab.close();
});

ofBoth('a file that is found removed when it must be asked about is stale', async (t, options) => {
  const made = changing(t, options);
  const { lab } = made;
  const file = await opened(lab, 'f');
  await made.read(file, 0, SIZE);
  fs.renameSync(path.join(made.dir, 'f'), path.join(made.dir, 'g'));
  const thrown = await t.throwsAsync(opened(lab, 'f'), { instanceOf: ErrnoError });
  t.is(thrown?.code, 'ENOENT');
  fs.unlinkSync(path.join(made.dir, 'g'));
  lab.server.callbacks.breakAll();
  // v5.13 does not ask before it reads.
  if (options.profile === 'linux-6.1-afs') {
    t.is((await t.throwsAsync(made.read(file, 0, 1), { instanceOf: ErrnoError }))?.code, 'ESTALE');
  }
  sameBytes(t, await made.read(file, 0, SIZE), content('f', SIZE));
  file.close();
  await lab.close();
});

test('files looked up together are asked about in one operation', async (t) => {
  const files = { a: 10, b: 10, c: 10 };
  const options = { profile: 'linux-6.1-afs', latencyNs: SECOND } as const;
  const { lab } = makeLab(t, files, options);
  const all = [];
  for (const name of Object.keys(files)) all.push(await opened(lab, name));
  t.is(seconds(lab), 1);
  t.is(lab.server.counters.statuses, 3);
  for (const file of all) file.close();
  await lab.close();
});

test('the kernel of 6.1 tells of a broken promise in its words', async (t) => {
  const { use, change, sink, lab } = changing(t, { profile: 'linux-6.1-afs' });
  await use();
  change(other);
  await lab.scheduler.drain();
  const broken = sink.rows.filter(({ event }) => event === 'afs_cb_break');
  t.is(broken.length, 1);
  t.like(broken[0], { cb_break: 1, skipped: 1, reason: 'break-cb' });
  await lab.close();
});

inBothModes(
  'a read from cache and server that finds a change gives one version',
  async (t, defects) => {
    const rig = cacheRig(t, { f: 0x20000 });
    const first = rig.lab({ readAheadKb: 0 });
    await first.read(first.open('f'), 0, 0x8000);
    await first.lab.scheduler.drain();
    await first.lab.close();
    const made = rig.lab({ defects, readAheadKb: 128, completion: 'async', latencyNs: 1e6 });
    const file = await opened(made.lab, 'f');
    const changed = content('changed', 0x20000);
    fs.writeFileSync(path.join(rig.server, 'f'), changed);
    fs.utimesSync(path.join(rig.server, 'f'), 2e9, 2e9);
    await made.lab.run('reader', () => file.readahead(0, 0x20000));
    await made.lab.scheduler.drain();
    const got = await made.read(file, 0, 0x20000);
    const old = content('f', 0x20000);
    t.is(got[0], defects === 'kernel' ? old[0] : changed[0]);
    t.is(got[0x1ffff], changed[0x1ffff]);
    file.close();
    await made.lab.close();
  },
);

test('a server that falls silent has told of what was changed before, and not of what came after', async (t) => {
  const { lab, read, dir } = makeLab(t, { f: 5000 }, { profile: 'linux-6.1-afs' });
  const seen = async (): Promise<Buffer> => {
    const file = await opened(lab, 'f');
    const bytes = await read(file, 0, 10);
    file.close();
    return bytes;
  };
  const change = (text: string): void => fs.writeFileSync(path.join(dir, 'f'), text.repeat(500));
  const first = await seen();
  t.deepEqual(first, content('f', 10));
  change('before....');
  lab.silenceServer(1e6);
  t.is((await seen()).toString(), 'before....');
  lab.silenceServer(1e9);
  change('after.....');
  t.is((await seen()).toString(), 'before....');
  await lab.run('sleeper', () => lab.scheduler.sleep(1e9));
  t.is((await seen()).toString(), 'after.....');
  await lab.close();
});
