/** The package as others get it: packed, unpacked into an empty project, imported, and run. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { tempDir } from '../helpers/lab.js';
import { ROOT } from '../helpers/source.js';

function run(command: string, args: readonly string[], cwd: string) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (error !== undefined) throw error;
  return { status, stdout, stderr };
}

interface Installed {
  /** The folder of the project that uses the package. */
  readonly project: string;
  /** The files of the package. */
  readonly files: readonly string[];
}

const NPM = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund'];

/**
 * Installs the packed package without a network and with an empty cache of npm's: the dependencies
 * are those of the checkout, linked into the project before.
 */
function install(t: ExecutionContext): Installed {
  const project = tempDir(t);
  process.env.npm_config_cache = tempDir(t);
  // Without its scripts: they would build into the folder the running tests are in.
  const packed = run('npm', ['pack', '--ignore-scripts', '--pack-destination', project], ROOT);
  t.is(packed.status, 0, packed.stderr);
  const archive = fs.readdirSync(project).find((name) => name.endsWith('.tgz')) ?? '';
  fs.writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
  const modules = join(project, 'node_modules');
  const linked = run('cp', ['-al', join(ROOT, 'node_modules'), modules], project);
  // A temporary folder on another disk has no links to here.
  if (linked.status !== 0) {
    fs.rmSync(modules, { recursive: true, force: true });
    t.is(run('cp', ['-a', join(ROOT, 'node_modules'), modules], project).status, 0);
  }
  fs.rmSync(join(modules, '.package-lock.json'), { force: true });
  const installed = run('npm', ['install', ...NPM, `./${archive}`], project);
  t.is(installed.status, 0, installed.stderr);
  // What only the checkout needs is gone, so that nothing can lean on it.
  t.false(fs.existsSync(join(modules, 'typescript')));
  const listed = fs.readdirSync(join(modules, 'netfslab'), { recursive: true, encoding: 'utf8' });
  return { project, files: listed };
}

/** The example in the header of src/index.ts. */
function example(): string {
  const source = fs.readFileSync(join(ROOT, 'src/index.ts'), 'utf8');
  return [...source.matchAll(/^ \* {5}(.*)$/gm)].map(([, line]) => line).join('\n');
}

test('the packed package works in an empty project, as a module and as a program', (t) => {
  const { project, files } = install(t);
  fs.writeFileSync(
    join(project, 'example.js'),
    `${example()}\nprocess.stdout.write(\`\${bytes}\`);`,
  );
  const ran = run(process.execPath, ['example.js'], project);
  t.is(ran.status, 0, ran.stderr);
  // The size of the project's package.json comes last, the trace before it.
  t.regex(ran.stdout, /netfs_read: R=00000001 READAHEAD c=00000000 s=0 [\s\S]* FREE .*\n\d+$/);
  const { size } = fs.statSync(join(project, 'package.json'));
  t.true(ran.stdout.endsWith(`\n${size}`));

  const bin = join('node_modules/netfslab', 'bin/run.js');
  const command = run(process.execPath, [bin, 'trace', 'requests', 'run.db', '--csv'], project);
  t.is(command.status, 0, command.stderr);
  t.regex(command.stdout, /\n00000001,1,readahead,/);
  const help = run(process.execPath, [bin, 'run', '--help-all'], project);
  t.regex(help.stdout, /--page-cache=SIZE/);

  t.false(files.some((name) => /(^|\/)test(\/|$)|\.test\.|^src\//.test(name)));
  for (const name of [
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    'bin/run.js',
    'dist/src/index.d.ts',
  ]) {
    t.true(files.includes(name), name);
  }
});

test('the samples, the manual and the shell need nothing but the package', (t) => {
  const { project } = install(t);
  const home = join(project, 'node_modules/netfslab');
  const netfslab = (...words: string[]): string => {
    const ran = run(process.execPath, [join(home, 'bin/run.js'), ...words], project);
    t.is(ran.status, 0, `${words.join(' ')}: ${ran.stderr}`);
    return ran.stdout;
  };
  const sample = join(home, 'traces/linux-6.12/cold-sequential.txt.gz');
  netfslab('trace', 'import', sample, '--out', 'a.db');
  t.regex(netfslab('trace', 'summary', 'a.db'), /is defeated/);
  netfslab('trace', 'report', 'a.db', '--out', 'a.html');
  t.true(fs.readFileSync(join(project, 'a.html'), 'utf8').startsWith('<!doctype html>'));
  t.regex(netfslab('help', 'accounting'), /^# Accounting/);
  t.regex(netfslab('completion', 'bash'), /complete -F/);
  t.true(fs.existsSync(join(home, 'docs/report.png')));
  // As npm install -g does it: the program and its pages are linked where shells and man look.
  const prefix = tempDir(t);
  const linked = run('npm', ['install', '-g', ...NPM, '--prefix', prefix, home], project);
  t.is(linked.status, 0, linked.stderr);
  t.regex(run(join(prefix, 'bin/netfslab'), ['--version'], project).stdout, /^netfslab\//);
  for (const page of ['netfslab', 'netfslab-trace-export']) {
    t.regex(fs.readFileSync(join(prefix, `share/man/man1/${page}.1`), 'utf8'), /^\.TH "NETFSLAB/);
  }
});

test('what help, topics and the manual cite is in the package', (t) => {
  const { status, stdout } = run('npm', ['pack', '--ignore-scripts', '--dry-run', '--json'], ROOT);
  t.is(status, 0);
  const packed = JSON.parse(stdout) as { files: { path: string }[] }[];
  const files = (packed[0]?.files ?? []).map(({ path }) => path);
  const cited = (text: string) => text.match(/\b(?:traces|docs)\/[\w./*-]*\w/g) ?? [];
  const texts = [
    fs.readFileSync(join(ROOT, 'oclif.manifest.json'), 'utf8'),
    fs.readFileSync(join(ROOT, 'README.md'), 'utf8'),
    ...files
      .filter((path) => /^docs\/(?!decisions).*\.md$/.test(path))
      .map((path) => fs.readFileSync(join(ROOT, path), 'utf8')),
  ];
  const missing = new Set(
    texts.flatMap(cited).filter((path) => {
      return !files.some((file) => file === path || file.startsWith(`${path}/`));
    }),
  );
  t.deepEqual(
    [...missing].filter((path) => !path.includes('*')),
    [],
  );
});
