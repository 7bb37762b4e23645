/** The quick way gives what the general one gives, or leaves it to that. */
import test from 'ava';
import fc from 'fast-check';
import { ImportSink } from '../../../src/core/importer/import_sink.js';
import { recognise } from '../../../src/core/importer/index.js';
import { RowParser } from '../../../src/core/importer/row_parser.js';
import { ByteTrie } from '../../../src/core/importer/text/byte_trie.js';
import type { Input } from '../../../src/core/importer/types.js';
import { ERAS } from '../../../src/core/trace/eras.js';
import { TRACEPOINTS } from '../../../src/core/trace/index.js';
import { decodeValue } from '../../../src/core/trace/record.js';
import { MemorySink } from '../../../src/core/trace/sink.js';
import {
  type AnyTracepoint,
  HEADER_WORDS,
  MAX_COLUMNS,
} from '../../../src/core/trace/tracepoint.js';
import { sampleText, withoutQuickWays } from '../../helpers/import.js';
import { rowOf } from '../../helpers/rows.js';

for (const era of ERAS) {
  test(`every event of ${era} that is read from bytes is read as from text`, (t) => {
    const parser = new RowParser(era);
    const words = new Float64Array(HEADER_WORDS + MAX_COLUMNS);
    const taken = new Set<string>();
    for (const event of TRACEPOINTS as readonly AnyTracepoint[]) {
      const format = event.format(era);
      if (format === null) continue;
      for (const row of fc.sample(rowOf(event, format, era), { numRuns: 30, seed: 3 })) {
        const text = event.print(row, era);
        const bytes = Buffer.from(`before ${event.name}: ${text}\nafter`, 'latin1');
        const found = parser.parse(bytes, 'before '.length, words);
        if (found === null) continue;
        taken.add(event.name);
        t.is(found, event);
        t.is(bytes.toString('latin1', parser.end), 'after');
        const read = event.columns.map((column, i) =>
          decodeValue(column, words[HEADER_WORDS + i] as number, era, []),
        );
        t.deepEqual(read, event.parse(text, era), text);
      }
    }
    for (const name of ['netfs_rreq', 'netfs_sreq']) t.true(taken.has(name), name);
  });
}

test('text that is cut, or goes on, is left to the general parser', (t) => {
  const parser = new RowParser('E3');
  const words = new Float64Array(HEADER_WORDS + MAX_COLUMNS);
  const line = 'netfs_rreq: R=00000001 RA ASSESS  f=22\n';
  t.not(parser.parse(Buffer.from(line), 0, words), null);
  for (let length = 0; length < line.length; length++) {
    const cut = line.slice(0, length);
    t.is(parser.parse(Buffer.from(cut), 0, words), null, cut);
    if (!cut.includes('f=2')) t.is(parser.parse(Buffer.from(`${cut}\n`), 0, words), null, cut);
  }
  t.is(parser.parse(Buffer.from('netfs_rreq: R=00000001 RA ASSESS  f=22 \n'), 0, words), null);
  t.is(parser.parse(Buffer.from('netfs_rreq: R=00000001 RA NEWWORD f=22\n'), 0, words), null);
});

test('of several words at a place the longest is found, of two the same the first', (t) => {
  const trie = new ByteTrie();
  const words = ['a', 'ab ', 'ab c', 'ab '];
  for (const [i, word] of words.entries()) trie.add(Buffer.from(word), i);
  const match = (text: string) => [trie.match(Buffer.from(text), 0), trie.end];
  t.deepEqual(match('ab cd'), [2, 4]);
  t.deepEqual(match('ab d'), [1, 3]);
  t.deepEqual(match('ax'), [0, 1]);
  t.is(trie.match(Buffer.from('b'), 0), -1);
  t.is(trie.match(Buffer.from('\xe9', 'latin1'), 0), -1);
});

/** Reads a text in pieces of a length, with the quick way or without. */
async function read(text: Buffer, piece: number, quick: boolean) {
  const input: Input = {
    name: 'text',
    head: text,
    size: text.length,
    async *chunks() {
      for (let at = 0; at < text.length; at += piece) yield text.subarray(at, at + piece);
    },
    file: () => Promise.reject(new Error('not a file')),
  };
  const { importer } = recognise(input);
  const memory = new MemorySink('E3');
  const sink = new ImportSink(memory);
  sink.from({ name: 'text', unit: 'line', latin1: true, numbers: false });
  const out = quick ? sink : withoutQuickWays(sink);
  await importer.read(input, out, { mail: null });
  return { rows: memory.rows, markers: memory.markers, lines: memory.lines(), counts: sink.counts };
}

test('a trace is read the same whatever its pieces, with the quick way and without', async (t) => {
  const real = sampleText('linux-6.1-afs-odd-all-cold/trace.txt.gz');
  // Several processors, a wider front, a damaged line, a last line without an end.
  const odd = real
    .split('\n')
    .slice(0, 300)
    .map((line, i) => (i % 7 === 3 ? line.replace('[000]', '[001]') : line))
    .map((line, i) => (i % 11 === 5 ? line.replace('.....', 'd..2.') : line))
    .map((line, i) => (i % 50 === 40 ? line.slice(0, 70) : line))
    .join('\n');
  for (const text of [real, odd]) {
    const bytes = Buffer.from(text, 'latin1');
    const slow = await read(bytes, 1 << 16, false);
    t.true(slow.rows.length > 100);
    for (const piece of [1 << 16, 1000, 97]) {
      t.deepEqual(await read(bytes, piece, true), slow, `${piece}`);
    }
  }
});
