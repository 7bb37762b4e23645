/** Inputs: compression by content, damage, bombs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { ErrnoError, StoreError } from '../../../src/core/base/errors.js';
import { DamagedData } from '../../../src/core/importer/decompress.js';
import { memoryInput, openInput } from '../../../src/core/importer/input.js';
import { LINE_MAX, LineSplitter } from '../../../src/core/importer/lines.js';
import { importBytes } from '../../helpers/import.js';
import { ROOT } from '../../helpers/source.js';

const LINE = '  a-1  [000] .....  1.000000: netfs_rreq: R=00000001 RA ASSESS  f=22\n';
const TEXT = LINE.repeat(40_000);

async function all(bytes: Uint8Array): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of (await memoryInput('x', bytes)).chunks()) pieces.push(piece.slice());
  return Buffer.concat(pieces);
}

test('gzip of several members is decompressed by content', async (t) => {
  const bytes = Buffer.concat([gzipSync(TEXT), gzipSync(LINE)]);
  t.true((await all(bytes)).equals(Buffer.from(TEXT + LINE)));
});

for (const ending of ['zst', 'bz2', 'xz']) {
  test(`.${ending} is decompressed by content`, async (t) => {
    const packed = readFileSync(join(ROOT, `traces/import/compressed/lines.${ending}`));
    t.true((await all(packed)).equals(Buffer.from(TEXT)));
  });
}

test('what was readable of truncated gzip is kept, and the damage is told', async (t) => {
  const noise = Array.from({ length: 3000 }, (_, i) =>
    LINE.replace('1.000000', `1.${String((i * 7919) % 1000000).padStart(6, '0')}`),
  ).join('');
  const whole = gzipSync(noise);
  const { counts } = await importBytes(whole.subarray(0, whole.length / 2));
  t.true(counts.kept.count > 1000);
  // The data itself, and the line that was cut in two because of it.
  t.is(counts.damaged.count, 2);
  t.regex(counts.damaged.first ?? '', /^text:\d+: the gzip data is damaged after \d+ /);
});

test('compressed data that is damaged from the start is called that, and not an unknown format', async (t) => {
  for (const ending of ['zst', 'bz2', 'xz']) {
    const packed = readFileSync(join(ROOT, `traces/import/compressed/lines.${ending}`));
    const error = await t.throwsAsync(() => memoryInput('x', packed.subarray(0, 20)));
    t.true(error instanceof StoreError);
    t.regex(error?.message ?? '', /^x: the (zstd|bzip2|xz) data is damaged after 0 /, ending);
  }
});

test('an input of no bytes is called empty, a folder what it is', async (t) => {
  await t.throwsAsync(() => memoryInput('x', new Uint8Array(0)), { message: 'x: is empty' });
  await t.throwsAsync(() => openInput(ROOT), { instanceOf: ErrnoError, message: /EISDIR/ });
});

test('what was readable of a compressed trace.dat is kept, and the damage is told', async (t) => {
  const whole = readFileSync(join(ROOT, 'traces/trace-dat/afs-server-killed/trace.dat.gz'));
  const { counts } = await importBytes(whole.subarray(0, -20));
  t.true(counts.kept.count > 50);
  t.regex(counts.damaged.first ?? '', /^text: byte \d+: the gzip data is damaged after \d+ /);
});

test('data that grows out of all proportion is refused', async (t) => {
  const bomb = Buffer.concat(Array(9).fill(gzipSync(Buffer.alloc(1 << 27))));
  const input = await memoryInput('bomb', bomb);
  let made = 0;
  const error = await t.throwsAsync(async () => {
    for await (const piece of input.chunks()) made += piece.length;
  });
  t.true(error instanceof DamagedData);
  t.true(made < 2 ** 31);
});

test('a line without an end takes no memory', (t) => {
  const lines: [number, boolean][] = [];
  const splitter = new LineSplitter((line, cut) => lines.push([line.length, cut]));
  for (let i = 0; i < 2000; i++) splitter.feed(Buffer.alloc(LINE_MAX, 0x61));
  splitter.feed(Buffer.from('\nshort\r\n'));
  splitter.end();
  t.deepEqual(lines, [
    [LINE_MAX, true],
    [5, false],
  ]);
});
