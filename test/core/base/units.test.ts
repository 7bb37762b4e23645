/** Sizes, durations and counts as people write and read them. */
import test from 'ava';
import fc from 'fast-check';
import { UsageError } from '../../../src/core/base/errors.js';
import {
  formatBytes,
  formatCount,
  formatNs,
  formatRate,
  parseDuration,
  parseSize,
} from '../../../src/core/base/units.js';

const reads = test.macro({
  exec(t, text: string, bytes: number) {
    t.is(parseSize(text, '--bs'), bytes);
  },
  title: (_, text, bytes) => `the size ${text} is ${bytes} bytes`,
});

test(reads, '4096', 4096);
test(reads, '4k', 4096);
test(reads, '64KiB', 65536);
test(reads, '64kb', 65536);
test(reads, '1m', 1048576);
test(reads, '1.5M', 1572864);
test(reads, '0x1000', 4096);
test(reads, '12 B', 12);
test(reads, '2T', 2 * 1024 ** 4);

const refuses = test.macro({
  exec(t, text: string) {
    const error = t.throws(() => parseSize(text, '--bs'), { instanceOf: UsageError });
    t.true(error.message.startsWith('--bs: '));
  },
  title: (_, text) => `the size '${text}' is refused and the flag is named`,
});

test(refuses, '');
test(refuses, '-4k');
test(refuses, '4q');
test(refuses, '1.0001k');
test(refuses, '9000p');
test(refuses, '0x');

const lasts = test.macro({
  exec(t, text: string, ns: number) {
    t.is(parseDuration(text, '--runtime'), ns);
  },
  title: (_, text, ns) => `the duration ${text} is ${ns} ns`,
});

test(lasts, '2ms', 2e6);
test(lasts, '1.5s', 1.5e9);
test(lasts, '10us', 1e4);
test(lasts, '10', 1e10);
test(lasts, '3m', 180e9);
test(lasts, '7ns', 7);

test('a duration that is not one is refused and the flag is named', (t) => {
  t.throws(() => parseDuration('soon', '--runtime'), { message: /^--runtime: / });
});

test('a formatted size has a binary unit and at most three digits', (t) => {
  t.deepEqual([0, 512, 1023, 1024, 1536, 126976, 1048575, 5 * 1024 ** 3].map(formatBytes), [
    '0 B',
    '512 B',
    '1023 B',
    '1 KiB',
    '1.5 KiB',
    '124 KiB',
    '1 MiB',
    '5 GiB',
  ]);
});

test('a formatted size reads back as nearly the same number of bytes', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (bytes) => {
      const [number, unit] = formatBytes(bytes).split(' ') as [string, string];
      const back = Number(number) * parseSize(`1${unit}`, 'unit');
      t.true(Math.abs(back - bytes) <= bytes * 0.006);
    }),
  );
});

test('times, counts and rates are formatted for a person', (t) => {
  t.deepEqual([850, 12_345, 1_200_000, 3.4e9, -2e6].map(formatNs), [
    '850 ns',
    '12.3 us',
    '1.2 ms',
    '3.4 s',
    '-2 ms',
  ]);
  t.deepEqual([7, 1234, 1234567].map(formatCount), ['7', '1,234', '1,234,567']);
  t.is(formatRate(1048576, 5e8), '2 MiB/s');
  t.is(formatRate(1048576, 0), '-');
});
