/** Mounts of netfslab for tests: the program itself, in a process of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { tempDir } from './lab.js';

/** Why mounts cannot be tested here; undefined: they can. */
export function whyNoMounts(): string | undefined {
  if (!fs.existsSync('/dev/fuse')) return 'no /dev/fuse';
  if (process.getuid?.() === 0) return undefined;
  const helper = spawnSync('fusermount3', ['-V']);
  return helper.error === undefined ? undefined : 'neither root nor fusermount3';
}

/** True if a program is installed. */
export function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
}

/** A mount under test. */
export interface TestMount {
  readonly server: string;
  readonly mountpoint: string;
  readonly child: ChildProcess;
  /** What it said on stderr. */
  said(): string;
  /** Unmounts as a user would, and waits for the process: its exit code. */
  unmount(): Promise<number | null>;
  /** Ends the process without a word. */
  kill(): Promise<void>;
}

const BIN = path.resolve('bin/run.js');

/** Runs the program and waits: exit code and output. */
export function netfslab(args: readonly string[]): {
  code: number | null;
  out: string;
  err: string;
} {
  const ran = spawnSync(process.execPath, [BIN, ...args], { encoding: 'utf8' });
  return { code: ran.status, out: ran.stdout, err: ran.stderr };
}

/** Mounts `server`, without a trace unless `flags` ask for one. */
export async function mountFor(
  t: ExecutionContext,
  server: string,
  flags: readonly string[] = [],
  at: string = tempDir(t),
): Promise<TestMount> {
  const args = ['mount', server, at, ...flags];
  if (!flags.includes('--out')) args.push('--no-trace');
  const child = spawn(process.execPath, [BIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr?.on('data', (text: Buffer) => {
    said += text.toString();
  });
  child.stdout?.resume();
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const mounted = await Promise.race([
    new Promise<boolean>((resolve) => child.once('message', () => resolve(true))),
    ended.then(() => false),
  ]);
  if (!mounted) throw new Error(`not mounted: ${said}`);
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await ended;
    spawnSync('umount', ['-l', at]);
  });
  return {
    server,
    mountpoint: at,
    child,
    said: () => said,
    async unmount() {
      const { code, err } = netfslab(['unmount', at]);
      if (code !== 0) throw new Error(err);
      return ended;
    },
    kill,
  };
}

/** Runs a shell script in a directory: exit code and output. Asynchronous, as a mount is served. */
export function sh(
  directory: string,
  script: string,
): Promise<{ readonly code: number | null; readonly out: string }> {
  const child = spawn('sh', ['-c', script], {
    cwd: directory,
    env: { ...process.env, LC_ALL: 'C', GIT_CONFIG_NOSYSTEM: '1', HOME: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  child.stdout.on('data', (text: Buffer) => {
    out += text.toString('latin1');
  });
  child.stderr.on('data', (text: Buffer) => {
    out += text.toString('latin1');
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out })));
}

const TREE = `find . -path ./.netfslab -prune -o -printf '%P %y %m %U %G %l' \\( -type f -printf ' %s %n' -o -true \\) -print | LC_ALL=C sort
find . -type f -print0 | LC_ALL=C sort -z | xargs -0r md5sum`;

/** What is in a tree: names, types, permissions, owners, links, sizes and content. */
export async function describeTree(directory: string): Promise<string> {
  const { out } = await sh(directory, TREE);
  return out;
}

/** A digest of a file. */
export function digest(file: string): string {
  return createHash('md5').update(fs.readFileSync(file)).digest('hex');
}
