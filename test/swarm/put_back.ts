/**
 * `npm run swarm:faults`: whether the swarm finds faults that the project once had. Each patch of
 * `test/swarm/faults` puts one back: into a copy of the tree, which is built and played for up to
 * NETFSLAB_SEEDS seeds. Arguments: parts of the names of patches; none: all of them.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { ROOT } from '../helpers/source.js';

const SEEDS = Number(process.env.NETFSLAB_SEEDS ?? 2000);
const PATCHES = path.join(ROOT, 'test/swarm/faults');
const COPIED = ['src', 'test', 'bench', 'bin', 'package.json', 'tsconfig.json'];

const asked = process.argv.slice(2);
const names = fs
  .readdirSync(PATCHES)
  .filter((name) => name.endsWith('.patch'))
  .filter((name) => asked.length === 0 || asked.some((part) => name.includes(part)))
  .sort();

const missed: string[] = [];
for (const name of names) {
  const started = process.hrtime.bigint();
  const answer = tried(name);
  const seconds = (Number(process.hrtime.bigint() - started) / 1e9).toFixed(1);
  if (answer === undefined) missed.push(name);
  process.stdout.write(`${name}: ${answer ?? 'NOT FOUND'} (${seconds} s)\n`);
}
process.exitCode = missed.length === 0 ? 0 : 1;

// A patch that does not apply or build is as good as one whose fault is not found.
function tried(name: string): string | undefined {
  try {
    return putBack(name);
  } catch (error) {
    process.stdout.write(`${name}: ${(error as Error).message}\n`);
    return undefined;
  }
}

// What the swarm says, undefined if it finds nothing.
function putBack(name: string): string | undefined {
  const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'netfslab-fault-'));
  try {
    for (const part of COPIED) {
      fs.cpSync(path.join(ROOT, part), path.join(copy, part), { recursive: true });
    }
    fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'));
    execFileSync(
      'git',
      ['apply', '--unsafe-paths', `--directory=${copy}`, path.join(PATCHES, name)],
      {
        cwd: copy,
      },
    );
    // A fault may leave something unused.
    const tsc = path.join(copy, 'node_modules/.bin/tsc');
    execFileSync(tsc, ['-p', '.', '--noUnusedLocals', 'false', '--noUnusedParameters', 'false'], {
      cwd: copy,
      stdio: 'inherit',
    });
    for (let first = 1; first <= SEEDS; ) {
      const found = firstFinding(copy, first);
      if (found === undefined) return undefined;
      // Only what the tree as it is does not find counts.
      const seed = Number(/^seed (\d+)/.exec(found)?.[1] ?? SEEDS);
      if (swarm(ROOT, { NETFSLAB_SEED: `${seed}`, NETFSLAB_SHRINK: '0' }).status === 0)
        return found;
      first = seed + 1;
    }
    return undefined;
  } finally {
    fs.rmSync(copy, { recursive: true, force: true });
  }
}

function firstFinding(tree: string, first: number): string | undefined {
  const { stdout, status } = swarm(tree, {
    NETFSLAB_FIRST: `${first}`,
    NETFSLAB_SEEDS: `${SEEDS - first + 1}`,
    NETFSLAB_FINDINGS: '1',
  });
  if (status === 0) return undefined;
  return stdout.split('\n').find((line) => line.startsWith('seed')) ?? `ended with ${status}`;
}

function swarm(tree: string, settings: Record<string, string>) {
  const env = { ...process.env, ...settings };
  const how = { cwd: tree, env, encoding: 'utf8', maxBuffer: 1 << 26 } as const;
  return spawnSync(process.execPath, ['dist/test/swarm/main.js'], how);
}
