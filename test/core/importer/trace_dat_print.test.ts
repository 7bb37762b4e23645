/** The print-format interpreter, event by event, over records made by hand. */
import test from 'ava';
import { latencyFlags } from '../../../src/core/importer/trace_dat/decode.js';
import { parseEventFormat } from '../../../src/core/importer/trace_dat/format.js';
import {
  compilePrintFmt,
  printFields,
  printRecord,
} from '../../../src/core/importer/trace_dat/print.js';
import { KernelSymbols } from '../../../src/core/importer/trace_dat/symbols.js';
import { Bytes, formatText } from './trace_dat_writer.js';

const KALLSYMS = [
  'ffffffff81000000 T _text',
  'ffffffffc0a1b000 t afs_alloc\t[kafs]',
  'ffffffffc0a1b110 t afs_b\t[kafs]',
].join('\n');
const symbols = new KernelSymbols(KALLSYMS, '0xffffffff82000010 : "dirty"\n');

/** Prints one record: fields as `type name:size:signed;...`, the print format, the body. */
function print(
  fields: string,
  printFmt: string,
  body: (bytes: Bytes) => unknown,
  { little = true, longSize = 8 } = {},
): string {
  const text = formatText(7, 'an_event', fields, printFmt);
  const format = parseEventFormat({ system: 'test', text });
  if (format === null) throw new Error('the format does not parse');
  const context = { little, longSize, symbols };
  const bytes = new Bytes(little).number(7, 2).number(0, 2).number(1, 4);
  body(bytes);
  const record = bytes.done();
  const view = { page: new DataView(record.buffer), start: 0, end: record.length };
  return printRecord(compilePrintFmt(format, context), view);
}

const NUMBERS = 'int a:4:1;unsigned int b:4;u64 c:8;';
const CASES: readonly (readonly [what: string, fmt: string, expected: string])[] = [
  [
    'signs and widths',
    '"%d %5d|%-5d|%05d %u", REC->a, REC->a, REC->a, REC->a, REC->a',
    '-5    -5|-5   |-0005 4294967291',
  ],
  ['hexadecimal of a negative int', '"%x %llx", REC->a, REC->a', 'fffffffb fffffffffffffffb'],
  [
    '64 bits',
    '"%llu %llx %x", REC->c, REC->c, REC->c',
    '18380971225904341568 ff1653f182b46240 82b46240',
  ],
  ['casts', '"%d %u %lld", (u8)REC->a, (unsigned short)REC->a, (s64)REC->a', '251 65531 -5'],
  ['arithmetic', '"%d %d %d", REC->a + 7 * 2, -REC->a, (REC->b >> 2) & 3', '9 5 2'],
  ['C has its own precedence', '"%d %d", 1 + 2 << 3, 6 & 3 == 3', '24 0'],
  [
    'the complement of an unsigned int',
    '"%x %d", ~0U >> 1, (int)(~0U >> 1)',
    '7fffffff 2147483647',
  ],
  ['division by nothing', '"%d", REC->b / 0', '0'],
  [
    'conditions',
    '"%s %s", REC->a < 0 ? "neg" : "pos", REC->b ? REC->c ? "both" : "b" : "none"',
    'neg both',
  ],
  [
    'words',
    '"%s %s", __print_symbolic(REC->b, { 10, "TEN  " }, { 1, "ONE" }), __print_symbolic(REC->a, { -5, "M5" })',
    'TEN   M5',
  ],
  ['a number without a word', '"%s", __print_symbolic(REC->b, { 1, "ONE" })', '0xa'],
  [
    'names of enums by position',
    '"%s", __print_symbolic(REC->b - 8, { enum_a, "A" }, { enum_b, "B" }, { enum_c, "C" })',
    'C',
  ],
  ['flags', '"%s", __print_flags(REC->b, "|", { 2, "TWO" }, { (1 << 3), "EIGHT" })', 'TWO|EIGHT'],
  ['flags left over', '"%s", __print_flags(REC->b, "|", { 8, "EIGHT" })', 'EIGHT|0x2'],
  ['percent and characters', "\"100%% %c\", REC->b ? 'T' : 'R'", '100% T'],
  ['a quote inside the string', '"d=%x "%s" f=%d", REC->b, "n", REC->a', 'd=a "n" f=-5'],
  ['swapped bytes', '"%x", (__u32)__builtin_bswap32((__u32)(( __u32)(__be32)(REC->b)))', 'a000000'],
  [
    'functions',
    '"%pS %ps", (void *)(REC->c | 0xffffffffc0a1b01eUL), (void *)0xffffffffc0a1b01eUL',
    'afs_b+0x14e/0x0 [kafs] afs_alloc [kafs]',
  ],
  ['texts of the kernel', '"%s", 0xffffffff82000010UL', 'dirty'],
];

for (const [what, fmt, expected] of CASES) {
  test(`a print format is interpreted as C does: ${what}`, (t) => {
    const value = what === 'functions' ? 0x240n : 18380971225904341568n;
    const body = (bytes: Bytes) => bytes.number(-5, 4).number(10, 4).number(value, 8);
    t.is(print(NUMBERS, fmt, body), expected);
    t.is(print(NUMBERS, fmt, body, { little: false, longSize: 8 }), expected);
  });
}

test('dynamic arrays are read where their field says, whatever follows', (t) => {
  const text = print(
    '__data_loc char[] name:4;u8 tail:1;',
    '"%s %d", __get_str(name), REC->tail',
    (b) =>
      b
        .number(16 + (6 << 16), 4)
        .number(9, 1)
        .number(0, 3)
        .text('hello\0xx'),
  );
  t.is(text, 'hello 9');
});

test('a dynamic array that leads out of its record is cut off', (t) => {
  t.is(
    print('__data_loc char[] name:4;', '"<%s>", __get_str(name)', (b) => b.number(0xffffffff, 4)),
    '<>',
  );
  t.is(
    print('__data_loc char[] name:4;', '"<%s>", __get_str(name)', (b) =>
      b.number(12 + (99 << 16), 4).text('ab'),
    ),
    '<ab>',
  );
});

test('a field behind the end of its record is 0', (t) => {
  t.is(
    print(NUMBERS, '"%d %llu", REC->a, REC->c', (b) => b.number(-5, 4)),
    '-5 0',
  );
});

test('bytes print as hexadecimal, and addresses as addresses', (t) => {
  const dump = '"%*ph", __get_dynamic_array_len(line), __get_dynamic_array(line)';
  const line = (b: Bytes) => b.number(12 + (3 << 16), 4).raw(Uint8Array.of(0x17, 0, 255));
  t.is(print('__data_loc unsigned char[] line:4;', dump, line), '17 00 ff');
  const four = (b: Bytes) => b.number(2, 2).raw(Uint8Array.of(0x1b, 0x58, 10, 77, 0, 1, 0, 0));
  t.is(print('__u8 addr[28]:28;', '"%pISpc", REC->addr', four), '10.77.0.1:7000');
  const six = (b: Bytes) =>
    b
      .number(10, 2)
      .raw(Uint8Array.of(0x1b, 0x58, 0, 0, 0, 0, 0xfe, 0x80))
      .raw(new Uint8Array(13))
      .number(1, 1)
      .number(0, 4);
  t.is(print('__u8 addr[28]:28;', '"%pISpsfc", REC->addr', six), '[fe80::1]:7000');
});

test('members of the structs that afs events embed are found', (t) => {
  const fid = (b: Bytes) => b.number(0x20000000, 8).number(3, 8).number(0, 4).number(2, 4);
  const fmt = '"%llx:%llx:%x", REC->fid.vid, REC->fid.vnode, REC->fid.unique';
  t.is(print('struct afs_fid fid:24;', fmt, fid), '20000000:3:2');
});

test('what is not understood is an error, and the fields can still be had', (t) => {
  const broken = [
    'no string',
    '"%d"',
    '"x", REC->a',
    '"%d", REC->nothing',
    '"%d", foo(1)',
    '"%d", 1 +',
    '"%d", ((((',
  ];
  for (const fmt of broken) t.throws(() => print(NUMBERS, fmt, () => {}), { name: 'Error' }, fmt);
  t.throws(() => print(NUMBERS, `"%d", ${'('.repeat(5000)}1${')'.repeat(5000)}`, () => {}), {
    message: /nested too deeply/,
  });
  const text = formatText(7, 'an_event', `${NUMBERS}char name[4]:4;`, 'no string');
  const format = parseEventFormat({ system: 'test', text });
  const bytes = new Bytes(true)
    .number(0, 8)
    .number(-5, 4)
    .number(10, 4)
    .number(77, 8)
    .text('ab\0\0')
    .done();
  const view = { page: new DataView(bytes.buffer), start: 0, end: bytes.length };
  t.is(printFields(format!, { little: true, longSize: 8 }, view), 'a=-5 b=10 c=77 name=ab');
});

test('text is no longer than the kernel could print', (t) => {
  const fmt = `"${'%1000d'.repeat(40)}"${', REC->a'.repeat(40)}`;
  t.is(print(NUMBERS, fmt, (b) => b.number(1, 4)).length, 8192);
});

test('latency flags have the columns and letters of their era', (t) => {
  t.is(latencyFlags('E3', 0, 0), '.....');
  t.is(latencyFlags('E3', 0x80, 0x02), 'b..2.');
  t.is(latencyFlags('E3', 0x24 | 0x08 | 0x10 | 0x01, 0x11), 'dNH11');
  t.is(latencyFlags('E3', 0x02, 0), 'X....');
  t.is(latencyFlags('E8', 0x02, 0), '.l...');
  t.is(latencyFlags('E1', 0x81 | 0x40, 0x03), 'D.z3');
});
