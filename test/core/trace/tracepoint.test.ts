/** The tracepoint table: every event in every era prints what it reads and reads what it prints. */
import test from 'ava';
import fc from 'fast-check';
import { ERAS, type Era } from '../../../src/core/trace/eras.js';
import { p9ClientReq, p9ProtocolDump } from '../../../src/core/trace/events/9p.js';
import { afsMakeFsCall1 } from '../../../src/core/trace/events/afs.js';
import { cachefilesPrepRead } from '../../../src/core/trace/events/cachefiles.js';
import {
  netfsFailure,
  netfsRead,
  netfsRreq,
  netfsSreq,
} from '../../../src/core/trace/events/netfs.js';
import {
  netfsDonate,
  netfsFolio,
  netfsFolioTraces,
} from '../../../src/core/trace/events/netfs_write.js';
import { TRACEPOINTS, tracepointNamed } from '../../../src/core/trace/index.js';
import { decodeValue, encodeValue } from '../../../src/core/trace/record.js';
import {
  type AnyTracepoint,
  FIRST_EVENT_RECORD,
  int16,
  tracepoint,
  uint,
} from '../../../src/core/trace/tracepoint.js';
import type { Value } from '../../../src/core/trace/types.js';
import { rowOf } from '../../helpers/rows.js';
import { excerpt } from '../../helpers/trace.js';

for (const event of TRACEPOINTS as readonly AnyTracepoint[]) {
  test(`${event.name} reads what it prints, and comes out of a record as it went in`, (t) => {
    const eras = ERAS.filter((era) => event.format(era) !== null);
    t.true(eras.length > 0, 'no era has it');
    for (const era of eras) {
      for (const format of event.variants(era)) {
        const rows = fc.sample(rowOf(event, format, era), { numRuns: 25, seed: 7 });
        for (const row of rows) {
          t.deepEqual(event.parse(event.print(row, era), era), row, era);
          t.deepEqual(throughRecord(event, row, era), row, era);
        }
      }
    }
  });
}

function throughRecord(event: AnyTracepoint, row: readonly Value[], era: Era): Value[] {
  const strings: string[] = [];
  const string = (text: string) => strings.push(text) - 1;
  return event.columns.map((column, i) =>
    decodeValue(column, encodeValue(column, row[i] ?? null, era, string), era, strings),
  );
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

test('an era that does not have an event has no format of it, and none of its labels', (t) => {
  t.is(netfsFolio.format('E3'), null);
  t.is(netfsDonate.format('E7'), null);
  t.is(netfsDonate.parse('R=00000001[01] -> [02] to-next am=1000', 'E7'), null);
  t.deepEqual(netfsFolioTraces.labels('E3'), []);
});

test('where kernels of one era print an event in two ways both are read and kept apart', (t) => {
  for (const text of [
    'R=00000002[1] READ have-data  f=00 s=1000 2000 ni=2c B=45',
    'o=00000007 READ have-data  f=00 s=1000 2000 ni=2c B=45',
  ]) {
    const row = cachefilesPrepRead.parse(text, 'E3');
    t.is(cachefilesPrepRead.print(row ?? [], 'E3'), text);
  }
});

test('an address that is printed in decimal keeps all its digits', (t) => {
  const text = 'client 18380971225904341568 request P9_TREAD tag  0';
  const row = p9ClientReq.parse(text, 'E3') ?? [];
  t.is(row[0], `0x${18380971225904341568n.toString(16)}`);
  t.is(p9ClientReq.print(row, 'E3'), text);
});

test('a text may hold blanks and line ends, and the last one what stands behind it', (t) => {
  const dump = 'clnt 1 P9_TREAD(tag = 3)\n17 00 00 00\n';
  t.deepEqual(p9ProtocolDump.parse(dump, 'E3'), [1, 'P9_TREAD', 3, '17 00 00 00']);
  t.deepEqual(p9ProtocolDump.parse(dump.trimEnd(), 'E3'), [1, 'P9_TREAD', 3, '17 00 00 00']);
  const call = 'c=00000001 000002:000003:000004 FS.CreateFile "a "b""';
  t.deepEqual(afsMakeFsCall1.parse(call, 'E3'), [1, 2, 3, 4, 'FS.CreateFile', 'a "b"']);
});

test('a number too large for its column leaves the line unread', (t) => {
  const text = 'R=00000001 RA FREE    f=ffffffffffffffff';
  t.is(netfsRreq.parse(text, 'E3'), null);
});

test('two columns of one name, or the name of a common column, are refused', (t) => {
  const spec = { name: 'example', system: 'test', doc: '', kernel: '', record: 9999 };
  for (const columns of [[uint('a', ''), uint('a', '')], [uint('op', '')]]) {
    t.throws(() => tracepoint({ ...spec, columns, formats: {} }), { message: /two columns/ });
  }
});
