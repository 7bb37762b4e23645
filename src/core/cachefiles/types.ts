/** What the parts of a cache directory share. */
import type { CacheObject, CookieIdentity } from '../fscache/types.js';
import type { ContentMap } from './content_map.js';

/** Who says which blocks are cached: the filesystem, the content map, or the map checked against it. */
export type Presence = 'seek' | 'map' | 'both';

/** Settings of a cache. */
export interface CacheOptions {
  /** Directory of the cache. */
  readonly dir: string;
  readonly presence: Presence;
  /** Unit of presence, bytes: a power of two, at least 4096. */
  readonly granule: number;
  /** Checksums are compared when data is read back. */
  readonly verify: boolean;
  /** False: buffered I/O instead of O_DIRECT. */
  readonly direct: boolean;
  /** Modelled time of one cache operation on the virtual clock, ns. */
  readonly latencyNs: number;
  /** Reproduce the kernel's defects. */
  readonly compat: boolean;
}

/** What a cache has counted since it was bound. */
export class CacheCounters {
  reads = 0;
  readBytes = 0;
  writes = 0;
  writtenBytes = 0;
  /** Objects made, found, and found stale. */
  created = 0;
  found = 0;
  stale = 0;
  /** Blocks whose data did not have the checksum they were stored with. */
  checksumFailures = 0;
  /** Times the filesystem and the map disagreed about what is cached. */
  disagreements = 0;
  /** Stores refused for want of space. */
  noSpace = 0;
  /** Stores whose object was invalidated meanwhile. */
  outdatedStores = 0;
}

/** An object: a sparse file and its map. */
export interface CachefilesObject extends CacheObject {
  /** Path of the data file; the map is beside it. */
  readonly path: string;
  fd: number;
  readonly map: ContentMap;
  /** Coherency data under which the content was stored. */
  identity: Pick<CookieIdentity, 'volume' | 'key' | 'aux' | 'size'>;
  /** The map has changed since it was published. */
  dirty: boolean;
}
