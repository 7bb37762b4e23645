/** Values that change with the era, and the names of flag bits, which do. */
import test from 'ava';
import { eraOfKernel, inEra, isEra, isNewerThanKnown } from '../../../src/core/trace/eras.js';
import { flagMask, flagNames } from '../../../src/core/trace/flag_bits.js';

test('a value holds from its era until the next that has one', (t) => {
  const table = { E1: 'a', E3: 'b', E4: null };
  t.deepEqual(
    (['E0', 'E1', 'E2', 'E3', 'E4', 'E10'] as const).map((era) => inEra(table, era)),
    [null, 'a', 'a', 'b', null, null],
  );
});

test('eras are known by name', (t) => {
  t.true(isEra('E10'));
  t.false(isEra('E99'));
});

test('a release names its era', (t) => {
  t.deepEqual(
    ['5.13.0', 'v5.18', '6.1.0-56-amd64', '6.12.107+deb13-amd64', '6.19.1', '7.0.13'].map(
      eraOfKernel,
    ),
    ['E1', 'E3', 'E3', 'E6', 'E8', 'E9'],
  );
  t.deepEqual(['7.1.0-rc2', '7.2.6', '7.2.12', '7.3.4+deb13-amd64', '7.9'].map(eraOfKernel), [
    'E10',
    'E10',
    'E11',
    'E12',
    'E12',
  ]);
  t.deepEqual(['7.3.99', '7.4-rc1', '8.0'].map(isNewerThanKnown), [false, true, true]);
  t.is(eraOfKernel('5.4.0'), null);
  t.is(eraOfKernel('a kernel'), null);
});

test('flag bits have the names of their era', (t) => {
  t.deepEqual(flagNames('E1', 'rreq', 0x22), ['WRITE_TO_CACHE', 'IN_PROGRESS']);
  t.deepEqual(flagNames('E3', 'rreq', 0x22), ['COPY_TO_CACHE', 'IN_PROGRESS']);
  t.deepEqual(flagNames('E1', 'sreq', 0x14), ['SHORT_READ', 'NO_PROGRESS']);
  t.deepEqual(flagNames('E3', 'sreq', 0x104), ['SHORT_IO', 'bit8']);
});

test('a flag is found by its name, or is nothing where the era lacks it', (t) => {
  t.is(flagMask('E1', 'rreq', 'FAILED'), 0x10);
  t.is(flagMask('E1', 'sreq', 'ONDEMAND'), 0);
});
