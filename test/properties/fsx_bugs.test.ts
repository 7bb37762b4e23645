/** Engines broken on purpose: fsx notices, and shrinks what it did to a few operations. */
import test from 'ava';
import { setRegion } from '../../src/core/fs/afs/dirty_region.js';
import { AfsInode } from '../../src/core/fs/afs/inode.js';
import { AfsWrite } from '../../src/core/fs/afs/write.js';
import { Cookie } from '../../src/core/fscache/cookie.js';
import type { OpenFile } from '../../src/core/mm/types.js';
import { printFsxOp } from '../../src/core/workload/fsxops.js';
import { shrink } from '../../src/core/workload/shrink.js';
import { type FsxCase, opsOf, runFsx } from '../helpers/fsx.js';

const GIVEN: FsxCase = { seed: 5, count: 300, cache: true, faults: false };

/** Each breaks the engine and returns what mends it. */
const BUGS: Readonly<Record<string, () => () => void>> = {
  'what is written does not go into the cache': () =>
    replaced(AfsInode.prototype, 'stored', () => {}),
  'a file that is cut off is not cut off in the cache': () =>
    replaced(Cookie.prototype, 'resize', function (this: Cookie, size: number) {
      this.update(undefined, size);
    }),
  'a store through a mapping is noted as one byte': () => {
    const original = AfsWrite.prototype.pageMkwrite;
    return replaced(
      AfsWrite.prototype,
      'pageMkwrite',
      function* (this: AfsWrite, file: OpenFile, pfn: number) {
        const verdict = yield* original.call(this, file, pfn);
        if (verdict === 0) setRegion(file.mapping.folios, pfn, { from: 0, to: 1, mapped: true });
        return verdict;
      },
    );
  },
};

function replaced<T, K extends keyof T>(on: T, name: K, by: T[K]): () => void {
  const original = on[name];
  on[name] = by;
  return () => {
    on[name] = original;
  };
}

for (const [what, breakEngine] of Object.entries(BUGS)) {
  test.serial(`noticed, and shrunk to ten operations at most: ${what}`, async (t) => {
    t.is(await runFsx(GIVEN), undefined, 'the engine is sound');
    const mend = breakEngine();
    try {
      const failure = await runFsx(GIVEN);
      const ops = opsOf(GIVEN).slice(0, (failure?.at ?? 0) + 1);
      const kept = await shrink(ops, async (part) => (await runFsx(GIVEN, part)) !== undefined);
      const lines = kept.map((op) => printFsxOp(op, 0));
      t.log(...lines);
      t.not(failure, undefined);
      t.true(kept.length <= 10, lines.join('\n'));
    } finally {
      mend();
    }
  });
}
