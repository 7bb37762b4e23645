/** Every format over the same rows; the registry decides which formats there are. */
import test from 'ava';
import type { Column, Row } from '../../../src/core/analysis/types.js';
import { jsonRow } from '../../../src/core/report/cell.js';
import { FORMATS } from '../../../src/core/report/index.js';
import { TABLE_ROWS_MAX } from '../../../src/core/report/table.js';

const columns: readonly Column[] = [
  { name: 'rreq', doc: 'request', unit: 'number' },
  { name: 'file', doc: 'file', unit: 'text' },
  { name: 'len', doc: 'bytes', unit: 'bytes' },
  { name: 'ns', doc: 'time', unit: 'ns' },
];
const rows: readonly Row[] = [
  { rreq: 26, file: 'a,"b"', len: 4096, ns: 1500 },
  { rreq: 1, file: null, len: 2 ** 53 + 2, ns: 0 },
];

function format(name: keyof typeof FORMATS, input: Iterable<Row> = rows): [string[], string[]] {
  const notes: string[] = [];
  const lines = [...FORMATS[name].lines(columns, input, (note) => notes.push(note))];
  return [lines, notes];
}

test('every format is documented and named as in the registry', (t) => {
  for (const [name, { name: own, doc }] of Object.entries(FORMATS)) {
    t.is(own, name);
    t.true(doc.length > 0);
  }
});

test('a table aligns its columns, numbers to the right, and shows units', (t) => {
  const [lines] = format('table');
  t.deepEqual(lines, [
    'rreq  file     len      ns',
    '  26  a,"b"  4 KiB  1.5 us',
    '   1  -      8 PiB    0 ns',
  ]);
});

test('a name that is not ASCII takes as many columns as it has on a terminal', (t) => {
  const named = (file: string): Row => ({ rreq: 7, file, len: 1, ns: 10 });
  t.deepEqual(format('table', [...rows, named('\u6587\u4ef6\u00e9')])[0], [
    'rreq  file     len      ns',
    '  26  a,"b"  4 KiB  1.5 us',
    '   1  -      8 PiB    0 ns',
    '   7  \u6587\u4ef6\u00e9    1 B   10 ns',
  ]);
  const ascii = format('table', [...rows, named('12345')])[0].slice(0, 3);
  t.deepEqual(ascii, format('table')[0]);
});

test('a table shows 200 rows and says how many more there are', (t) => {
  const many = Array.from({ length: TABLE_ROWS_MAX + 1234 }, () => rows[0] as Row);
  const [lines, notes] = format('table', many);
  t.is(lines.length, TABLE_ROWS_MAX + 1);
  t.deepEqual(notes, ['1,234 more rows; --all shows every one']);
});

test('a table without rows prints nothing and says so', (t) => {
  t.deepEqual(format('table', []), [[], ['no rows']]);
});

test('CSV has a header, bare values, and quotes what needs quoting', (t) => {
  const [lines, notes] = format('csv');
  t.deepEqual(lines, ['rreq,file,len,ns', '26,"a,""b""",4096,1500', `1,,${2 ** 53 + 2},0`]);
  t.deepEqual(notes, []);
});

test('NDJSON gives one object a line with the keys in column order', (t) => {
  const [lines] = format('ndjson');
  t.is(lines[0], '{"rreq":26,"file":"a,\\"b\\"","len":4096,"ns":1500}');
});

test('the plain format streams every row', (t) => {
  const many = Array.from({ length: TABLE_ROWS_MAX + 5 }, () => rows[0] as Row);
  const [lines] = format('plain', many);
  t.is(lines.length, TABLE_ROWS_MAX + 6);
  t.is(lines[1], '26\ta,"b"\t4 KiB\t1.5 us');
});

test('64-bit integers and blobs are strings in JSON', (t) => {
  const row = { rreq: 2n ** 63n, file: new Uint8Array([1, 255]), len: 1, ns: null };
  t.deepEqual(jsonRow(columns, row), {
    rreq: '9223372036854775808',
    file: '01ff',
    len: 1,
    ns: null,
  });
});
