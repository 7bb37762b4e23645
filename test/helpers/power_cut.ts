/**
 * A disk in memory that can lose power. Everything done since it was made durable may then have
 * happened or not, in any order, and a write may have got only some of its sectors down. A sync
 * makes the data and sizes of its files durable and nothing else: neither their names nor their
 * attributes; of a directory, the names in it. The number of an inode is used again as soon as
 * nobody has it.
 */
import path from 'node:path';
import { ENODATA, ENOENT, ENXIO, errnoOf } from '../../src/core/base/errno.js';
import { PAGE_SIZE, roundUp } from '../../src/core/base/range.js';
import type {
  Backing,
  BackingStatus,
  IoDriver,
  SegmentList,
  Space,
} from '../../src/core/io/types.js';
import type { Prng } from '../../src/core/sim/prng.js';

const SECTOR = 512;

interface Inode {
  size: number;
  readonly sectors: Map<number, Buffer>;
  readonly xattrs: Map<string, Buffer>;
}

interface State {
  readonly names: Map<string, number>;
  readonly inodes: Map<number, Inode>;
}

/** What was done to a file, and what it was called then. */
export interface Deed {
  readonly what: 'create' | 'remove' | 'rename' | 'xattr' | 'truncate' | 'write' | 'punch';
  readonly file: string;
}

/** One thing that was done; data is what a sync of the file covers, names one of the directory. */
interface Change extends Deed {
  readonly ino: number;
  readonly names: readonly string[];
  apply(state: State): void;
}

const isData = ({ what }: Deed): boolean => ['truncate', 'write', 'punch'].includes(what);
const isName = ({ what }: Deed): boolean => ['create', 'remove', 'rename'].includes(what);

function inodeOf(state: State, ino: number): Inode {
  let inode = state.inodes.get(ino);
  if (inode === undefined) {
    inode = { size: 0, sectors: new Map(), xattrs: new Map() };
    state.inodes.set(ino, inode);
  }
  return inode;
}

function copyOf({ names, inodes }: State): State {
  const copies = [...inodes].map(([ino, inode]): [number, Inode] => [
    ino,
    { ...inode, sectors: new Map(inode.sectors), xattrs: new Map(inode.xattrs) },
  ]);
  return { names: new Map(names), inodes: new Map(copies) };
}

function shuffled<T>(list: readonly T[], prng: Prng): T[] {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const j = prng.below(i + 1);
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}

/** The disk; use `powerCut` to get the one that is found afterwards. */
export class PowerCutDisk implements Backing {
  readonly driver: IoDriver;
  readonly uid = 0;
  /** False: a filesystem that does not keep when a file was made. */
  births = true;
  /** Changes made. */
  changes = 0;
  #now: State;
  #durable: State;
  #pending: Change[] = [];
  #nextIno: number;
  #nextFd = 3;
  #clock = 0;
  readonly #open = new Map<number, number>();
  /** What each inode was last called. */
  readonly #paths = new Map<number, string>();
  /** What `status` calls each inode. */
  readonly #numbers = new Map<number, number>();
  /**
   * What a power cut at the chosen moment would find: taken once that many changes have been made.
   */
  #cutAt = -1;
  #cut: { durable: State; pending: Change[] } | undefined;

  constructor(state: State = { names: new Map(), inodes: new Map() }, nextIno = 1) {
    this.#now = copyOf(state);
    this.#durable = copyOf(state);
    for (const [name, ino] of state.names) this.#paths.set(ino, name);
    this.#nextIno = nextIno;
    this.driver = {
      name: 'sync',
      read: (fd, into, position, done) => done(this.#readv(fd, into, position)),
      write: (fd, from, position, done) => done(this.#writev(fd, from, position)),
      close: () => {},
    };
  }

  /** Chooses the moment of the power cut: after so many further changes. `seen` is called then. */
  planCut(after: number, seen: () => void): void {
    this.#cutAt = this.changes + after;
    this.#seen = seen;
  }
  #seen: () => void = () => {};

  /** The disk as it is found after the planned power cut, or one that happens now. */
  powerCut(prng: Prng): PowerCutDisk {
    const { durable, pending } = this.#cut ?? { durable: this.#durable, pending: this.#pending };
    const share = prng.below(5) / 4;
    const kept = pending.filter(() => prng.chance(share));
    return this.#after(durable, prng.chance(0.5) ? kept : shuffled(kept, prng));
  }

  /** The disk after a power cut now that only leaves, in order, what `keep` says. */
  powerCutKeeping(keep: (deed: Deed) => boolean): PowerCutDisk {
    return this.#after(this.#durable, this.#pending.filter(keep));
  }

  #after(durable: State, changes: readonly Change[]): PowerCutDisk {
    const state = copyOf(durable);
    for (const change of changes) change.apply(state);
    const named = new Set(state.names.values());
    for (const ino of state.inodes.keys()) if (!named.has(ino)) state.inodes.delete(ino);
    const disk = new PowerCutDisk(state, this.#nextIno);
    disk.births = this.births;
    for (const ino of named) disk.#numbers.set(ino, this.#numbers.get(ino) as number);
    return disk;
  }

  #do(
    what: Deed['what'],
    ino: number,
    apply: (state: State) => void,
    names = [this.#paths.get(ino) ?? ''],
  ): void {
    const change = { what, ino, file: this.#paths.get(ino) ?? '', names, apply };
    change.apply(this.#now);
    this.#pending.push(change);
    this.changes++;
    if (this.changes !== this.#cutAt) return;
    this.#cut = { durable: copyOf(this.#durable), pending: [...this.#pending] };
    this.#seen();
  }

  /** Everything gets to the disk, as it does by and by. */
  settle(): void {
    for (const change of this.#pending.splice(0)) change.apply(this.#durable);
  }

  sync(_directory: string, files: readonly string[], done: (result: number) => void): void {
    done(this.syncNow(files));
  }

  syncNow(files: readonly string[]): number {
    const inodes = new Set(files.map((file) => this.#now.names.get(file)));
    const directories = new Set(files);
    const isSynced = (change: Change): boolean =>
      isData(change)
        ? inodes.has(change.ino)
        : isName(change) && change.names.every((name) => directories.has(path.dirname(name)));
    for (const change of this.#pending) if (isSynced(change)) change.apply(this.#durable);
    this.#pending = this.#pending.filter((change) => !isSynced(change));
    return 0;
  }

  writeDurably(file: string, data: Uint8Array): number {
    const error = this.writeAt(file, data, 0);
    this.syncNow([file, path.dirname(file)]);
    return error;
  }

  makeDirectory(): number {
    return 0;
  }

  names(directory: string): string[] {
    const under = [...this.#now.names.keys()].filter((name) => name.startsWith(`${directory}/`));
    return [
      ...new Set(under.map((name) => name.slice(directory.length + 1).split('/')[0] as string)),
    ].sort();
  }

  open(file: string, { create }: { create: boolean }): number {
    let ino = this.#now.names.get(file);
    if (create) {
      if (ino !== undefined) return -errnoOf('EEXIST');
      ino = this.#create(file);
    }
    if (ino === undefined) return -ENOENT;
    this.#open.set(this.#nextFd, ino);
    return this.#nextFd++;
  }

  #create(file: string): number {
    const ino = this.#nextIno++;
    this.#numbers.set(ino, this.#freeNumber());
    this.#paths.set(ino, file);
    this.#do('create', ino, (state) => {
      inodeOf(state, ino);
      state.names.set(file, ino);
    });
    return ino;
  }

  #freeNumber(): number {
    const inUse = [...this.#now.names.values(), ...this.#open.values()];
    const used = new Set(inUse.map((ino) => this.#numbers.get(ino)));
    let number = 1;
    while (used.has(number)) number++;
    return number;
  }

  close(fd: number): void {
    this.#open.delete(fd);
  }

  lock(): number {
    return 0;
  }

  truncate(fd: number, size: number): number {
    this.#truncate(this.#inoOf(fd), size);
    return 0;
  }

  #truncate(ino: number, size: number): void {
    this.#do('truncate', ino, (state) => {
      const inode = inodeOf(state, ino);
      for (const sector of inode.sectors.keys()) {
        if (sector * SECTOR >= size) inode.sectors.delete(sector);
      }
      inode.size = size;
    });
  }

  punch(fd: number, start: number, length: number): number {
    const ino = this.#inoOf(fd);
    this.#do('punch', ino, (state) => {
      const { sectors } = inodeOf(state, ino);
      for (let at = start; at < start + length; at += SECTOR) sectors.delete(at / SECTOR);
    });
    return 0;
  }

  seekData(fd: number, position: number): number {
    const { size, sectors } = this.#inode(fd);
    for (let at = position; at < size; at = roundUp(at + 1, SECTOR)) {
      if (sectors.has(Math.floor(at / SECTOR))) return at;
    }
    return -ENXIO;
  }

  seekHole(fd: number, position: number): number {
    const { size, sectors } = this.#inode(fd);
    if (position >= size) return -ENXIO;
    for (let at = position; at < size; at = roundUp(at + 1, SECTOR)) {
      if (!sectors.has(Math.floor(at / SECTOR))) return at;
    }
    return size;
  }

  getXattr(fd: number, name: string): Buffer | number {
    return this.#inode(fd).xattrs.get(name) ?? -ENODATA;
  }

  setXattr(fd: number, name: string, value: Uint8Array): number {
    const ino = this.#inoOf(fd);
    const copy = Buffer.from(value);
    this.#do('xattr', ino, (state) => inodeOf(state, ino).xattrs.set(name, copy));
    return 0;
  }

  touch(): void {}

  remove(file: string): number {
    const ino = this.#now.names.get(file);
    if (ino === undefined) return 0;
    this.#do('remove', ino, ({ names }) => {
      if (names.get(file) === ino) names.delete(file);
    });
    return 0;
  }

  // Directories are there as soon as something is in them.
  removeDirectory(): number {
    return 0;
  }

  rename(from: string, to: string): number {
    const ino = this.#now.names.get(from);
    if (ino === undefined) return -ENOENT;
    this.#paths.set(ino, to);
    const apply = ({ names }: State): void => {
      if (names.get(from) === ino) names.delete(from);
      names.set(to, ino);
    };
    this.#do('rename', ino, apply, [from, to]);
    return 0;
  }

  readWhole(file: string): Buffer | number {
    const ino = this.#now.names.get(file);
    if (ino === undefined) return -ENOENT;
    return this.#read(inodeOf(this.#now, ino), 0, Number.MAX_SAFE_INTEGER);
  }

  writeAt(file: string, data: Uint8Array, position: number): number {
    const found = this.#now.names.get(file);
    if (position > 0 && found === undefined) return -ENOENT;
    const ino = found ?? this.#create(file);
    if (position === 0) this.#truncate(ino, 0);
    this.#write(ino, position, Buffer.from(data));
    return 0;
  }

  readAt(fd: number, target: Uint8Array, position: number): number {
    const bytes = this.#read(this.#inode(fd), position, target.length);
    target.set(bytes);
    return bytes.length;
  }

  status(file: string | number): BackingStatus | number {
    const ino = typeof file === 'number' ? this.#inoOf(file) : this.#now.names.get(file);
    if (ino === undefined) return this.#directoryStatus(file);
    const { size, sectors } = inodeOf(this.#now, ino);
    const inode = this.#numbers.get(ino) as number;
    const born = this.births ? ino : 0;
    const allocated = sectors.size * SECTOR;
    const [usedAt, uid, mode] = [this.#clock++, this.uid, 0o600];
    return { size, allocated, isDirectory: false, inode, born, usedAt, uid, mode };
  }

  // A directory takes up nothing.
  #directoryStatus(file: string | number): BackingStatus | number {
    if (typeof file === 'number' || this.names(file).length === 0) return -ENOENT;
    const nothing = { size: 0, allocated: 0, inode: 0, born: 0, usedAt: 0 };
    return { ...nothing, isDirectory: true, uid: this.uid, mode: 0o700 };
  }

  space(): Space {
    const [available, total] = [1e12, 1e12];
    return { available, total, filesFree: 0, filesTotal: 0, blockSize: PAGE_SIZE };
  }

  #inoOf(fd: number): number {
    const ino = this.#open.get(fd);
    if (ino === undefined) throw new Error(`descriptor ${fd} is not open`);
    return ino;
  }

  #inode(fd: number): Inode {
    return inodeOf(this.#now, this.#inoOf(fd));
  }

  #read({ size, sectors }: Inode, position: number, length: number): Buffer {
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - position)));
    for (let at = 0; at < bytes.length; ) {
      const sector = Math.floor((position + at) / SECTOR);
      const within = (position + at) % SECTOR;
      sectors.get(sector)?.copy(bytes, at, within);
      at += SECTOR - within;
    }
    return bytes;
  }

  // A change per sector, so that a write can be torn.
  #write(ino: number, position: number, data: Buffer): void {
    for (let at = 0; at < data.length; ) {
      const within = (position + at) % SECTOR;
      const sector = (position + at - within) / SECTOR;
      const piece = data.subarray(at, at + SECTOR - within);
      const end = position + at + piece.length;
      this.#do('write', ino, (state) => {
        const inode = inodeOf(state, ino);
        const bytes = Buffer.from(inode.sectors.get(sector) ?? Buffer.alloc(SECTOR));
        piece.copy(bytes, within);
        inode.sectors.set(sector, bytes);
        inode.size = Math.max(inode.size, end);
      });
      at += piece.length;
    }
  }

  #readv(fd: number, into: SegmentList, position: number): number {
    let done = 0;
    for (const { memory, offset, length } of into.segments.slice(0, into.count)) {
      const bytes = this.#read(this.#inode(fd), position + done, length);
      memory.set(bytes, offset);
      done += bytes.length;
      if (bytes.length < length) break;
    }
    return done;
  }

  #writev(fd: number, from: SegmentList, position: number): number {
    const pieces = from.segments
      .slice(0, from.count)
      .map(({ memory, offset, length }) => memory.subarray(offset, offset + length));
    const data = Buffer.concat(pieces);
    this.#write(this.#inoOf(fd), position, data);
    return data.length;
  }
}
