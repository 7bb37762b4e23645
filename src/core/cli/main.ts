/**
 * The program's entry, called by bin/run.js: runs the command and ends with the right exit code.
 */
import { run } from '@oclif/core';
import { errnoFromNode } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import { printError } from './print_error.js';

/** Runs the command named by the process's arguments; `dir` is any file URL inside the package. */
export async function main(dir: string): Promise<void> {
  reportStdoutErrors();
  try {
    await run(process.argv.slice(2), dir);
  } catch (error) {
    // Not process.exitCode alone: a failed command may leave timers or a worker behind.
    process.exit(printError(error, process.argv.includes('--json')));
  }
}

/**
 * Takes the errors of stdout over from oclif, which throws them past every handler. A reader that
 * has gone is no error; anything else (a full disk) is told in one line and ends the program.
 */
function reportStdoutErrors(): void {
  process.stdout.removeAllListeners('error');
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    const failed = new ErrnoError(errnoFromNode(error), 'write', 'stdout', { cause: error });
    process.exit(printError(failed, false));
  });
}
