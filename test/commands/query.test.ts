/** The program as it is run: what goes to which stream, and how it ends. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { captureOfTimes, sampleCapture, temporaryFolder } from '../helpers/capture.js';
import { BIN, netfslabHere, startNetfslab } from '../helpers/cli.js';

/** Asks in a folder of captures of its own. */
function ask(folder: string, args: readonly string[]) {
  return netfslabHere(args, { NETFSLAB_TRACES: folder });
}

test('every question about a capture gives valid JSON of the documented shape', async (t) => {
  const folder = temporaryFolder(t);
  const path = await sampleCapture(join(folder, 'sample.db'));
  const shapes: Record<string, string[]> = {
    'trace ls': ['capture', 'rows'],
    'trace events': ['capture', 'lines'],
    'trace requests': ['capture', 'rows'],
    'trace request 1a': ['capture', 'rows'],
    'trace latency': ['capture', 'rows'],
    'trace sources': ['capture', 'rows'],
    'stats show': ['snapshot', 'of', 'notPlayed', 'capture', 'rows'],
    'stats explain': ['capture', 'rows'],
  };
  for (const [command, keys] of Object.entries(shapes)) {
    const { stdout, status } = await ask(folder, [...command.split(' '), '--json']);
    t.is(status, 0, command);
    const parsed = JSON.parse(stdout) as { capture: string | null };
    t.deepEqual(Object.keys(parsed), keys, command);
    if (parsed.capture !== null) t.is(parsed.capture, path);
  }
});

test('data goes to stdout and the capture used is told on stderr', async (t) => {
  const folder = temporaryFolder(t);
  const path = await sampleCapture(join(folder, 'sample.db'));
  const args = [BIN, 'sql', '-', '--csv'];
  const env = { ...process.env, NETFSLAB_TRACES: folder };
  const input = 'SELECT 1 AS "one"';
  const { stdout, stderr } = spawnSync(process.execPath, args, { env, input, encoding: 'utf8' });
  t.is(stdout, 'one\n1\n');
  t.is(stderr, `capture: ${path}\n`);
});

test('a mistake ends with its exit code, one line, and what to try', async (t) => {
  const folder = temporaryFolder(t);
  await sampleCapture(join(folder, 'sample.db'));
  const cases: readonly [args: string[], status: number, stderr: string][] = [
    [['trace', 'evnts'], 2, 'error: trace evnts: no such command\ntry: netfslab trace events\n'],
    [['trace', 'requests', '--slowst', '3'], 2, 'error: --slowst: no such flag\ntry: --slowest\n'],
    [['trace', 'requests', 'gone.db'], 2, "error: FILE: no capture 'gone.db'\n"],
  ];
  for (const [args, status, stderr] of cases) {
    const run = await ask(folder, args);
    t.is(run.status, status, args.join(' '));
    t.true(run.stderr.startsWith(stderr), run.stderr);
    t.is(run.stdout, '');
  }
});

test('with --json an error is JSON on stdout as well', async (t) => {
  const { stdout, status } = await ask(temporaryFolder(t), ['trace', 'latency', '--json']);
  t.is(status, 2);
  t.like((JSON.parse(stdout) as { error: unknown }).error, { name: 'UsageError', exit: 2 });
});

test('a reader that leaves early is no error', async (t) => {
  const folder = temporaryFolder(t);
  // 9 lines of about 100 bytes a request: far more than a pipe holds.
  await captureOfTimes(join(folder, 'long.db'), Array(1000).fill(1000));
  const { stdout, ended } = startNetfslab(['trace', 'events'], { NETFSLAB_TRACES: folder });
  stdout.once('data', () => stdout.destroy());
  const { status, stderr } = await ended;
  t.is(status, 0);
  t.regex(stderr, /^capture: \S+\n$/);
});

test('help lists examples and exit codes', async (t) => {
  const { stdout } = await ask(temporaryFolder(t), ['trace', 'requests', '--help']);
  t.regex(stdout, /EXAMPLES\n {2}\$ netfslab trace requests\n/);
  t.regex(stdout, /EXIT CODES\n {4}0 +done\n/);
});
