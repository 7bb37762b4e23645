/**
 * Compares what a replay reads with what the recording shows: results, and bytes where the log has
 * them. Bytes that a recorded program wrote and the log cuts off are not known, so reads of them
 * are not compared. Called by `replay.ts`.
 */
import type { RecordedOp } from '../../workload/recording.js';

const PAGE = 4096;
/** Differences that are kept in words. */
const KEPT = 20;

/** What the comparison came to. */
export interface Comparison {
  /** Reads whose bytes were compared, and these bytes. */
  readonly reads: number;
  readonly bytes: number;
  /** Reads of bytes that the log does not show whole where they were written. */
  readonly unknown: number;
  /** Reads with other bytes, and operations with another result. */
  readonly otherBytes: number;
  readonly otherResults: number;
  /** The first differences, as sentences. */
  readonly differences: readonly string[];
}

/** Follows one replay. */
export class RecordedComparison {
  #reads = 0;
  #bytes = 0;
  #unknown = 0;
  #otherBytes = 0;
  #otherResults = 0;
  readonly #differences: string[] = [];
  /** By file: pages with bytes that the log does not show. */
  readonly #hidden = new Map<string, Set<number>>();

  /** An operation has read `bytes` of a file. */
  read({ op, data, line }: RecordedOp, file: string, bytes: Uint8Array): void {
    if (data === undefined || data.length === 0 || !('offset' in op)) return;
    const offset = op.offset as number;
    if (this.#isHidden(file, offset, data.length)) {
      this.#unknown++;
      return;
    }
    this.#reads++;
    this.#bytes += data.length;
    if (Buffer.compare(bytes.subarray(0, data.length), data) === 0) return;
    this.#otherBytes++;
    const at = data.findIndex((byte, i) => byte !== bytes[i]);
    this.#tell(
      line,
      `${op.kind} of ${file} at ${offset}: byte ${offset + at} is ${bytes[at]}, was ${data[at]}`,
    );
  }

  /** An operation has written to a file. */
  wrote({ op, data }: RecordedOp, file: string): void {
    if (!('offset' in op && 'length' in op)) return;
    const offset = op.offset as number;
    const end = offset + (op.length as number);
    const shown = offset + (data?.length ?? 0);
    let pages = this.#hidden.get(file);
    if (shown < end) {
      if (pages === undefined) {
        pages = new Set();
        this.#hidden.set(file, pages);
      }
      for (let page = Math.floor(shown / PAGE); page * PAGE < end; page++) pages.add(page);
    }
    if (pages === undefined) return;
    for (let page = Math.ceil(offset / PAGE); (page + 1) * PAGE <= shown; page++)
      pages.delete(page);
  }

  /** An operation has ended with this result. */
  ended({ op, result, line }: RecordedOp, file: string, got: number): void {
    if (result === undefined || (op.kind !== 'read' && op.kind !== 'write')) return;
    if (got === result) return;
    this.#otherResults++;
    this.#tell(line, `${op.kind} of ${file} at ${op.offset} gave ${got}, was ${result}`);
  }

  /** What came of it. */
  get outcome(): Comparison {
    return {
      reads: this.#reads,
      bytes: this.#bytes,
      unknown: this.#unknown,
      otherBytes: this.#otherBytes,
      otherResults: this.#otherResults,
      differences: this.#differences,
    };
  }

  #isHidden(file: string, offset: number, length: number): boolean {
    const pages = this.#hidden.get(file);
    if (pages === undefined) return false;
    for (let page = Math.floor(offset / PAGE); page * PAGE < offset + length; page++) {
      if (pages.has(page)) return true;
    }
    return false;
  }

  #tell(line: number, sentence: string): void {
    if (this.#differences.length < KEPT) this.#differences.push(`line ${line}: ${sentence}`);
  }
}
