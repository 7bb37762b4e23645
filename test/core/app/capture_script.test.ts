/** The script that capture-script prints, run by a real shell on a machine made of files. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import {
  captureScript,
  PRESETS,
  type Trouble,
} from '../../../src/core/app/record/capture_script.js';
import { UsageError } from '../../../src/core/base/errors.js';
import { temporaryFolder } from '../../helpers/capture.js';
import { SimulatedMachine } from '../../helpers/simulated_machine.js';

const shellcheck = spawnSync('shellcheck', ['--version']).status === 0;
const members = (bundle: string) =>
  spawnSync('tar', ['tzf', bundle], { encoding: 'utf8' })
    .stdout.split('\n')
    .map((name) => name.replace(/^[^/]*\//, ''));

for (const trouble of Object.keys(PRESETS) as Trouble[]) {
  const script = captureScript({ trouble, seconds: 5, operations: trouble === 'slow' });
  test(`the script for ${trouble} is one that a POSIX shell reads`, (t) => {
    t.is(spawnSync('sh', ['-n'], { input: script.join('\n') }).status, 0);
    t.true(script.some((line) => line.startsWith("WANTED='netfs fscache cachefiles 9p ")));
  });

  (shellcheck ? test : test.skip)(`shellcheck finds nothing in the script for ${trouble}`, (t) => {
    const path = join(temporaryFolder(t), 'record.sh');
    writeFileSync(path, `${script.join('\n')}\n`);
    const { stdout, status } = spawnSync('shellcheck', ['-s', 'sh', path], { encoding: 'utf8' });
    t.is(status, 0, stdout);
  });
}

test('a bundle holds the trace, the format files, the tables and the release', (t) => {
  const machine = new SimulatedMachine(temporaryFolder(t));
  machine.write('proc/fs/netfs/stats', 'Reads  : DR=0\n');
  machine.write('proc/fs/fscache/cookies', 'COOKIE\n');
  machine.trace = 'x-1 [000] ..... 1.000000: netfs_read: a\n';
  const found = members(machine.run(t, captureScript({ trouble: 'slow', seconds: 1 })));
  for (const name of ['trace.txt', 'kernel', 'stats.before', 'stats.after', 'cookies.after']) {
    t.true(found.includes(name), name);
  }
  t.true(found.includes('events/netfs/netfs_read/format'));
  t.false(found.some((name) => name.startsWith('volumes')));
});

test('a stuck task brings its stack and the tables of each second', (t) => {
  const machine = new SimulatedMachine(temporaryFolder(t));
  machine.write('proc/77/stat', '77 (a b) c) D 1 1');
  machine.write('proc/77/comm', 'a b) c\n');
  machine.write('proc/77/stack', '[<0>] netfs_wait_for_read+0x1/0x2\n');
  machine.write('proc/fs/netfs/requests', 'REQUEST\n');
  const found = members(machine.run(t, captureScript({ trouble: 'hang', seconds: 2 })));
  for (const name of ['stacks.during1', 'requests.during1', 'stacks.during2', 'stacks.after']) {
    t.true(found.includes(name), name);
  }
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} ends the recording, packs the bundle and removes the instance`, async (t) => {
    const machine = new SimulatedMachine(temporaryFolder(t));
    const child = machine.start(captureScript({ trouble: 'slow', seconds: 600 }));
    child.stdout.resume();
    for (let tries = 0; tries < 400 && machine.instances().length === 0; tries++)
      await setTimeout(20);
    t.is(machine.instances().length, 1);
    await setTimeout(200);
    child.kill(signal);
    const [status] = await once(child, 'exit');
    t.is(status, 0);
    t.deepEqual(machine.instances(), []);
    t.is(machine.bundles().length, 1);
  });
}

test('without a terminal the end of the input ends the recording; the bundle goes to stdout', async (t) => {
  const machine = new SimulatedMachine(temporaryFolder(t));
  const child = machine.start(captureScript({ trouble: 'slow', seconds: 0, stdout: true }));
  const packed = buffer(child.stdout);
  for (let tries = 0; tries < 400 && machine.instances().length === 0; tries++)
    await setTimeout(20);
  await setTimeout(200);
  child.stdin.end();
  const [status] = await once(child, 'exit');
  t.is(status, 0);
  t.deepEqual(machine.instances(), []);
  const path = join(temporaryFolder(t), 'b.tar.gz');
  writeFileSync(path, await packed);
  t.true(members(path).includes('trace.txt'));
});

test('an instance of a killed recording is removed, one of a living process stays', (t) => {
  const machine = new SimulatedMachine(temporaryFolder(t));
  machine.write('sys/kernel/tracing/instances/netfslab_4000000_1/tracing_on', '1');
  machine.write('sys/kernel/tracing/instances/other/tracing_on', '1');
  const child = machine.start(captureScript({ trouble: 'slow', seconds: 1 }));
  return once(child, 'exit').then(() => t.deepEqual(machine.instances(), ['other']));
});

test('a machine without tracefs is told so, with the command that helps', (t) => {
  const script = captureScript({ trouble: 'slow', seconds: 1 }).join('\n');
  const env = { ...process.env, NETFSLAB_ROOT: temporaryFolder(t) };
  const { status, stderr } = spawnSync('sh', ['-c', script], { env, encoding: 'utf8' });
  t.is(status, 1);
  t.is(stderr, 'netfslab capture: no tracefs here: mount -t tracefs nodev /sys/kernel/tracing\n');
});

test('events and seconds that cannot be are refused', (t) => {
  t.throws(() => captureScript({ trouble: 'slow', seconds: -1 }), { instanceOf: UsageError });
  const events = ["netfs'; rm -rf /"];
  t.throws(() => captureScript({ trouble: 'slow', seconds: 1, events }), {
    instanceOf: UsageError,
  });
});
