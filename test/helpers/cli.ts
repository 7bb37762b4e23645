/** The program as it is run: a child process, what it prints, and how it ends. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { ROOT } from './source.js';

/** The executable of the package. */
export const BIN = join(ROOT, 'bin/run.js');

/** How a run of the program ended. */
export interface Ended {
  /** Exit code; null when a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run under way. */
export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** Starts netfslab; captures without `--out` go to a folder that nobody else uses. */
export function startNetfslab(
  args: readonly string[],
  { env, ...options }: SpawnOptions = {},
): Started {
  const nowhere = { ...process.env, NETFSLAB_TRACES: '/nonexistent', ...env };
  const child = spawn(process.execPath, [BIN, ...args], { ...options, env: nowhere });
  return { child, ended: ending(child) };
}

/** Runs netfslab to its end. */
export function netfslab(args: readonly string[], options?: SpawnOptions): Promise<Ended> {
  return startNetfslab(args, options).ended;
}

/** Runs netfslab by a line of shell, in which `"$@"` is the program. */
export function netfslabInShell(line: string, options: SpawnOptions = {}): Promise<Ended> {
  const child = spawn('sh', ['-c', line, 'sh', process.execPath, BIN], options);
  return ending(child);
}

async function ending(child: ChildProcess): Promise<Ended> {
  const [stdout, stderr, [status]] = await Promise.all([
    child.stdout === null ? '' : text(child.stdout),
    child.stderr === null ? '' : text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { status, stdout, stderr };
}

/** Waits until a file holds that many bytes. */
export async function untilFile(path: string, bytes: number): Promise<void> {
  for (let tries = 0; tries < 2000; tries++) {
    if (existsSync(path) && statSync(path).size >= bytes) return;
    await setTimeout(10);
  }
  throw new Error(`${path} never came to ${bytes} bytes`);
}
