/** What `explain` says of words, flag words, lines and kernel messages. */
import test from 'ava';
import { MEANINGS } from '../../../src/core/analysis/meanings.js';
import { dmesgRows } from '../../../src/core/app/explain/dmesg.js';
import { explainText } from '../../../src/core/app/explain/explain.js';
import { UsageError } from '../../../src/core/base/errors.js';
import { readLog } from '../../../src/core/importer/dmesg/read_log.js';
import { TRACEPOINTS } from '../../../src/core/trace/index.js';

const told = (text: string, era?: 'E3' | 'E8') =>
  explainText(text, era).map(({ kind, name, means }) => `${kind} ${name}: ${means}`);

test('a word is explained where it is printed, with the function that says it', (t) => {
  t.deepEqual(told('RDOWN', 'E3'), [
    'label netfs_sreq what: the cache failed it: it goes to the server (netfs_rreq_perform_resubmissions)',
  ]);
  t.regex(told('no-data').join(), /the object is new or was not looked up/);
  t.throws(() => told('nonsense'), { instanceOf: UsageError });
});

test('flags are decoded by kernel: the same digits mean other things', (t) => {
  t.true(told('f=21', 'E3').includes('flags flags of a request: INCOMPLETE_IO IN_PROGRESS'));
  t.true(told('f=21', 'E8').includes('flags flags of a request: IN_PROGRESS SHORT_TRANSFER'));
  t.true(told('IN_PROGRESS', 'E8')[0]?.includes('f=1'));
});

test('an error, a counter and an event are explained', (t) => {
  t.deepEqual(told('-105'), ['error -105: ENOBUFS: no buffer space available']);
  t.regex(told('ds').join(), /^counter ds/);
  t.regex(told('netfs_donate').join(), /^event netfs_donate/);
});

test('a pasted line is taken apart column by column, damaged by mail or not', (t) => {
  const line = 'kops-1 [000] ..... 1.5: netfs_sreq: R=00000001[0] DOWN TERM  f=03 s=0 0/1000 e=-5';
  const found = told(line, 'E3');
  t.true(found.includes('field flags = 3: COPY_TO_CACHE CLEAR_TAIL'));
  t.true(found.includes('field error = -5: EIO: i/o error'));
  t.deepEqual(told(line.replaceAll('=', '=3D'), 'E3'), found);
});

test('kernel messages are told apart by whether they matter', (t) => {
  const log = [
    '[ 1.0] FS-Cache: Duplicate cookie detected',
    '[ 1.0] FS-Cache: O-cookie c=0000000a [p=00000002 fl=222 nc=0 na=1]',
    "[ 1.0] FS-Cache: O-key=[5] '6162630a31'",
    '[ 2.0] usb 1-1: new device',
    '[ 3.0] CacheFiles: I/O Error: Readpage failed on backing file 1f',
  ];
  const rows = dmesgRows(readLog(log));
  t.deepEqual(
    rows.map(({ kind }) => kind),
    ['look', 'detail', 'detail', 'harmful'],
  );
  t.regex(String(rows[2]?.means), /5 bytes: abc\.1$/);
});

test('meanings are written for events and words that exist', (t) => {
  for (const [event, words] of Object.entries(MEANINGS)) {
    const tracepoint = TRACEPOINTS.find(({ name }) => name === event);
    t.truthy(tracepoint, event);
    const ids = tracepoint?.columns.flatMap(({ symbols }) => symbols?.ids ?? []) ?? [];
    for (const id of Object.keys(words)) t.true(id === '' || ids.includes(id), `${event} ${id}`);
  }
});
