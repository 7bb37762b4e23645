/** The registry of rules: what `trace check` asks of a trace. One row each. */
import { CACHE_RULES } from './rules/cache.js';
import { FLAG_RULES } from './rules/flags.js';
import { FOLIO_RULES } from './rules/folios.js';
import { REF_RULES } from './rules/refs.js';
import { REQUEST_RULES } from './rules/requests.js';
import { SIGNATURE_RULES } from './rules/signatures.js';
import { SLICE_RULES } from './rules/slices.js';
import type { Rule } from './types.js';

/** Every rule by its id, in the order of their documentation. */
export const RULES = {
  ...REQUEST_RULES,
  ...SLICE_RULES,
  ...FLAG_RULES,
  ...REF_RULES,
  ...FOLIO_RULES,
  ...CACHE_RULES,
  ...SIGNATURE_RULES,
} as const satisfies Record<string, Rule>;

/** The id of a rule. */
export type RuleId = keyof typeof RULES;
