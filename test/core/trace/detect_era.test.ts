/** Which eras a trace can be of. */
import test from 'ava';
import { detectEra } from '../../../src/core/trace/detect_era.js';
import { ERAS } from '../../../src/core/trace/eras.js';
import { syntheticLines } from '../../helpers/formats.js';
import { excerpt } from '../../helpers/trace.js';

test('the lines of every era are found to be of that era', (t) => {
  for (const era of ERAS) {
    const found = detectEra(syntheticLines(era));
    t.is(found.misfits, 0, era);
    t.true(found.eras.includes(era), `${era}: ${found.eras}`);
  }
  t.deepEqual(detectEra(syntheticLines('E1')).eras, ['E1']);
  t.deepEqual(detectEra(syntheticLines('E6')).eras, ['E6']);
});

test('an excerpt of a Linux 6.1 trace is of v5.18 to v6.7, and it is told why', (t) => {
  const lines = excerpt('write-midpage').events;
  const found = detectEra(lines.map(({ event, text }) => [event, text]));
  t.deepEqual(found.eras, ['E3']);
  t.true(found.reasons.length > 0 && found.reasons.length < 5);
  for (const reason of found.reasons) t.regex(reason, /^only E[0-9]+(-E[0-9]+)? print \w+: R=/);
});

test('a word of a later era in a stable kernel does not change the era', (t) => {
  const found = detectEra([
    ['netfs_write', 'R=00000001 WRITEBACK c=00000000 by=0-fff'],
    ['netfs_folio', 'i=00002 ix=00000-00000 inval-all'],
  ]);
  t.deepEqual(found.eras, ['E4']);
});

test('events of other systems, and none, leave every era possible', (t) => {
  t.deepEqual(detectEra([]), { eras: ERAS, reasons: [], events: 0, misfits: 0 });
  t.deepEqual(detectEra([['9p_fid_ref', 'create  fid 1, refcount 1']]).eras, ERAS);
});
