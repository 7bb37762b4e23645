/** The tracepoint table: every event in every era prints what it reads and reads what it prints. */
import test from 'ava';
import fc from 'fast-check';
import { ERAS, type Era } from '../../../src/core/trace/eras.js';
import {
  netfsFailure,
  netfsRead,
  netfsRreq,
  netfsSreq,
  netfsSreqTraces,
} from '../../../src/core/trace/events/netfs.js';
import { TRACEPOINTS, tracepointNamed } from '../../../src/core/trace/index.js';
import { decodeValue, encodeValue } from '../../../src/core/trace/record.js';
import {
  type AnyTracepoint,
  type Column,
  FIRST_EVENT_RECORD,
  int16,
  tracepoint,
} from '../../../src/core/trace/tracepoint.js';
import type { Value } from '../../../src/core/trace/types.js';
import { excerpt } from '../../helpers/trace.js';

const U32 = fc.integer({ min: 0, max: 0xffff_ffff });
const U64 = fc
  .bigInt({ min: 0n, max: 2n ** 64n - 1n })
  .map((n) => (n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : `0x${n.toString(16)}`));

function arbitrary(column: Column, era: Era): fc.Arbitrary<Value> {
  const labels = column.symbols?.labels(era).map(({ text }) => text) ?? [];
  switch (column.kind) {
    case 'label':
      return fc.constantFrom(...labels, '0x2a', 'NEWWORD', 'NEW  ');
    case 'text':
      return fc.constantFrom('', 'a text');
    case 'u64':
      return U64;
    case 'int':
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    case 'int16':
      return fc.integer({ min: 0, max: 2 ** 15 - 1 });
    default:
      return U32;
  }
}

function rowOf(event: AnyTracepoint, era: Era): fc.Arbitrary<Value[]> {
  const values = event.columns.map((column, i) =>
    event.prints(era, i) ? arbitrary(column, era) : fc.constant(null),
  );
  return fc.tuple(...values);
}

for (const event of TRACEPOINTS as readonly AnyTracepoint[]) {
  for (const era of ERAS.filter((each) => event.format(each) !== null)) {
    test(`${event.name} reads what it prints in ${era}`, (t) => {
      fc.assert(
        fc.property(rowOf(event, era), (row) => {
          t.deepEqual(event.parse(event.print(row, era), era), row);
        }),
        { numRuns: 100 },
      );
    });

    test(`${event.name} comes out of a record as it went in, in ${era}`, (t) => {
      const strings: string[] = [];
      const string = (text: string) => strings.push(text) - 1;
      fc.assert(
        fc.property(rowOf(event, era), (row) => {
          const words = row.map((value, i) =>
            encodeValue(event.columns[i] as Column, value, era, string),
          );
          const back = words.map((word, i) =>
            decodeValue(event.columns[i] as Column, word, era, strings),
          );
          t.deepEqual(back, row);
        }),
        { numRuns: 100 },
      );
    });
  }
}

test('tracepoints and their record numbers are unique', (t) => {
  t.is(new Set(TRACEPOINTS.map(({ name }) => name)).size, TRACEPOINTS.length);
  t.is(new Set(TRACEPOINTS.map(({ record }) => record)).size, TRACEPOINTS.length);
  t.true(TRACEPOINTS.every(({ record }) => record >= FIRST_EVENT_RECORD));
});

for (const name of ['write-midpage', 'server-killed', 'cache-full']) {
  test(`the netfs events of a Linux 6.1 trace are read and printed back: ${name}`, (t) => {
    const events = excerpt(name).events.filter(({ event }) => tracepointNamed(event));
    t.true(events.length > 10);
    for (const { event, text } of events) {
      const found = tracepointNamed(event) as AnyTracepoint;
      const row = found.parse(text, 'E3');
      t.truthy(row, text);
      t.is(found.print(row ?? [], 'E3'), text);
    }
  });
}

test('an E1 subrequest prints what, then source; an E3 one source, then what', (t) => {
  const row = [1, 0, 'DOWN', 'PREP', 1, 0x2000, 0, 0x4000, 0, null];
  t.is(netfsSreq.print(row, 'E1'), 'R=00000001[0] PREP  DOWN f=01 s=2000 0/4000 e=0');
  t.is(netfsSreq.print(row, 'E3'), 'R=00000001[0] DOWN PREP  f=01 s=2000 0/4000 e=0');
});

test('labels are padded as their era pads them', (t) => {
  t.is(netfsRreq.print([1, null, 'DONE', 0x20], 'E1'), 'R=00000001 DONE   f=20');
  t.is(netfsRreq.print([1, 'RA', 'COPY', 2], 'E3'), 'R=00000001 RA COPY    f=02');
});

test('the inode number is printed from E2 on', (t) => {
  const row = [1, 'READPAGE', 10, 0xbeef, 0x1000, 0x1000, null, null];
  t.is(netfsRead.print(row, 'E1'), 'R=00000001 READPAGE  c=0000000a s=1000 1000');
  t.is(netfsRead.print(row, 'E2'), 'R=00000001 READPAGE  c=0000000a ni=beef s=1000 1000');
});

test('a failure without a subrequest has index -1 in E3', (t) => {
  const text = 'R=00000001[-1] INVL f=00 s=0 0/4000 short-read e=0';
  t.is(netfsFailure.parse(text, 'E3')?.[1], -1);
});

test('a short that was printed through %x is signed again, from the kernel and from perf', (t) => {
  const event = tracepoint({
    name: 'example',
    system: 'test',
    doc: '',
    kernel: '',
    record: 9999,
    columns: [int16('index', '')],
    optional: [],
    formats: { E5: { format: '[%x]', args: ['index'] } },
  });
  t.deepEqual(event.parse('[ffffffff]', 'E5'), [-1]);
  t.deepEqual(event.parse('[ffff]', 'E5'), [-1]);
  t.is(event.print([-1], 'E5'), '[ffffffff]');
  t.is(event.format('E4'), null);
});

test('text of another form is not read', (t) => {
  for (const text of [
    '',
    'R=00000001',
    'R=0000000g[0] PREP  DOWN f=01 s=0 0/4000 e=0',
    'R=00000001[0] PREP  DOWN f=01 s=0 0/4000 e=0 and more',
    'R=00000001[0] PREP  DOWN f=01 s=0 0/4000 e=',
  ]) {
    t.is(netfsSreq.parse(text, 'E1'), null, text);
  }
});

test('an era nobody has filled in has no formats and no labels', (t) => {
  t.is(netfsSreq.format('E4'), null);
  t.is(netfsSreq.parse('R=00000001[0] PREP  DOWN f=01 s=0 0/4000 e=0', 'E10'), null);
  t.deepEqual(netfsSreqTraces.labels('E10'), []);
});
