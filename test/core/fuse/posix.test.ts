/**
 * System calls on a mount, errno by errno; random operations on a file against a copy in memory;
 * and what is left when the process that serves a mount is killed.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { hasProgram, mountFor, netfslab, sh, whyNoMounts } from '../../helpers/fuse.js';
import { serverDir, tempDir } from '../../helpers/lab.js';

const SCRIPTS = path.resolve('test/fuse');
/** All of them take minutes: the others with NETFSLAB_LONG=1. */
const LONG = process.env.NETFSLAB_LONG !== undefined;
const PROFILES = LONG
  ? (['linux-5.13-afs', 'linux-6.1-9p', 'linux-6.1-afs'] as const)
  : (['linux-6.1-afs'] as const);
const why = whyNoMounts() ?? (hasProgram('python3') ? undefined : 'no python3');
const root = why ?? (process.getuid?.() === 0 ? undefined : 'not root');
const title = (text: string, reason: string | undefined): string =>
  reason === undefined ? text : `${text} (${reason})`;
const whenever = (reason: string | undefined) =>
  reason === undefined ? test.serial : test.serial.skip;

for (const profile of PROFILES) {
  for (const writes of ['direct', 'overlay'] as const) {
    whenever(root)(
      title(`system calls on a mount of ${profile}, writes ${writes}, answer as POSIX says`, root),
      async (t) => {
        const flags = ['--profile', profile, '--server-writes', writes];
        const server = tempDir(t);
        fs.chmodSync(server, 0o755);
        const mount = await mountFor(t, server, flags);
        const { code, out } = await sh('/', `python3 ${SCRIPTS}/posix.py ${mount.mountpoint}`);
        t.is(out, 'done 0 bad\n');
        t.is(code, 0);
        t.is(await mount.unmount(), 0, mount.said());
      },
    );
  }
  whenever(why)(
    title(
      `random operations of three processes on a mount of ${profile}, page cache of 2 MiB`,
      why,
    ),
    async (t) => {
      const flags = ['--profile', profile, '--page-cache', '2m', '--cache', tempDir(t)];
      const mount = await mountFor(t, tempDir(t), flags);
      const each = [1, 2, 3].map((seed) =>
        sh(mount.mountpoint, `python3 ${SCRIPTS}/fsx.py f${seed} 600 ${seed}`),
      );
      t.deepEqual(
        (await Promise.all(each)).map(({ out }) => out),
        ['ok 1\n', 'ok 2\n', 'ok 3\n'],
      );
      t.is(await mount.unmount(), 0, mount.said());
    },
  );
}

whenever(why)(
  title('what was fsynced before a kill is there afterwards, whole', why),
  async (t) => {
    const server = serverDir(t, { served: 100_000 });
    const flags = ['--server-overlay', tempDir(t), '--cache', tempDir(t)];
    const at = tempDir(t);
    let log = '';
    for (let round = 0; round < 3; round++) {
      const mount = await mountFor(t, server, flags, at);
      const before = log.length;
      const writer = spawn('python3', [`${SCRIPTS}/durable.py`, at], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const ended = new Promise((resolve) => writer.on('close', resolve));
      writer.stdout.on('data', (text: Buffer) => {
        log += text.toString();
        // After some files, in the middle of another.
        if (log.length - before > 200 * (round + 1)) mount.child.kill('SIGKILL');
      });
      await ended;
      const whole = log.slice(0, log.lastIndexOf('\n') + 1);
      log = whole;
      const again = await mountFor(t, server, flags, at);
      t.regex(again.said(), /removed a mount/);
      const file = path.join(tempDir(t), 'log');
      fs.writeFileSync(file, whole);
      const { out, code } = await sh('/', `python3 ${SCRIPTS}/durable.py ${at} --check < ${file}`);
      t.is(code, 0, out);
      t.deepEqual(
        fs.readFileSync(path.join(at, 'served')),
        fs.readFileSync(path.join(server, 'served')),
      );
      t.is(await again.unmount(), 0, again.said());
      t.is(netfslab(['cache', 'check', '--cache', flags[3] as string]).code, 0);
    }
  },
);

whenever(why)(title('a mount that cannot be is one line with the command that helps', why), (t) => {
  const server = serverDir(t, { f: 1 });
  const missing = path.join(server, '..', `${path.basename(server)}-missing`);
  const refused = (mountpoint: string, ...flags: string[]): string => {
    const { code, err } = netfslab(['mount', server, mountpoint, '--no-trace', ...flags]);
    t.not(code, 0);
    return err;
  };
  t.regex(refused(missing), /ENOENT[^\n]*\n.*mkdir -p/s);
  t.regex(refused(path.join(server)), /lie in each other/);
  t.regex(netfslab(['unmount', server]).err, /nothing of netfslab is mounted/);
});
