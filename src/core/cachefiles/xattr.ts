/**
 * Coherency data: what a data file says of itself in an extended attribute. Plays
 * fs/cachefiles/xattr.c; the format is our own. Called by the cache and by those who look at one
 * from outside.
 */
import type { CookieIdentity } from '../fscache/types.js';
import type { Backing, BackingStatus } from '../io/types.js';
import type { MapIdentity } from './map_file.js';

const XATTR = 'user.CacheFiles.cache';
const DIRTY = 'dirty';

/**
 * Writes the coherency data of a file: size, version, and which file of all that had its name it
 * is.
 */
export function writeCoherency(backing: Backing, fd: number, identity: MapIdentity): number {
  return backing.setXattr(fd, XATTR, Buffer.from(coherency(identity)));
}

/** Writes that the content of a file is not to be believed if it is met again as it is. */
export function writeDirty(backing: Backing, fd: number, identity: MapIdentity): number {
  return backing.setXattr(fd, XATTR, Buffer.from(`${DIRTY} ${coherency(identity)}`));
}

/** What the coherency data of a file says of it, in the words of v5.17's trace. */
export type Coherency = 'ok' | 'bad_xatt' | 'bad_len' | 'bad_aux' | 'bad_osiz' | 'bad_dirt';

/** Compares a file's coherency data with a cookie's; `incarnation` where it is the cookie's. */
export function checkCoherency(
  backing: Backing,
  fd: number,
  cookie: Pick<CookieIdentity, 'aux' | 'size'>,
): { readonly why: Coherency; readonly incarnation: string } {
  const bad = (why: Coherency) => ({ why, incarnation: '' });
  const value = backing.getXattr(fd, XATTR);
  if (typeof value === 'number') return bad('bad_xatt');
  const text = value.toString();
  const dirty = text.startsWith(`${DIRTY} `);
  const words = text.slice(dirty ? DIRTY.length + 1 : 0).split(' ');
  if (words.length !== 4 || words[0] !== '1') return bad('bad_len');
  if (words[2] !== encodeURIComponent(cookie.aux)) return bad('bad_aux');
  if (words[1] !== `${cookie.size}`) return bad('bad_osiz');
  return dirty ? bad('bad_dirt') : { why: 'ok', incarnation: words[3] as string };
}

/**
 * What stands for the incarnation where there are no attributes: the inode, whose number may be
 * used again, and when it was made.
 */
export function incarnationByInode({ inode, born }: BackingStatus): string {
  return `inode ${inode} ${born}`;
}

function coherency({ aux, size, incarnation }: Pick<MapIdentity, 'aux' | 'size' | 'incarnation'>) {
  return `1 ${size} ${encodeURIComponent(aux)} ${incarnation}`;
}
