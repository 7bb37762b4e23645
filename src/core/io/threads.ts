/**
 * Which processors the threads of this process run on. Used by the lab; sched_setaffinity(2).
 */
import fs from 'node:fs';
import os from 'node:os';
import { EINVAL, ESRCH } from '../base/errno.js';
import { setAffinity } from './syscalls.js';

/**
 * Keeps processor `cpu` for the thread of the engine: binds that one to it and every other thread
 * there is now (writer of the trace, compiler, garbage collection) to the others. 0, or a negative
 * errno: -EINVAL where there is no such processor or no other one, -EOPNOTSUPP where threads cannot
 * be bound.
 */
export function keepProcessor(cpu: number): number {
  const others = os.cpus().flatMap((_, each) => (each === cpu ? [] : [each]));
  if (others.length === 0 || others.length === os.cpus().length) return -EINVAL;
  const error = setAffinity(process.pid, [cpu]);
  if (error < 0) return error;
  for (const name of fs.readdirSync('/proc/self/task')) {
    const thread = Number(name);
    const result = thread === process.pid ? 0 : setAffinity(thread, others);
    // One may have ended since the list was made.
    if (result < 0 && result !== -ESRCH) return result;
  }
  return 0;
}
