/** Recording another machine: an ssh that runs the command on a machine made of files. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../helpers/capture.js';
import { startNetfslab } from '../../helpers/cli.js';
import { sampleText } from '../../helpers/import.js';
import { SimulatedMachine } from '../../helpers/simulated_machine.js';

function machineOf(t: ExecutionContext, ssh: string) {
  const folder = temporaryFolder(t);
  const machine = new SimulatedMachine(folder);
  machine.trace = sampleText('linux-6.12-cachefull3-known-file-nospace/trace.txt.gz');
  machine.prepare();
  writeFileSync(join(folder, 'bin/ssh'), `#!/bin/sh\n${ssh}\n`);
  chmodSync(join(folder, 'bin/ssh'), 0o755);
  const env = { NETFSLAB_ROOT: folder, PATH: `${folder}/bin:${process.env.PATH}` };
  return { machine, env, out: join(folder, 'a.db') };
}

const RUNS = `[ "$1 $2" = '-- root@far' ] || exit 255; cd "$NETFSLAB_ROOT/work" && exec sh -c "$3"`;

test('a host is recorded for as long as asked, and its bundle imported', async (t) => {
  t.timeout(60_000);
  const { machine, env, out } = machineOf(t, RUNS);
  const args = ['trace', 'record', '--host', 'root@far', '--for', '1s', '-o', out];
  const started = startNetfslab(args, env);
  started.stdout.resume();
  const { status, stderr } = await started.ended;
  t.is(status, 0, stderr);
  t.deepEqual(machine.instances(), []);
  t.regex(stderr, /capture: .*a\.db/);
});

test('Ctrl-C ends the recording of a host, and what it recorded is imported', async (t) => {
  t.timeout(60_000);
  const { machine, env, out } = machineOf(t, RUNS);
  const started = startNetfslab(['trace', 'record', '--host', 'root@far', '-o', out], env);
  started.stdout.resume();
  for (let tries = 0; tries < 1000 && machine.instances().length === 0; tries++)
    await setTimeout(20);
  await setTimeout(200);
  started.child.kill('SIGINT');
  const { status, stderr } = await started.ended;
  t.is(status, 0, stderr);
  t.deepEqual(machine.instances(), []);
});

test('a host that cannot be reached is told with what to try', async (t) => {
  t.timeout(60_000);
  const { env, out } = machineOf(t, 'exit 255');
  const started = startNetfslab(['trace', 'record', '--host', 'root@far', '-o', out], env);
  started.stdout.resume();
  const { status, stderr } = await started.ended;
  t.is(status, 3);
  t.regex(stderr, /ssh ended with 255[\s\S]*try: ssh root@far id/);
});

test('what needs this machine is refused with --host', async (t) => {
  t.timeout(60_000);
  const { env, out } = machineOf(t, RUNS);
  const started = startNetfslab(['trace', 'record', '--host', 'x', '-o', out, '--', 'ls'], env);
  started.stdout.resume();
  const { status, stderr } = await started.ended;
  t.is(status, 2);
  t.regex(stderr, /COMMAND: cannot be run on --host/);
});
