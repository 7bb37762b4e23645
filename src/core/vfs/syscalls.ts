/**
 * Opening files of the mounted network filesystem: the entrance to the engine for every workload.
 */
import { ErrnoError } from '../base/errors.js';
import type { NetworkFs } from '../fs/types.js';
import { File, type VfsParts } from './file.js';
import type { VfsFile, VfsSurface } from './types.js';

/** The system-call surface of one lab. */
export class Vfs implements VfsSurface {
  readonly #parts: VfsParts;
  readonly #fs: NetworkFs;

  constructor(parts: VfsParts, fs: NetworkFs) {
    this.#parts = parts;
    this.#fs = fs;
  }

  /**
   * open(2), for reading. Throws `ErrnoError`: ENOENT, EACCES, EISDIR, ENODEV (not a regular file),
   * EXDEV (leads out of the served directory).
   */
  open(path: string): VfsFile {
    const vnode = this.#fs.open(path);
    if ('errno' in vnode) {
      throw new ErrnoError(
        vnode.errno,
        'open',
        path,
        vnode.why === undefined ? {} : { text: vnode.why },
      );
    }
    return new File(this.#parts, path, vnode);
  }
}
