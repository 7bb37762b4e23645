/**
 * Sequential reads: each file from its beginning to its end, one file after the other (fio's
 * rw=read).
 */
import { coveredRange, type Workload, type WorkloadOp } from './types.js';

/** `--rw read`. */
export const read: Workload = {
  name: 'read',
  doc: 'sequential reads, file after file',
  writes: false,
  reads: true,
  *ops(params) {
    const op: WorkloadOp = { file: 0, offset: 0, length: 0, write: false };
    for (op.file = 0; op.file < params.files.length; op.file++) {
      const { start, end } = coveredRange(
        params.files[op.file] as { name: string; size: number },
        params,
      );
      for (let at = start; at < end; at += params.bs) {
        op.offset = at;
        op.length = Math.min(params.bs, end - at);
        yield op;
      }
    }
  },
};
