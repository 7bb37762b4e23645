/** The registry of analyses: one file and one row each. */
import { latency } from './latency.js';
import { listing } from './listing.js';
import { requests } from './requests.js';
import { sources } from './sources.js';
import { timeline } from './timeline.js';
import type { Analysis } from './types.js';

/** Every analysis by name. */
export const ANALYSES = {
  requests,
  latency,
  sources,
  timeline,
  listing,
} as const satisfies Record<string, Analysis>;

/** The name of an analysis. */
export type AnalysisName = keyof typeof ANALYSES;
