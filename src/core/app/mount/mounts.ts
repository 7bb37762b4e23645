/**
 * What the system says of mounts: which are ours, who uses them, and ending them. Used by `mount`
 * and `unmount`.
 */
import fs from 'node:fs';
import path from 'node:path';
import { EBUSY, EINVAL } from '../../base/errno.js';
import { ErrnoError, UsageError } from '../../base/errors.js';
import { isDeadMount, unmountFuse, unmountLater } from '../../io/fuse_device.js';

/** Type of our mounts in the list of mounts. */
const TYPE = 'fuse.netfslab';
const MS = 50;

/** A mount as the system lists it. */
export interface ListedMount {
  readonly mountpoint: string;
  readonly type: string;
  readonly source: string;
}

/** Every mount, the newest last (proc_pid_mountinfo(5)). */
function listMounts(text = fs.readFileSync('/proc/self/mountinfo', 'utf8')): ListedMount[] {
  const plain = (field: string): string =>
    field.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8)));
  return text.split('\n').flatMap((line) => {
    const [front, back] = line.split(' - ');
    const mountpoint = front?.split(' ')[4];
    const [type, source] = back?.split(' ') ?? [];
    if (mountpoint === undefined || type === undefined || source === undefined) return [];
    return [{ mountpoint: plain(mountpoint), type, source: plain(source) }];
  });
}

/** Our mount at a path that was made absolute, the newest if there are several. */
export function ownMount(mountpoint: string): ListedMount | undefined {
  const at = path.resolve(mountpoint);
  return listMounts().findLast((each) => each.mountpoint === at && each.type === TYPE);
}

/** Who uses a mount: processes by number and name, at most ten. */
export function holdersOf(mountpoint: string): string[] {
  const at = path.resolve(mountpoint);
  const within = (file: string): boolean => file === at || file.startsWith(`${at}/`);
  const link = (file: string): string => {
    try {
      return fs.readlinkSync(file);
    } catch {
      return '';
    }
  };
  const list = (directory: string): string[] => {
    try {
      return fs.readdirSync(directory);
    } catch {
      return [];
    }
  };
  const holders: string[] = [];
  for (const pid of list('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const own = `/proc/${pid}`;
    const links = ['cwd', 'root', 'exe', ...list(`${own}/fd`).map((fd) => `fd/${fd}`)];
    const used = links.find((name) => within(link(`${own}/${name}`)));
    if (used === undefined) continue;
    let comm = '?';
    try {
      comm = fs.readFileSync(`${own}/comm`, 'utf8').trimEnd();
    } catch {}
    holders.push(`${comm} (pid ${pid}, ${used})`);
    if (holders.length === 10) break;
  }
  return holders;
}

/** Removes a mount whose process has gone: true if there was one. */
export function clearDeadMount(mountpoint: string): boolean {
  if (!isDeadMount(mountpoint)) return false;
  const error = unmountFuse(mountpoint, true);
  if (error < 0) {
    throw new ErrnoError(error, 'umount', mountpoint, {
      text: 'the process of a mount that is there has gone, and it cannot be unmounted',
      hint: `umount -l ${mountpoint}`,
    });
  }
  return true;
}

/** The process that serves a mount, 0 if it does not say. */
function serverOf(mountpoint: string): number {
  try {
    return Number(fs.readFileSync(path.join(mountpoint, '.netfslab/pid'), 'utf8'));
  } catch {
    return 0;
  }
}

// One that has ended and whose parent has not asked yet is no longer running.
function isRunning(pid: number): boolean {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/**
 * Unmounts a mount of ours and waits until its process has written everything and finished its
 * capture. Throws a `UsageError` (no mount of ours is there) or an `ErrnoError` EBUSY.
 */
export async function unmount(mountpoint: string, lazily: boolean): Promise<{ pid: number }> {
  if (clearDeadMount(mountpoint)) return { pid: 0 };
  if (ownMount(mountpoint) === undefined) {
    const hint = 'netfslab unmount takes the MOUNTPOINT of a netfslab mount';
    throw new UsageError('MOUNTPOINT', `nothing of netfslab is mounted at '${mountpoint}'`, hint);
  }
  const pid = serverOf(mountpoint);
  if (!(await unmountLater(mountpoint, lazily))) {
    const holders = holdersOf(mountpoint);
    throw new ErrnoError(holders.length > 0 ? -EBUSY : -EINVAL, 'umount', mountpoint, {
      text: holders.length > 0 ? `in use by ${holders.join(', ')}` : 'cannot be unmounted',
      hint: `netfslab unmount --lazy ${mountpoint}`,
    });
  }
  while (pid > 0 && isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, MS));
  return { pid };
}
