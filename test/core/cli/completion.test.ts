/** Completion in the shells themselves, where they are installed. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { listCommands } from '../../../src/core/cli/command_list.js';
import { completionScript, SHELLS } from '../../../src/core/cli/completion.js';
import { temporaryFolder } from '../../helpers/capture.js';

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;
const inShell = (shell: string) => (has(shell) ? test : test.skip);

function script(t: ExecutionContext, shell: (typeof SHELLS)[number]): string {
  const file = join(temporaryFolder(t), `netfslab.${shell}`);
  writeFileSync(file, completionScript(shell));
  return file;
}

function output(shell: string, args: readonly string[], t: ExecutionContext): string[] {
  const run = spawnSync(shell, args, { encoding: 'utf8', cwd: temporaryFolder(t) });
  if (run.stderr !== '') t.fail(run.stderr.slice(0, 400));
  return run.stdout.split('\n').filter((line) => line !== '');
}

/** What is typed, and what may follow: the words, all of them or some. */
const TYPED: readonly (readonly [typed: string, words: readonly string[]])[] = [
  ['netfslab fle', ['fleet']],
  ['netfslab trace su', ['summary']],
  ['netfslab cache ', ['check', 'clear', 'cull', 'invalidate', 'ls', 'show']],
  ['netfslab trace export --format p', ['perfetto', 'parquet']],
  ['netfslab completion ', ['bash', 'zsh', 'fish']],
  ['netfslab trace hits --cs', ['--csv']],
];

const BASH = `
COMP_WORDS=("$@"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _netfslab; printf '%s\\n' "\${COMPREPLY[@]}"`;

for (const [typed, words] of TYPED) {
  inShell('bash')(`bash completes '${typed}'`, (t) => {
    const line = `source ${script(t, 'bash')}${BASH}`;
    t.deepEqual(output('bash', ['-c', line, 'bash', ...typed.split(' ')], t), [...words]);
  });

  inShell('fish')(`fish completes '${typed}'`, (t) => {
    const line = `source ${script(t, 'fish')}; complete -C '${typed}'`;
    const found = output('fish', ['--no-config', '-c', line], t).map((each) => each.split('\t')[0]);
    t.deepEqual(found.sort(), [...words].sort());
  });
}

inShell('bash')('bash completes the value behind --flag=', (t) => {
  const line = `source ${script(t, 'bash')}${BASH}`;
  const words = (...typed: string[]) =>
    output('bash', ['-c', line, 'bash', 'netfslab', 'trace', 'export', ...typed], t);
  t.deepEqual(words('--format', '=', 'p'), ['perfetto', 'parquet']);
  t.true(words('--format', '=').includes('csv'));
});

inShell('zsh')('zsh loads its script and knows the function', (t) => {
  const file = script(t, 'zsh');
  const line = `autoload -U compinit; compinit -u -D; source ${file}; print $_comps[netfslab]`;
  t.deepEqual(output('zsh', ['-f', '-c', line], t), ['_netfslab']);
  const list = `source ${file} 2>/dev/null; _netfslab_next 'cache'; print -l $next`;
  const run = spawnSync('zsh', ['-f', '-c', `compdef() { :; }; ${list}`], { encoding: 'utf8' });
  t.regex(run.stdout, /^ls:/m);
});

test('every command and flag is in every script', (t) => {
  for (const shell of SHELLS) {
    const text = completionScript(shell);
    for (const { words, flags } of listCommands()) {
      t.true(text.includes(words.join(' ')), `${shell}: ${words.join(' ')}`);
      for (const { name } of flags) t.true(text.includes(name), `${shell}: --${name}`);
    }
  }
});

test('names of files that would do something in a shell are only words', (t) => {
  if (!has('bash')) {
    t.pass();
    return;
  }
  const folder = temporaryFolder(t);
  for (const name of ['$(touch pwned)', '`touch pwned`', 'a b;touch pwned', "it's"]) {
    writeFileSync(join(folder, name), '');
  }
  const line = `source ${script(t, 'bash')}${BASH}; test ! -e pwned`;
  const run = spawnSync('bash', ['-c', line, 'bash', 'netfslab', 'trace', 'hits', ''], {
    cwd: folder,
    encoding: 'utf8',
  });
  t.is(run.status, 0, run.stderr);
  t.true(run.stdout.includes('$(touch pwned)'));
});
