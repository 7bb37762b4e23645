/** Rows of any event in any era, known and unknown words among them, as fast-check makes them. */
import fc from 'fast-check';
import type { Era } from '../../src/core/trace/eras.js';
import { type Conversion, compileFormat } from '../../src/core/trace/printk.js';
import type { AnyTracepoint, Column, EraFormat } from '../../src/core/trace/tracepoint.js';
import type { Value } from '../../src/core/trace/types.js';

const U32 = fc.integer({ min: 0, max: 0xffff_ffff });
const EXACT = fc
  .bigInt({ min: 0n, max: 2n ** 64n - 1n })
  .map((n) => (n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : `0x${n.toString(16)}`));
const U64 = fc.oneof(fc.nat(), EXACT);

function arbitrary(
  column: Column,
  kind: Conversion['kind'],
  last: boolean,
  era: Era,
): fc.Arbitrary<Value> {
  const labels = column.symbols?.labels(era).map(({ text }) => text) ?? [];
  switch (column.kind) {
    case 'label':
      return fc.constantFrom(...labels, '0x2a', 'NEWWORD', 'NEW  ');
    case 'text':
      if (kind === 'c') return fc.constantFrom('F', ' ');
      return last ? fc.constantFrom('', ' eof', 'te xt') : fc.constantFrom('text', 'w_0');
    case 'u64':
      return U64;
    case 'int':
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    case 'int16':
      return fc.integer({ min: 0, max: 2 ** 15 - 1 });
    default:
      // An unsigned column may be printed through %d; what it holds is then below 2^31.
      return kind === 'd' ? fc.integer({ min: 0, max: 2 ** 31 - 1 }) : U32;
  }
}

/** Rows of an event as one way of printing it has them. */
export function rowOf(event: AnyTracepoint, format: EraFormat, era: Era): fc.Arbitrary<Value[]> {
  const { conversions } = compileFormat(format.format);
  const values = event.columns.map((column) => {
    const at = format.args.indexOf(column.name);
    const conversion = conversions[at];
    return conversion === undefined
      ? fc.constant(null)
      : arbitrary(column, conversion.kind, at === conversions.length - 1, era);
  });
  return fc.tuple(...values);
}
