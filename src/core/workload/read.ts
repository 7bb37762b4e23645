/**
 * Sequential reads: each file from its beginning to its end, one file after the other (fio's
 * rw=read).
 */
import {
  coveredRange,
  type OpSource,
  type Workload,
  type WorkloadFile,
  type WorkloadOp,
  type WorkloadParams,
} from './types.js';

/** Block after block. */
class InOrder implements OpSource {
  readonly op: WorkloadOp = { file: -1, offset: 0, length: 0, write: false };
  readonly #params: WorkloadParams;
  #next = 0;
  #end = 0;

  constructor(params: WorkloadParams) {
    this.#params = params;
  }

  next(): boolean {
    while (this.#next >= this.#end) if (!this.#nextFile()) return false;
    const { bs } = this.#params;
    this.op.offset = this.#next;
    this.op.length = Math.min(bs, this.#end - this.#next);
    this.#next += bs;
    return true;
  }

  #nextFile(): boolean {
    const file = this.#params.files[++this.op.file];
    if (file === undefined) return false;
    const { start, end } = coveredRange(file as WorkloadFile, this.#params);
    this.#next = start;
    this.#end = end;
    return true;
  }
}

/** `--rw read`. */
export const read: Workload = {
  name: 'read',
  doc: 'sequential reads, file after file',
  writes: false,
  reads: true,
  ops: (params) => new InOrder(params),
};
