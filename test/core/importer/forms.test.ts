/** The forms of text: each is told by content and gives the rows it shows. */
import test from 'ava';
import { IMPORTERS } from '../../../src/core/importer/index.js';
import { importBytes, sampleText } from '../../helpers/import.js';

const RREQ = 'netfs_rreq: R=00000001 RA ASSESS  f=22';

const FORMS: readonly (readonly [what: string, format: string, line: string, row: object])[] = [
  [
    'tracefs text',
    'ftrace',
    `            kops-135     [000] d.h1.     7.791543: ${RREQ}`,
    { pid: 135, comm: 'kops', cpu: 0, common_flags: 'd.h1.' },
  ],
  [
    'a TGID column',
    'ftrace',
    `            kops-135     (    135) [003] .....     7.791543: ${RREQ}`,
    { pid: 135, comm: 'kops', cpu: 3 },
  ],
  [
    'an unknown TGID',
    'ftrace',
    `          <idle>-0       (-------) [001] d..2.     7.791543: ${RREQ}`,
    { pid: 0, comm: '<idle>', cpu: 1 },
  ],
  [
    'eight flag columns of an RT kernel',
    'ftrace',
    `           <...>-77      [012] d..h.1.b 12345.791543: ${RREQ}`,
    { pid: 77, comm: '<...>', cpu: 12, common_flags: 'd..h.1.b' },
  ],
  [
    'no flags',
    'ftrace',
    `            kops-135     [000]     7.791543: ${RREQ}`,
    { pid: 135, common_flags: '' },
  ],
  [
    'a name with slash, colon, dash, blank and brackets',
    'ftrace',
    `  a b/8:1-x [9]-437     [008] ...1.   107.149530: ${RREQ}`,
    { pid: 437, comm: 'a b/8:1-x [9]', cpu: 8 },
  ],
  [
    'a name in UTF-8',
    'ftrace',
    `            größe-9     [000] .....   107.149530: ${RREQ}`,
    { pid: 9, comm: 'größe' },
  ],
  [
    'a dump on a console',
    'oops',
    `[29690.046137] kworker/-19194     1..... 9424710955us : ${RREQ}`,
    { pid: 19194, comm: 'kworker/', cpu: 1, common_flags: '.....' },
  ],
  [
    'a dump with a mark for a long time',
    'oops',
    `<4>[ 12.5][   T12]     cat-9       0d..1. 100us+: ${RREQ}`,
    { pid: 9, comm: 'cat', common_flags: 'd..1.' },
  ],
  [
    "trace-cmd's report",
    'report',
    `            kops-135   [000]     7.791543: ${RREQ.replace(': ', ':            ')}`,
    { pid: 135, comm: 'kops', common_flags: '' },
  ],
  [
    'a report with nanoseconds and differences',
    'report',
    `   kops-135   [000]     7.791543123: (+12)  ${RREQ.replace(': ', ':            ')}`,
    { pid: 135, comm: 'kops' },
  ],
  [
    "perf's script",
    'perf',
    `            kops   135 [000]     7.791543:               netfs:${RREQ}`,
    { pid: 135, comm: 'kops', cpu: 0 },
  ],
  [
    "perf's script with pid/tid and a name with a blank",
    'perf',
    `     kworker 0:1   12/34 [001]     7.791543:     netfs:${RREQ}`,
    { pid: 34, comm: 'kworker 0:1', cpu: 1 },
  ],
  ['a line without anything in front', 'bare', RREQ, { pid: 0, comm: '' }],
  ['a line with the task only', 'bare', ` xfs_io-6059: ${RREQ}`, { pid: 6059, comm: 'xfs_io' }],
];

for (const [what, format, line, row] of FORMS) {
  test(`${what} is told by content and read`, async (t) => {
    const imported = await importBytes(`${line}\n`);
    t.is(imported.format, format);
    t.is(imported.sink.rows.length, 1);
    t.like(imported.sink.rows[0], { event: 'netfs_rreq', rreq: 1, what: 'ASSESS', ...row });
    t.is(imported.counts.damaged.count, 0);
  });
}

test('importers have different priorities and names that are their keys', (t) => {
  const all = Object.entries(IMPORTERS);
  t.is(new Set(all.map(([, { priority }]) => priority)).size, all.length);
  for (const [name, importer] of all) t.is(importer.name, name);
});

for (const form of ['report', 'report-R', 'report-l']) {
  test(`${form} of trace-cmd gives the rows of the kernel's own text`, async (t) => {
    const folder = 'linux-6.1-cachefull3-known-file-nospace';
    const own = await importBytes(sampleText(`${folder}/trace.txt.gz`));
    const other = await importBytes(sampleText(`${folder}/${form}.txt.gz`));
    t.is(other.era, own.era);
    t.is(other.format, 'report');
    // What trace-cmd does not print: flags; in the latency format, long names.
    const plain = ({ sink }: typeof own) =>
      sink.rows
        .filter(({ event }) => event.startsWith('netfs_'))
        .map(({ common_flags: _flags, comm: _comm, task: _task, ...row }) => row);
    t.true(plain(own).length > 100);
    t.deepEqual(plain(other), plain(own));
    t.deepEqual(other.sink.markers, own.sink.markers);
    // Arrays of raw fields are not read.
    t.regex(other.counts.unknown.first ?? 'none', /^none$|: 9p_protocol_dump: .*ARRAY/);
  });
}

test('raw fields tell the era by their names', async (t) => {
  const at = (text: string) => `  a-1     [001]     1.000001: ${text}\n`;
  const begin = 'netfs_read:           rreq=00000001 cookie=00000002';
  const end = 'start=0 len=126976 what=2 netfs_inode=4554793';
  t.is((await importBytes(at(`${begin} i_size=400000 ${end}`))).era, 'E12');
  t.is((await importBytes(at(`${begin} ${end}`))).era, 'E5');
});

test('numbers that do not fit a double survive', async (t) => {
  const line =
    '  a-1  [000] .....  1.000000: 9p_client_req: client 18380971225904341568 request P9_TREAD tag  0';
  const { sink, counts } = await importBytes(`${line}\n`);
  t.is(counts.kept.count, 1);
  t.regex(sink.lines()[0] ?? '', /client 18380971225904341568 request P9_TREAD tag {2}0$/);
});

test('markers tie the events of their task to operations', async (t) => {
  const at = (time: string, text: string, task = 'kops-135') =>
    `            ${task}     [000] .....     ${time}: ${text}\n`;
  const { sink } = await importBytes(
    [
      at('1.000000', 'tracing_mark_write: kcap op=0 open 0 rdonly a file'),
      at('1.000001', 'tracing_mark_write: kcap op=1 read 0 4096 100'),
      at('1.000002', RREQ),
      at('1.000003', RREQ, 'kworker-1'),
      at('1.000009', 'tracing_mark_write: kcap end'),
      at('1.000010', RREQ),
    ].join(''),
  );
  t.deepEqual(
    sink.rows.map(({ op }) => op),
    [2, 0, 0],
  );
  t.like(sink.ops[1], { op: 2, kind: 'read', file: 'a file', offset: 4096, len: 100 });
  t.like(sink.ops[1], { start: 1000, end: 9000 });
  t.is(sink.markers.length, 3);
});

test('a program that runs again has other operations, though it counts from the start', async (t) => {
  const at = (time: string, text: string) =>
    `            kops-135     [000] .....     ${time}: tracing_mark_write: kcap ${text}\n`;
  const run = [at('1.0', 'op=0 open 0 rdonly f'), at('1.1', 'op=1 sleep 1'), at('1.2', 'end')];
  const { sink } = await importBytes([...run, ...run].join(''));
  t.deepEqual(
    sink.ops.map(({ op }) => op),
    [1, 2, 3, 4],
  );
});

test('an event of several lines is one event, and lost events are counted', async (t) => {
  const { sink, counts } = await importBytes(
    [
      '# entries-in-buffer/entries-written: 2/10   #P:1',
      `  a-1  [000] .....  1.000000: some_event: first`,
      'second',
      '',
      'CPU:0 [LOST 5 EVENTS]',
      `  a-1  [000] .....  1.000001: ${RREQ}`,
    ].join('\n'),
  );
  t.is(counts.kept.count, 2);
  t.is(counts.lost, 13);
  t.is(counts.damaged.count, 0);
  t.is(sink.rows.length, 1);
});

test("what perf's script prints between tracepoints is kept or left out, and nothing is damaged", async (t) => {
  // As perf 6.1 prints them: a tracepoint with its call chain, a sample, a record, lost events.
  const { sink, counts, format } = await importBytes(
    [
      '# captured on    : Sun Nov 22 19:24:33 2026',
      '#',
      `sh  9939 [000] 13243.157604: netfs:${RREQ}`,
      '\tffffffff8139be59 __traceiter_sched_process_exec+0x39 ([kernel.kallsyms])',
      '\t           1ab70 _start+0x0 (/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2)',
      '\t    7ffc42493f68 [unknown] ([unknown])',
      '',
      'sh  9939 13243.159447:     250000               task-clock: ',
      '            true  8678 [001] 13174.706319: PERF_RECORD_COMM exec: true:8678/8678',
      '       perf-exec     0 [000]     0.000000: PERF_RECORD_COMM: perf-exec:8678/8678',
      '            true  8678 [001] 13174.706952:  syscalls:sys_enter_read: fd: 0x00000003',
      '            true  8678 [001] 13174.706953: PERF_RECORD_LOST lost 7',
      `            true  8678 [001] 13174.706954123:     netfs:${RREQ}`,
    ].join('\n'),
  );
  t.is(format, 'perf');
  t.deepEqual(counts.damaged, { count: 0, first: null });
  t.is(sink.rows.length, 2);
  t.deepEqual([counts.kept.count, counts.lost], [6, 7]);
});

test('an event of two lines is one on a console and where it was trimmed by hand', async (t) => {
  const event = '9p_protocol_dump: clnt 18381877540299954624 P9_TWALK(tag = 0)';
  const bytes = '11 00 00 00 6e 00 00 02 00 00 00 03 00 00 00 00 00';
  const place = '            kops-305      0..... 31893293us : ';
  const console = (line: string) => `[29690.046137] ${line}\n`;
  for (const text of [
    [`${place}${event}`, bytes, '', `${place}${RREQ}`].map(console).join(''),
    [event, bytes, '', RREQ].join('\n'),
  ]) {
    const { sink, counts } = await importBytes(text);
    t.deepEqual([counts.kept.count, counts.others.count, counts.unknown.count], [2, 0, 0]);
    t.like(sink.rows[0], { event: '9p_protocol_dump', line: bytes });
  }
});

test('a line of more than 64 KiB is damaged once, and the next line is read', async (t) => {
  const at = (text: string) => `  a-1  [000] .....  1.000000: ${text}\n`;
  const { sink, counts } = await importBytes(`${at(RREQ)}${'x'.repeat(200_000)}\n${at(RREQ)}`);
  t.is(sink.rows.length, 2);
  t.deepEqual(counts.damaged, { count: 1, first: 'text:2: a line of more than 65536 bytes' });
  const long = await importBytes(at(`other: ${'x'.repeat(200_000)}`));
  t.is(long.counts.kept.count, 1);
  t.regex(long.counts.damaged.first ?? '', /more than 65536 bytes, kept up to there$/);
});

test('requests of Ceph to its metadata servers are rows', async (t) => {
  const at = (us: number, text: string) => `  a-1  [000] .....  1.00000${us}: ${text}\n`;
  const { sink, counts } = await importBytes(
    [
      at(1, 'ceph_mdsc_submit_request: R=17 op=lookup ino=10000000001,fffffffffffffffe'),
      at(2, 'ceph_mdsc_suspend_request: R=17 op=lookup reason=no-active-mds'),
      at(3, 'ceph_mdsc_send_request: R=17 op=lookup mds=0'),
      at(4, 'ceph_mdsc_complete_request: R=17 op=lookup err=-2 latency_ns=1234567'),
    ].join(''),
  );
  t.is(counts.others.count + counts.words.count, 0);
  t.deepEqual(
    sink.rows.map(({ event, tid }) => [event, tid]),
    ['submit', 'suspend', 'send', 'complete'].map((each) => [`ceph_mdsc_${each}_request`, 17]),
  );
  t.like(sink.rows[0], { ino: 0x10000000001, snap: '0xfffffffffffffffe', operation: 'lookup' });
  t.like(sink.rows[3], { error: -2, latency_ns: 1234567 });
});

test('a mail is cleaned: quoted-printable, wrapped, quoted', async (t) => {
  const stuck = await importBytes(sampleText('stuck-copy-to-cache.txt'));
  t.is(stuck.sink.rows.length, 6);
  t.deepEqual(
    stuck.sink.rows.map(({ what }) => what),
    ['PREP', 'SUBMT', 'CA-PR', 'CA-WR', 'TERM', 'WAKE-Q'],
  );
  t.is(stuck.counts.words.count + stuck.counts.unknown.count, 0);
  const early = await importBytes(sampleText('early-unlock-at-eof.txt'));
  t.is(early.counts.unknown.count, 0);
  t.like(early.sink.rows.at(-1), { event: 'netfs_sreq', rreq: 0x1b55, source: 'ZERO', len: 0x4e });
  const quoted = await importBytes(`> ${RREQ}\n> netfs_rreq:\n> R=00000002 RA DONE    f=20\n`);
  t.deepEqual(
    quoted.sink.rows.map(({ rreq, flags }) => [rreq, flags]),
    [
      [1, 0x22],
      [2, 0x20],
    ],
  );
});
