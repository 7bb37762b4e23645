/** Nothing stands in the code that nobody uses, and nothing stands there twice. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { ROOT, readSources, type Source } from './helpers/source.js';

test('no file, export or dependency is unused', (t) => {
  const knip = join(ROOT, 'node_modules/.bin/knip');
  const run = spawnSync(knip, ['--no-progress'], { cwd: ROOT, encoding: 'utf8' });
  t.is(run.stdout, '');
  t.is(run.status, 0, run.stderr);
});

/** So many lines of code that are the same make a copy; blank, comment and import lines aside. */
const COPY_LINES = 9;

/** Files that `npm run era` writes from format files. */
const GENERATED = /^src\/core\/trace\/kernels\/e\d+\.ts$/;

interface Line {
  readonly where: string;
  readonly text: string;
}

/** The lines of code of a file, without those that say nothing alone, such as `}`. */
function linesOf({ path, code }: Source): Line[] {
  return code
    .replaceAll(/^import .*?;$/gms, (cut) => cut.replaceAll(/[^\n]/g, ''))
    .split('\n')
    .map((line, i) => ({ where: `${path}:${i + 1}`, text: line.trim() }))
    .filter(({ text }) => /\w\W*\w/.test(text));
}

/** Pairs of places that share a run of lines; of a longer run, its first place only. */
function copies(files: readonly Line[][]): string[] {
  const seen = new Map<string, Line>();
  const found: string[] = [];
  for (const lines of files) {
    let reported = -1;
    for (let i = 0; i + COPY_LINES <= lines.length; i++) {
      const run = lines.slice(i, i + COPY_LINES);
      const key = run.map(({ text }) => text).join('\n');
      const first = seen.get(key);
      if (first === undefined) seen.set(key, run[0]!);
      else {
        if (i > reported) found.push(`${run[0]!.where} is ${first.where}`);
        reported = i + COPY_LINES;
      }
    }
  }
  return found;
}

test('no nine lines of code stand in two places', (t) => {
  const files = ['src', 'bench', 'test'].flatMap((folder) => readSources(folder));
  const written = files.filter(({ path }) => !GENERATED.test(path));
  const lines = written.map(linesOf);
  t.deepEqual(copies(lines), []);
  const some = lines.find((each) => each.length > 2 * COPY_LINES)!;
  t.is(copies([some, some.slice(1)]).length, 1);
});
