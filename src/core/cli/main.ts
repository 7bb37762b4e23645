/**
 * The program's entry, called by bin/run.js: runs the command and ends with the right exit code.
 */
import { errnoFromNode } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import { dropStaleManifest, versionLine } from './manifest.js';

/** Runs the command named by the process's arguments; `dir` is any file URL inside the package. */
export async function main(dir: string): Promise<void> {
  reportStdoutErrors();
  const [first, ...more] = process.argv.slice(2);
  // Told without loading oclif, which takes longer than all the rest.
  if (first === '--version' && more.length === 0) {
    process.stdout.write(`${versionLine()}\n`);
    return;
  }
  try {
    dropStaleManifest();
    const { run } = await import('@oclif/core');
    // Again: oclif has put its own in place.
    reportStdoutErrors();
    await run(process.argv.slice(2), dir);
  } catch (error) {
    // Not process.exitCode alone: a failed command may leave timers or a worker behind.
    const { printError } = await import('./print_error.js');
    process.exit(printError(error, process.argv.includes('--json')));
  }
}

/**
 * Takes the errors of stdout over from oclif, which throws them past every handler. A reader that
 * has gone is no error; anything else (a full disk) is told in one line and ends the program.
 */
function reportStdoutErrors(): void {
  process.stdout.removeAllListeners('error');
  process.stdout.on('error', async (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    const { printError } = await import('./print_error.js');
    const failed = new ErrnoError(errnoFromNode(error), 'write', 'stdout', { cause: error });
    process.exit(printError(failed, false));
  });
}
