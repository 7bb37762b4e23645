/**
 * What contests share: programs as contestants, with the memory they needed, and the netfslab of
 * this checkout as one of them.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Measured } from './harness.js';

/** A command with its arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** The start of a command line of this checkout's netfslab. */
export const NETFSLAB: Command = [
  process.execPath,
  fileURLToPath(new URL('../../bin/run.js', import.meta.url)),
];

/** How often memory is looked at, ms. The kernel keeps the peak, so only the end can be missed. */
const LOOK_MS = 50;

/** Why a program cannot be used; null = it can. */
export function missingTool(program: string): string | null {
  const { error } = spawnSync(program, ['--version'], { stdio: 'ignore' });
  return error === undefined ? null : `${program} is not installed`;
}

/**
 * Runs a command with what it prints thrown away; throws with its messages if it ends with another
 * code than those of `good`.
 */
export function runCommand(
  [program, ...args]: Command,
  input?: string,
  good: readonly number[] = [0],
): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'] });
    let peakMiB = 0;
    const look = setInterval(() => {
      peakMiB = Math.max(peakMiB, peakOf(child.pid));
    }, LOOK_MS);
    let messages = '';
    child.stderr.on('data', (chunk: Buffer) => {
      messages = (messages + chunk.toString()).slice(-2000);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearInterval(look);
      if (code !== null && good.includes(code)) resolve({ peakMiB });
      else reject(new Error(`${program} ${args.join(' ')}: ${signal ?? code}\n${messages}`));
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

/** Most memory a process has held, MiB; 0 where that cannot be told. */
function peakOf(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** Throws unless two numbers are the same. */
export function expectEqual(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Error(`${what}: ${found} instead of ${wanted}`);
}
