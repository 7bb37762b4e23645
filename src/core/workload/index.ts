/** The kinds of workload, one row each; a new one is a file and a row here. */
import { UsageError } from '../base/errors.js';
import { randread } from './randread.js';
import { read } from './read.js';
import type { Workload } from './types.js';
import { randrw, randwrite, rw, write } from './write.js';

/** Every kind of workload. */
export const WORKLOADS = [
  read,
  randread,
  write,
  randwrite,
  rw,
  randrw,
] as const satisfies readonly Workload[];

/** The workload of that name. Throws a `UsageError` that lists the names there are. */
export function workloadByName(name: string): Workload {
  const found = WORKLOADS.find((workload) => workload.name === name);
  if (found !== undefined) return found;
  const names = WORKLOADS.map((workload) => workload.name).join(', ');
  throw new UsageError('--rw', `unknown workload '${name}'`, `known workloads: ${names}`);
}
