/**
 * Opening files of the mounted network filesystem: the entrance to the engine for every workload.
 */
import { EEXIST, EROFS } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import type { NetworkFs, OpenFailed, Vnode } from '../fs/types.js';
import type { Task } from '../sim/wait_queue.js';
import { File, type VfsParts } from './file.js';
import { VfsNames } from './names.js';
import type { OpenFlags, VfsSurface } from './types.js';

/** The system-call surface of one lab. */
export class Vfs implements VfsSurface {
  /** Names, attributes and directories. */
  readonly names: VfsNames;
  readonly #parts: VfsParts;
  readonly #fs: NetworkFs;

  constructor(parts: VfsParts, fs: NetworkFs) {
    this.#parts = parts;
    this.#fs = fs;
    this.names = new VfsNames(parts, fs, this);
  }

  /**
   * open(2). Throws `ErrnoError`: ENOENT (also when nothing is mounted), EACCES, EISDIR, ENODEV
   * (not a regular file), EXDEV (leads out of the served directory), EEXIST (with `exclusive`),
   * EROFS (the server refuses writes), EINVAL (with `direct`: the filesystem has no O_DIRECT).
   */
  *open(path: string, flags: OpenFlags = {}): Task<File> {
    const { mount } = this.#parts;
    if (mount.state !== 'mounted') {
      throw new ErrnoError('ENOENT', 'open', path, { text: 'the filesystem is not mounted' });
    }
    mount.users++;
    try {
      return yield* this.#open(path, flags);
    } finally {
      mount.users--;
    }
  }

  *#open(path: string, flags: OpenFlags): Task<File> {
    // On other threads; what it fails with is told by who asks again inside the call.
    if (flags.write === true) yield* this.#parts.server.prepareWriting(path);
    const vnode = yield* this.#find(path, flags);
    if ('errno' in vnode) {
      throw new ErrnoError(
        vnode.errno,
        'open',
        path,
        vnode.why === undefined ? {} : { text: vnode.why },
      );
    }
    try {
      this.#mayOpen(vnode, path, flags);
    } catch (error) {
      vnode.release();
      throw error;
    }
    return new File(this.#parts, path, vnode, flags);
  }

  #mayOpen({ modify, direct }: Vnode, path: string, flags: OpenFlags): void {
    if (flags.direct === true && direct === undefined) {
      throw new ErrnoError('EINVAL', 'open', path, { text: 'the filesystem has no O_DIRECT' });
    }
    if (flags.write !== true) return;
    const error = modify === undefined ? -EROFS : modify.beginWriting(flags.direct === true);
    if (error < 0) throw new ErrnoError(error, 'open', path);
  }

  /** open(2) for writing with O_TRUNC. Throws as `open` does, and what `truncate` throws. */
  *openTruncated(path: string, flags: OpenFlags = {}): Task<File> {
    const file = yield* this.open(path, { ...flags, write: true });
    try {
      yield* file.makeEmpty();
    } catch (error) {
      file.close();
      throw error;
    }
    return file;
  }

  takeBuffer(bytes: number): Uint8Array {
    return this.#parts.buffers.take(bytes);
  }

  releaseBuffer(buffer: Uint8Array): void {
    this.#parts.buffers.release(buffer);
  }

  *#find(path: string, { create, exclusive }: OpenFlags): Task<Vnode | OpenFailed> {
    const made = create === true ? yield* this.#create(path) : undefined;
    if (made === undefined || ('errno' in made && made.errno === -EEXIST && exclusive !== true)) {
      return yield* this.#fs.open(path);
    }
    return made;
  }

  *#create(path: string): Task<Vnode | OpenFailed> {
    const fs = this.#fs;
    const { create } = fs;
    if (create === undefined) return { errno: -EROFS };
    return yield* this.#parts.freezer.during('write', () => create.call(fs, path));
  }
}
