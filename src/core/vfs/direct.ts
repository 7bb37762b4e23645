/**
 * Reads and writes of files opened with O_DIRECT: past the page cache, which is written before and,
 * where something was written, dropped. Plays generic_file_read_iter and generic_file_direct_write
 * in mm/filemap.c; called by `file.ts`. Any position and length will do, as network filesystems
 * have it.
 *
 * Differs: pages that cannot be dropped end the write with their error; no write falls back to
 * buffered I/O. Where a file grows, its former last page goes too.
 */
import { EINVAL } from '../base/errno.js';
import { pageIndex } from '../base/range.js';
import type { Vnode } from '../fs/types.js';
import type { Filemap } from '../mm/filemap.js';
import { invalidateFolios } from '../mm/truncate.js';
import type { OpenFile } from '../mm/types.js';
import type { Writeback } from '../mm/writeback.js';
import type { Task } from '../sim/wait_queue.js';

/**
 * Reads up to `count` bytes at `position` into `target` at `at`: bytes read or an errno. What the
 * server does not have of the file is read through the page cache.
 */
export function* directRead(
  { writeback, filemap }: { writeback: Writeback; filemap: Filemap },
  file: OpenFile & { readonly inode: Vnode },
  target: Uint8Array,
  at: number,
  count: number,
  position: number,
): Task<number> {
  const { inode, mapping } = file;
  const { direct } = inode;
  if (direct === undefined) return -EINVAL;
  if (count === 0) return 0;
  const error = yield* writeback.writeAndWait(mapping, position, position + count - 1);
  if (error < 0) return error;
  const done = yield* direct.read(target, at, count, position);
  if (done < 0 || done === count || position + done >= inode.size) return done;
  const rest = yield* filemap.read(file, target, at + done, count - done, position + done);
  return done > 0 ? done + Math.max(0, rest) : rest;
}

/**
 * Reads as a mount without a page cache does, O_DIRECT or not. The kernel does not look at what is
 * dirty in a mapping (v9fs_mmap_file_read_iter); unless that is so here, it is written first. Bytes
 * read or an errno.
 */
export function* uncachedRead(
  writeback: Writeback,
  { direct, mapping, uncached }: Vnode,
  target: Uint8Array,
  at: number,
  count: number,
  position: number,
): Task<number> {
  if (direct === undefined) return -EINVAL;
  if (count === 0) return 0;
  if (uncached?.ignoresDirty === false) {
    const error = yield* writeback.writeAndWait(mapping, position, position + count - 1);
    if (error < 0) return error;
  }
  return yield* direct.read(target, at, count, position);
}

/**
 * Writes as such a mount does, and drops pages that mappings have of it (v9fs_file_write_iter). The
 * kernel writes what is dirty of them behind what was written; unless that is so here, before it.
 */
export function* uncachedWrite(
  writeback: Writeback,
  vnode: Vnode,
  source: Uint8Array,
  at: number,
  count: number,
  position: number,
): Task<number> {
  const { direct, mapping, uncached } = vnode;
  if (direct === undefined) return -EINVAL;
  if (count === 0) return 0;
  if (uncached?.ignoresDirty === false) {
    return yield* directWrite(writeback, vnode, source, at, count, position);
  }
  const done = yield* direct.write(source, at, count, position);
  if (done <= 0) return done;
  if (mapping.pages > 0) {
    yield* invalidateFolios(mapping, pageIndex(position), pageIndex(position + done - 1));
  }
  vnode.size = Math.max(vnode.size, position + done);
  return done;
}

/** Writes `count` bytes of `source` from `at` on at `position`: bytes written or an errno. */
export function* directWrite(
  writeback: Writeback,
  vnode: Vnode,
  source: Uint8Array,
  at: number,
  count: number,
  position: number,
): Task<number> {
  const { direct, mapping } = vnode;
  if (direct === undefined) return -EINVAL;
  if (count === 0) return 0;
  const end = position + count;
  const first = Math.min(position, vnode.size);
  let error = yield* writeback.writeAndWait(mapping, first, end - 1);
  if (error < 0) return error;
  error = yield* invalidateFolios(mapping, pageIndex(first), pageIndex(end - 1));
  if (error < 0) return error;
  const done = yield* direct.write(source, at, count, position);
  if (done > 0) vnode.size = Math.max(vnode.size, position + done);
  // Somebody may have read it in meanwhile.
  yield* invalidateFolios(mapping, pageIndex(first), pageIndex(end - 1));
  return done;
}
