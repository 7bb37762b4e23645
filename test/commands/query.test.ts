/** The program as it is run: what goes to which stream, and how it ends. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { captureOfTimes, sampleCapture, temporaryFolder } from '../helpers/capture.js';
import { ROOT } from '../helpers/source.js';

const BIN = join(ROOT, 'bin/run.js');

/** Runs netfslab in a folder of captures of its own. */
function netfslab(folder: string, args: readonly string[], input = '') {
  const env = { ...process.env, NETFSLAB_TRACES: folder };
  return spawnSync(process.execPath, [BIN, ...args], { env, input, encoding: 'utf8' });
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
    const { stdout, status } = netfslab(folder, [...command.split(' '), '--json']);
    t.is(status, 0, command);
    const parsed = JSON.parse(stdout) as { capture: string | null };
    t.deepEqual(Object.keys(parsed), keys, command);
    if (parsed.capture !== null) t.is(parsed.capture, path);
  }
});

test('data goes to stdout and the capture used is told on stderr', async (t) => {
  const folder = temporaryFolder(t);
  const path = await sampleCapture(join(folder, 'sample.db'));
  const { stdout, stderr } = netfslab(folder, ['sql', '-', '--csv'], 'SELECT 1 AS "one"');
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
    const run = netfslab(folder, args);
    t.is(run.status, status, args.join(' '));
    t.true(run.stderr.startsWith(stderr), run.stderr);
    t.is(run.stdout, '');
  }
});

test('with --json an error is JSON on stdout as well', (t) => {
  const { stdout, status } = netfslab(temporaryFolder(t), ['trace', 'latency', '--json']);
  t.is(status, 2);
  t.like((JSON.parse(stdout) as { error: unknown }).error, { name: 'UsageError', exit: 2 });
});

test('a reader that leaves early is no error', async (t) => {
  const folder = temporaryFolder(t);
  // 9 lines of about 100 bytes a request: far more than a pipe holds.
  await captureOfTimes(join(folder, 'long.db'), Array(1000).fill(1000));
  const env = { ...process.env, NETFSLAB_TRACES: folder };
  const child = spawn(process.execPath, [BIN, 'trace', 'events'], { env });
  child.stdout.once('data', () => child.stdout.destroy());
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  t.is(code, 0);
  t.regex(stderr, /^capture: \S+\n$/);
});

test('help lists examples and exit codes', (t) => {
  const { stdout } = netfslab(temporaryFolder(t), ['trace', 'requests', '--help']);
  t.regex(stdout, /EXAMPLES\n {2}\$ netfslab trace requests\n/);
  t.regex(stdout, /EXIT CODES\n {4}0 +done\n/);
});
