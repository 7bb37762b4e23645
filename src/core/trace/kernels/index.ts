/**
 * The kernels that are known, one row per era. A new one costs its file, which `npm run era` writes
 * from the format files of a kernel, and a row here, in front of what is under development.
 */
import { e0 } from './e0.js';
import { e1 } from './e1.js';
import { e2 } from './e2.js';
import { e3 } from './e3.js';
import { e4 } from './e4.js';
import { e5 } from './e5.js';
import { e6 } from './e6.js';
import { e7 } from './e7.js';
import { e8 } from './e8.js';
import { e9 } from './e9.js';
import { e10 } from './e10.js';
import { e11 } from './e11.js';
import { e12 } from './e12.js';
import { e13 } from './e13.js';

/**
 * Oldest first: name, kernels for people, first release (null = none), what is different, and from
 * which era where that is not the one before.
 */
export const KERNELS = [
  ['E0', 'posted patchset, March 2021', null, e0],
  ['E1', 'v5.13 - v5.16', '5.13', e1],
  ['E2', 'v5.17', '5.17', e2],
  ['E3', 'v5.18 - v6.7', '5.18', e3],
  ['E4', 'v6.8 - v6.9', '6.8', e4],
  ['E5', 'v6.10 - v6.11', '6.10', e5],
  ['E6', 'v6.12 - v6.13', '6.12', e6],
  ['E7', 'v6.14 - v6.15', '6.14', e7],
  ['E8', 'v6.16 - v6.19', '6.16', e8],
  ['E9', 'v7.0', '7.0', e9],
  ['E10', 'v7.1 - v7.2.11', '7.1', e10],
  ['E11', 'v7.2.12 - v7.2', '7.2.12', e11],
  ['E12', 'v7.3', '7.3', e12],
  ['E13', 'development', null, e13, 'E12'],
] as const;

type Labels<Data> = Data extends { readonly labels: infer Tables } ? Tables : never;
type IdOf<Tables, Name> = Tables extends unknown
  ? Name extends keyof Tables
    ? keyof Tables[Name] & string
    : never
  : never;

/** The identifiers of the labels that any kernel has in a table. */
export type LabelId<Name extends string> = IdOf<Labels<(typeof KERNELS)[number][3]>, Name>;
