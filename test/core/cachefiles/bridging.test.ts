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

  test(`a hole punched in what was stored costs a download: --presence ${presence}`, (t) =>
    givenUp(t, cacheRig(t, BRIDGED), presence, 'punch'));

  test(`a range made zeros in what was stored costs a download: --presence ${presence}`, (t) =>
    givenUp(t, cacheRig(t, BRIDGED), presence, 'zero'));

  test(`a file of zeros is cached as any other: --presence ${presence}`, (t) =>
    allZeros(t, cacheRig(t, BRIDGED), presence));
}
