/**
 * The data file of an object: a sparse file of one version of one file of the server, and the map
 * of what is in it. Only our own changes make it over into another version's, page by page; an
 * invalidated object gets a new file. So an operation under way can neither read nor leave behind
 * anything of another version.
 */
import { PAGE_SIZE, roundUp } from '../base/range.js';
import type { Backing } from '../io/types.js';
import type { ContentMap } from './content_map.js';
import { type Ledger, newAccount } from './ledger.js';
import { type MapFile, type MapHeader, type MapIdentity, mapBytes } from './map_file.js';

/** An open data file with its map; closed when nobody holds it any more. */
export class DataFile {
  readonly path: string;
  /** Changes when the cookie has changed, because we change the file. */
  identity: MapIdentity;
  readonly map: ContentMap;
  /** Where the file is while it has no name of its own; undefined once it has. */
  temporary: string | undefined;
  /** What people call the file. */
  readonly name: string;
  /** We are changing it: nothing of it is published until that has been committed. */
  modified = false;
  /** False once another file or none has taken its place: nothing of it may be published. */
  current = true;
  /** The map on disk, and while that is written anew the one that takes its place. */
  mapFiles: MapFile[];
  /** Times that blocks of it were taken out of the maps on disk. */
  unpublishings = 0;
  /** Stores that wait for that; undefined while it is not under way. */
  waiting: (() => void)[] | undefined;
  /** The name of its map is not durable. */
  mapRenamed = false;
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
    known: Pick<DataFile, 'identity' | 'map' | 'name'> & { readonly mapFile: MapFile },
  ) {
    this.#backing = backing;
    this.#ledger = ledger;
    this.path = path;
    this.#fd = fd;
    this.identity = known.identity;
    this.map = known.map;
    this.name = known.name;
    this.mapFiles = [known.mapFile];
  }

  /** The descriptor, -1 when closed. */
  get fd(): number {
    return this.#fd;
  }

  /** The header of its map. */
  get header(): MapHeader {
    return { ...this.identity, name: this.name, granule: this.map.granule };
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
    if (this.#removed || !this.#ledger.kept) return;
    const { volume, key, aux } = this.identity;
    const names = volume.length + key.length + aux.length + this.name.length;
    this.#ledger.changed(this.account, this.#fd, publish ? mapBytes(this.map, names) : 0);
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

/** Where a map is written anew before it takes the place of the old one. */
export function newMapPath(file: string): string {
  return `${mapPath(file)}.new`;
}

/** Size of a data file: whole pages. */
export function backingSize(size: number): number {
  return roundUp(size, PAGE_SIZE);
}
