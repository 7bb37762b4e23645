/** What a live mount tells of itself, and captures of a mount that is traced. */
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { openCapture } from '../../../src/core/store/database.js';
import { hasProgram, mountFor, netfslab, sh, whyNoMounts } from '../../helpers/fuse.js';
import { content, serverDir, tempDir } from '../../helpers/lab.js';

const why = whyNoMounts();
const title = (text: string): string => (why === undefined ? text : `${text} (${why})`);
const whenever = why === undefined ? test.serial : test.serial.skip;

whenever(
  title('the control directory of a mount tells statistics and events, and is not listed'),
  async (t) => {
    const server = serverDir(t, { f: 300_000 });
    const out = path.join(tempDir(t), 'x.db');
    const mount = await mountFor(t, server, ['--out', out, '--profile', 'linux-6.1-afs']);
    const at = mount.mountpoint;
    t.is((await sh(at, 'cat f | md5sum')).code, 0);
    t.is((await sh(at, 'ls -A')).out, 'f\n');
    const { out: stats } = await sh(at, 'cat .netfslab/stats');
    t.regex(stats, /DL=[1-9]/);
    t.is(netfslab(['stats', 'show', '--mount', at]).out, stats);
    t.regex((await sh(at, 'cat .netfslab/trace')).out, /cat-\d+ .*netfs_read: R=/);
    t.is((await sh(at, 'cat .netfslab/pid')).out, `${mount.child.pid}\n`);
    t.is((await sh(at, 'touch .netfslab/x')).code, 1);
    t.is((await sh(at, 'mv f .netfslab')).code, 1);
    // It waits for events, and ends when it is told to.
    const { out: lines } = await sh(at, 'timeout 5 head -n 3 .netfslab/trace_pipe | wc -l');
    t.is(lines.trim(), '3');
    t.is(await mount.unmount(), 0, mount.said());
    const capture = openCapture(out);
    const rows = capture.all(
      `SELECT sum("result") AS "bytes" FROM "op" JOIN "task" ON "task"."id" = "op"."task"
    WHERE "comm" = 'cat' AND "kind" = 'read' AND "file" = 'f'`,
      [],
    );
    t.deepEqual(rows, [{ bytes: 300_000 }]);
    capture.close();
  },
);

whenever(
  title('a capture that rotates keeps the newest parts, each of which can be asked'),
  async (t) => {
    const server = serverDir(t, { f: 100_000 });
    const dir = tempDir(t);
    const out = path.join(dir, 'x.db');
    const flags = ['--out', out, '--rotate', '64k', '--rotate-keep', '2'];
    const mount = await mountFor(t, server, flags);
    await sh(mount.mountpoint, 'for i in $(seq 300); do cat f; done | md5sum');
    t.is(await mount.unmount(), 0, mount.said());
    const parts = fs.readdirSync(dir).filter((name) => name.endsWith('.db'));
    t.is(parts.length, 2);
    for (const part of parts) {
      const capture = openCapture(path.join(dir, part));
      t.true(Number(capture.get('SELECT count(*) AS "n" FROM "op"')?.n) > 0);
      capture.close();
    }
  },
);

whenever(
  title('an interrupt writes what is dirty, unmounts and finishes the capture'),
  async (t) => {
    const server = serverDir(t, { f: 10 });
    const out = path.join(tempDir(t), 'x.db');
    const mount = await mountFor(t, server, ['--out', out, '--server-writes', 'direct']);
    await sh(mount.mountpoint, 'echo more >> f; head -c 100000 f > g');
    const ended = new Promise((resolve) => mount.child.once('close', resolve));
    mount.child.kill('SIGTERM');
    t.is(await ended, 0, mount.said());
    t.deepEqual(fs.readdirSync(mount.mountpoint), []);
    t.is(fs.readFileSync(path.join(server, 'f')).length, 15);
    const capture = openCapture(out);
    t.true(Number(capture.get('SELECT count(*) AS "n" FROM "op"')?.n) > 0);
    capture.close();
  },
);

whenever(
  title('a file that changes on the server while it is read is seen, old or new, never mixed up'),
  async (t) => {
    const server = serverDir(t, { f: 200_000 });
    const mount = await mountFor(t, server, ['--profile', 'linux-6.1-afs']);
    const at = path.join(mount.mountpoint, 'f');
    for (let round = 0; round < 5; round++) {
      const fresh = content(`round ${round}`, 200_000);
      fs.writeFileSync(path.join(server, 'new'), fresh);
      fs.renameSync(path.join(server, 'new'), path.join(server, 'f'));
      await new Promise((resolve) => setTimeout(resolve, 1100));
      const { out } = await sh(mount.mountpoint, 'md5sum < f');
      const { out: expected } = await sh(server, 'md5sum < f');
      t.is(out, expected, at);
    }
    t.is(await mount.unmount(), 0, mount.said());
  },
);

for (const flags of [['--fusermount'], ['--io', 'libuv']]) {
  const helper = flags[0] === '--fusermount' && !hasProgram('fusermount3');
  const run = helper ? test.serial.skip : whenever;
  run(title(`a mount ${flags.join(' ')} serves and ends as any other`), async (t) => {
    const server = serverDir(t, { f: 300_000 });
    const mount = await mountFor(t, server, flags);
    t.is((await sh(mount.mountpoint, 'md5sum < f')).out, (await sh(server, 'md5sum < f')).out);
    t.is((await sh(mount.mountpoint, 'sleep 0.2; echo x > g; mv g h; cat h')).out, 'x\n');
    t.is(await mount.unmount(), 0, mount.said());
  });
}

whenever(title('a second mount at the same place is refused, and the first goes on'), async (t) => {
  const server = serverDir(t, { f: 10 });
  const mount = await mountFor(t, server);
  const at = mount.mountpoint;
  const second = netfslab(['mount', server, at, '--no-trace']);
  t.not(second.code, 0);
  t.regex(second.err, /EBUSY: a netfslab mount is served there already/);
  t.true(second.err.includes(`try: netfslab unmount ${at}`));
  t.is((await sh(at, 'wc -c < f')).out.trim(), '10');
  t.regex(netfslab(['stats', 'export', '--mount', at]).out, /^# EOF$/m);
  t.is(await mount.unmount(), 0, mount.said());
});
