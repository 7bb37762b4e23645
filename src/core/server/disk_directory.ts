/**
 * Reading directories a piece at a time, so that none is too large: straight from disk, and two on
 * top of each other. Made by the trees.
 */
import { nameOfBytes } from '../base/names.js';
import { closeAt, readDirectory, S_IFCHR, S_IFDIR, seek } from '../io/at_calls.js';
import type { DirectoryEntry, OpenDirectory } from './types.js';

/** Bytes of entries that are asked for at once: some 800 short names. */
const CHUNK = 32 << 10;
const TYPE_SHIFT = 12;
const DT_DIRECTORY = S_IFDIR >> TYPE_SHIFT;
const DT_CHARACTER = S_IFCHR >> TYPE_SHIFT;
/** A name that is not told. */
type Hidden = (name: string, type: number) => boolean;

const chunk = new Uint8Array(CHUNK);
const view = new DataView(chunk.buffer);

function parse(bytes: number): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  for (let at = 0; at < bytes; ) {
    const length = view.getUint16(at + 16, true);
    const end = chunk.indexOf(0, at + 19);
    entries.push({
      inode: view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32,
      cookie: view.getBigUint64(at + 8, true),
      type: chunk[at + 18] as number,
      name: nameOfBytes(chunk.subarray(at + 19, end)),
    });
    at += length;
  }
  return entries;
}

/** A directory on disk; cookies are the filesystem's own. */
export class DiskDirectory implements OpenDirectory {
  readonly #fd: number;
  readonly #hidden: Hidden | undefined;
  #at = 0n;

  /** Takes over a descriptor. */
  constructor(fd: number, hidden?: Hidden) {
    this.#fd = fd;
    this.#hidden = hidden;
  }

  read(cookie: bigint): DirectoryEntry[] | number {
    if (cookie !== this.#at) {
      const error = seek(this.#fd, cookie);
      if (error < 0) return error;
      this.#at = cookie;
    }
    for (;;) {
      const bytes = readDirectory(this.#fd, chunk);
      if (bytes <= 0) return bytes < 0 ? bytes : [];
      const entries = parse(bytes);
      this.#at = (entries.at(-1) as DirectoryEntry).cookie;
      const shown = entries.filter(({ name, type }) => this.#hidden?.(name, type) !== true);
      if (shown.length > 0) return shown;
    }
  }

  close(): void {
    closeAt(this.#fd);
  }
}

/**
 * A directory over another one, of which it hides names. Cookies count entries; what has been told
 * is kept until the directory is closed or read from its beginning.
 */
export class MergedDirectory implements OpenDirectory {
  readonly #upper: OpenDirectory;
  readonly #lower: OpenDirectory;
  readonly #isWhiteout: (name: string) => boolean;
  #entries: DirectoryEntry[] = [];
  #above = new Set<string>();
  #reading: 'upper' | 'lower' | 'end' = 'upper';
  #from = 0n;

  constructor(upper: OpenDirectory, lower: OpenDirectory, isWhiteout: (name: string) => boolean) {
    this.#upper = upper;
    this.#lower = lower;
    this.#isWhiteout = isWhiteout;
  }

  read(cookie: bigint): DirectoryEntry[] | number {
    const start = Number(cookie);
    if (start === 0) this.#rewind();
    while (this.#entries.length <= start && this.#reading !== 'end') {
      const error = this.#more();
      if (error < 0) return error;
    }
    return this.#entries.slice(start, start + 512);
  }

  close(): void {
    this.#upper.close();
    this.#lower.close();
  }

  #rewind(): void {
    this.#entries = [];
    this.#above = new Set();
    this.#reading = 'upper';
    this.#from = 0n;
  }

  #more(): number {
    const above = this.#reading === 'upper';
    const read = (above ? this.#upper : this.#lower).read(this.#from);
    if (typeof read === 'number') return read;
    const last = read.at(-1);
    if (last === undefined) {
      this.#reading = above ? 'lower' : 'end';
      this.#from = 0n;
      return 0;
    }
    this.#from = last.cookie;
    for (const entry of read) {
      if (above) {
        this.#above.add(entry.name);
        if (entry.type === DT_CHARACTER && this.#isWhiteout(entry.name)) continue;
      } else if (this.#above.has(entry.name)) continue;
      this.#entries.push({ ...entry, cookie: BigInt(this.#entries.length + 1) });
    }
    return 0;
  }
}

/** The names of an open directory but `.` and `..`; it is closed at the end. */
export function* entriesOf(directory: OpenDirectory): Generator<DirectoryEntry> {
  try {
    for (let cookie = 0n; ; ) {
      const entries = directory.read(cookie);
      if (typeof entries === 'number' || entries.length === 0) return;
      cookie = (entries.at(-1) as DirectoryEntry).cookie;
      for (const entry of entries) if (entry.name !== '.' && entry.name !== '..') yield entry;
    }
  } finally {
    directory.close();
  }
}

/** True for an entry that is a directory. */
export function isDirectoryEntry({ type }: DirectoryEntry): boolean {
  return type === DT_DIRECTORY;
}

/** True for an entry that may be a whiteout. */
export function mayBeWhiteout(type: number): boolean {
  return type === DT_CHARACTER || type === 0;
}
