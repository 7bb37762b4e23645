/** The map is not fooled by what a filesystem does by itself; asking the filesystem alone is. */
import test from 'ava';
import {
  allZeros,
  BRIDGED,
  givenUp,
  PRESENCES,
  preallocated,
  zerosBetween,
  zerosWithin,
} from '../../helpers/bridging.js';
import { cacheRig } from '../../helpers/cache.js';

test('zeros in the middle of a window are noticed', (t) => zerosWithin(t, cacheRig(t, BRIDGED)));

for (const presence of PRESENCES) {
  test(`zeros put between two extents: --presence ${presence}`, (t) =>
    zerosBetween(t, cacheRig(t, BRIDGED), presence));

  test(`blocks that are only reserved are a hole to everybody: --presence ${presence}`, (t) =>
    preallocated(t, cacheRig(t, BRIDGED), presence));

  for (const verify of [true, false]) {
    const how = `--presence ${presence}, checksums: ${verify}`;
    test(`a hole punched in what was stored costs a download: ${how}`, (t) =>
      givenUp(t, cacheRig(t, BRIDGED), presence, 'punch', verify));

    test(`a hole that begins and ends within blocks does too: ${how}`, (t) =>
      givenUp(t, cacheRig(t, BRIDGED), presence, 'punch', verify, 0x3123));

    test(`a range made zeros in what was stored costs a download: ${how}`, (t) =>
      givenUp(t, cacheRig(t, BRIDGED), presence, 'zero', verify));
  }

  test(`a file of zeros is cached as any other: --presence ${presence}`, (t) =>
    allZeros(t, cacheRig(t, BRIDGED), presence));
}
