/**
 * /dev/fuse and what mounts it: the system calls behind `core/fuse`. As root by mount(2), else
 * through fusermount3, which hands the descriptor over a socket. Negative errnos instead of throws.
 */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import { ENOTCONN, EOPNOTSUPP, errnoFromNode } from '../base/errno.js';
import { bytesOfName } from '../base/names.js';
import { closeFd } from './files.js';

type Call = (...args: unknown[]) => number;

interface FuseCalls {
  readonly mount: Call;
  readonly umount2: Call & { async(...args: unknown[]): void };
  readonly read: Call & { async(...args: unknown[]): void };
  readonly writev: Call;
  readonly socketpair: Call;
  readonly recvmsg: Call;
  readonly fcntl: Call;
  errno(): number;
  address(memory: Uint8Array): number;
}

let loaded: FuseCalls | null | undefined;

function load(): FuseCalls | null {
  if (os.platform() !== 'linux') return null;
  try {
    const koffi = createRequire(import.meta.url)('koffi');
    const libc = koffi.load(null);
    const text = 'const uint8_t *';
    return {
      mount: libc.func(`int mount(${text}a, ${text}b, ${text}c, ulong flags, ${text}d)`),
      umount2: libc.func(`int umount2(${text}a, int flags)`),
      read: libc.func('long read(int fd, size_t to, size_t n)'),
      writev: libc.func('long writev(int fd, size_t pieces, int n)'),
      socketpair: libc.func('int socketpair(int domain, int type, int protocol, int32_t *fds)'),
      recvmsg: libc.func('long recvmsg(int fd, uint8_t *message, int flags)'),
      fcntl: libc.func('int fcntl(int fd, int what, int value)'),
      errno: () => koffi.errno() as number,
      address: (memory) => Number(koffi.address(memory)),
    };
  } catch {
    return null;
  }
}

function calls(): FuseCalls | null {
  if (loaded === undefined) loaded = load();
  return loaded;
}

function result(from: FuseCalls, value: number): number {
  return value < 0 ? -from.errno() : value;
}

const MS_NOSUID = 2;
const MS_NODEV = 4;
const MNT_DETACH = 2;
const O_NONBLOCK = fs.constants.O_NONBLOCK;
/** fcntl(2): sets the flags of an open file. */
const F_SETFL = 4;

/** How a filesystem is mounted. */
export interface MountHow {
  /** What the list of mounts calls it. */
  readonly source: string;
  readonly mountpoint: string;
  /** Most bytes of a read. */
  readonly maxRead: number;
  /** Other users may use it. */
  readonly allowOther: boolean;
  /** Through fusermount3 even where mount(2) could be used. */
  readonly byHelper: boolean;
  /** A read waits until there is a request; else it answers -EAGAIN. */
  readonly waits: boolean;
}

/** A mount that was made, or why there is none: a negative errno and what was tried. */
export type Mounted =
  | { readonly fd: number; readonly byHelper: boolean }
  | { readonly errno: number; readonly what: string; readonly said?: string };

function terminated(name: string): Uint8Array {
  return Buffer.concat([bytesOfName(name), Uint8Array.of(0)]);
}

/** Mounts a FUSE filesystem. */
export function mountFuse(how: MountHow): Mounted {
  const from = calls();
  if (from === null) return { errno: -EOPNOTSUPP, what: 'mount' };
  if (how.byHelper || process.geteuid?.() !== 0) return mountByHelper(from, how);
  let fd: number;
  try {
    fd = fs.openSync('/dev/fuse', fs.constants.O_RDWR | (how.waits ? 0 : O_NONBLOCK));
  } catch (error) {
    return { errno: errnoFromNode(error), what: '/dev/fuse' };
  }
  const { maxRead, allowOther } = how;
  const options = [
    `fd=${fd},rootmode=40000,user_id=0,group_id=0,default_permissions`,
    `max_read=${maxRead}`,
    ...(allowOther ? ['allow_other'] : []),
  ].join(',');
  const error = result(
    from,
    from.mount(
      terminated(how.source),
      terminated(how.mountpoint),
      terminated('fuse.netfslab'),
      MS_NOSUID | MS_NODEV,
      terminated(options),
    ),
  );
  if (error === 0) return { fd, byHelper: false };
  closeFd(fd);
  return { errno: error, what: 'mount' };
}

function mountByHelper(from: FuseCalls, how: MountHow): Mounted {
  const pair = new Int32Array(2);
  const made = result(from, from.socketpair(1, 1, 0, pair));
  if (made < 0) return { errno: made, what: 'socketpair' };
  const [ours, theirs] = [...pair] as [number, number];
  const options = [
    'default_permissions,nosuid,nodev',
    `max_read=${how.maxRead}`,
    `fsname=${how.source.replaceAll(/[\\,]/g, '\\$&')}`,
    'subtype=netfslab',
    ...(how.allowOther ? ['allow_other'] : []),
  ].join(',');
  const helper = spawnSync('fusermount3', ['-o', options, '--', how.mountpoint], {
    stdio: ['ignore', 'ignore', 'pipe', theirs],
    env: { ...process.env, _FUSE_COMMFD: '3' },
  });
  closeFd(theirs);
  const failed = helper.error !== undefined || helper.status !== 0;
  const fd = failed ? -1 : receive(from, ours);
  closeFd(ours);
  // The helper's descriptor waits.
  if (fd >= 0 && !how.waits) from.fcntl(fd, F_SETFL, fs.constants.O_RDWR | O_NONBLOCK);
  if (!failed && fd >= 0) return { fd, byHelper: true };
  const said = helper.stderr?.toString().trim();
  const errno = helper.error === undefined ? -1 : errnoFromNode(helper.error);
  return { errno, what: 'fusermount3', ...(said && { said }) };
}

// The descriptor in the control message of the one byte that fusermount3 sends.
function receive(from: FuseCalls, socket: number): number {
  const data = new Uint8Array(8);
  const control = new Uint8Array(64);
  const vector = new BigUint64Array([BigInt(from.address(data)), 1n]);
  const message = new Uint8Array(56);
  const view = new DataView(message.buffer);
  view.setBigUint64(16, BigInt(from.address(new Uint8Array(vector.buffer))), true);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(32, BigInt(from.address(control)), true);
  view.setBigUint64(40, BigInt(control.length), true);
  if (from.recvmsg(socket, message, 0) <= 0) return -1;
  return new DataView(control.buffer).getInt32(16, true);
}

/** Unmounts; `lazily`: also what is in use, as soon as it is no more. */
export function unmountFuse(mountpoint: string, lazily: boolean): number {
  const from = calls();
  if (from === null) return -EOPNOTSUPP;
  if (process.geteuid?.() === 0) {
    return result(from, from.umount2(terminated(mountpoint), lazily ? MNT_DETACH : 0));
  }
  const args = ['-u', ...(lazily ? ['-z'] : []), '--', mountpoint];
  const helper = spawnSync('fusermount3', args, { stdio: 'ignore' });
  if (helper.error !== undefined) return errnoFromNode(helper.error);
  // EBUSY is what nearly always is wrong, and all that it does not tell apart.
  return helper.status === 0 ? 0 : -16;
}

/**
 * As `unmountFuse`, on another thread: who serves the mount may be asked meanwhile. False: it is
 * busy, or cannot be unmounted.
 */
export function unmountLater(mountpoint: string, lazily: boolean): Promise<boolean> {
  const from = calls();
  if (from === null) return Promise.resolve(false);
  return new Promise((resolve) => {
    if (process.geteuid?.() === 0) {
      from.umount2.async(
        terminated(mountpoint),
        lazily ? MNT_DETACH : 0,
        (_error: unknown, result: number) => resolve(result === 0),
      );
      return;
    }
    const args = ['-u', ...(lazily ? ['-z'] : []), '--', mountpoint];
    const helper = spawn('fusermount3', args, { stdio: 'ignore' });
    helper.on('error', () => resolve(false));
    helper.on('close', (code) => resolve(code === 0));
  });
}

/** True if a mount is there whose process has gone. */
export function isDeadMount(mountpoint: string): boolean {
  try {
    fs.statSync(mountpoint);
    return false;
  } catch (error) {
    return errnoFromNode(error) === -ENOTCONN;
  }
}

/** Reads one request to `address`: its bytes, or a negative errno (-EAGAIN: there is none). */
export function readRequest(fd: number, address: number, length: number): number {
  const from = calls() as FuseCalls;
  return result(from, from.read(fd, address, length));
}

/** As `readRequest`, on another thread, of a descriptor that waits; errors are -EIO. */
export function readRequestLater(
  fd: number,
  address: number,
  length: number,
  done: (result: number) => void,
): void {
  (calls() as FuseCalls).read.async(fd, address, length, (_error: unknown, got: number) =>
    done(got),
  );
}

/** Writes an answer of `pieces` pieces: 0 or a negative errno (-ENOENT: nobody waits any more). */
export function writeAnswer(fd: number, vector: number, pieces: number): number {
  const from = calls() as FuseCalls;
  return from.writev(fd, vector, pieces) < 0 ? -from.errno() : 0;
}
