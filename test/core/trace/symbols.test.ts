/** Label tables. */
import test from 'ava';
import {
  netfsFailures,
  netfsRreqTraces,
  netfsSreqTraces,
} from '../../../src/core/trace/events/netfs.js';
import { ownSymbols } from '../../../src/core/trace/symbols.js';

const WORDS = ownSymbols('words', [
  ['read', 'READ'],
  ['ahead', 'READAHEAD'],
  ['free', 'FREE '],
]);

test('an identifier has one number whatever the order of its era', (t) => {
  const { write, assess } = netfsRreqTraces.id;
  t.is(netfsRreqTraces.text('E1', write), 'WRITE');
  t.is(netfsRreqTraces.text('E3', write), 'COPY');
  t.is(netfsRreqTraces.text('E1', assess), netfsRreqTraces.text('E3', assess));
});

test('a label that is the beginning of another is told from it by what follows', (t) => {
  t.deepEqual(WORDS.scan('E0', 'READ f', 0, ' f'), { text: 'READ', end: 4 });
  t.deepEqual(WORDS.scan('E0', 'READAHEAD f', 0, ' f'), { text: 'READAHEAD', end: 9 });
});

test('the padding of a label belongs to it when it is read but is not stored', (t) => {
  t.deepEqual(WORDS.scan('E0', 'FREE  f', 0, ' f'), { text: 'FREE', end: 5 });
  t.is(WORDS.printed('E0', 'FREE'), 'FREE ');
});

test('a word that is not in the table is kept as it is printed', (t) => {
  t.deepEqual(WORDS.scan('E0', 'READABLE  f', 0, ' f'), { text: 'READABLE ', end: 9 });
  t.is(WORDS.printed('E0', 'READABLE '), 'READABLE ');
  t.is(WORDS.find('E0', 'READABLE '), undefined);
});

test('a label at the end of a line must end with it', (t) => {
  t.deepEqual(WORDS.scan('E0', 'READ', 0, ''), { text: 'READ', end: 4 });
  t.deepEqual(WORDS.scan('E0', 'READS', 0, ''), { text: 'READS', end: 5 });
  t.is(WORDS.scan('E0', '', 0, ''), null);
});

test('two identifiers may share a word, and reading it gives the first', (t) => {
  const { short_readpage, short_write_begin } = netfsFailures.id;
  t.is(netfsFailures.text('E3', short_write_begin), 'short-read');
  t.is(netfsFailures.find('E3', 'short-read'), short_readpage);
});

test('a number the era has no word for prints as its identifier', (t) => {
  t.is(netfsSreqTraces.text('E0', netfsSreqTraces.id.write_skip), 'write_skip');
});
