/**
 * What a run of the swarm may have, one row each: how often, the options of the lab that it draws,
 * and the kinds of operations that it allows. A row is on or off independently of the others.
 */
import { obeys } from '../../src/core/lab/options.js';
import type { ClientOption } from '../../src/core/profile/types.js';
import type { Prng } from '../../src/core/sim/prng.js';
import type { OpKind } from './ops.js';
import type { Setup } from './plan.js';
import { PROBES } from './probes.js';

/** What was drawn before the features. */
export interface Ground {
  readonly profile: string;
  readonly clock: 'virtual' | 'real';
}

/** A row. */
export interface Feature {
  readonly name: string;
  /** How often it is on, 0 to 1. */
  readonly share: number;
  /** False: it cannot be on in such a run. */
  fits?(ground: Ground): boolean;
  setup?(prng: Prng, ground: Ground): Setup;
  /** Operations that it allows. */
  readonly ops?: readonly OpKind[];
}

function pick<T>(prng: Prng, values: readonly T[]): T {
  return values[prng.below(values.length)] as T;
}

const onVirtual = ({ clock }: Ground): boolean => clock === 'virtual';
/** In runs of a profile that obeys the option. */
const of =
  (option: ClientOption) =>
  ({ profile }: Ground): boolean =>
    obeys(profile, option);

/** Every feature. A new one goes to the end, so that the plans of other seeds stay alike. */
export const FEATURES: readonly Feature[] = [
  { name: 'reads', share: 1, ops: ['open', 'read', 'close', 'stat', 'settle'] },
  { name: 'cache', share: 0.85, setup: () => ({ cacheDir: '/cache' }) },
  {
    name: 'cache size',
    share: 0.4,
    setup: (prng) => ({ cacheSize: pick(prng, [60, 120, 240, 500, 4000]) * 1024 }),
  },
  { name: 'presence', share: 0.5, setup: (prng) => ({ presence: pick(prng, ['map', 'seek']) }) },
  { name: 'no checksums', share: 0.4, setup: () => ({ verifyCache: false }) },
  { name: 'granule', share: 0.3, setup: (prng) => ({ granule: 4096 << (1 + prng.below(4)) }) },
  { name: 'no attributes', share: 0.25, setup: () => ({ cacheXattr: false }) },
  { name: 'no births', share: 0.2, setup: () => ({ births: false }) },
  { name: 'buffered cache', share: 0.2, setup: () => ({ cacheDirect: false }) },
  {
    name: 'checkpoints',
    share: 0.5,
    setup: (prng) => ({ cacheCheckpointNs: pick(prng, [1e5, 1e6, 1e8]) }),
  },
  { name: 'cache latency', share: 0.3, setup: (prng) => ({ cacheLatencyNs: prng.below(2e6) }) },
  {
    name: 'cache writes',
    share: 0.2,
    fits: of('cacheWrites'),
    setup: (prng) => ({ cacheWrites: pick(prng, ['invalidate', 'off']) }),
  },
  {
    name: 'writes',
    share: 0.75,
    setup: (prng) => ({
      serverWrites: prng.chance(0.1) ? 'refuse' : prng.chance(0.4) ? 'overlay' : 'direct',
    }),
    ops: ['openWrite', 'write', 'truncate', 'fsync', 'flush', 'create'],
  },
  { name: 'direct I/O', share: 0.25, ops: ['openDirect'] },
  { name: 'mappings', share: 0.3, ops: ['load', 'store', 'msync', 'cutAndStore'] },
  {
    name: 'dirty limits',
    share: 0.3,
    setup: (prng) => {
      const ratio = pick(prng, [2, 10, 50, 100]);
      return { dirty: { ratio, backgroundRatio: ratio >> 1, expireNs: 1e8, intervalNs: 1e7 } };
    },
  },
  {
    name: 'page cache',
    share: 0.5,
    setup: (prng) => ({ pageCache: pick(prng, [2, 8]) << 20 }),
  },
  {
    name: 'window',
    share: 0.4,
    setup: (prng) => ({ readAheadKb: pick(prng, [0, 4, 16, 64, 512, 1024]) }),
  },
  {
    name: 'rsize',
    share: 0.3,
    fits: of('rsize'),
    setup: (prng) => ({ rsize: 1 + prng.below(40_000) }),
  },
  { name: 'stripes', share: 0.2, fits: of('stripeUnit'), setup: () => ({ stripeUnit: 65_536 }) },
  {
    name: 'message size',
    share: 0.5,
    fits: of('msize'),
    setup: (prng) => ({ msize: pick(prng, [4096, 8192 + 24, 65_536]) }),
  },
  {
    name: 'latency',
    share: 0.4,
    setup: (prng) => ({
      latencyNs: prng.below(1e6),
      jitterNs: prng.below(1e6),
      maxConcurrent: prng.below(3),
    }),
  },
  {
    name: 'answers later',
    share: 0.3,
    fits: of('completion'),
    setup: () => ({ completion: 'async' }),
  },
  {
    name: 'streams',
    share: 0.15,
    fits: of('streams'),
    setup: (prng) => ({ streams: 2 + prng.below(3), completion: 'async' }),
  },
  { name: 'kernel defects', share: 0.12, setup: () => ({ defects: 'kernel' }) },
  {
    name: 'callback time',
    share: 0.3,
    fits: of('callbackNs'),
    setup: (prng) => ({ callbackNs: pick(prng, [0, 1e6, 1e8]) }),
  },
  {
    name: 'foreign changes',
    share: 0.4,
    ops: ['foreignWrite', 'foreignTruncate', 'foreignReplace', 'foreignRemove', 'breakPromises'],
  },
  {
    name: 'server errors',
    share: 0.3,
    ops: ['failFetch', 'shortFetch', 'failStore', 'failOpen', 'failChange'],
  },
  { name: 'a server that is away', share: 0.2, ops: ['pause', 'serverDies'] },
  { name: 'device errors', share: 0.35, ops: ['failDevice', 'breakDevice', 'fillDisk'] },
  { name: 'no descriptors', share: 0.15, ops: ['noDescriptors'] },
  { name: 'no memory', share: 0.1, setup: (prng) => ({ failEvery: 5 + prng.below(40) }) },
  {
    name: 'upkeep',
    share: 0.5,
    ops: ['drop', 'sync', 'evict', 'remount', 'rebind', 'dontNeed', 'willNeed', 'invalidate'],
  },
  { name: 'concurrency', share: 0.5, ops: ['join', 'abort'] },
  { name: 'freezing', share: 0.15, ops: ['freeze', 'failCreate'] },
  { name: 'restarts', share: 0.6, ops: ['restart'] },
  { name: 'kills', share: 0.4, fits: onVirtual, ops: ['kill'] },
  { name: 'power cuts', share: 0.4, fits: onVirtual, ops: ['powerCut', 'cutShort'] },
  {
    name: 'driver',
    share: 0.7,
    fits: ({ clock }) => clock === 'real',
    setup: (prng) => ({ io: pick(prng, ['sync', 'libuv', 'uring']) }),
  },
  {
    name: 'cache mode',
    share: 0.25,
    fits: of('cacheMode'),
    setup: (prng) => ({ cacheMode: pick(prng, ['loose', 'mmap', 'none']) }),
  },
  { name: 'a full server', share: 0.08, ops: ['serverFull', 'writeMuch'] },
  {
    name: 'scale',
    share: 0.025,
    fits: onVirtual,
    setup: (prng) => ({ probe: pick(prng, Object.keys(PROBES)) }),
  },
];
