/** The operations of a job with `read_iolog`: those of the log, on the files that it names. */
import type { Recording } from '../recording.js';
import type { FioStep, FioSteps } from './source.js';

/** Plays a log of fio as a job does. */
export class IologSource implements FioSteps {
  readonly step: FioStep = { kind: 'read', file: 0, offset: 0, length: 0, atNs: 0 };
  /** The files of the log, in the order in which it opens them. */
  readonly names: readonly string[];
  readonly #recording: Recording;
  readonly #files = new Map<number, number>();
  readonly #timed: boolean;
  readonly #scale: number;
  #at = 0;

  /** `timed`: keep the times of the log, `scale` percent of them. */
  constructor(recording: Recording, timed: boolean, scale: number) {
    this.#recording = recording;
    this.#timed = timed;
    this.#scale = scale / 100;
    const names: string[] = [];
    for (const { op } of recording.ops) {
      if (op.kind !== 'open') continue;
      if (!names.includes(op.path)) names.push(op.path);
      this.#files.set(op.slot, names.indexOf(op.path));
    }
    this.names = names;
  }

  next(): boolean {
    const { step } = this;
    for (;;) {
      const recorded = this.#recording.ops[this.#at++];
      if (recorded === undefined) return false;
      const { op, atNs } = recorded;
      if (op.kind !== 'read' && op.kind !== 'write' && op.kind !== 'fsync') continue;
      step.kind = op.kind === 'fsync' ? 'sync' : op.kind;
      step.file = this.#files.get(op.slot) ?? 0;
      step.offset = op.kind === 'fsync' ? 0 : op.offset;
      step.length = op.kind === 'fsync' ? 0 : op.length;
      step.atNs = this.#timed && atNs > 0 ? atNs * this.#scale : 0;
      return true;
    }
  }
}
