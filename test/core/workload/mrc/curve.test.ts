/** Miss-ratio curves against plain simulations, and samples against their stated error. */
import test from 'ava';
import { Prng } from '../../../../src/core/sim/prng.js';
import { blockDrawer } from '../../../../src/core/workload/fio/distributions.js';
import {
  exactCurve,
  kneeOf,
  sampledCurve,
  workingSets,
} from '../../../../src/core/workload/mrc/curve.js';
import { PageIds } from '../../../../src/core/workload/mrc/page_ids.js';
import { StackDistances } from '../../../../src/core/workload/mrc/stack_distance.js';

const CASES = Number(process.env.NETFSLAB_CASES ?? 200);

/** Misses of LRU: a list, the last used in front. */
function lruMisses(references: Int32Array, size: number): number {
  const cache: number[] = [];
  let misses = 0;
  for (const page of references) {
    const at = cache.indexOf(page);
    if (at < 0) misses++;
    else cache.splice(at, 1);
    cache.unshift(page);
    if (cache.length > size) cache.pop();
  }
  return misses;
}

/** Misses of CLOCK: frames in a ring, each with a bit. */
function clockMisses(references: Int32Array, size: number): number {
  const frames: { page: number; used: boolean }[] = [];
  let [hand, misses] = [0, 0];
  for (const page of references) {
    const found = frames.find((frame) => frame.page === page);
    if (found !== undefined) {
      found.used = true;
      continue;
    }
    misses++;
    if (frames.length < size) {
      frames.push({ page, used: true });
      continue;
    }
    while (frames[hand]!.used) {
      frames[hand]!.used = false;
      hand = (hand + 1) % size;
    }
    frames[hand] = { page, used: true };
    hand = (hand + 1) % size;
  }
  return misses;
}

/** Misses of Belady's MIN: looks ahead for each page in the cache. */
function optimalMisses(references: Int32Array, size: number): number {
  const cache = new Set<number>();
  let misses = 0;
  for (const [i, page] of references.entries()) {
    if (cache.has(page)) continue;
    misses++;
    if (cache.size === size) {
      const next = (each: number) => {
        const at = references.indexOf(each, i + 1);
        return at < 0 ? Number.POSITIVE_INFINITY : at;
      };
      cache.delete([...cache].reduce((a, b) => (next(a) >= next(b) ? a : b)));
    }
    cache.add(page);
  }
  return misses;
}

/** Random references of several shapes: uniform, skewed, loops, scans between. */
function randomTrace(prng: Prng): { references: Int32Array; pages: number } {
  const pages = 1 + prng.below(40);
  const count = 1 + prng.below(300);
  const shape = prng.below(4);
  const skewed = blockDrawer({ kind: 'zipf', theta: 1.1, center: undefined }, pages, prng);
  const references = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    if (shape === 0) references[i] = prng.below(pages);
    else if (shape === 1) references[i] = skewed();
    else if (shape === 2) references[i] = i % pages;
    else references[i] = prng.chance(0.3) ? i % pages : prng.below(Math.ceil(pages / 4));
  }
  return { references, pages };
}

test(`exact curves are those of plain simulations, on ${CASES} random traces`, (t) => {
  const prng = new Prng(7);
  for (let i = 0; i < CASES; i++) {
    const { references, pages } = randomTrace(prng);
    const sizes = [1, 2, 3, 5, Math.ceil(pages / 2), pages, pages + 3].sort((a, b) => a - b);
    const { points } = exactCurve(references, pages, sizes);
    for (const { size, lru, clock, optimum } of points) {
      const count = references.length;
      t.is(Math.round(lru * count), lruMisses(references, size), `LRU ${i} ${size}`);
      t.is(Math.round(clock * count), clockMisses(references, size), `CLOCK ${i} ${size}`);
      t.is(Math.round(optimum * count), optimalMisses(references, size), `optimum ${i} ${size}`);
    }
  }
});

test('the tree is packed again and again without a distance going wrong', (t) => {
  const prng = new Prng(3);
  const distances = new StackDistances();
  const stack: number[] = [];
  for (let i = 0; i < 20_000; i++) {
    const page = prng.below(60);
    const at = stack.indexOf(page);
    t.is(distances.add(page), at);
    if (at >= 0) stack.splice(at, 1);
    stack.unshift(page);
  }
});

test('a sample is within the bound that it states', (t) => {
  for (let seed = 1; seed <= 20; seed++) {
    const prng = new Prng(seed);
    const pages = 20_000;
    const draw = blockDrawer(
      { kind: 'zipf', theta: 0.71 + 0.03 * seed, center: undefined },
      pages,
      prng,
    );
    const references = new Int32Array(200_000);
    for (let i = 0; i < references.length; i++) {
      references[i] = prng.chance(0.1) ? i % pages : draw();
    }
    const sizes = [50, 200, 1000, 3000, 8000, 15_000, 20_000];
    const distances = new StackDistances();
    for (const page of references) distances.add(page);
    const { points, bound, rate } = sampledCurve(references, pages, 0.1, sizes);
    t.true(bound > 0 && bound < 0.4, `seed ${seed}: bound ${bound}`);
    t.true(Math.abs(rate - 0.1) < 1e-6);
    for (const { size, lru } of points) {
      let misses = distances.cold;
      for (const [distance, count] of distances.histogram.entries()) {
        if (distance >= size) misses += count;
      }
      const exact = misses / references.length;
      t.true(
        Math.abs(lru - exact) <= bound,
        `seed ${seed}, ${size}: ${lru} is not ${exact} +- ${bound}`,
      );
    }
  }
});

test('no policy does better than the optimum, and all miss only what is new with room for all', (t) => {
  const prng = new Prng(11);
  const { references, pages } = randomTrace(prng);
  const { points } = exactCurve(references, pages);
  for (const { lru, clock, optimum } of points) t.true(optimum <= lru && optimum <= clock);
  const last = points.at(-1)!;
  const distinct = new Set(references).size / references.length;
  t.like(last, { lru: distinct, clock: distinct, optimum: distinct });
});

test('the knee of a loop over a hot set is the size of the set', (t) => {
  const references = new Int32Array(40_000);
  const prng = new Prng(5);
  for (let i = 0; i < references.length; i++) {
    references[i] = prng.chance(0.9) ? prng.below(100) : 100 + prng.below(4000);
  }
  const knee = kneeOf(exactCurve(references, 4100).points);
  t.true(knee !== undefined && knee.size >= 90 && knee.size <= 400, `${knee?.size}`);
  const once = Int32Array.from({ length: 500 }, (_, i) => i);
  t.is(kneeOf(exactCurve(once, 500).points), undefined);
});

test('working sets count different pages, and those that are new', (t) => {
  const references = Int32Array.from([0, 1, 0, 1, 2, 1, 2, 3]);
  t.deepEqual(workingSets(references, 4, 2), [
    { from: 0, references: 4, pages: 2, fresh: 2 },
    { from: 4, references: 4, pages: 3, fresh: 2 },
  ]);
});

test('pages have numbers in the order in which they come, whatever their file and place', (t) => {
  const ids = new PageIds();
  const keys = Array.from({ length: 20_000 }, (_, i) => [i % 13, i * 214_748] as const);
  for (let again = 0; again < 2; again++) {
    t.deepEqual(
      keys.map(([file, place]) => ids.idOf(file, place)),
      keys.map((_, i) => i),
    );
  }
  t.is(ids.count, keys.length);
});
