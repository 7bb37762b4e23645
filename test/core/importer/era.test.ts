/** Which era a trace is taken for, and when that is in doubt. */
import test from 'ava';
import { chooseEra } from '../../../src/core/importer/era.js';
import type { Sample } from '../../../src/core/importer/types.js';

/** The same in every kernel since v5.18. */
const ALIKE: Sample = ['netfs_rreq', 'R=00000001 RA ASSESS f=22'];
const OF_6_12: Sample[] = [
  ['netfs_read', 'R=00000001 READAHEAD c=00000002 ni=448071 s=0 l=2000 sz=100000'],
  ['netfs_sreq', 'R=00000001[1] ---- ADD   f=00 s=0 0/0 s=0 e=0'],
];

test('an era that other eras print alike is in doubt until the kernel is told', (t) => {
  const found = chooseEra([ALIKE]);
  t.regex(found.evidence, /would do as well$/);
  t.regex(
    found.doubt ?? '',
    /^kernels v5\.18 - v7\.2, development print all these events as v7\.3/,
  );
  t.regex(found.doubt ?? '', /: --kernel tells which it was$/);
  t.is(chooseEra([ALIKE], { kernel: '6.1' }).doubt, null);
  t.is(chooseEra([ALIKE], { named: '6.1.0-13-amd64' }).doubt, null);
});

test('an era that was asked for is in doubt where the events are those of another', (t) => {
  for (const hints of [{ era: 'E1' }, { kernel: '6.1' }]) {
    t.regex(chooseEra(OF_6_12, hints).doubt ?? '', /^\d of 2 events are what E\d prints; try E\d/);
  }
  const { era, doubt } = chooseEra(OF_6_12);
  t.is(chooseEra(OF_6_12, { era }).doubt, null);
  t.not(doubt, undefined);
});

test('where no event is what any kernel prints, it is said; without one there is no doubt', (t) => {
  const { era, doubt } = chooseEra([['netfs_rreq', 'R=1 what nobody prints']]);
  t.is(era, 'E3');
  t.is(doubt, 'no event is what any kernel prints: --kernel decides');
  for (const samples of [[], [['sched_switch', 'prev_comm=a']]] as Sample[][]) {
    t.is(chooseEra(samples).doubt, null);
  }
});
