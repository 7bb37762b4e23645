/** The registry of analyses: one file and one row each. */
import { concurrency } from './concurrency.js';
import { cookieStates, cookies } from './cookies.js';
import { dup } from './dup.js';
import { heat } from './heat.js';
import { hits } from './hits.js';
import { latency } from './latency.js';
import { listing } from './listing.js';
import { map } from './map.js';
import { operations } from './operations.js';
import { pageCache } from './page_cache.js';
import { queueing } from './queueing.js';
import { readahead } from './readahead.js';
import { refs } from './refs.js';
import { requests } from './requests.js';
import { sources } from './sources.js';
import { timeline } from './timeline.js';
import type { Analysis } from './types.js';
import { why } from './why.js';
import { writes } from './writes.js';

/** Every analysis by name. */
export const ANALYSES = {
  cookieStates,
  requests,
  latency,
  sources,
  timeline,
  listing,
  map,
  concurrency,
  cookies,
  dup,
  heat,
  hits,
  operations,
  pageCache,
  queueing,
  readahead,
  refs,
  why,
  writes,
} as const satisfies Record<string, Analysis>;

/** The name of an analysis. */
export type AnalysisName = keyof typeof ANALYSES;
