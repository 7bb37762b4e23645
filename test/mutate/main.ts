/**
 * `npm run mutate -- FOLDER... [--count N] [--seed N]`: changes the compiled code of folders of
 * `src`, one place at a time, and counts the changes that the tests notice. A change goes first to
 * the golden answers, if they use its file, then to the tests that import it, the nearest first.
 * Survivors are printed: each asks for a test, or changes nothing that can be seen.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { parseArgs } from 'node:util';
import { Prng } from '../../src/core/sim/prng.js';
import { ROOT } from '../helpers/source.js';
import { type Mutant, mutantsOf } from './sites.js';

const GOLDEN = 'dist/test/core/analysis/golden.test.js';
/** Compares the built statements with their sources, which would notice anything. */
const UNFAIR = ['dist/test/core/analysis/sql_modules.test.js', 'dist/test/tidy.test.js'];
const FIRST_MS = 120_000;
const REST_MS = 240_000;
/** Test files that import a changed file and are run: the nearest. */
const NEAREST = 5;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
  },
});

/** What a compiled file imports, itself below `dist`. */
function importsOf(folder: string, file: string): string[] {
  const text = readFileSync(join(folder, file), 'utf8');
  const statements = [...text.matchAll(/sqlModule\('(\w+)'\)/g)].map(
    ([, name]) => `dist/src/core/analysis/sql/${name}.sql`,
  );
  const modules = [...text.matchAll(/ from '(\.[^']*)'/g)].map(([, name]) =>
    normalize(join(dirname(file), name as string)),
  );
  return [...modules, ...statements];
}

/** How far each file is from a test file, in imports. */
function distances(graph: ReadonlyMap<string, readonly string[]>, test: string) {
  const far = new Map([[test, 0]]);
  for (const file of far.keys()) {
    for (const next of graph.get(file) ?? []) {
      if (!far.has(next)) far.set(next, (far.get(file) as number) + 1);
    }
  }
  return far;
}

/** True if the tests fail, or do not end. */
function fails(folder: string, tests: readonly string[], timeout: number, env = {}): boolean {
  const ava = join(folder, 'node_modules/ava/entrypoints/cli.mjs');
  // The command `timeout` ends the whole group: a change may make a worker spin.
  const command = ['-k', '5', String(timeout / 1000), process.execPath, ava];
  const run = spawnSync('timeout', [...command, '--fail-fast', '--timeout=2m', ...tests], {
    ...{ cwd: folder, stdio: 'ignore', env: { ...process.env, ...env } },
  });
  return run.status !== 0;
}

const work = mkdtempSync(join(tmpdir(), 'netfslab-mutate-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
process.on('SIGINT', () => process.exit(130));
for (const name of ['dist', 'bin', 'package.json']) {
  cpSync(join(ROOT, name), join(work, name), { recursive: true });
}
for (const name of ['node_modules', 'src', 'test', 'traces', 'docs', 'README.md', 'bench']) {
  symlinkSync(join(ROOT, name), join(work, name));
}
const kept = join(work, 'captures');
mkdirSync(kept);

const files = readdirSync(join(work, 'dist'), { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(js|sql)$/.test(name))
  .map((name) => `dist/${name}`);
const graph = new Map(files.map((file) => [file, importsOf(work, file)]));
const tests = files.filter((file) => file.endsWith('.test.js') && !UNFAIR.includes(file));
const reach = new Map(tests.map((test) => [test, distances(graph, test)]));
// The tests of commands run them in processes of their own.
for (const [test, far] of reach) {
  const command = /^dist\/test\/commands\/(.*)\.test\.js$/.exec(test)?.[1];
  const file = files.find((each) => each === `dist/src/commands/trace/${command}.js`);
  for (const start of [file, `dist/src/commands/${command}.js`]) {
    if (start === undefined || !graph.has(start)) continue;
    for (const [at, how] of distances(graph, start)) if (!far.has(at)) far.set(at, how + 2);
  }
}

const folders = positionals.map((name) => `dist/${normalize(name)}`);
const all = files
  .filter((file) => folders.some((folder) => file.startsWith(folder)))
  .flatMap((file) => mutantsOf(file, readFileSync(join(work, file), 'utf8')));
const prng = new Prng(Number(values.seed));
const chosen: Mutant[] = [];
for (let left = Math.min(Number(values.count), all.length); left > 0; left--) {
  chosen.push(...all.splice(prng.below(all.length), 1));
}

function isKilled({ file }: Mutant): boolean {
  const near = tests
    .filter((test) => test !== GOLDEN && reach.get(test)?.has(file))
    .sort((a, b) => Number(reach.get(a)?.get(file)) - Number(reach.get(b)?.get(file)))
    .slice(0, NEAREST);
  const env = { NETFSLAB_GOLDEN_CAPTURES: kept };
  if (reach.get(GOLDEN)?.has(file) && fails(work, [GOLDEN], FIRST_MS, env)) return true;
  return near.length > 0 && fails(work, near, REST_MS);
}

if (fails(work, [GOLDEN], FIRST_MS, { NETFSLAB_GOLDEN_CAPTURES: kept })) {
  throw new Error('the golden answers fail without any change');
}
let killed = 0;
let tried = 0;
for (const mutant of chosen.slice(Number(values.from))) {
  const path = join(work, mutant.file);
  const text = readFileSync(path, 'utf8');
  const { at, before, after } = mutant;
  writeFileSync(path, text.slice(0, at) + after + text.slice(at + before.length));
  const dead = isKilled(mutant);
  writeFileSync(path, text);
  tried++;
  if (dead) killed++;
  const line = text.slice(0, at).split('\n').length;
  const shown = text.split('\n')[line - 1]?.trim().slice(0, 100);
  const what = `${mutant.file}:${line} '${before.trim()}' -> '${after.trim()}': ${shown}`;
  process.stdout.write(`${dead ? 'killed  ' : 'SURVIVED'} ${killed}/${tried} ${what}\n`);
}
const share = Math.round((100 * killed) / tried);
process.stdout.write(`${killed} of ${tried} changes were noticed (${share} %)\n`);
