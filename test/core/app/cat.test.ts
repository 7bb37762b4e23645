/** The use case `cat`: bytes in order, errors in between, and files that change meanwhile. */
import fs from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { catFiles } from '../../../src/core/app/trace/cat.js';
import { DiskBacking } from '../../../src/core/io/backing.js';
import { syncDriver } from '../../../src/core/io/drivers.js';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { misbehave } from '../../helpers/bad_server.js';
import { content, serverDir, tempDir } from '../../helpers/lab.js';

/** Larger than one read of cat. */
const LARGE = (1 << 20) + 5000;

interface Catted {
  readonly bytes: Buffer;
  /** The codes of the files that failed. */
  readonly failed: (string | undefined)[];
  readonly warnings: string[];
}

async function cat(
  server: string,
  paths: readonly string[],
  options: Partial<LabOptions> = {},
  onWrite: (written: number) => boolean | undefined = () => true,
  signal?: AbortSignal,
): Promise<Catted> {
  const pieces: Buffer[] = [];
  const failed: (string | undefined)[] = [];
  const warnings: string[] = [];
  await catFiles({ ...options, server }, paths, {
    write: async (bytes) => {
      pieces.push(Buffer.from(bytes));
      return onWrite(pieces.length) !== false;
    },
    failed: (error) => failed.push((error as { code?: string }).code),
    warn: (message) => warnings.push(message),
    ...(signal !== undefined && { signal }),
  });
  return { bytes: Buffer.concat(pieces), failed, warnings };
}

const tree = (t: ExecutionContext) => serverDir(t, { a: 10_000, empty: 0, 'sub/b': LARGE });

for (const clock of ['virtual', 'real'] as const) {
  test(`files come out in the order in which they are named, ${clock} clock`, async (t) => {
    const { bytes, failed } = await cat(tree(t), ['sub/b', 'empty', 'a', 'a'], { clock });
    const a = content('a', 10_000);
    t.true(bytes.equals(Buffer.concat([content('sub/b', LARGE), a, a])));
    t.deepEqual(failed, []);
  });
}

test('a file that cannot be read is reported and the next one follows', async (t) => {
  const dir = tree(t);
  const { bytes, failed } = await cat(dir, ['gone', 'a', '../x', 'sub', '/etc/passwd']);
  t.true(bytes.equals(content('a', 10_000)));
  t.deepEqual(failed, ['ENOENT', 'EXDEV', 'EISDIR', 'EXDEV']);
});

test('a path may be absolute if it lies beneath the server', async (t) => {
  const dir = tree(t);
  const { bytes, failed } = await cat(dir, [join(fs.realpathSync(dir), 'a')]);
  t.is(bytes.length, 10_000);
  t.deepEqual(failed, []);
});

test('what could be read of a file before an error has been written', async (t) => {
  const wrapServer = misbehave(({ position }) => (position >= 1 << 20 ? { error: -5 } : undefined));
  const { bytes, failed } = await cat(tree(t), ['sub/b', 'a'], { wrapServer });
  const expected = [content('sub/b', LARGE).subarray(0, 1 << 20), content('a', 10_000)];
  t.true(bytes.equals(Buffer.concat(expected)));
  t.deepEqual(failed, ['EIO']);
});

const changes: readonly [how: string, change: (path: string) => void][] = [
  ['truncated', (path) => fs.truncateSync(path, 1 << 20)],
  ['rewritten', (path) => fs.writeFileSync(path, content('other', 2 * LARGE))],
  ['grown', (path) => fs.appendFileSync(path, 'more')],
];

for (const [how, change] of changes) {
  test(`a file that is ${how} while it is read is reported as stale`, async (t) => {
    const dir = serverDir(t, { large: 2 * LARGE, a: 100 });
    const { bytes, failed } = await cat(dir, ['large', 'a'], {}, (pieces) => {
      if (pieces === 1) change(join(dir, 'large'));
      return true;
    });
    t.deepEqual(failed, ['ESTALE']);
    t.true(bytes.subarray(-100).equals(content('a', 100)), 'the next file follows');
  });
}

test('what the cache lacks is told', async (t) => {
  class Unlockable extends DiskBacking {
    override readonly lock = () => -95;
  }
  const cacheDir = join(tempDir(t), 'cache');
  const backing = new Unlockable(syncDriver);
  const { warnings } = await cat(tree(t), ['a'], { cacheDir, backing });
  t.is(warnings.length, 1);
  t.regex(warnings[0] ?? '', /cannot be locked here/);
});

test('nothing more is read once nobody wants more', async (t) => {
  const { bytes, failed } = await cat(tree(t), ['sub/b', 'a'], {}, () => false);
  t.is(bytes.length, 1 << 20);
  t.deepEqual(failed, []);
});

test('an interrupt ends it between two pieces', async (t) => {
  const stop = new AbortController();
  const onWrite = (): boolean => {
    stop.abort();
    return true;
  };
  const { bytes } = await cat(tree(t), ['sub/b', 'a'], {}, onWrite, stop.signal);
  t.is(bytes.length, 1 << 20);
});
