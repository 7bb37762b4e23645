/** Every command that netfslab suggests exists and, on the capture at hand, succeeds. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../helpers/capture.js';
import { netfslabHere } from '../helpers/cli.js';
import { samplePath } from '../helpers/import.js';
import { commandClasses } from '../helpers/readme.js';
import { ROOT } from '../helpers/source.js';

const REPORTS = join(ROOT, 'traces/reports');

/** Words of a command as a shell splits them. */
function words(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? '',
  );
}

/** The commands that a text suggests. */
function suggestedIn(text: string): string[] {
  const found = [
    ...text.matchAll(
      /netfslab ((?:trace|stats|explain|sql|cache|capture-script)\b(?:"[^"]*"|'[^']*'|[^\n;()"'`])*)/g,
    ),
  ];
  return found.map(([, command = '']) =>
    command
      .replace(/[,.:]\s.*$/s, '')
      .replace(/[.,:]$/, '')
      .trim(),
  );
}

async function runAll(
  t: ExecutionContext,
  text: string,
  env: Record<string, string>,
  done: Set<string>,
) {
  for (const command of suggestedIn(text)) {
    if (done.has(command) || /\bFILE\b|<|\s-$/.test(command)) continue;
    done.add(command);
    const { status, stderr } = await netfslabHere(words(command), env);
    t.true(status === 0 || status === 1, `netfslab ${command}: ${status} ${stderr}`);
  }
}

/** The spellings of a flag. */
interface Spelled {
  readonly char?: string;
  readonly aliases?: readonly string[];
}

const INPUTS = [
  samplePath('linux-6.1-cachefull3-known-file-nospace/trace.txt.gz'),
  samplePath('linux-6.12-cachefull3-known-file-nospace/trace.txt.gz'),
  join(REPORTS, 'lines-quoted-twice/mail.txt'),
  join(REPORTS, 'stats-and-requests-in-one-paste/both.txt'),
  join(REPORTS, 'wrong-front-door/base64.eml'),
];
const QUESTIONS = [
  'summary',
  'check',
  'stuck',
  'why',
  'refs',
  'cookies',
  'hits',
  'readahead',
  'dup',
  'requests',
  'latency',
];

for (const input of INPUTS) {
  test(`what is suggested for ${input.slice(ROOT.length + 1)} works on it`, async (t) => {
    const folder = join(temporaryFolder(t), 'traces');
    mkdirSync(folder);
    const env = { NETFSLAB_TRACES: folder };
    const done = new Set<string>();
    const first = await netfslabHere(
      ['trace', 'import', input, '--out', join(folder, 'a.db')],
      env,
    );
    t.is(first.status, 0, first.stderr);
    await runAll(t, first.stdout + first.stderr, env, done);
    for (const question of QUESTIONS) {
      const { stdout, stderr } = await netfslabHere(['trace', question], env);
      await runAll(t, stdout + stderr, env, done);
    }
    t.true(done.size > 0);
  });
}

test('the command that an error names succeeds', async (t) => {
  const folder = temporaryFolder(t);
  const env = { NETFSLAB_TRACES: folder };
  const done = new Set<string>();
  const kern = join(REPORTS, 'wrong-front-door/kern.log');
  const stats = join(REPORTS, 'wrong-front-door/stats.txt');
  const docker = join(REPORTS, 'small-import-faults/docker.json');
  for (const wrong of [
    ['trace', 'import', kern],
    ['trace', 'import', stats],
    ['stats', 'import', kern],
    ['stats', 'import', docker],
    ['explain', '--dmesg', stats],
    ['explain', '--dmesg', docker],
  ]) {
    const { status, stderr } = await netfslabHere(wrong, env);
    t.is(status, 3, stderr);
    t.is(suggestedIn(stderr).length, 1, stderr);
    await runAll(t, stderr, env, done);
  }
  t.is(done.size, 3);
});

test('what kernel messages suggest exists', async (t) => {
  const env = { NETFSLAB_TRACES: temporaryFolder(t) };
  const done = new Set<string>();
  for (const name of readdirSync(join(REPORTS, 'dmesg-netfs-prefix'))) {
    const { stdout } = await netfslabHere(
      ['explain', '--dmesg', join(REPORTS, 'dmesg-netfs-prefix', name)],
      env,
    );
    await runAll(t, stdout, env, done);
  }
  t.true(done.has('capture-script --hang'));
});

test('every example of a help text names a command that exists, with flags that exist', async (t) => {
  const commands = new Map(await commandClasses());
  for (const [name, { examples = [] }] of commands) {
    for (const example of examples as readonly (string | { command: string })[]) {
      const text = (typeof example === 'string' ? example : example.command)
        .replaceAll('<%= config.bin %>', 'netfslab')
        .replaceAll('<%= command.id %>', name.replaceAll(':', ' '));
      for (const [, rest = ''] of text.matchAll(/netfslab ([^|;&>]*)/g)) {
        const [first = '', second = ''] = words(rest);
        const command =
          commands.get(`${first} ${second}`) ??
          commands.get(`${first}:${second}`) ??
          commands.get(first);
        t.truthy(command, `${name}: ${text}`);
        const flags = Object.entries((command?.flags ?? {}) as Record<string, Spelled>);
        const known = flags.flatMap(([flag, { char, aliases = [] }]) => [
          ...aliases.map((alias) => `--${alias}`),
          `--${flag}`,
          `--no-${flag}`,
          `-${char}`,
        ]);
        for (const flag of words(rest.replace(/ -- .*/, '')).filter((word) =>
          /^--?[a-z]/.test(word),
        )) {
          const plain = flag.replace(/=.*$/, '');
          t.true([...known, '--help', '--json'].includes(plain), `${name}: ${flag} in ${text}`);
        }
      }
    }
  }
});

test('a capture is suggested where there is none', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'x'), '');
  const { status } = await netfslabHere(['trace', 'summary'], { NETFSLAB_TRACES: folder });
  t.not(status, 0);
});
