/**
 * The content of an object: a sparse file of one version of one file of the server, and the map of
 * what is in it. Content is made over into another version's only by changes of our own, page by
 * page; an invalidated object gets a new file. So an operation under way can neither read nor leave
 * behind anything of another version.
 */
import { PAGE_SIZE, roundUp } from '../base/range.js';
import type { CookieIdentity } from '../fscache/types.js';
import type { Backing, BackingStatus } from '../io/types.js';
import type { ContentMap, MapIdentity } from './content_map.js';
import { type Ledger, newAccount } from './ledger.js';

const XATTR = 'user.CacheFiles.cache';
const DIRTY = 'dirty';

/** An open data file with its map; closed when nobody holds it any more. */
export class Content {
  readonly path: string;
  /** Changes when the cookie has changed, because we change the file. */
  identity: MapIdentity;
  readonly map: ContentMap;
  /** Where the file is while it has no name of its own; undefined once it has. */
  temporary: string | undefined;
  /** What people call the file. */
  name = '';
  /** The map has changed since it was last written out. */
  dirty = false;
  /** The data file says of no version that it is one, because it is being changed. */
  modified = false;
  /** False once another file or none has taken its place: nothing of it may be published. */
  current = true;
  /** What it takes up on the disk. */
  readonly account = newAccount();
  readonly #backing: Backing;
  readonly #ledger: Ledger;
  #removed = false;
  #fd: number;
  #users = 1;
  /** What the filesystem said last: [start, hole) is data. Believed until then. */
  #dataStart = 0;
  #dataHole = 0;
  #believedUntil = 0;

  /** Takes over the descriptor, and is held by its maker. */
  constructor(
    { backing, ledger }: { readonly backing: Backing; readonly ledger: Ledger },
    path: string,
    fd: number,
    identity: MapIdentity,
    map: ContentMap,
  ) {
    this.#backing = backing;
    this.#ledger = ledger;
    this.path = path;
    this.#fd = fd;
    this.identity = identity;
    this.map = map;
  }

  /** The descriptor, -1 when closed. */
  get fd(): number {
    return this.#fd;
  }

  /**
   * First byte of a hole at or after `position`, or a negative errno. What the filesystem says is
   * believed for `forNs` from `now`: it walks every extent up to the hole to find it.
   */
  holeAfter(position: number, now: number, forNs: number): number {
    const known = position >= this.#dataStart && position < this.#dataHole;
    if (known && now < this.#believedUntil) return this.#dataHole;
    const hole = this.#backing.seekHole(this.#fd, position);
    this.#dataStart = position;
    this.#dataHole = hole;
    this.#believedUntil = now + forNs;
    return hole;
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
    if (this.#removed) this.#ledger.closed(this.account);
  }

  /**
   * What is stored or known of it has changed: it is measured anew, and, if its map is going to be
   * published, room for that is kept.
   */
  changed(publish = true): void {
    if (this.#removed) return;
    const { volume, key, aux } = this.identity;
    const names = volume.length + key.length + aux.length + this.name.length;
    this.#ledger.changed(this.account, this.#fd, publish ? this.map.bytesMax(names) : 0);
  }

  /** Its files have been removed; who has it open may go on. */
  removed(): void {
    if (this.#removed) return;
    this.#removed = true;
    this.#ledger.removed(this.account, this.#fd >= 0);
  }

  /** Opened again after its last hold ended. */
  reopen(fd: number): this {
    this.#fd = fd;
    this.#users = 1;
    this.#believedUntil = 0;
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

/** What a file says it is: the `incarnation` if it is a file of this version and size. */
export function readIncarnation(
  backing: Backing,
  fd: number,
  cookie: Pick<CookieIdentity, 'aux' | 'size'>,
): string | undefined {
  const { why, incarnation } = checkCoherency(backing, fd, cookie);
  return why === 'ok' ? incarnation : undefined;
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
