/**
 * The content of an object: a sparse file of one version of one file of the server, and the map of
 * what is in it. Content is never made over into another version's; an invalidated object gets a
 * new file. So an operation under way can neither read nor leave behind anything of another
 * version.
 */
import { PAGE_SIZE, roundUp } from '../base/range.js';
import type { CookieIdentity } from '../fscache/types.js';
import type { Backing, BackingStatus } from '../io/types.js';
import type { ContentMap, MapIdentity } from './content_map.js';

const XATTR = 'user.CacheFiles.cache';

/** An open data file with its map; closed when nobody holds it any more. */
export class Content {
  readonly path: string;
  readonly identity: MapIdentity;
  readonly map: ContentMap;
  /** What people call the file. */
  name = '';
  /** The map has changed since it was last written out. */
  dirty = false;
  /** False once another file or none has taken its place: nothing of it may be published. */
  current = true;
  readonly #backing: Backing;
  #fd: number;
  #users = 1;

  /** Takes over the descriptor, and is held by its maker. */
  constructor(backing: Backing, path: string, fd: number, identity: MapIdentity, map: ContentMap) {
    this.#backing = backing;
    this.path = path;
    this.#fd = fd;
    this.identity = identity;
    this.map = map;
  }

  /** The descriptor, -1 when closed. */
  get fd(): number {
    return this.#fd;
  }

  /** Holds it for an operation or an object. */
  get(): this {
    this.#users++;
    return this;
  }

  /** Ends a hold. */
  put(): void {
    if (--this.#users > 0) return;
    this.#backing.close(this.#fd);
    this.#fd = -1;
  }

  /** Opened again after its last hold ended. */
  reopen(fd: number): this {
    this.#fd = fd;
    this.#users = 1;
    return this;
  }
}

/** Where the content map of a data file is. */
export function mapPath(file: string): string {
  return `${file}.map`;
}

/** Size of a data file: whole pages. */
export function backingSize(size: number): number {
  return roundUp(size, PAGE_SIZE);
}

/**
 * Writes the coherency data of a file: size, version, and which file of all that had its name it
 * is.
 */
export function writeCoherency(backing: Backing, fd: number, identity: MapIdentity): number {
  return backing.setXattr(fd, XATTR, Buffer.from(coherency(identity)));
}

/** What a file says it is: the `incarnation` if it is a file of this version and size. */
export function readIncarnation(
  backing: Backing,
  fd: number,
  cookie: Pick<CookieIdentity, 'aux' | 'size'>,
): string | undefined {
  const value = backing.getXattr(fd, XATTR);
  if (typeof value === 'number') return undefined;
  const text = value.toString();
  const head = coherency({ ...cookie, incarnation: '' });
  return text.startsWith(head) ? text.slice(head.length) : undefined;
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
