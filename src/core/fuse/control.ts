/**
 * The control directory `.netfslab` of a mount: files that tell what the engine is doing, made
 * when they are opened. It has a name and is in no listing. Used by the calls.
 */
import type { NodeStatus } from '../server/types.js';
import { wallDate } from '../sim/clock.js';

/** Name of the directory in the root. */
export const CONTROL_NAME = '.netfslab';
/** Numbers of its nodes, far above those of files. */
const FIRST_ID = 2 ** 52;

/** What there is of a stream behind a position, and where it goes on. */
export interface StreamPart {
  readonly content: Uint8Array;
  readonly next: number;
}

/** A file of the directory: its whole content now, or a stream that is read on and on. */
export type ControlFile = (since: number) => Uint8Array | StreamPart;

/** The files by name. */
export type ControlFiles = Readonly<Record<string, ControlFile>>;

/** The control directory of one mount. */
export class ControlDirectory {
  readonly #files: ControlFiles;
  readonly #names: readonly string[];

  constructor(files: ControlFiles) {
    this.#files = files;
    this.#names = Object.keys(files);
  }

  /** True for a node of the directory, or the directory itself. */
  owns(id: number): boolean {
    return id >= FIRST_ID;
  }

  /** The node of a name in it; '' is the directory; undefined: no such file. */
  find(name: string): number | undefined {
    if (name === '') return FIRST_ID;
    const at = this.#names.indexOf(name);
    return at < 0 ? undefined : FIRST_ID + 1 + at;
  }

  get names(): readonly string[] {
    return this.#names;
  }

  /** True for the directory. */
  isDirectory(id: number): boolean {
    return id === FIRST_ID;
  }

  /** What a file holds now, a stream behind `since`; undefined `next`: there is no more. */
  content(id: number, since = 0): { readonly content: Uint8Array; readonly next?: number } {
    const name = this.#names[id - FIRST_ID - 1] ?? '';
    const found = this.#files[name]?.(since) ?? new Uint8Array(0);
    return found instanceof Uint8Array ? { content: found } : found;
  }

  /** The attributes of a node: of a file without a size, as in /proc. */
  status(id: number): NodeStatus {
    const directory = this.isDirectory(id);
    // Always another time, so that `tail -f` looks again.
    const ms = wallDate().getTime();
    const moment = { s: Math.floor(ms / 1000), ns: (ms % 1000) * 1e6 };
    return {
      device: 0,
      inode: id,
      mode: directory ? 0o040555 : 0o100444,
      links: directory ? 2 : 1,
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
      rdev: 0,
      size: 0,
      blocks: 0,
      atime: moment,
      mtime: moment,
      ctime: moment,
      born: '',
      key: `control:${id}`,
      shownInode: id,
    };
  }
}
