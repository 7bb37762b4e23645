/** In which eras rules hold. Called by the rules. */
import { type Era, inEra } from '../../../trace/eras.js';
import { collectorEra, lawsOf } from '../laws.js';

/** Why a rule that follows the order of steps does not hold in some kernels. */
export const NO_LAW =
  'the order of steps is not known: writes of v6.8 and v6.9, and kernels under development';

/** True for all. */
export const everyEra = (): boolean => true;

/** True where the order of events is known; see laws.ts. */
export const lawfulEra = (era: Era): boolean => lawsOf(era) !== null;

/** True where a request is unlocked as a whole, with an UNLOCK event (to v6.11). */
export const classicEra = (era: Era): boolean => lawsOf(era)?.slicing === 'in turn';

/** True where somebody collects the results of requests, folio by folio (v6.12 and later). */
export const collectedEra = (era: Era): boolean => progressiveEra(era) || collectorEra(era);

/** Why rules about single folios do not hold before v6.12. */
export const NO_FOLIOS = 'folios of reads are not told one by one before v6.12';

/** True where slices give each other what does not fill a folio (v6.12). */
export const progressiveEra = (era: Era): boolean => lawsOf(era)?.slicing === 'rest first';

/** True where a request stores what it has read, before it is done (to v6.9). */
export const storingEra = (era: Era): boolean => lawsOf(era)?.stores === true;

/** True where cachefiles may print the slice that it decides for (to v6.7). */
export const sliceVerdictEra = (era: Era): boolean => inEra({ E0: true, E4: null }, era) === true;
