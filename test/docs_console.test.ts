/**
 * The console blocks of the README and the manual print what stands there. The blocks of one page
 * run in one folder, one after another. NETFSLAB_DOCS=write writes what they print into the pages.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from './helpers/capture.js';
import { blocksOf, type ConsoleBlock, pages, textOf } from './helpers/console_blocks.js';
import { ROOT } from './helpers/source.js';

const isTested = ({ mark }: ConsoleBlock): boolean => /^tested(: .+)?$/.test(mark ?? '');
/** Commands in an untested block must exist all the same: these start other programs. */
const NETFSLAB = /^netfslab|(?<=[|;&] )netfslab/g;

test('each console block is marked as tested, or says why it is not', (t) => {
  for (const page of pages()) {
    for (const block of blocksOf(page)) {
      const said = isTested(block) || /^not tested: .+/.test(block.mark ?? '');
      t.true(said, `${page}: ${block.steps[0]?.command}`);
    }
  }
});

/** The folder in which a page's blocks run: the samples, and a served folder with one file. */
function pageFolder(t: ExecutionContext): string {
  const cwd = temporaryFolder(t);
  symlinkSync(join(ROOT, 'traces'), join(cwd, 'traces'));
  mkdirSync(join(cwd, 'srv'));
  writeFileSync(join(cwd, 'srv/f1m'), Buffer.alloc(1 << 20, 'a'));
  return cwd;
}

/** What a command prints to stdout, its exit code if that is not 0 as a last line. */
async function output(command: string, cwd: string): Promise<string[]> {
  const local = command.replaceAll(NETFSLAB, `node ${join(ROOT, 'bin/run.js')}`);
  const env = {
    ...process.env,
    ...{ NO_COLOR: '1', NETFSLAB_TRACES: cwd, XDG_CACHE_HOME: join(cwd, '.cache') },
  };
  const run = promisify(execFile)('sh', ['-c', local], { cwd, env, maxBuffer: 2 ** 26 });
  const { stdout, code } = await run.then(
    (done) => ({ stdout: done.stdout, code: 0 }),
    (error: { stdout: string; code: number }) => error,
  );
  const lines = stdout === '' ? [] : stdout.trimEnd().split('\n');
  return code === 0 ? lines : [...lines, `(exit code ${code})`];
}

for (const page of pages()) {
  const tested = blocksOf(page).filter(isTested);
  if (tested.length === 0) continue;
  test(`the commands of ${page} print what stands there`, async (t) => {
    t.timeout(120_000);
    const cwd = pageFolder(t);
    let text = readFileSync(join(ROOT, page), 'utf8');
    let moved = 0;
    for (const { from, to, steps } of tested) {
      const now = [];
      for (const { command, prints } of steps) {
        const lines = await output(command, cwd);
        now.push({ command, prints: lines });
        if (process.env.NETFSLAB_DOCS !== 'write') t.deepEqual(lines, prints, command);
      }
      const block = textOf(now);
      text = text.slice(0, from + moved) + block + text.slice(to + moved);
      moved += block.length - (to - from);
    }
    if (process.env.NETFSLAB_DOCS === 'write') writeFileSync(join(ROOT, page), text);
    t.pass();
  });
}
