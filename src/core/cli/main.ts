/**
 * The program's entry, called by bin/run.js: runs the command and ends with the right exit code.
 */
import { run } from '@oclif/core';
import { printError } from './print_error.js';

/** Runs the command named by the process's arguments; `dir` is any file URL inside the package. */
export async function main(dir: string): Promise<void> {
  try {
    await run(process.argv.slice(2), dir);
  } catch (error) {
    // Not process.exitCode alone: a failed command may leave timers or a worker behind.
    process.exit(printError(error, process.argv.includes('--json')));
  }
}
