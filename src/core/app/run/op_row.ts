/** The row of an op list's operation in the table `op`; written by whatever plays such a list. */

import type { OpRecord } from '../../trace/record.js';
import type { Op } from '../../workload/ops/language.js';
import type { OpResult } from '../../workload/ops/result.js';

/**
 * The record of an operation; times in nanoseconds of the clock of the run. A truncate has the new
 * size for its offset, as one that is recorded from system calls.
 */
export function opRow(
  op: Op,
  result: OpResult,
  file: string,
  direct: boolean | undefined,
  { start, end }: { readonly start: number; readonly end: number },
): OpRecord {
  const ranged = 'offset' in op && 'length' in op;
  const offset = op.kind === 'truncate' ? op.length : ranged ? (op.offset ?? 0) : Number.NaN;
  return {
    op: result.op + 1,
    kind: op.kind,
    file,
    offset,
    len: ranged ? (op.length ?? 0) : Number.NaN,
    result: result.errno === 0 ? result.ret : -result.errno,
    start,
    end,
    direct,
  };
}
