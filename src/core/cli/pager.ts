/**
 * The pager of long output on a terminal: $NETFSLAB_PAGER, else $PAGER, else less if it is there.
 * Empty or `cat` means none.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A pager that runs. */
export interface Pager {
  readonly stdin: NodeJS.WritableStream;
  /** Ends its input and waits until the person leaves it. */
  end(): Promise<void>;
}

/** The command of the pager; null if there is none. */
export function pagerCommand(env: NodeJS.ProcessEnv): string | null {
  const named = env.NETFSLAB_PAGER ?? env.PAGER;
  if (named !== undefined) return ['', 'cat'].includes(named.trim()) ? null : named;
  const found = (env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, 'less')));
  return found ? 'less' : null;
}

/** Starts the pager; null if there is none. */
export async function startPager(): Promise<Pager | null> {
  const command = pagerCommand(process.env);
  if (command === null) return null;
  const { spawn } = await import('node:child_process');
  // As git does: leave if it fits, show colours, leave the text on the terminal.
  const env = { ...process.env, LESS: process.env.LESS ?? 'FRX' };
  const child = spawn(command, { shell: true, stdio: ['pipe', 'inherit', 'inherit'], env });
  const ended = new Promise<void>((done) => {
    child.once('close', () => done());
    child.once('error', () => done());
  });
  // Whoever leaves before the end wants no more.
  child.stdin.on('error', () => {});
  // Ctrl-C is the pager's.
  const ignore = (): void => {};
  process.on('SIGINT', ignore);
  return {
    stdin: child.stdin,
    async end() {
      child.stdin.end();
      await ended;
      process.off('SIGINT', ignore);
    },
  };
}
