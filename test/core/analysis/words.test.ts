/** Every word that any kernel prints has a sentence of its own; `explain` gives it. */
import test from 'ava';
import { CACHE_WORDS } from '../../../src/core/analysis/words/cache.js';
import { CLIENT_WORDS } from '../../../src/core/analysis/words/clients.js';
import { FLAG_WORDS } from '../../../src/core/analysis/words/flags.js';
import { collectNotes, flagMeaning } from '../../../src/core/analysis/words/index.js';
import { NETFS_WORDS } from '../../../src/core/analysis/words/netfs.js';
import { explainText } from '../../../src/core/app/explain/explain.js';
import { ERAS } from '../../../src/core/trace/eras.js';
import { flagNames } from '../../../src/core/trace/flag_bits.js';
import { fscacheKeys } from '../../../src/core/trace/fscache_stats.js';
import { TRACEPOINTS } from '../../../src/core/trace/index.js';
import { statKeys } from '../../../src/core/trace/stats_layout.js';
import type { Symbols } from '../../../src/core/trace/symbols.js';
import type { AnyTracepoint } from '../../../src/core/trace/tracepoint.js';

const EVENTS: readonly AnyTracepoint[] = TRACEPOINTS;

/** What says nothing: the name of the field, a dash, a word or two. */
function isEmpty(means: string | undefined, doc: string): boolean {
  return (
    means === undefined || means === doc || means.split(' ').length < 2 || /^not known/.test(means)
  );
}

test('explain has a sentence for each label of each event in each era', (t) => {
  const missing = new Set<string>();
  for (const era of ERAS) {
    for (const event of EVENTS.filter((each) => each.format(era) !== null)) {
      for (const { name, symbols, doc } of event.columns) {
        for (const { text } of symbols?.labels(era) ?? []) {
          const found = explainText(text, era).find(
            (each) => each.name === `${event.name} ${name}`,
          );
          if (isEmpty(found?.means, doc)) missing.add(`${event.name} ${name} '${text}'`);
        }
      }
    }
  }
  t.deepEqual([...missing], []);
});

test('explain takes a part of a label, and says where it stands', (t) => {
  t.regex(explainText('overq')[0]?.means ?? '', /was queued already/);
  t.is(explainText('lrudo')[0]?.name, 'fscache_cookie where');
  t.is(explainText('RA-PUT')[0]?.kernels, 'v7.2.12 - development');
});

test('sentences are written for labels and flags that exist', (t) => {
  const tables = new Map<string, Symbols>();
  for (const { columns } of EVENTS) {
    for (const { symbols } of columns) if (symbols !== null) tables.set(symbols.name, symbols);
  }
  const written = { ...NETFS_WORDS, ...CACHE_WORDS, ...CLIENT_WORDS };
  for (const [table, words] of Object.entries(written)) {
    for (const id of Object.keys(words))
      t.true(tables.get(table)?.ids.includes(id), `${table} ${id}`);
  }
  for (const set of ['rreq', 'sreq'] as const) {
    const names = new Set(ERAS.flatMap((era) => flagNames(era, set, 0xffff_ffff)));
    for (const name of Object.keys(FLAG_WORDS[set])) t.true(names.has(name), name);
  }
});

test('each flag bit of each era has a sentence, and its mask by kernel', (t) => {
  for (const era of ERAS) {
    for (const set of ['rreq', 'sreq'] as const) {
      for (const name of flagNames(era, set, 0xffff_ffff).filter((each) => !/^bit\d/.test(each))) {
        t.truthy(flagMeaning(set, name), `${set} ${name}`);
        t.true(
          explainText(name, era).some(({ kind }) => kind === 'flag'),
          name,
        );
      }
    }
  }
  const failed = explainText('FAILED').filter(({ means }) => means.includes('flag of a request'));
  t.deepEqual(
    failed.map(({ means, kernels }) => [/f=(\w+)/.exec(means)?.[1], kernels]),
    [
      ['8', 'v6.16 - development'],
      ['10', 'posted patchset, March 2021 - v6.15'],
    ],
  );
});

test('each counter of each layout has a sentence, and explain names the lines that have it', (t) => {
  for (const era of ERAS) {
    for (const { key, label, doc } of [...statKeys(era), ...fscacheKeys(era)]) {
      t.true(doc.split(' ').length > 1, `${label} ${key}: ${doc}`);
      const found = explainText(key, era).some(({ name }) => name === `${key} (${label})`);
      t.true(found, `${era} ${label} ${key}`);
    }
  }
});

test('each event and each column has a sentence, and a key that is printed finds its column', (t) => {
  for (const { name, doc, columns } of EVENTS) {
    t.regex(doc, /^[A-Z].* .*\.$/, name);
    for (const column of columns) t.true(column.doc.length > 3, `${name} ${column.name}`);
  }
  t.is(explainText('prg')[0]?.name, 'netfs_read_progress_at progress_at');
  t.is(explainText('ito=')[0]?.name, 'netfs_collect_stream issued_to');
});

test('the notes of the collector have names, those of v6.10 others than later ones', (t) => {
  t.regex(collectNotes(0xc, 'E12'), /^MADE_PROGRESS \(.*; BUFFERED \(/);
  t.regex(collectNotes(0xc, 'E5'), /^ALL_EMPTY \(.*; MAYBE_DISCONTIG \(/);
  t.regex(collectNotes(0x1000, 'E12'), /0x1000 \(no name is known\)/);
  const line = 'netfs_collect_state: R=00000152 col=6898 cln=7000 n=c';
  t.true(explainText(line).some(({ means }) => means.startsWith('MADE_PROGRESS')));
});
