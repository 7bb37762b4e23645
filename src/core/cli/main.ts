/**
 * The program's entry, called by bin/run.js: runs the command and ends with the right exit code.
 */
import { errnoFromNode } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import { dropStaleManifest, versionLine } from './manifest.js';

/** Runs the command named by the process's arguments; `dir` is any file URL inside the package. */
export async function main(dir: string): Promise<void> {
  reportStdoutErrors();
  const words = withoutPagerFlag(process.argv.slice(2));
  const [first, ...more] = words;
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
    await run(words, dir);
  } catch (error) {
    // Not process.exitCode alone: a failed command may leave timers or a worker behind.
    const { printError } = await import('./print_error.js');
    process.exit(printError(error, process.argv.includes('--json')));
  }
}

/** Takes out --no-pager, which every command has. Words behind `--` are another program's. */
function withoutPagerFlag(words: readonly string[]): string[] {
  const end = words.indexOf('--');
  const own = end < 0 ? words : words.slice(0, end);
  if (!own.includes('--no-pager')) return [...words];
  process.env.NETFSLAB_PAGER = '';
  return [...own.filter((word) => word !== '--no-pager'), ...words.slice(own.length)];
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
