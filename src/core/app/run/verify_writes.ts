/**
 * Checks what a writing workload reads: blocks that it wrote must hold what was written last. Used
 * by `run --verify`; blocks that nobody wrote are `verify.ts`'s affair.
 */
import { VerificationError } from '../../base/errors.js';
import type { Lab } from '../../lab/lab.js';
import type { Task } from '../../sim/wait_queue.js';
import type { EndedOp } from '../../workload/job.js';
import { patternProblem } from '../../workload/pattern.js';

/** The last write to a block. */
interface Written {
  readonly generation: number;
  readonly length: number;
}

/** What one job has written. Blocks are those of the workload, which reads and writes the same. */
export class WrittenBlocks {
  /** Blocks compared, and their bytes. */
  ops = 0;
  bytes = 0;
  readonly #files = new Map<string, Map<number, Written>>();

  /** Notes a write. */
  wrote({ write, file, offset, length, result, id }: EndedOp): void {
    if (!write) return;
    let blocks = this.#files.get(file.name);
    if (blocks === undefined) {
      blocks = new Map();
      this.#files.set(file.name, blocks);
    }
    // What a write that failed has left is not known.
    if (result === length) blocks.set(offset, { generation: id, length });
    else blocks.delete(offset);
  }

  /**
   * True if the block that was read was written before. Throws a `VerificationError` if it is not
   * what was written.
   */
  check({ file, offset, result, data }: EndedOp): boolean {
    const written = this.#files.get(file.name)?.get(offset);
    if (written === undefined || result < 0) return written !== undefined;
    this.#compare(file.name, offset, written, data.subarray(0, result));
    return true;
  }

  /** Reads every block back with the page cache dropped, from the disk cache or the server. */
  async readBack(lab: Lab): Promise<void> {
    for (const [name, blocks] of this.#files) {
      await lab.run('verify', () => this.#readFile(lab, name, blocks));
    }
  }

  *#readFile(lab: Lab, name: string, blocks: ReadonlyMap<number, Written>): Task {
    const file = yield* lab.vfs.open(name);
    try {
      yield* file.invalidate();
      for (const [offset, written] of blocks) {
        const data = new Uint8Array(written.length);
        const got = yield* file.read(data, 0, written.length, offset);
        this.#compare(name, offset, written, data.subarray(0, got));
      }
    } finally {
      file.close();
    }
  }

  #compare(name: string, offset: number, written: Written, data: Uint8Array): void {
    const { generation, length } = written;
    const problem = patternProblem(data, offset, generation);
    if (problem !== undefined) throw new VerificationError(name, problem.offset, problem.what);
    if (data.length < length) {
      throw new VerificationError(name, offset + data.length, 'the file ends early');
    }
    this.ops++;
    this.bytes += length;
  }
}
