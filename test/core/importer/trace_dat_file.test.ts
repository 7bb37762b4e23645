/** The container and pages of trace.dat, by files made by hand: sound ones, then damaged ones. */
import test from 'ava';
import fc from 'fast-check';
import { TraceParseError } from '../../../src/core/base/errors.js';
import { TraceDatError } from '../../../src/core/importer/trace_dat/bytes.js';
import { tracepointNamed } from '../../../src/core/trace/index.js';
import { spentMs } from '../../helpers/import.js';
import { type Collected, collect } from './trace_dat_events.js';
import { type DatOptions, datFile, formatText, Page, record } from './trace_dat_writer.js';

const NETFS_RREQ = formatText(
  11,
  'netfs_rreq',
  'unsigned int rreq:4;unsigned int flags:4;enum netfs_io_origin origin:1;enum what what:1;',
  '"R=%08x %s %s f=%02x", REC->rreq, ' +
    '__print_symbolic(REC->origin, { 0, "RA" }, { 1, "RP" }, { 2, "RW" }), ' +
    '__print_symbolic(REC->what, { 0, "ASSESS " }, { 1, "COPY   " }), REC->flags',
);
const HELLO = formatText(12, 'hello', 'u64 n:8;', '"n=%llu", REC->n');
const PRINT = formatText(
  5,
  'print',
  'unsigned long ip:8;char buf[]:0;',
  '"%ps: %s", (void *)REC->ip, REC->buf',
);
const FORMATS = [NETFS_RREQ, HELLO];
const COMMS = '7 my task: a/b-1\n9 cat\n';

function rreq(options: DatOptions, id: number, pid = 7, flags = 0): Uint8Array {
  return record(
    options,
    11,
    pid,
    (bytes) => bytes.number(id, 4).number(0x22, 4).number(0, 1).number(1, 1),
    flags,
    1,
  );
}

function hello(options: DatOptions, n: number | bigint, pid = 9): Uint8Array {
  return record(options, 12, pid, (bytes) => bytes.number(n, 8));
}

/** Two processors: 1000 a, 1100 b, 1150 c; 1050 d, 1150 e. */
function twoCpus(layout: DatOptions): DatOptions {
  const one = new Page(layout, 1000).event(0, rreq(layout, 1)).event(100, hello(layout, 2, 0));
  const next = new Page(layout, 1150).event(0, rreq(layout, 3), true);
  const other = new Page(layout, 1050).event(0, hello(layout, 4)).event(100, rreq(layout, 5, 8));
  return {
    ...layout,
    formats: FORMATS,
    comms: COMMS,
    uname: 'Linux host 6.1.0 x86_64',
    cpus: [[one.done(), next.done()], [other.done()]],
  };
}

const texts = ({ events }: Collected) => events.map(({ ns, text }) => `${ns} ${text}`);
const EXPECTED = [
  '0 R=00000001 RA COPY    f=22',
  '50 n=4',
  '100 n=2',
  '150 R=00000003 RA COPY    f=22',
  '150 R=00000005 RA COPY    f=22',
];

for (const version of [6, 7] as const) {
  for (const little of [true, false]) {
    for (const longSize of [4, 8] as const) {
      const order = little ? 'little' : 'big';
      test(`version ${version} is read, ${order}-endian, with longs of ${longSize} bytes`, async (t) => {
        const got = await collect(datFile(twoCpus({ version, little, longSize })));
        t.deepEqual(got.damaged, []);
        t.deepEqual(texts(got), EXPECTED);
        t.is(got.first, 1000n);
        const [first, , third, , last] = got.events;
        t.like(first, { pid: 7, comm: 'my task: a/b-1', cpu: 0, flags: '...1.' });
        t.deepEqual(first?.row, tracepointNamed('netfs_rreq')?.parse(first?.text ?? '', 'E3'));
        t.like(third, { pid: 0, comm: '<idle>', row: null, name: 'hello' });
        t.like(last, { pid: 8, comm: '<...>', cpu: 1 });
      });
    }
  }
}

test('chunks of pages are unpacked one after the other', async (t) => {
  const got = await collect(datFile({ ...twoCpus({}), chunk: 1 }));
  t.deepEqual(got.damaged, []);
  t.deepEqual(texts(got), EXPECTED);
});

test('time entries, discarded events and gaps of more than 2^27 ns are followed', async (t) => {
  const page = new Page({}, 1000)
    .event(5, hello({}, 1))
    .extend(3_000_000_001)
    .event(1, hello({}, 2));
  page.padding(10, 20).event(3, hello({}, 3)).stamp(9_000_000_000n).event(7, hello({}, 4));
  const got = await collect(datFile({ formats: FORMATS, cpus: [[page.done()]] }));
  t.deepEqual(got.damaged, []);
  t.deepEqual(texts(got), ['0 n=1', '3000000002 n=2', '3000000015 n=3', '8999999002 n=4']);
});

test('an absolute time keeps the upper bits of the time before it', async (t) => {
  const high = 3n << 59n;
  const page = new Page({}, high + 100n).event(0, hello({}, 1)).stamp(500n).event(0, hello({}, 2));
  const got = await collect(datFile({ formats: FORMATS, cpus: [[page.done()]] }));
  t.is(got.first, high + 100n);
  t.deepEqual(texts(got), ['0 n=1', '400 n=2']);
});

test('lost events are told where they were lost, with their number if the page has it', async (t) => {
  const page = (ts: number) => new Page({}, ts).event(0, hello({}, ts));
  const pages = [
    page(1).done(),
    page(2).done(4096, 0xc0000000, 17),
    page(3).done(4096, 0x80000000),
  ];
  const got = await collect(datFile({ formats: FORMATS, cpus: [pages] }));
  t.deepEqual(got.lost, [
    [17, 1],
    [0, 2],
  ]);
  t.is(got.events.length, 3);
});

test('cycles become nanoseconds where the file says how', async (t) => {
  const page = new Page({}, 4000).event(0, hello({}, 1)).event(100, hello({}, 2));
  const options = { formats: FORMATS, cycles: [1 << 9, 10, 5n] as const, cpus: [[page.done()]] };
  const got = await collect(datFile(options));
  t.is(got.first, 2005n);
  t.deepEqual(texts(got), ['0 n=1', '50 n=2']);
});

test('what the application wrote is a marker, what a function said is an event of its name', async (t) => {
  const print = (ip: bigint, text: string) =>
    record({}, 5, 9, (bytes) => bytes.number(ip, 8).text(`${text}\n\0`));
  const kallsyms = 'ffffffff81000000 t tracing_mark_write\nffffffff81000100 t my_function\n';
  const page = new Page({}, 1).event(0, print(0xffffffff81000010n, 'kcap op=0 <b>\u001b[31m'));
  page.event(1, print(0xffffffff81000110n, 'here'));
  const got = await collect(
    datFile({ ftrace: [PRINT], formats: FORMATS, kallsyms, cpus: [[page.done()]] }),
  );
  t.deepEqual(
    got.events.map(({ name, text }) => [name, text]),
    [
      ['marker', 'kcap op=0 <b>\u001b[31m'],
      ['my_function', 'here'],
    ],
  );
});

test('a format that is not understood gives the fields as text, and is told once', async (t) => {
  const odd = HELLO.replace('REC->n', 'magic(REC->n)');
  const page = new Page({}, 1).event(0, hello({}, 1)).event(1, hello({}, 2));
  const got = await collect(datFile({ formats: [odd], cpus: [[page.done()]] }));
  t.deepEqual(
    got.events.map(({ text }) => text),
    ['n=1', 'n=2'],
  );
  t.is(got.damaged.length, 1);
  t.regex(got.damaged[0]?.[1] ?? '', /hello is not understood: helper 'magic'/);
});

test('a page that makes no sense costs its rest and nothing else', async (t) => {
  const good = (ts: number) => new Page({}, ts).event(0, hello({}, ts)).done();
  const bad = [
    new Page({}, 2).event(0, hello({}, 2)).entry(0, 0, 2).done(),
    new Page({}, 3).event(0, hello({}, 3)).entry(0, 0, 60000).done(),
    new Page({}, 4).event(0, hello({}, 4)).entry(29, 1, 1).done(),
    new Page({}, 5).event(0, hello({}, 5)).entry(28, 0, 0).done(),
    new Page({}, 6)
      .event(
        0,
        record({}, 999, 1, () => {}),
      )
      .event(1, hello({}, 6))
      .done(),
  ];
  const pages = [good(1), ...bad, good(9)];
  const got = await collect(datFile({ formats: FORMATS, cpus: [pages] }));
  t.deepEqual(
    got.events.map(({ text }) => text),
    ['n=1', 'n=2', 'n=3', 'n=4', 'n=5', 'n=6', 'n=9'],
  );
  t.is(got.damaged.length, bad.length);
  // Offsets are those of the file: pages lie in order.
  const offsets = got.damaged.map(([where]) => where);
  t.deepEqual(
    offsets,
    [...offsets].sort((a, b) => a - b),
  );
});

test('a file cut off anywhere gives an error with a byte, or the events before the cut', async (t) => {
  for (const options of [{ version: 6 }, {}, { chunk: 1 }] as const) {
    const whole = datFile({ ...twoCpus({}), ...options, pageSize: 4096 });
    for (let length = 1; length < whole.length; length += length < 2600 ? 1 : 97) {
      try {
        const { events, damaged } = await collect(whole.subarray(0, length));
        t.true(events.length === EXPECTED.length || damaged.length > 0, `${length}`);
        for (const { text, ns } of events)
          t.true(EXPECTED.some((e) => e.endsWith(text)) && ns >= 0);
      } catch (error) {
        t.true(error instanceof TraceDatError && error instanceof TraceParseError);
        t.regex((error as Error).message, /^t\.dat: byte \d+: /);
      }
    }
  }
});

/** Where the options of a file of version 7 begin, which is behind its pages. */
function optionsAt(file: Uint8Array, { chunk, little = true }: DatOptions): number {
  const head = 18 + `${chunk === undefined ? 'none' : 'zlib'}\0v1\0`.length;
  return Number(new DataView(file.buffer).getBigUint64(head, little));
}

test('a file cut off behind its pages keeps the events of every processor', async (t) => {
  for (const options of [{}, { chunk: 1 }, { chunk: 1, little: false }] as const) {
    const whole = datFile({ ...twoCpus(options), ...options });
    const at = optionsAt(whole, options);
    for (const length of [at, at + 9, at + 20]) {
      const got = await collect(whole.subarray(0, length));
      t.deepEqual(texts(got), EXPECTED);
      t.deepEqual([...new Set(got.events.map(({ cpu }) => cpu))], [0, 1]);
      t.true(got.damaged.some(([, what]) => what.includes('the list of processors is lost')));
    }
  }
});

test('a file cut off in its last chunk keeps the chunks before it', async (t) => {
  const whole = datFile({ ...twoCpus({}), chunk: 1 });
  const got = await collect(whole.subarray(0, optionsAt(whole, { chunk: 1 }) - 4));
  t.deepEqual(texts(got), [EXPECTED[0], EXPECTED[2], EXPECTED[3]] as string[]);
  t.true(got.damaged.some(([, what]) => /a chunk needs \d+ bytes/.test(what)));
});

test('the wrong byte order, odd heads and unknown compressions are refused by name', async (t) => {
  const refused = async (file: Uint8Array, message: RegExp) => {
    await t.throwsAsync(() => collect(file), { instanceOf: TraceParseError, message });
  };
  const file = datFile(twoCpus({ version: 6 }));
  const changed = (at: number, ...bytes: number[]) => {
    const copy = file.slice();
    copy.set(bytes, at);
    return copy;
  };
  await refused(changed(12, 1), /byte 14: a page of 1048576 bytes, expected|byte \d+: /);
  await refused(changed(12, 2), /byte 12: byte order 2/);
  await refused(changed(13, 5), /byte 13: a long of 5 bytes/);
  await refused(changed(10, 0x38), /version '8' of trace.dat is not known/);
  await refused(changed(0, 0x18), /byte 0: not a trace.dat/);
  await refused(changed(14, 0, 0, 0, 0), /byte 14: a page of 0 bytes/);
  await refused(datFile({ ...twoCpus({}), codec: 'lzma' }), /compression 'lzma' is not known/);
  await refused(datFile({ ...twoCpus({}), codec: 'constructor' }), /is not known/);
});

test('data of processors that overlaps, or lies outside, is read once or not at all', async (t) => {
  const same = datFile({
    ...twoCpus({}),
    place: (cpu, offset, size) => [cpu === 0 ? offset : offset - 4096, size],
  });
  const got = await collect(same);
  t.true(got.events.every(({ cpu }) => cpu === 0));
  t.true(got.damaged.some(([, what]) => what.includes('overlaps')));
  const far = datFile({ ...twoCpus({}), place: (cpu, at, size) => [cpu * 2 ** 40 + at, size] });
  const near = await collect(far);
  t.is(near.events.length, 3);
  t.is(near.damaged.length, 1);
  const huge = datFile({ ...twoCpus({}), place: (_, offset, size) => [offset, size + 2 ** 50] });
  t.true((await collect(huge)).events.length >= 3);
});

test('what would unpack to more than its bounds is left packed', async (t) => {
  const zeros = new Uint8Array(4096);
  const bomb = Array.from({ length: 12000 }, () => zeros);
  const file = datFile({ ...twoCpus({}), chunk: 12000, cpus: [bomb] });
  const got = await collect(file);
  t.is(got.events.length, 0);
  t.regex(got.damaged[0]?.[1] ?? '', /a chunk of 49152000 bytes/);
});

test('options that lead back to themselves end', async (t) => {
  const file = datFile(twoCpus({}));
  const view = new DataView(file.buffer);
  const first = optionsAt(file, {});
  // The last option of the file is DONE; its data is where more options are.
  view.setBigUint64(file.length - 8, BigInt(first), true);
  const got = await collect(file);
  t.deepEqual(texts(got), EXPECTED);
  t.regex(got.damaged[0]?.[1] ?? '', /lead back to themselves/);
});

const RUNS = Number(process.env.NETFSLAB_CASES ?? 500);
const FUZZED = [{ version: 6 }, {}, { chunk: 1 }, { little: false }] as const;

test('a file with any bytes changed never crashes the reader', async (t) => {
  const files = FUZZED.map((each) => datFile({ ...twoCpus(each), ...each }));
  const change = fc.tuple(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.integer({ min: 0, max: 255 }),
  );
  const cut = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 4 });
  const which = fc.integer({ min: 0, max: files.length - 1 });
  await fc.assert(
    fc.asyncProperty(
      which,
      fc.array(change, { minLength: 1, maxLength: 6 }),
      cut,
      async (i, changes, end) => {
        const whole = files[i] as Uint8Array;
        const length = end === null ? whole.length : Math.ceil(end * whole.length);
        const file = whole.slice(0, Math.max(1, length));
        // Most of a file is the zeros of its pages: half of the changes go to the first part.
        for (const [n, [at, byte]] of changes.entries()) {
          file[Math.floor(at * (n % 2 === 0 ? Math.min(2600, file.length) : file.length))] = byte;
        }
        try {
          const before = process.cpuUsage();
          const { damaged } = await collect(file);
          t.true(spentMs(before) < 2000);
          for (const [where] of damaged) t.true(Number.isSafeInteger(where) && where >= 0);
        } catch (error) {
          if (!(error instanceof TraceDatError)) throw error;
        }
      },
    ),
    { numRuns: RUNS, seed: 4 },
  );
  t.true(process.memoryUsage().rss < 500 * 2 ** 20);
});
