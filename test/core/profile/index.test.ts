/**
 * The profiles: each is complete and can be run; names that are not there are refused with those
 * that are.
 */
import test from 'ava';
import { UsageError } from '../../../src/core/base/errors.js';
import { PROFILES, profileByName } from '../../../src/core/profile/index.js';
import { content, makeLab } from '../../helpers/lab.js';
import { sameBytes } from '../../helpers/netfs.js';

for (const profile of PROFILES) {
  const { name } = profile;

  test(`the profile ${name} is found by its name and says where it comes from`, (t) => {
    t.is(profileByName(name), profile);
    t.is(PROFILES.filter((other) => other.name === name).length, 1);
    t.regex(name, /^linux-\d+\.\d+-\w+$/);
    t.true(profile.evidence.length > 20);
    t.true(profile.readAheadKb > 0);
  });

  test(`a lab of the profile ${name} reads files and comes to rest`, async (t) => {
    const { open, read, trace, lab } = makeLab(t, { f: 300_000 }, { profile: name });
    const file = open('f');
    sameBytes(t, await read(file, 0, 400_000), content('f', 300_000));
    t.true((await trace()).length > 10);
    file.close();
    t.is((await lab.close()).error, null);
  });
}

test('the default profile is the system of the patchset', (t) => {
  t.like(PROFILES[0], { name: 'linux-5.13-afs', era: 'E1', readAheadKb: 128 });
  t.like(PROFILES[0].mm, { batchLimitInclusive: true, eofCheckedFirst: false });
});

test('an unknown profile is refused with the names that are known', (t) => {
  const error = t.throws(() => profileByName('linux-2.4'), { instanceOf: UsageError });
  t.is(error.message, "--profile: unknown profile 'linux-2.4'");
  for (const { name } of PROFILES) t.true(error.hint?.includes(name));
});
