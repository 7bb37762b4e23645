/**
 * Flags that have no effect beside others are errors that name both. One table per group of flags;
 * a command hands over what was given on its command line.
 */
import { UsageError } from '../base/errors.js';

/** Values of parsed flags, by name. */
export type FlagValues = Readonly<Record<string, unknown>>;

/** One rule: which flags, when they are without effect, and beside what. */
export interface UselessRule {
  readonly flags: readonly string[];
  /** What takes the effect away, in words of the command line; undefined: they have one. */
  readonly beside: (values: FlagValues) => string | undefined;
  /** What to do instead. */
  readonly hint?: string;
}

/** Flags of the disk cache, which mean nothing without one. */
const CACHE_FLAGS = [
  ...['presence', 'granule', 'verify-cache', 'cache-direct', 'cache-xattr', 'cache-size'],
  ...['cull-limits', 'cache-writes'],
];

/** Rules of the flags that every command with an engine has. */
export const ENGINE_RULES: readonly UselessRule[] = [
  {
    flags: CACHE_FLAGS,
    beside: ({ cache }) => (cache === undefined ? 'no --cache' : undefined),
    hint: 'name a directory with --cache DIR',
  },
  {
    flags: ['server-overlay'],
    beside: ({ 'server-writes': writes }) =>
      writes === 'overlay' ? undefined : `--server-writes ${writes}`,
  },
  {
    flags: ['msize'],
    beside: ({ profile }) => (/9p/.test(String(profile)) ? undefined : `--profile ${profile}`),
    hint: 'take --profile linux-6.1-9p',
  },
  {
    flags: ['rsize', 'stripe-unit', 'clear-tail'],
    beside: ({ profile }) => (profile === 'linux-5.13-afs' ? undefined : `--profile ${profile}`),
  },
  {
    flags: ['callback-time'],
    beside: ({ profile }) => (/afs/.test(String(profile)) ? undefined : `--profile ${profile}`),
  },
  {
    flags: ['out', 'trace-overflow', 'op-log'],
    beside: ({ trace }) => (trace === false ? '--no-trace' : undefined),
    hint: 'drop one of them',
  },
];

/** Names of the flags that were given, of oclif's metadata. */
export function givenFlags(
  metadata: {
    readonly flags: Readonly<Record<string, { readonly setFromDefault?: boolean } | undefined>>;
  },
  values: FlagValues,
): ReadonlySet<string> {
  return new Set(
    Object.keys(values).filter((name) => metadata.flags[name]?.setFromDefault !== true),
  );
}

/** Throws a `UsageError` for the first flag that was given without effect. */
export function refuseUseless(
  given: ReadonlySet<string>,
  values: FlagValues,
  rules: readonly UselessRule[],
): void {
  for (const { flags, beside, hint } of rules) {
    const flag = flags.find((name) => given.has(name));
    if (flag === undefined) continue;
    const other = beside(values);
    if (other !== undefined) throw new UsageError(`--${flag}`, `has no effect with ${other}`, hint);
  }
}
