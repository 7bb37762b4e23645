/** The statistics text. */
import test from 'ava';
import { ERAS, type Era } from '../../../src/core/trace/eras.js';
import { fscacheMissing } from '../../../src/core/trace/fscache_stats.js';
import {
  explainStat,
  parseStats,
  printStats,
  STAT_VARIABLES,
  type StatValues,
  statEntries,
  statKeys,
} from '../../../src/core/trace/stats_layout.js';

const VALUES = Object.fromEntries(
  Object.keys(STAT_VARIABLES).map((name, i) => [name, i + 1]),
) as StatValues;

test('the text of v5.13 is five lines', (t) => {
  t.is(
    printStats(statEntries('E1', VALUES)),
    [
      'RdHelp : RA=1 RP=2 WB=3 WBZ=4 rr=5 sr=6',
      'RdHelp : ZR=7 sh=8 sk=4',
      'RdHelp : DL=9 ds=10 df=11 di=12',
      'RdHelp : RD=13 rs=14 rf=15',
      'RdHelp : WR=16 ws=17 wf=18',
      '',
    ].join('\n'),
  );
});

test('the first posted form has no WBZ on its first line', (t) => {
  const [first] = printStats(statEntries('E0', VALUES)).split('\n');
  t.is(first, 'RdHelp : RA=1 RP=2 WB=3 rr=5 sr=6');
});

for (const era of ERAS) {
  test(`the text of ${era} is read back as it was printed`, (t) => {
    const entries = statEntries(era, VALUES);
    t.deepEqual(parseStats(printStats(entries)), entries);
  });
}

test('of FS-Cache only what is kept is printed, before the helper up to v6.7, and the rest named', (t) => {
  const values = { 'Acquire.n': 3, 'Acquire.ok': 3, 'IO.rd': 7, 'Lookups.n': 3 };
  const text = (era: Era) => printStats(statEntries(era, VALUES, values)).split('\n');
  t.deepEqual(text('E1').slice(0, 3), [
    'Acquire: n=3 ok=3',
    'Lookups: n=3',
    'RdHelp : RA=1 RP=2 WB=3 WBZ=4 rr=5 sr=6',
  ]);
  t.deepEqual(text('E3').slice(0, 2), ['Acquire: n=3 ok=3', 'IO     : rd=7']);
  t.deepEqual(text('E4').slice(-3), ['Acquire: n=3 ok=3', 'IO     : rd=7', '']);
  const missing = fscacheMissing('E3', statEntries('E3', VALUES, values));
  t.deepEqual(missing.slice(0, 3), ['Cookies', 'Acquire oom', 'LRU']);
  t.true(missing.includes('IO wr'));
  t.true(fscacheMissing('E6', statEntries('E6', VALUES, values)).includes('IO wr mis'));
});

test('lines that are no statistics are left out when text is read', (t) => {
  t.deepEqual(parseStats('FS-Cache statistics\nIO     : rd=12 wr=0\n'), [
    { line: 1, label: 'IO', key: 'rd', value: 12 },
    { line: 1, label: 'IO', key: 'wr', value: 0 },
  ]);
});

test('every key is explained, and sk and WBZ are one counter', (t) => {
  for (const { key, doc, events } of statKeys('E1')) t.true(doc !== '' && events !== '', key);
  t.is(explainStat('E1', 'sk')?.variable, explainStat('E1', 'WBZ')?.variable);
  t.is(explainStat('E1', 'rr')?.kind, 'gauge');
  t.is(explainStat('E0', 'WBZ'), undefined);
});

test('a key that stands on two lines is told apart by their labels', (t) => {
  t.is(explainStat('E8', 'rs', 'CaRdOps')?.variable, 'netfs_n_rh_read_done');
  t.is(explainStat('E8', 'rs', 'Retries')?.variable, 'netfs_n_rh_retry_read_subreq');
  t.is(explainStat('E8', 'rs', 'Objs'), undefined);
});

test('the lines of FS-Cache are explained too, old and new', (t) => {
  t.is(explainStat('E1', 'luo', 'CacheOp')?.kind, 'gauge');
  t.is(explainStat('E3', 'luo'), undefined);
  t.is(explainStat('E3', 'n', 'Cookies')?.kind, 'gauge');
  t.is(explainStat('E6', 'mis', 'IO')?.kind, 'counter');
});
