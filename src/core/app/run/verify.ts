/**
 * Checks what was read through the engine against the files themselves, read a second time and by
 * another way. Used by `run --verify` and the tour.
 */
import { ErrnoError, VerificationError } from '../../base/errors.js';
import { closeFd, openBeneath, readExact, statFd } from '../../io/files.js';
import { versionOf } from '../../server/dir.js';
import type { EndedOp } from '../../workload/job.js';

/** Descriptors kept open for checking. */
const OPEN_MAX = 32;

/** Compares operations with a directory. */
export class Verifier {
  /** Operations compared, and their bytes. */
  ops = 0;
  bytes = 0;
  readonly #root: string;
  readonly #originals = new Map<string, number>();
  #expected = Buffer.alloc(0);

  /** `root` is the real path of the served directory. */
  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Throws a `VerificationError` at the first byte that differs; says if the file has changed since
   * the engine opened it.
   */
  check({ file, version, offset, length, result, data }: EndedOp): void {
    if (result < 0) return;
    const fd = this.#original(file.name);
    if (this.#expected.length < length) this.#expected = Buffer.alloc(length);
    const got = readExact(fd, this.#expected, length, offset);
    if (got < 0) throw new ErrnoError(got, 'read', file.name);
    this.ops++;
    this.bytes += result;
    const expected = this.#expected.subarray(0, got);
    const differs = firstDifference(expected, data.subarray(0, result));
    if (differs < 0) return;
    const status = statFd(fd);
    const at = offset + differs;
    if (typeof status !== 'number' && versionOf(status) !== version) {
      const hint = 'run again when nobody writes to it';
      throw new VerificationError(file.name, at, 'the file was changed while it was read', hint);
    }
    const hint = 'run again with the same --randseed; if it fails again, please report it';
    throw new VerificationError(file.name, at, 'what was read is not what the file holds', hint);
  }

  close(): void {
    for (const fd of this.#originals.values()) closeFd(fd);
    this.#originals.clear();
  }

  #original(name: string): number {
    const known = this.#originals.get(name);
    if (known !== undefined) return known;
    if (this.#originals.size >= OPEN_MAX) this.close();
    const opened = openBeneath(this.#root, name);
    if ('errno' in opened) {
      const hint = 'run again when nobody removes it';
      throw new VerificationError(name, 0, 'the file vanished while it was read', hint);
    }
    this.#originals.set(name, opened.fd);
    return opened.fd;
  }
}

// Position of the first byte that differs, the shorter length if one is a prefix, -1 when equal.
function firstDifference(expected: Buffer, got: Uint8Array): number {
  if (expected.equals(got)) return -1;
  const length = Math.min(expected.length, got.length);
  for (let i = 0; i < length; i++) if (expected[i] !== got[i]) return i;
  return length;
}
