/** What a kind of workload is: a stream of operations that is a pure function of its parameters. */
import type { Prng } from '../sim/prng.js';

/** A file that is worked on. */
export interface WorkloadFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

/** Parameters of one pass over the files, in fio's terms. Sizes and positions are bytes. */
export interface WorkloadParams {
  readonly files: readonly WorkloadFile[];
  /** Block size: bytes of one operation; the last of a file may be shorter. */
  readonly bs: number;
  /** Where in each file to begin. */
  readonly offset: number;
  /** How much of each file to cover; undefined: to its end. */
  readonly size: number | undefined;
  /** Percent of the operations of a mixed workload that read. */
  readonly rwMixRead: number;
  readonly prng: Prng;
}

/** One operation; the same object is used again for the next. */
export interface WorkloadOp {
  /** Position in `files`. */
  file: number;
  offset: number;
  length: number;
  /** It writes; else it reads. */
  write: boolean;
}

/** The operations of one pass, one after the other. */
export interface OpSource {
  /** The operation at hand. */
  readonly op: WorkloadOp;
  /** Goes on to the next, the first at first; false if there is none. */
  next(): boolean;
}

/** A kind of workload. */
export interface Workload {
  readonly name: string;
  readonly doc: string;
  /** Some of its operations may write. */
  readonly writes: boolean;
  /** Some may read. One that only writes makes files that are not there. */
  readonly reads: boolean;
  /** The operations of one pass. */
  ops(params: WorkloadParams): OpSource;
}

/** Bytes [start, end) of a file that the parameters cover. */
export function coveredRange(
  file: WorkloadFile,
  { offset, size }: WorkloadParams,
): { start: number; end: number } {
  const start = Math.min(offset, file.size);
  return { start, end: size === undefined ? file.size : Math.min(file.size, start + size) };
}
