/**
 * The console blocks of README.md that are marked as tested: the commands print what stands there.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { temporaryFolder } from '../helpers/capture.js';
import { ROOT } from '../helpers/source.js';

/** A command and the lines it prints. */
interface Told {
  readonly command: string;
  readonly prints: string[];
}

/** The blocks of a page behind `<!-- tested ... -->`, by the heading they stand under. */
function blocksOf(page: string): Map<string, Told[]> {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const blocks = new Map<string, Told[]>();
  for (const part of text.split(/^## /m)) {
    const block = /<!-- tested.*? -->\n```console\n(.*?)```/s.exec(part)?.[1];
    if (block === undefined) continue;
    const told: Told[] = [];
    for (const line of block.trimEnd().split('\n')) {
      if (line.startsWith('$ ')) told.push({ command: line.slice(2), prints: [] });
      else told.at(-1)?.prints.push(line);
    }
    blocks.set(part.split('\n')[0] ?? '', told);
  }
  return blocks;
}

const blocks = blocksOf('README.md');

test('the sessions of the first page are tested', (t) => {
  t.deepEqual([...blocks.keys()], ['Read a directory', 'Look at a trace of your kernel']);
});

for (const [heading, steps] of blocks) {
  test(`${heading}: the commands of the first page print what stands there`, async (t) => {
    t.timeout(120_000);
    const cwd = temporaryFolder(t);
    symlinkSync(join(ROOT, 'traces'), join(cwd, 'traces'));
    mkdirSync(join(cwd, 'srv'));
    writeFileSync(join(cwd, 'srv/f1m'), Buffer.alloc(1 << 20, 'a'));
    const env = { ...process.env, NO_COLOR: '1', NETFSLAB_TRACES: cwd };
    for (const { command, prints } of steps) {
      const local = command.replaceAll(
        /^netfslab|(?<=\| )netfslab/g,
        `node ${join(ROOT, 'bin/run.js')}`,
      );
      const { stdout } = await promisify(execFile)('sh', ['-c', local], { cwd, env });
      t.deepEqual(stdout.trimEnd().split('\n'), prints.length === 0 ? [''] : prints, command);
    }
  });
}
