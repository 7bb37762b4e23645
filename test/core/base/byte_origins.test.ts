/** Each byte that is read has one origin, held against a model that keeps every byte by itself. */
import test from 'ava';
import fc from 'fast-check';
import {
  ByteOrigins,
  nothingRead,
  ORIGIN,
  type Origin,
} from '../../../src/core/base/byte_origins.js';

const BYTES = 4 * 4096;

const range = fc
  .tuple(fc.integer({ min: 0, max: BYTES }), fc.integer({ min: 0, max: BYTES }), fc.boolean())
  .map(([a, b, whole]) => {
    const unit = whole ? 4096 : 1;
    const [start, end] = [Math.min(a, b), Math.max(a, b)];
    return [Math.floor(start / unit) * unit, Math.ceil(end / unit) * unit] as const;
  });
const step = fc.oneof(
  fc.record({ range, origin: fc.constantFrom(...Object.values(ORIGIN)) }),
  fc.record({ range, began: fc.integer({ min: 0, max: 40 }) }),
);

/** Byte by byte. */
class Shadow {
  readonly origin = new Uint8Array(BYTES);
  readonly came = new Int32Array(BYTES);
  readonly used = new Uint8Array(BYTES).fill(1);

  bring([start, end]: readonly [number, number], origin: Origin, ns: number): number {
    let unused = 0;
    for (let at = start; at < end; at++) {
      const fetched = this.origin[at] === ORIGIN.server || this.origin[at] === ORIGIN.cache;
      if (fetched && this.used[at] === 0) unused++;
      this.origin[at] = origin;
      this.came[at] = ns;
      this.used[at] = 0;
    }
    return unused;
  }

  read([start, end]: readonly [number, number], began: number) {
    const to = nothingRead();
    const names = ['memory', 'server', 'cache', 'zero', 'written'] as const;
    for (let at = start; at < end; at++) {
      if (this.used[at] === 0) to[names[this.origin[at] as number] ?? 'memory']++;
      // What was there before anything was recorded came at no time.
      else if (this.origin[at] !== 0 && (this.came[at] as number) > began) to.shared++;
      else to.memory++;
      this.used[at] = 1;
    }
    return to;
  }
}

test('every byte of a read has the origin that a model byte by byte gives it', (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const origins = new ByteOrigins();
      const shadow = new Shadow();
      for (const [ns, each] of steps.entries()) {
        if ('origin' in each) {
          const [start, end] = each.range;
          t.is(
            origins.bring(start, end, each.origin, ns),
            shadow.bring(each.range, each.origin, ns),
          );
        } else {
          const read = nothingRead();
          origins.read(each.range[0], each.range[1], each.began, read);
          t.deepEqual(read, shadow.read(each.range, each.began));
          const sum = Object.values(read).reduce((a, b) => a + b, 0);
          t.is(sum, each.range[1] - each.range[0]);
        }
      }
      const unused = shadow.used.filter((used, at) => {
        return (
          used === 0 && (shadow.origin[at] === ORIGIN.server || shadow.origin[at] === ORIGIN.cache)
        );
      }).length;
      t.is(origins.unused(), unused);
    }),
    { seed: 1, numRuns: 300 },
  );
});

test('zeros behind the end of a small file do not take the place of its bytes', (t) => {
  const origins = new ByteOrigins();
  origins.bring(0, 100, ORIGIN.server, 1);
  origins.bring(100, 4096, ORIGIN.zero, 1);
  const read = nothingRead();
  origins.read(0, 100, 0, read);
  t.deepEqual(read, { ...nothingRead(), server: 100 });
  t.is(origins.unused(), 0);
});

test('a read at the far end of a sparse file costs one chunk', (t) => {
  const origins = new ByteOrigins();
  const far = 16 * 2 ** 40;
  origins.bring(far, far + 4096, ORIGIN.cache, 1);
  const read = nothingRead();
  origins.read(far, far + 4096, 2, read);
  origins.read(far, far + 4096, 2, read);
  t.deepEqual(read, { ...nothingRead(), cache: 4096, memory: 4096 });
});
