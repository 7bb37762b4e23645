/**
 * Plays an op list on a lab in a process of its own, with its rows and markers in the trace. Called
 * by `conform`; `replay` plays lists of any origin.
 */
import type { Lab } from '../../lab/lab.js';
import type { Op } from '../../workload/ops/language.js';
import { printOp } from '../../workload/ops/language.js';
import { OpPlayer, type PlayWatch } from '../../workload/ops/player.js';
import type { OpResult } from '../../workload/ops/result.js';
import type { Machine } from '../../workload/ops/types.js';
import { opRow } from './op_row.js';

/** The process that plays, as its events name it. */
const COMM = 'kops';

/** How a list is played. */
export interface OpsPlay {
  /** Ends the play before the next operation. */
  readonly signal?: AbortSignal | undefined;
  /** Lets time pass before an operation. */
  readonly pace?: PlayWatch['pace'];
}

/**
 * Plays a list in a process of its own, with a marker in front of each operation as the program
 * that made the captures writes it, and a row for each in the capture.
 */
export async function playOps(
  lab: Lab,
  machine: Machine,
  ops: readonly Op[],
  { signal, pace }: OpsPlay = {},
): Promise<readonly OpResult[]> {
  const results: OpResult[] = [];
  const { tracer, clock, scheduler } = lab;
  const player = new OpPlayer(machine);
  let start = 0;
  await lab.run(COMM, function* () {
    yield* player.play(ops, {
      stop: () => signal?.aborted ?? false,
      ...(pace === undefined ? {} : { pace }),
      begin(op, number) {
        scheduler.context.op = number + 1;
        start = clock.now();
        tracer.marker(`kcap op=${number} ${printOp(op)}`);
      },
      ended(op, result, file, direct) {
        results.push(result);
        tracer.op(opRow(op, result, file, direct, { start, end: clock.now() }));
      },
    });
    scheduler.context.op = 0;
    tracer.marker('kcap end');
  });
  await scheduler.drain();
  player.closeAll();
  return results;
}
