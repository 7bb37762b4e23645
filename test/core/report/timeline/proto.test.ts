/** What is written is what protobufjs reads, whatever the value and however long the text. */
import test from 'ava';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { ProtoWriter } from '../../../../src/core/report/timeline/proto.js';

const { root } = protobuf.parse(`syntax = "proto2";
message M { optional int64 i = 1; optional fixed64 f = 47; optional double d = 5;
  optional string s = 200; repeated M m = 4; }`);
const M = root.lookupType('M');

const message = fc.record({
  i: fc.maxSafeInteger(),
  f: fc.maxSafeNat(),
  d: fc.double({ noNaN: true }),
  s: fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ minLength: 120, maxLength: 70_000 })),
});

test('messages are read back as they were written', (t) => {
  fc.assert(
    fc.property(message, message, (outer, inner) => {
      const out = new ProtoWriter();
      const write = ({ i, f, d, s }: typeof outer) => {
        out.int(1, i);
        out.fixed64(47, f);
        out.double(5, d);
        out.text(200, s);
      };
      write(outer);
      const at = out.open(4);
      write(inner);
      out.close(at);
      const read = M.toObject(M.decode(out.take()), { longs: String, arrays: true });
      const due = (each: typeof outer) => ({ ...each, i: String(each.i), f: String(each.f) });
      t.deepEqual(read, { ...due(outer), m: [{ ...due(inner), m: [] }] });
      t.is(out.length, 0);
    }),
    { numRuns: 200 },
  );
});
