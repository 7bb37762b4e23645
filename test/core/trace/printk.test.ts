/** Compiling, printing and reading the kernel's printf strings. */
import test from 'ava';
import {
  type Conversion,
  compileFormat,
  parseNumber,
  printValue,
} from '../../../src/core/trace/printk.js';

const conversion = (format: string): Conversion => {
  const [only] = compileFormat(format).conversions;
  if (only === undefined) throw new Error('no conversion');
  return only;
};

test('a format is split into text and conversions', (t) => {
  const { text, conversions } = compileFormat('R=%08x[%u] %s s=%llx %zx/%zx e=%d');
  t.deepEqual(text, ['R=', '[', '] ', ' s=', ' ', '/', ' e=', '']);
  t.deepEqual(
    conversions.map(({ kind, bits }) => `${kind}${bits}`),
    ['x32', 'u32', 's32', 'x64', 'x64', 'x64', 'd32'],
  );
});

test('a conversion that is not known is refused', (t) => {
  t.throws(() => compileFormat('%pISpc'), { message: /not understood/ });
});

const prints = test.macro({
  exec(t, format: string, value: number | string | null, expected: string) {
    t.is(printValue(conversion(format), value), expected);
  },
  title: (_, format: string, value: number | string | null) =>
    `${format} prints ${value} as C does`,
});

test(prints, '%08x', 10, '0000000a');
test(prints, '%02x', 0x122, '122');
test(prints, '%x', -1, 'ffffffff');
test(prints, '%llx', -1, 'ffffffffffffffff');
test(prints, '%llx', '0xfedcba9876543210', 'fedcba9876543210');
test(prints, '%u', -1, '4294967295');
test(prints, '%llu', '0xff1e2d3c4b5a6978', '18383180465958447480');
test(prints, '%d', -110, '-110');
test(prints, '%5lu', 15, '   15');
test(prints, '%-4d', 7, '7   ');
test(prints, '%x', null, '0');
test(prints, '%s', null, '');

test('numbers are exact up to 2^53 and hexadecimal text beyond', (t) => {
  const hex = conversion('%llx');
  t.is(parseNumber(hex, '0000000000004000'), 0x4000);
  t.is(parseNumber(hex, '1fffffffffffff'), Number.MAX_SAFE_INTEGER);
  t.is(parseNumber(hex, '20000000000000'), '0x20000000000000');
  t.is(parseNumber(hex, 'ffffffffffffffff'), '0xffffffffffffffff');
  t.is(parseNumber(conversion('%llu'), '18446744073709551615'), '0xffffffffffffffff');
});
