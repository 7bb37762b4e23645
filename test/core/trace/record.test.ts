/** Packing of strings and splitting of records. */
import test from 'ava';
import fc from 'fast-check';
import {
  packBytes,
  packedWords,
  RECORD,
  RecordDecoder,
  type RecordHandler,
  recordLength,
  recordNumber,
  recordWord,
  unpackBytes,
} from '../../../src/core/trace/record.js';
import { RecordWriter } from '../../../src/core/trace/record_writer.js';
import type { TraceSink } from '../../../src/core/trace/types.js';

test('bytes come out of words as they went in', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(3), (bytes, at) => {
      const words = new Float64Array(at + packedWords(bytes.length));
      packBytes(bytes, words, at);
      t.deepEqual(unpackBytes(words, at, bytes.length), bytes);
    }),
  );
});

test('the first word of a record gives its number and its length', (t) => {
  const word = recordWord(34, 70_000);
  t.is(recordNumber(word), 34);
  t.is(recordLength(word), 70_000);
});

/** A stream of records written through a sink that keeps the words. */
function recorded(write: (writer: RecordWriter) => void): Float64Array {
  const kept: number[] = [];
  const sink: TraceSink = {
    era: 'E1',
    append: (words, count) => kept.push(...words.subarray(0, count)),
    close: async () => ({ events: 0, lost: 0, finishMs: 0, error: null }),
  };
  write(new RecordWriter(sink));
  return Float64Array.from(kept);
}

function listener(): { handler: RecordHandler; heard: string[] } {
  const heard: string[] = [];
  const handler: RecordHandler = {
    event: (record) => heard.push(`event ${record}`),
    file: ({ ino, path }) => heard.push(`file ${ino} ${path}`),
    task: (task, pid, comm) => heard.push(`task ${task} ${pid} ${comm}`),
    op: (op, task) => heard.push(`op ${op.op} ${op.kind} ${op.file} by ${task}`),
    stats: (snapshot, ts, entries) => heard.push(`stats ${snapshot} ${ts} ${entries.length}`),
    marker: (text) => heard.push(`marker ${text}`),
    other: (system, name, text) => heard.push(`other ${system} ${name} ${text}`),
    lost: (events) => heard.push(`lost ${events}`),
    meta: (values) => heard.push(`meta ${JSON.stringify(values)}`),
    end: (lost) => heard.push(`end ${lost}`),
  };
  return { handler, heard };
}

const HEADER = { ts: 5, task: 1, cpu: 0, flags: '....', op: 0 };

function example(writer: RecordWriter): void {
  writer.task(7, 'cat');
  writer.task(7, 'cat');
  writer.marker(HEADER, 'x'.repeat(1000));
  writer.stats(HEADER, [{ line: 0, label: 'RdHelp', key: 'RA', value: 3 }]);
  writer.other(HEADER, 's', 'n', 't');
  writer.meta({ a: 1 });
}

const EXPECTED = [
  'task 1 7 cat',
  `marker ${'x'.repeat(1000)}`,
  'stats 1 5 1',
  'other s n t',
  'meta {"a":1}',
];

test('records are read back in order, each string defined once', (t) => {
  const words = recorded(example);
  const { handler, heard } = listener();
  const decoder = new RecordDecoder(handler);
  t.is(decoder.feed(words, 0, words.length), words.length);
  t.deepEqual(heard, EXPECTED);
  t.is(new Set(decoder.strings).size, decoder.strings.length);
});

test('a stream cut anywhere gives its whole records, and the rest once it is there', (t) => {
  const words = recorded(example);
  for (let cut = 0; cut <= words.length; cut++) {
    const { handler, heard } = listener();
    const decoder = new RecordDecoder(handler);
    const at = decoder.feed(words, 0, cut);
    t.true(at <= cut);
    t.deepEqual(heard, EXPECTED.slice(0, heard.length));
    decoder.feed(words, at, words.length);
    t.deepEqual(heard, EXPECTED);
  }
});

test('a word that cannot start a record ends the stream', (t) => {
  const { handler, heard } = listener();
  const words = Float64Array.from([Number.NaN, 0, 0, 0, 0, recordWord(RECORD.end, 6), 0, 0, 0, 0]);
  t.is(new RecordDecoder(handler).feed(words, 0, words.length), 0);
  t.deepEqual(heard, []);
});
