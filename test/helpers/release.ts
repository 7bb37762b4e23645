/**
 * Prepares a release: `npm run release -- 0.2.0`. Sets the version, gives the changelog's heading
 * its version and day, packs, installs the package into an empty folder and runs it. Publishing and
 * tagging are left to a person, who is told the commands.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './source.js';

const [version = ''] = process.argv.slice(2);

function run(command: string, args: readonly string[], cwd: string): string {
  const done = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (done.status === 0) return done.stdout.trim();
  throw new Error(`${command} ${args.join(' ')}: ${done.stderr || done.stdout}`);
}

if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) {
  throw new Error('name the version: npm run release -- 0.2.0');
}
if (run('git', ['status', '--porcelain'], ROOT) !== '') {
  throw new Error('there are changes that are not committed');
}

const changelog = join(ROOT, 'CHANGELOG.md');
const text = readFileSync(changelog, 'utf8');
if (!text.includes('## Unreleased\n')) throw new Error('CHANGELOG.md has no ## Unreleased');
const day = run('date', ['-u', '+%Y-%m-%d'], ROOT);
writeFileSync(changelog, text.replace('## Unreleased\n', `## ${version} (${day})\n`));
run('npm', ['version', version, '--no-git-tag-version'], ROOT);
run('npm', ['run', '--silent', 'build'], ROOT);

const folder = mkdtempSync(join(tmpdir(), 'netfslab-release-'));
try {
  const tgz = run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], ROOT);
  const file = join(folder, tgz.split('\n').at(-1) ?? '');
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  run('npm', ['install', file], folder);
  const bin = join(folder, 'node_modules/.bin/netfslab');
  const said = run(bin, ['--version'], folder);
  if (!said.startsWith(`netfslab/${version} `)) throw new Error(`--version says ${said}`);
  const sample = 'node_modules/netfslab/traces/linux-6.12/cold-sequential.txt.gz';
  run(bin, ['trace', 'import', sample, '--out', 'a.db'], folder);
  run(bin, ['trace', 'report', 'a.db', '--out', 'a.html'], folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`netfslab ${version} installs and runs. Next:
  git commit -am 'release ${version}' && git tag -a v${version} -m 'netfslab ${version}'
  npm publish
`);
