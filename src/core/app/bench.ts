/** Runs the contests of `bench/`, which are a program of their own. Called by the command. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../bench/main.js', import.meta.url));

/** Runs the contests with these arguments, printing where this process does: its exit code. */
export function runBench(args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}
