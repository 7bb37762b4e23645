/** The path of a newcomer in README.md: what stands there is what the commands print. */
import { execFile } from 'node:child_process';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { temporaryFolder } from '../helpers/capture.js';
import { ROOT } from '../helpers/source.js';

/** A command and the lines it prints, as they stand in README.md. */
interface Told {
  readonly command: string;
  readonly prints: string[];
}

function toldIn(heading: string): Told[] {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const part = readme.slice(readme.indexOf(`\n## ${heading}\n`));
  const block = /```console\n(.*?)```/s.exec(part)?.[1] ?? '';
  const told: Told[] = [];
  for (const line of block.trimEnd().split('\n')) {
    if (line.startsWith('$ ')) told.push({ command: line.slice(2), prints: [] });
    else told.at(-1)?.prints.push(line);
  }
  return told;
}

test('a newcomer records, imports, asks and checks, and sees what README.md shows', async (t) => {
  const cwd = temporaryFolder(t);
  symlinkSync(join(ROOT, 'traces'), join(cwd, 'traces'));
  const steps = toldIn('A trace of your own kernel');
  t.deepEqual(
    steps.map(({ command }) => /netfslab (trace \w+|[a-z-]+)/.exec(command)?.[1]),
    ['capture-script', 'trace import', 'trace summary', 'trace why', 'trace check'],
  );
  for (const { command, prints } of steps) {
    // There is no machine to record on; what is sent to it must be a script.
    const local = command
      .replace('ssh root@host sh', 'sh -n')
      .replaceAll('npx netfslab', `node ${join(ROOT, 'bin/run.js')}`);
    const env = { ...process.env, NO_COLOR: '1', NETFSLAB_TRACES: cwd };
    const { stdout } = await promisify(execFile)('sh', ['-c', local], { cwd, env });
    t.deepEqual(stdout.trimEnd().split('\n'), prints.length === 0 ? [''] : prints, command);
  }
});
