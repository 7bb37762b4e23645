/**
 * Reads and writes of 9p files opened with O_DIRECT: as many messages as they take, between the
 * program's memory and the server. Plays v9fs_direct_IO in fs/9p/vfs_addr.c as of v6.1; called by
 * `vfs/direct.ts`, which keeps the page cache right. Spec: BEHAVIOUR 6.6.
 *
 * Differs: repaired, a write invalidates what is cached of the file; the kernel does not tell its
 * cookie, and later gives out the old content.
 */
import type { Task } from '../sim/wait_queue.js';
import type { NinepWriteParts } from './9p_write.js';
import type { CookieInode } from './cookie_fs.js';
import type { DirectIo } from './types.js';
import { UserMemory } from './user_memory.js';

/** The direct I/O of one file. */
export class NinepDirect implements DirectIo {
  readonly #inode: CookieInode;
  readonly #parts: NinepWriteParts;

  constructor(inode: CookieInode, parts: NinepWriteParts) {
    this.#inode = inode;
    this.#parts = parts;
  }

  *read(target: Uint8Array, at: number, count: number, position: number): Task<number> {
    const { transport, requests } = this.#parts;
    const piece = (from: number, size: number): UserMemory =>
      new UserMemory(target, at + (from - position), size);
    const { bytes, error } = yield* transport.read(this.#inode.file, position, count, piece);
    requests.stats.bytes.direct += bytes;
    return bytes > 0 ? bytes : error;
  }

  *write(source: Uint8Array, at: number, count: number, position: number): Task<number> {
    const { transport, defects } = this.#parts;
    const inode = this.#inode;
    const piece = (from: number, size: number): UserMemory =>
      new UserMemory(source, at + (from - position), size);
    const { bytes, error } = yield* transport.write(inode.file, position, count, piece);
    if (defects === 'repaired') {
      inode.cookie.invalidate(inode.version, Math.max(inode.size, position + bytes));
    }
    return bytes > 0 ? bytes : error;
  }
}
