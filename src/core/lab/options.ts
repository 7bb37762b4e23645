/** The options of a lab, each with its default: everything that decides what an engine does. */
import { isDeepStrictEqual } from 'node:util';
import { UsageError } from '../base/errors.js';
import { isPowerOfTwo, PAGE_SIZE } from '../base/range.js';
import type { Presence, SpaceLimits } from '../cachefiles/types.js';
import { keepsInodes, NINEP_CACHE_MODES, type NinepCacheMode } from '../fs/9p.js';
import type { ClientOptions } from '../fs/types.js';
import type { IoChoice } from '../io/drivers.js';
import type { Backing } from '../io/types.js';
import type { MmBehaviour } from '../mm/types.js';
import type { DirtyLimits } from '../mm/writeback.js';
import type { ReadRequest } from '../netfs/objects.js';
import type { ParallelCount } from '../netfs/parallel_download.js';
import type { CacheShare, Defects } from '../netfs/types.js';
import { PROFILES, profileByName } from '../profile/index.js';
import type { ClientOption } from '../profile/types.js';
import { MSIZE_MIN } from '../server/transport.js';
import type { Server, ServerOptions } from '../server/types.js';
import type { TraceSink } from '../trace/types.js';

/** Smallest page cache, bytes: room for a few windows under I/O. */
const PAGE_CACHE_MIN = 1 << 20;

/** Largest page cache, bytes: frames are numbered with 32 bits, with room to spare. */
const PAGE_CACHE_MAX = 2 ** 40;

/** Names of the profiles, the default first. */
export const PROFILE_NAMES: readonly string[] = PROFILES.map(({ name }) => name);

/** What a lab can be asked for. Sizes are bytes, times nanoseconds. */
export interface LabOptions {
  /** Directory that is served. Required. */
  readonly server: string;
  readonly profile: string;
  readonly defects: Defects;
  readonly clock: 'virtual' | 'real';
  /** How files are read and written; auto: sync on the virtual clock, else uring or libuv. */
  readonly io: IoChoice;
  /** Decides everything that is left to chance. */
  readonly seed: number;
  /** Limit of the page cache; at least 1 MiB. */
  readonly pageCache: number;
  /** Files that are remembered while nobody uses them. */
  readonly inodes: number;
  /**
   * Takes the memory of the page cache when the lab is opened, in huge pages: hits all over it and
   * large reads are faster. Where a hypervisor has to find the memory first, 2 MiB take up to 8 ms.
   */
  readonly hugePages: boolean;
  /**
   * Number of the processor that is kept for the engine's thread; the others of the process (writer
   * of the trace, compiler) run elsewhere. undefined: the system decides.
   */
  readonly cpu: number | undefined;
  /** Window of the backing device, KiB; undefined: the profile's. 0 switches readahead off. */
  readonly readAheadKb: number | undefined;
  /** Largest message of a transport (9p), bytes; at least 4096. */
  readonly msize: number;
  /** What a 9p mount keeps (`cache=`); without a disk cache `fscache` is as `loose`. */
  readonly cacheMode: NinepCacheMode;
  /** Most bytes of one server operation; 0 = no limit. */
  readonly rsize: number;
  /** Readahead windows are widened to multiples of this; 0 = not. */
  readonly stripeUnit: number;
  /** Zero what a short reply leaves out; undefined: as the profile's client does. */
  readonly clearTail: boolean | undefined;
  /**
   * Whether server operations end inside the call; undefined: sync on the virtual clock, else
   * async.
   */
  readonly completion: 'sync' | 'async' | undefined;
  /** Server operations in flight for one sequential reader; 1: as the kernel does. */
  readonly streams: ParallelCount;
  readonly latencyNs: number;
  readonly jitterNs: number;
  /** Bytes per second of the link to the server; 0 = unlimited. */
  readonly bandwidth: number;
  /** Server operations in service at once; 0 = unlimited. */
  readonly maxConcurrent: number;
  /** What becomes of writes: kept in a directory over the served one, made in place, refused. */
  readonly serverWrites: ServerOptions['writes'];
  /** Directory of the overlay; undefined: one of its own that is removed when the lab is closed. */
  readonly serverOverlay: string | undefined;
  /** How long the server's promises to tell of changes hold (AFS). */
  readonly callbackNs: number;
  /** What a local write is to the disk cache. */
  readonly cacheWrites: ClientOptions['cacheWrites'];
  /** When dirty pages are written in the background. */
  readonly dirty: Partial<DirtyLimits>;
  /** Directory of the disk cache; undefined: no cache. */
  readonly cacheDir: string | undefined;
  /** Who says what is cached: the filesystem (SEEK_DATA), the content map, or both. */
  readonly presence: Presence;
  /** Unit in which content is cached: a power of two from 4096. */
  readonly granule: number;
  /** Compare checksums of what is read back from the cache. */
  readonly verifyCache: boolean;
  /** Use O_DIRECT for the cache where the filesystem allows it. */
  readonly cacheDirect: boolean;
  /** Keep coherency data in extended attributes where the filesystem has them. */
  readonly cacheXattr: boolean;
  /** `own`: a directory that another user owns, or that others may write to, is refused. */
  readonly cacheOwner: 'own' | 'any';
  /** Most bytes of the cache; 0 = as many as its filesystem has. */
  readonly cacheSize: number;
  /** Bytes of `cacheSize` that are not for objects. */
  readonly cacheTaken: number;
  /** When to cull and when to stop storing, percent of what is free. */
  readonly cacheLimits: SpaceLimits;
  /** Inodes of the modelled disk of the cache; 0 = as many as its filesystem has. */
  readonly cacheInodes: number;
  /** Time between checkpoints of the cache. */
  readonly cacheCheckpointNs: number;
  /** Modelled time of a cache operation on the virtual clock. */
  readonly cacheLatencyNs: number;
  /** Where the trace goes; undefined: nowhere, and nothing is spent on it. */
  readonly sink: TraceSink | undefined;
  /** Told of each request whose pages have just been unlocked. */
  readonly obtained: ((rreq: ReadRequest) => void) | undefined;
  /** A cache's share of the client's request operations. */
  readonly cache: CacheShare | undefined;
  /** Fault injection: the filesystem of the cache. */
  readonly backing: Backing | undefined;
  /** Fault injection: puts a server between the client and the one that is served. */
  readonly wrapServer: ((server: Server) => Server) | undefined;
  /** Behaviours of the memory manager that differ from the profile's. */
  readonly mm: Partial<MmBehaviour>;
  /** Fault injection: decides whether an allocation of the helper fails. */
  readonly failAllocation: ((what: 'rreq' | 'sreq') => boolean) | undefined;
}

/** The defaults of everything but `server`. */
export const LAB_DEFAULTS: Omit<LabOptions, 'server'> = {
  profile: PROFILES[0].name,
  defects: 'repaired',
  clock: 'virtual',
  io: 'auto',
  seed: 1,
  pageCache: 64 << 20,
  inodes: 1 << 14,
  hugePages: false,
  cpu: undefined,
  readAheadKb: undefined,
  msize: 128 << 10,
  cacheMode: 'fscache',
  rsize: 0,
  stripeUnit: 0,
  clearTail: undefined,
  completion: undefined,
  streams: 1,
  latencyNs: 0,
  jitterNs: 0,
  bandwidth: 0,
  maxConcurrent: 0,
  serverWrites: 'overlay',
  serverOverlay: undefined,
  callbackNs: 7200e9,
  cacheWrites: 'through',
  dirty: {},
  cacheDir: undefined,
  presence: 'both',
  granule: PAGE_SIZE,
  verifyCache: true,
  cacheDirect: true,
  cacheXattr: true,
  cacheOwner: 'own',
  cacheSize: 0,
  cacheTaken: 0,
  cacheLimits: { run: 10, cull: 7, stop: 3 },
  cacheInodes: 0,
  cacheCheckpointNs: 5e9,
  cacheLatencyNs: 100_000,
  sink: undefined,
  obtained: undefined,
  cache: undefined,
  backing: undefined,
  wrapServer: undefined,
  mm: {},
  failAllocation: undefined,
};

/** Options of the disk cache, with the flags that set them. */
const CACHE_OPTIONS = {
  presence: '--presence',
  granule: '--granule',
  verifyCache: '--no-verify-cache',
  cacheDirect: '--no-cache-direct',
  cacheXattr: '--no-cache-xattr',
  cacheSize: '--cache-size',
  cacheLimits: '--cull-limits',
  cacheWrites: '--cache-writes',
} as const satisfies Partial<Record<keyof LabOptions, string>>;

/** Options that a profile may refuse, with the flags that set them. */
const CLIENT_OPTIONS: Readonly<Record<ClientOption, string>> = {
  msize: '--msize',
  cacheMode: '--cache-mode',
  rsize: '--rsize',
  stripeUnit: '--stripe-unit',
  clearTail: '--no-clear-tail',
  completion: '--server-completion',
  streams: '--streams',
  callbackNs: '--callback-time',
  cacheWrites: '--cache-writes',
};

/** True if a profile obeys an option whatever its value. */
export function obeys(profile: string, option: ClientOption): boolean {
  return profileByName(profile).fixed[option] === undefined;
}

// An option that is accepted is obeyed: what would have no effect is refused by name.
function refuseIdle(options: LabOptions): void {
  const differs = (option: keyof typeof LAB_DEFAULTS): boolean =>
    !isDeepStrictEqual(options[option], LAB_DEFAULTS[option]);
  const { name, fixed } = profileByName(options.profile);
  for (const option of Object.keys(CLIENT_OPTIONS) as ClientOption[]) {
    const refusal = fixed[option];
    if (refusal === undefined || !differs(option) || options[option] === refusal.is) continue;
    throw new UsageError(CLIENT_OPTIONS[option], `${name} ${refusal.why}`);
  }
  for (const option of Object.keys(CACHE_OPTIONS) as Array<keyof typeof CACHE_OPTIONS>) {
    if (options.cacheDir !== undefined || !differs(option)) continue;
    throw new UsageError(CACHE_OPTIONS[option], 'needs a disk cache', 'add --cache DIR');
  }
  if (options.serverOverlay !== undefined && options.serverWrites !== 'overlay') {
    const got = `--server-writes ${options.serverWrites} makes no overlay`;
    throw new UsageError('--server-overlay', got, 'leave one of the two out');
  }
  if (options.streams !== 1 && options.completion === 'sync') {
    const why = 'with --server-completion sync one operation ends before the next is sent';
    throw new UsageError('--streams', why, 'leave one of the two out');
  }
  if (options.streams !== 1 && options.readAheadKb === 0) {
    throw new UsageError('--streams', 'fetches what is read ahead, and --read-ahead-kb is 0');
  }
  if (options.cacheDir !== undefined && !keepsInodes(options.cacheMode)) {
    throw new UsageError('--cache', `a mount with --cache-mode ${options.cacheMode} has no cache`);
  }
}

/** Fills in defaults. Throws a `UsageError` for a value that cannot work. */
export function labOptions(given: Partial<LabOptions> & { server: string }): LabOptions {
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  const options: LabOptions = { ...LAB_DEFAULTS, server: given.server, ...Object.fromEntries(set) };
  if (!(options.pageCache >= PAGE_CACHE_MIN && options.pageCache <= PAGE_CACHE_MAX)) {
    const got = `got ${options.pageCache} bytes`;
    throw new UsageError('--page-cache', `expected at least 1 MiB and at most 1 TiB, ${got}`);
  }
  for (const [flag, value] of [
    ['--rsize', options.rsize],
    ['--msize', options.msize],
    ['inodes', options.inodes],
    ['--stripe-unit', options.stripeUnit],
    ['--server-latency', options.latencyNs],
    ['--server-jitter', options.jitterNs],
    ['--server-bandwidth', options.bandwidth],
    ['--server-concurrency', options.maxConcurrent],
    ['--read-ahead-kb', options.readAheadKb ?? 0],
    ['--cpu', options.cpu ?? 0],
    ['--cache-size', options.cacheSize],
    ['cacheTaken', options.cacheTaken],
    ['--callback-time', options.callbackNs],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new UsageError(flag, `expected a whole number from 0, got ${value}`);
    }
  }
  if (options.msize < MSIZE_MIN) {
    throw new UsageError('--msize', `expected at least ${MSIZE_MIN}, got ${options.msize}`);
  }
  const { streams } = options;
  if (streams !== 'auto' && !(Number.isSafeInteger(streams) && streams >= 1)) {
    throw new UsageError('--streams', `expected auto or a whole number from 1, got ${streams}`);
  }
  if (options.stripeUnit % PAGE_SIZE !== 0) {
    throw new UsageError('--stripe-unit', `expected a multiple of 4096, got ${options.stripeUnit}`);
  }
  checkLimits(options.cacheLimits);
  for (const [flag, value, known] of [
    ['--clock', options.clock, ['virtual', 'real']],
    ['--io', options.io, ['auto', 'sync', 'libuv', 'uring', 'sqpoll']],
    ['--defects', options.defects, ['kernel', 'repaired']],
    ['--presence', options.presence, ['seek', 'map', 'both']],
    ['--cache-mode', options.cacheMode, NINEP_CACHE_MODES],
    ['--server-writes', options.serverWrites, ['overlay', 'direct', 'refuse']],
    ['--cache-writes', options.cacheWrites, ['through', 'invalidate', 'off']],
    ['--cache-owner', options.cacheOwner, ['own', 'any']],
    ['--server-completion', options.completion ?? 'sync', ['sync', 'async']],
  ] as const) {
    if ((known as readonly string[]).includes(value)) continue;
    throw new UsageError(flag, `unknown value '${value}'`, `one of ${known.join(', ')}`);
  }
  if (options.clock === 'virtual' && options.io !== 'auto' && options.io !== 'sync') {
    const why = `'${options.io}' answers in its own time, which the virtual clock cannot know`;
    throw new UsageError('--io', why, 'add --clock real, or leave it out');
  }
  if (!isPowerOfTwo(options.granule) || options.granule < PAGE_SIZE) {
    throw new UsageError('--granule', `expected a power of two from 4096, got ${options.granule}`);
  }
  refuseIdle(options);
  return options;
}

/** The limits, if they can work. Throws a `UsageError` if not. */
export function checkLimits(limits: SpaceLimits): SpaceLimits {
  const { run, cull, stop } = limits;
  if (0 <= stop && stop < cull && cull < run && run < 100) return limits;
  const got = `${run}/${cull}/${stop}`;
  throw new UsageError('--cull-limits', `expected 100 > run > cull > stop >= 0, got ${got}`);
}
