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

test('words and events that no known kernel prints claim no release', (t) => {
  const of73: Sample[] = [
    ['netfs_read', 'R=00000001 READAHEAD c=00000002 ni=448071 s=0 l=2000 sz=100000'],
    ['netfs_rreq', 'R=00000001 RA RA-PUT  f=20103'],
    ['netfs_read_progress_at', 'R=00000001 cln=0 prg=2000'],
  ];
  t.is(chooseEra(of73).kernels, 'v7.3');
  for (const strange of [
    ['netfs_rreq', 'R=00000001 RA FLY-OFF f=20103'],
    ['netfs_gizmo', 'R=00000001 x=3'],
  ] as Sample[]) {
    const { era, kernels, doubt } = chooseEra([...of73, strange]);
    t.is(era, 'E12');
    t.is(kernels, 'newer than v7.3; closest: v7.3');
    t.regex(doubt ?? '', /^no kernel known here prints .*(FLY-OFF|netfs_gizmo).*--formats/);
  }
  t.regex(chooseEra(of73, { named: '7.5.1' }).kernels, /^newer than v7\.3/);
  t.is(chooseEra([['mm_filemap_fault', 'dev 1:2 ino 3 ofs=0']]).kernels, 'not known');
});
