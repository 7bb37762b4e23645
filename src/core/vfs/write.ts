/**
 * Buffered writes: page after page, each made ready by the filesystem, filled and handed back.
 * Plays generic_perform_write in mm/filemap.c; called by `file.ts`, which holds the inode's lock.
 */
import { EFAULT, EROFS } from '../base/errno.js';
import { PAGE_SIZE } from '../base/range.js';
import type { OpenFile } from '../mm/types.js';
import type { Writeback } from '../mm/writeback.js';
import type { Task } from '../sim/wait_queue.js';

/** What a write needs of the engine. */
interface WriteParts {
  readonly writeback: Writeback;
}

/** Writes `count` bytes of `source` from `at` on at `position`: bytes written or an errno. */
export function* performWrite(
  parts: WriteParts,
  file: OpenFile,
  source: Uint8Array,
  at: number,
  count: number,
  position: number,
): Task<number> {
  const { mapping } = file;
  const { write } = mapping.ops;
  const { folios } = mapping;
  if (write === undefined) return -EROFS;
  let done = 0;
  while (done < count) {
    const pos = position + done;
    const length = Math.min(count - done, PAGE_SIZE - (pos % PAGE_SIZE));
    const refused = yield* parts.writeback.admit(mapping);
    if (refused < 0) return done > 0 ? done : refused;
    const pfn = yield* write.writeBegin(file, pos, length);
    if (pfn < 0) return done > 0 ? done : pfn;
    const offset = folios.frames.offsetOf(pfn) + pos - folios.indexOf(pfn) * PAGE_SIZE;
    const memory = folios.frames.memoryOf(pfn);
    const copied = copyFromUser(source, at + done, length, memory, offset);
    const accepted = yield* write.writeEnd(file, pos, length, copied, pfn);
    done += accepted;
    if (copied < length) return done > 0 ? done : -EFAULT;
    yield* parts.writeback.balance();
  }
  return done;
}

// Bytes copied: none when the program's buffer is gone, which may happen while the page was waited
// for.
function copyFromUser(
  source: Uint8Array,
  at: number,
  length: number,
  memory: Uint8Array,
  to: number,
): number {
  if (source.byteLength < at + length) return 0;
  memory.set(source.subarray(at, at + length), to);
  return length;
}
