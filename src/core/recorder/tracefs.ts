/**
 * The tracefs of this machine. Called by `session.ts`. Pages are moved by splice(2), so that their
 * bytes never pass through JavaScript.
 *
 * Kernel: Documentation/trace/ftrace.rst (instances, trace_pipe_raw); kernel/trace/trace.c.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmdirSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ErrnoError } from '../base/errors.js';
import { openPipe, splice } from '../io/syscalls.js';
import type { PageSource, TraceFs } from './types.js';

/** Where tracefs is mounted, the usual place first. */
const ROOTS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];
const EAGAIN = -11;
/** Bytes moved by one splice: the default capacity of a pipe. */
const SPLICE_BYTES = 65536;

/**
 * The tracefs of this machine. `ErrnoError` with the command that helps: EOPNOTSUPP not Linux,
 * ENOENT not mounted, EACCES not root.
 */
export function openTraceFs(): TraceFs {
  if (process.platform !== 'linux') {
    throw new ErrnoError('EOPNOTSUPP', 'tracefs', undefined, {
      hint: 'recording needs Linux; netfslab trace import reads traces anywhere',
    });
  }
  const root = ROOTS.find((each) => existsSync(join(each, 'events')));
  if (root !== undefined) return new RealTraceFs(root);
  if (process.getuid?.() !== 0) {
    throw new ErrnoError('EACCES', 'open', ROOTS[0], { hint: 'run it as root' });
  }
  throw new ErrnoError('ENOENT', 'open', ROOTS[0], {
    hint: 'mount -t tracefs nodev /sys/kernel/tracing',
  });
}

class RealTraceFs implements TraceFs {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  read(path: string): string | null {
    try {
      return readFileSync(join(this.root, path), 'utf8');
    } catch {
      return null;
    }
  }

  write(path: string, text: string): number {
    return this.#store(path, text, constants.O_WRONLY | constants.O_TRUNC);
  }

  append(path: string, text: string): number {
    return this.#store(path, text, constants.O_WRONLY | constants.O_APPEND);
  }

  #store(path: string, text: string, flags: number): number {
    return attempt(() => {
      const fd = openSync(join(this.root, path), flags);
      try {
        writeSync(fd, text);
      } finally {
        closeSync(fd);
      }
    });
  }

  makeDirectory(path: string): number {
    return attempt(() => mkdirSync(join(this.root, path)));
  }

  removeDirectory(path: string): number {
    return attempt(() => rmdirSync(join(this.root, path)));
  }

  list(path: string): string[] {
    try {
      return readdirSync(join(this.root, path));
    } catch {
      return [];
    }
  }

  openPages(path: string): PageSource | number {
    try {
      const file = join(this.root, path, 'trace_pipe_raw');
      return new RingPages(openSync(file, constants.O_RDONLY | constants.O_NONBLOCK));
    } catch (error) {
      return errnoOf(error);
    }
  }
}

/** `trace_pipe_raw` of one processor. */
class RingPages implements PageSource {
  readonly #fd: number;
  /** Read end and write end; null where splice cannot be called. */
  readonly #pipe: readonly [number, number] | null;
  readonly #page: Buffer;

  constructor(fd: number) {
    this.#fd = fd;
    const pipe = openPipe();
    this.#pipe = typeof pipe === 'number' ? null : pipe;
    // st_blksize is the page size; sub-buffers may be larger, and a read takes one at a time.
    this.#page = Buffer.alloc(Math.max(4096, fstatSync(fd).blksize));
  }

  drain(fd: number): number {
    // Without splice the page that is being filled would be taken as well, and padded: too large.
    return this.#pipe === null ? 0 : this.#splice(fd, this.#pipe);
  }

  #splice(fd: number, [from, to]: readonly [number, number]): number {
    let moved = 0;
    for (;;) {
      const taken = splice(this.#fd, to, SPLICE_BYTES);
      if (taken <= 0) return taken === EAGAIN || taken === 0 ? moved : taken;
      for (let left = taken; left > 0; ) {
        const stored = splice(from, fd, left);
        if (stored <= 0) return stored === 0 ? -5 : stored;
        left -= stored;
      }
      moved += taken;
    }
  }

  finish(fd: number): number {
    let moved = this.drain(fd);
    if (moved < 0) return moved;
    const failed = attempt(() => {
      for (;;) {
        const length = readSync(this.#fd, this.#page, 0, this.#page.length, null);
        if (length === 0) return;
        this.#page.fill(0, length);
        for (let at = 0; at < this.#page.length; ) at += writeSync(fd, this.#page, at);
        moved += this.#page.length;
      }
    });
    return failed === 0 || failed === EAGAIN ? moved : failed;
  }

  close(): void {
    closeSync(this.#fd);
    for (const fd of this.#pipe ?? []) closeSync(fd);
  }
}

/** Does `call`: 0, or the negative errno it failed with. */
function attempt(call: () => void): number {
  try {
    call();
    return 0;
  } catch (error) {
    return errnoOf(error);
  }
}

function errnoOf(error: unknown): number {
  const errno = error instanceof Error && 'errno' in error ? Number(error.errno) : 0;
  if (errno === 0) throw error;
  return errno;
}
