/** What the parts of a cache directory share. */
import type { BackendCounters } from '../fscache/types.js';
import type { netfslabVerdicts } from '../trace/events/own.js';

/**
 * Who says which blocks are cached: the filesystem, the content map, or the map checked against it.
 */
export type Presence = 'seek' | 'map' | 'both';

/**
 * When to cull and when to stop storing, percent of the blocks and of the inodes that are free
 * (cachefilesd.conf: brun, bcull, bstop; frun, fcull, fstop). 0 <= stop < cull < run < 100.
 */
export interface SpaceLimits {
  /** Culling ends. */
  readonly run: number;
  /** Culling begins. */
  readonly cull: number;
  /** Nothing more is stored. */
  readonly stop: number;
}

/** What differs between kernels in how a cache works: data of a profile. */
export interface CachefilesBehaviour {
  /** A new file has its name at once, or when its object is committed (O_TMPFILE, v5.17). */
  readonly named: 'at-once' | 'committed';
  /** What asks for room: the choice of a source, or what prepares the store (v5.17). */
  readonly roomAskedBy: 'prepare_read' | 'prepare_write';
  /** A new object is known to hold nothing until a page release is noted (NO_DATA_TO_READ). */
  readonly noDataToRead: boolean;
  /** Steps on the disk of the cache, and the end of a store, are work of their own. */
  readonly onWorker: boolean;
  /** The kernel has the tracepoints of v5.17. */
  readonly events: boolean;
}

/** Settings of a cache. */
export interface CacheOptions {
  readonly behaviour: CachefilesBehaviour;
  /** Directory of the cache. */
  readonly dir: string;
  readonly presence: Presence;
  /** Unit of presence, bytes: a power of two, at least 4096. */
  readonly granule: number;
  /** Checksums are compared when data is read back. */
  readonly verify: boolean;
  /** False: buffered I/O instead of O_DIRECT. */
  readonly direct: boolean;
  /** False: coherency data is in the content map alone. */
  readonly xattr: boolean;
  /** Most bytes the cache may take up; 0 = as many as the filesystem has. */
  readonly size: number;
  /** Bytes of `size` that are not for objects. */
  readonly taken: number;
  readonly limits: SpaceLimits;
  /**
   * Inodes of the modelled disk of the cache; 0 = as many as the filesystem has. The kernel makes
   * all directories of a volume at once, and where they do not fit the volume has no cache.
   */
  readonly inodes: number;
  /** Time between checkpoints, ns: what is younger is downloaded again after a crash. */
  readonly checkpointNs: number;
  /** Modelled time of one cache operation on the virtual clock, ns. */
  readonly latencyNs: number;
  /** Reproduce the kernel's defects. */
  readonly compat: boolean;
  /** Use a directory that another user owns, or that others may write to. */
  readonly anyOwner: boolean;
}

/** Why prepare_read chose as it did: the words of v6.1's cachefiles_prep_read. */
export type Reason = keyof typeof netfslabVerdicts.id;

/** What a cache has counted since it was bound. */
export class CacheCounters implements BackendCounters {
  reads = 0;
  readBytes = 0;
  writes = 0;
  writtenBytes = 0;
  /** Objects made, found, and found stale. */
  created = 0;
  found = 0;
  stale = 0;
  /** Objects removed to make room; stores and objects refused for want of it. */
  culled = 0;
  noSpace = 0;
  noSpaceToCreate = 0;
  /** Blocks whose data did not have the checksum they were stored with, or was not there. */
  checksumFailures = 0;
  /** Times the filesystem and the map disagreed about what is cached. */
  disagreements = 0;
  /** Stores that were dropped because the content had been invalidated. */
  outdatedStores = 0;
  /** Bytes whose storing ended after that. */
  outdatedBytes = 0;
  /** Maps that were published, and that could not be. */
  published = 0;
  publishFailed = 0;
  /** Verdicts of prepare_read. */
  readonly reasons: Partial<Record<Reason, number>> = {};
}
