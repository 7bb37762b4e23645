/**
 * Where the files of a directory server are, and what becomes of them when they are written to:
 * refused, changed where they are, or copied first to a directory that lies over the served one,
 * which stays as it is. Called by `dir.ts`.
 */
import os from 'node:os';
import path from 'node:path';
import { EEXIST, ENOENT, EROFS, EXDEV } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import {
  copyOpenFile,
  createFile,
  makeScratch,
  O_RDWR,
  removeFile,
  removeTree,
} from '../io/changes.js';
import { closeFd, type Opened, openBeneath, resolveRoot } from '../io/files.js';
import type { ServerOptions } from './types.js';

/** Where files are. */
export interface Placement {
  /** The directories that hold files, the one that is looked at first in front. */
  readonly roots: readonly string[];
  /** Opens a file for reading. */
  open(name: string): Opened;
  /**
   * Opens for writing the file that `open` gave as `fd`: another descriptor, of the same file or of
   * a copy that takes its place.
   */
  openForWriting(name: string, fd: number): Opened;
  /** Makes an empty file: 0 or a negative errno. */
  create(name: string): number;
  /** Ends the use. */
  close(): void;
}

/** The placement that `--server-writes` names; `over` is the overlay's directory, if it has one. */
export function placementOf(
  writes: ServerOptions['writes'],
  root: string,
  over?: string,
): Placement {
  if (writes === 'overlay') return new Overlay(root, over);
  const inPlace = writes === 'direct';
  return {
    roots: [root],
    open: (name) => openBeneath(root, name),
    openForWriting: (name) =>
      inPlace ? openBeneath(root, name, undefined, O_RDWR) : { errno: -EROFS, why: REFUSED },
    create: (name) => (inPlace ? createBeneath(root, name) : -EROFS),
    close: () => {},
  };
}

const REFUSED = 'the server refuses writes (--server-writes refuse)';

class Overlay implements Placement {
  readonly #root: string;
  #over: string | undefined;
  readonly #scratch: boolean;

  /** Without a directory one is made when it is needed, and removed at the end. */
  constructor(root: string, over: string | undefined) {
    this.#root = root;
    this.#scratch = over === undefined;
    this.#over = over === undefined ? undefined : resolveRoot(over);
  }

  get roots(): readonly string[] {
    return this.#over === undefined ? [this.#root] : [this.#over, this.#root];
  }

  open(name: string): Opened {
    for (const root of this.roots) {
      const opened = openBeneath(root, name);
      if (!('errno' in opened) || opened.errno !== -ENOENT) return opened;
    }
    return { errno: -ENOENT };
  }

  openForWriting(name: string, fd: number): Opened {
    const over = this.#directory();
    const copy = beneath(over, name);
    if (copy === undefined) return { errno: -EXDEV };
    const error = copyOpenFile(fd, copy);
    if (error < 0 && error !== -EEXIST) return { errno: error };
    return openBeneath(over, name, undefined, O_RDWR);
  }

  create(name: string): number {
    const opened = openBeneath(this.#root, name);
    if (!('errno' in opened)) {
      closeFd(opened.fd);
      return -EEXIST;
    }
    return opened.errno === -ENOENT ? createBeneath(this.#directory(), name) : opened.errno;
  }

  close(): void {
    if (this.#scratch && this.#over !== undefined) removeTree(this.#over);
  }

  #directory(): string {
    if (this.#over !== undefined) return this.#over;
    const made = makeScratch(os.tmpdir(), 'netfslab-overlay');
    if (typeof made === 'number') {
      throw new ErrnoError(made, 'mkdtemp', os.tmpdir(), {
        hint: 'name a directory for what is written with --server-overlay DIR',
      });
    }
    this.#over = made;
    return made;
  }
}

function beneath(root: string, name: string): string | undefined {
  const file = path.resolve(root, name);
  return file.startsWith(`${root}/`) && !name.includes('\0') ? file : undefined;
}

// A directory on the way may be a link that leads out, so what was made is asked for again.
function createBeneath(root: string, name: string): number {
  const file = beneath(root, name);
  if (file === undefined) return -EXDEV;
  const error = createFile(file);
  if (error < 0) return error;
  const opened = openBeneath(root, name);
  if (!('errno' in opened)) {
    closeFd(opened.fd);
    return 0;
  }
  removeFile(file);
  return opened.errno;
}
