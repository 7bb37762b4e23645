/** In which eras rules hold. Called by the rules. */
import type { Era } from '../../../trace/eras.js';
import { lawsOf } from '../laws.js';

/** True for all. */
export const everyEra = (): boolean => true;

/** True where the order of events is known; see laws.ts. */
export const lawfulEra = (era: Era): boolean => lawsOf(era) !== null;

/** True where a request is unlocked as a whole, with an UNLOCK event (to v6.7). */
export const classicEra = (era: Era): boolean => lawsOf(era)?.slicing === 'in turn';

/** True where slices give each other what does not fill a folio (v6.12). */
export const progressiveEra = (era: Era): boolean => lawsOf(era)?.slicing === 'rest first';
