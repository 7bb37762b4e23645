/**
 * Ctrl-C, SIGTERM and a closed terminal: the first asks the work to stop, a second one ends the
 * program at once.
 */

/** A pending or delivered interrupt. */
export interface Interrupt {
  /** Aborted when the user asks to stop. */
  readonly signal: AbortSignal;
  /** Gives the signals their usual meaning back. */
  stop(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Catches the first interrupt. */
export function onInterrupt(): Interrupt {
  const controller = new AbortController();
  const stop = (): void => {
    for (const signal of SIGNALS) process.removeListener(signal, caught);
  };
  const caught = (): void => {
    stop();
    process.stderr.write('interrupted: finishing the capture (again to end at once)\n');
    controller.abort();
  };
  for (const signal of SIGNALS) process.on(signal, caught);
  return { signal: controller.signal, stop };
}
