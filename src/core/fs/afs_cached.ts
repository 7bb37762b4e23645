/**
 * What changes of a file mean for the disk cache of v5.13: nothing goes there while a file is open
 * for writing, or what is stored goes on into it. Called by `afs_changes.ts` and `afs.ts`; one per
 * vnode.
 *
 * Differs: what is stored goes on into the disk cache, as from v5.17 on; v5.13 leaves the old
 * content there, and gives it out again (reproduced with the kernel's defects).
 */
import { assert } from '../base/assert.js';
import { ESTALE } from '../base/errno.js';
import { PAGE_SIZE } from '../base/range.js';
import type { Cookie } from '../fscache/cookie.js';
import type { Inode } from '../mm/types.js';
import type { Defects } from '../netfs/types.js';
import { isTask } from '../sim/wait_queue.js';
import type { CachedChanges } from './afs_changes.js';
import type { ClientOptions } from './types.js';

interface CachedVnode extends Inode {
  readonly version: string;
  readonly cookie: Cookie | undefined;
  readonly isStale: boolean;
}

interface CachedParts {
  readonly defects: Defects;
  readonly options: Pick<ClientOptions, 'cacheWrites'>;
}

/** The cache's share of the changes of one vnode. */
export class AfsCached implements CachedChanges {
  readonly #vnode: CachedVnode;
  readonly #parts: CachedParts;
  /** Opens for writing that keep the file out of the cache. */
  #keptOut = 0;

  constructor(vnode: CachedVnode, parts: CachedParts) {
    this.#vnode = vnode;
    this.#parts = parts;
  }

  beginWriting(direct: boolean): void {
    if (this.#keepsOut(direct) && this.#keptOut++ === 0) this.#vnode.cookie?.suspend();
  }

  endWriting(direct: boolean): void {
    if (!this.#keepsOut(direct) || --this.#keptOut > 0) return;
    const { version, size, cookie } = this.#vnode;
    cookie?.resume(version, size);
  }

  #keepsOut(direct: boolean): boolean {
    return direct || this.#parts.options.cacheWrites === 'off';
  }

  resized(size: number): void {
    this.#vnode.cookie?.resize(size);
    this.#vnode.cookie?.update(this.#vnode.version);
  }

  /** Pages [first, last], under writeback still, have been stored on the server. */
  stored(first: number, last: number): void {
    const { options, defects } = this.#parts;
    const { cookie, mapping, isStale } = this.#vnode;
    if (cookie === undefined || defects === 'kernel') return;
    const start = first * PAGE_SIZE;
    const length = (last - first + 1) * PAGE_SIZE;
    const through = options.cacheWrites === 'through' && !isStale;
    if (!through || !cookie.hasRoom(length)) {
      cookie.forgetRange(start, length);
      return;
    }
    const { folios } = mapping;
    for (const pfn of mapping.range(first, last)) folios.startFscache(pfn);
    const writing = cookie.writeToCache(mapping, start, length, (result) => {
      if (result < length && result !== -ESTALE) cookie.forgetRange(start, length);
      for (const pfn of [...mapping.range(first, last)]) folios.endFscache(pfn);
    });
    assert(!isTask(writing), 'the cache of v5.13 sleeps');
  }
}
