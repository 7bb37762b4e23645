/**
 * What a cache has of a file, asked outside of a request. Plays fscache_query_occupancy of
 * fs/fscache/io.c; called by both kinds of cookies for the public API.
 */
import { ENOBUFS } from '../base/errno.js';
import { PAGE_SIZE } from '../base/range.js';
import type { ByteRange, CacheResources } from '../netfs/types.js';

/**
 * Ends an operation that was begun to ask: the first stretch of cached data in `range`, in whole
 * pages; -ENODATA: there is none, -ENOBUFS: it cannot be told.
 */
export function askOccupancy(cres: CacheResources, range: ByteRange): ByteRange | number {
  const { ops } = cres;
  const found = ops?.queryOccupancy?.(cres, range, PAGE_SIZE) ?? -ENOBUFS;
  ops?.endOperation(cres);
  return found;
}
