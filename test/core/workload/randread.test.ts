/** Random reads: an order that the seed decides, in which every block comes once. */
import test from 'ava';
import fc from 'fast-check';
import { Prng } from '../../../src/core/sim/prng.js';
import { permutation, randread } from '../../../src/core/workload/randread.js';
import { read } from '../../../src/core/workload/read.js';
import type { WorkloadParams } from '../../../src/core/workload/types.js';

function blocks(workload: typeof read, params: WorkloadParams): string[] {
  const found: string[] = [];
  const source = workload.ops(params);
  while (source.next()) {
    const { file, offset, length } = source.op;
    found.push(`${file}:${offset}+${length}`);
  }
  return found;
}

test('a permutation takes every number of its range to another of the range, once', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer(), (count, seed) => {
      const order = permutation(count, new Prng(seed));
      const seen = new Set(Array.from({ length: count }, (_, i) => order(i)));
      t.is(seen.size, count);
      t.true([...seen].every((value) => value >= 0 && value < count));
    }),
    { numRuns: 200, seed: 20210423 },
  );
});

test('a permutation of more than 2^32 numbers stays in its range', (t) => {
  const count = 2 ** 45 + 3;
  const order = permutation(count, new Prng(5));
  const seen = Array.from({ length: 1000 }, (_, i) => order(count - 1 - i));
  t.true(seen.every((value) => Number.isSafeInteger(value) && value >= 0 && value < count));
  t.is(new Set(seen).size, 1000);
  t.true(
    seen.some((value) => value > 2 ** 44),
    'the upper half is reached',
  );
});

test('a pass has the blocks of a sequential one, whatever the files and the block size', (t) => {
  const sizes = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 8 });
  const small = fc.integer({ min: 0, max: 100 });
  fc.assert(
    fc.property(
      ...[sizes, fc.integer({ min: 1, max: 64 }), small, fc.option(small, { nil: undefined })],
      (lengths: number[], bs: number, offset: number, size: number | undefined) => {
        const files = lengths.map((length, i) => ({ name: `f${i}`, size: length }));
        const params = { files, bs, offset, size, rwMixRead: 50, prng: new Prng(bs) };
        t.deepEqual(blocks(randread, params).sort(), blocks(read, params).sort());
      },
    ),
    { numRuns: 300, seed: 20210423 },
  );
});

test('one seed gives one order, another seed another one, and so does the next pass', (t) => {
  const files = [{ name: 'a', size: 4096 * 100 }];
  const pass = (prng: Prng) =>
    blocks(randread, { files, bs: 4096, offset: 0, size: undefined, rwMixRead: 50, prng });
  const prng = new Prng(1);
  const first = pass(prng);
  t.deepEqual(pass(new Prng(1)), first);
  t.notDeepEqual(pass(new Prng(2)), first);
  t.notDeepEqual(pass(prng), first);
});

test('the order is not close to sequential', (t) => {
  const files = [{ name: 'a', size: 4096 * 1000 }];
  const params = { files, bs: 4096, offset: 0, size: undefined, rwMixRead: 50, prng: new Prng(3) };
  const found = blocks(randread, params).map((block) => Number.parseInt(block.slice(2), 10));
  const followers = found.filter((offset, i) => i > 0 && offset === found[i - 1]! + 4096);
  t.true(followers.length < 20, `${followers.length} of 1000 follow their predecessor`);
});
