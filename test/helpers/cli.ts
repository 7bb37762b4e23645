/** The program as it is run: a child process, what it prints, and how it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { run } from '@oclif/core';
import { printError } from '../../src/core/cli/print_error.js';
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
  /** What it prints; to be read by the test, or nothing goes on once a pipe is full. */
  readonly stdout: Readable;
  /** Settles when it has ended. */
  readonly ended: Promise<Omit<Ended, 'stdout'>>;
}

function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Started {
  // Captures without --out go where nobody else's are.
  const nowhere = { ...process.env, NETFSLAB_TRACES: '/nonexistent', ...env };
  const child = spawn(command, args, { env: nowhere, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = Promise.all([text(child.stderr), once(child, 'close')]).then(
    ([stderr, [status]]) => ({ status: status as number | null, stderr }),
  );
  return { child, stdout: child.stdout, ended };
}

async function toEnd({ stdout, ended }: Started): Promise<Ended> {
  const [printed, end] = await Promise.all([text(stdout), ended]);
  return { ...end, stdout: printed };
}

/** Starts netfslab. */
export function startNetfslab(args: readonly string[], env?: NodeJS.ProcessEnv): Started {
  return start(process.execPath, [BIN, ...args], env);
}

/** Runs netfslab to its end. */
export function netfslab(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended> {
  return toEnd(startNetfslab(args, env));
}

let last: Promise<unknown> = Promise.resolve();

/**
 * Runs netfslab to its end in this process, which takes a tenth of the time: for commands that are
 * soon over, print text, and leave nothing behind. One after the other, as it takes over what is
 * printed.
 */
export function netfslabHere(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  const ended = last.then(() => runHere(args, env));
  last = ended;
  return ended;
}

async function runHere(args: readonly string[], env: Record<string, string>): Promise<Ended> {
  const before = { ...process.env };
  const printed = { stdout: '', stderr: '' };
  const writers = (['stdout', 'stderr'] as const).map((name) => {
    const { write } = process[name];
    process[name].write = (chunk: Uint8Array | string, ...more: unknown[]) => {
      printed[name] += chunk;
      const done = more.at(-1);
      if (typeof done === 'function') done();
      return true;
    };
    return () => {
      process[name].write = write;
    };
  });
  Object.assign(process.env, { NETFSLAB_TRACES: '/nonexistent' }, env);
  try {
    await run([...args], ROOT);
    return { status: Number(process.exitCode ?? 0), ...printed };
  } catch (error) {
    const status = printError(error, args.includes('--json'));
    return { status, ...printed };
  } finally {
    for (const restore of writers) restore();
    process.exitCode = undefined;
    process.env = before;
  }
}

/** Runs a line of shell in which `"$@"` is netfslab with these arguments. */
export function inShell(line: string, args: readonly string[]): Promise<Ended> {
  return toEnd(start('sh', ['-c', line, 'sh', process.execPath, BIN, ...args]));
}

/** Waits until a file holds that many bytes. */
export async function untilFile(path: string, bytes: number): Promise<void> {
  for (let tries = 0; tries < 2000; tries++) {
    if (existsSync(path) && statSync(path).size >= bytes) return;
    await setTimeout(10);
  }
  throw new Error(`${path} never came to ${bytes} bytes`);
}
