/**
 * Changing files beneath a directory: making, copying, cutting off, and seeing to it that a change
 * shows in the modification time. Called by the servers; a negative errno instead of a throw.
 */
import fs from 'node:fs';
import path from 'node:path';
import { EPERM, errnoFromNode } from '../base/errno.js';
import { wallMs } from '../sim/clock.js';
import { statFd } from './files.js';
import type { FileStatus, IoDone } from './types.js';

/** open(2) flags of a file that is changed. */
export const O_RDWR = fs.constants.O_RDWR;

/** Sets the size of an open file. */
export function setFdSize(fd: number, size: number): number {
  try {
    fs.ftruncateSync(fd, size);
    return 0;
  } catch (error) {
    return errnoFromNode(error);
  }
}

/**
 * Changes an open file: cuts it off or extends it to `size` if that is given, then writes `bytes`
 * at `position`.
 */
export function changeFd(
  fd: number,
  size: number | undefined,
  bytes: Uint8Array | undefined,
  position: number,
): number {
  try {
    if (size !== undefined) fs.ftruncateSync(fd, size);
    for (let done = 0; bytes !== undefined && done < bytes.length; ) {
      done += fs.writeSync(fd, bytes, done, bytes.length - done, position + done);
    }
    return 0;
  } catch (error) {
    return errnoFromNode(error);
  }
}

/** Longest tick of the kernel's clock for files (100 Hz), and some more, ms. */
const TICK_MS = 12;

/**
 * Makes the modification time of an open file another than `before`'s: the kernel's clock for it
 * ticks a few hundred times a second, and two changes within a tick would look like one.
 */
export function showChange(fd: number, before: FileStatus): FileStatus | number {
  for (let stepUs = 1; ; stepUs *= 10) {
    const now = statFd(fd);
    if (typeof now === 'number' || now.mtime !== before.mtime) return now;
    const later = Number(BigInt(before.mtime) / 1000n + BigInt(stepUs)) / 1e6;
    try {
      fs.futimesSync(fd, later, later);
    } catch (error) {
      const errno = errnoFromNode(error);
      return errno === -EPERM ? showByTicks(fd, before) : errno;
    }
  }
}

// Only a file's owner may set its times; but whoever may write to it makes its time that of now by
// cutting it off where it ends. The change has been made: that it cannot be shown is no error.
function showByTicks(fd: number, before: FileStatus): FileStatus | number {
  const until = wallMs() + TICK_MS;
  for (;;) {
    const now = statFd(fd);
    if (typeof now === 'number' || now.mtime !== before.mtime || wallMs() >= until) return now;
    const error = setFdSize(fd, now.size);
    if (error < 0) return now;
  }
}

/** Makes the data of an open file durable; on the thread pool unless `now`. */
export function syncFd(fd: number, now: boolean, done: IoDone): void {
  if (!now) {
    fs.fdatasync(fd, (error) => done(error === null ? 0 : errnoFromNode(error)));
    return;
  }
  try {
    fs.fdatasyncSync(fd);
    done(0);
  } catch (error) {
    done(errnoFromNode(error));
  }
}

/**
 * Makes a new directory for scratch files of this process, or a negative errno. Those that killed
 * processes have left there under the same name are removed.
 */
export function makeScratch(parent: string, name: string): string | number {
  try {
    removeOrphans(parent, name);
    return fs.mkdtempSync(path.join(parent, `${name}-${pidSpace()}-${process.pid}-`));
  } catch (error) {
    return errnoFromNode(error);
  }
}

// Only of processes whose numbers mean here what they meant there: a container may share /tmp.
function removeOrphans(parent: string, name: string): void {
  const ours = `${name}-${pidSpace()}-`;
  for (const entry of fs.readdirSync(parent)) {
    if (!entry.startsWith(ours)) continue;
    const pid = Number.parseInt(entry.slice(ours.length), 10);
    const directory = path.join(parent, entry);
    if (!isRunning(pid) && isOwn(directory)) removeTree(directory);
  }
}

function pidSpace(): string {
  try {
    return fs.readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
  } catch {
    return '0';
  }
}

function isOwn(directory: string): boolean {
  const status = fs.lstatSync(directory, { throwIfNoEntry: false });
  return status?.isDirectory() === true && status.uid === process.getuid?.();
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Removes a directory with all that is in it. */
export function removeTree(directory: string): void {
  fs.rmSync(directory, { recursive: true, force: true });
}
