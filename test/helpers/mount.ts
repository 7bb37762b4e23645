/**
 * Filesystems of their own for tests, on loop devices. They need root and are for the long form:
 * NETFSLAB_MOUNTS=1 asks for them, and a test for a filesystem that cannot be mounted is skipped by
 * name.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';

/** What is mounted, by its type: the smallest size its mkfs takes, in MiB. */
const KINDS = { ext4: 16, xfs: 320, btrfs: 128, tmpfs: 4 } as const;

/** A type of filesystem. */
export type MountKind = keyof typeof KINDS;

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

// Mounts a new filesystem; what it returns unmounts and removes it.
function mount(kind: MountKind): { dir: string; undo: () => void } {
  const base = fs.mkdtempSync(path.join(os.tmpdir(), `netfslab-${kind}-`));
  const dir = path.join(base, 'mount');
  fs.mkdirSync(dir);
  const clean = (): void => fs.rmSync(base, { recursive: true, force: true });
  try {
    if (kind === 'tmpfs') {
      run('mount', '-t', 'tmpfs', '-o', `size=${KINDS[kind]}m`, 'netfslab', dir);
    } else {
      const image = path.join(base, 'image');
      fs.writeFileSync(image, '');
      fs.truncateSync(image, KINDS[kind] << 20);
      run(`mkfs.${kind}`, image);
      run('mount', '-o', 'loop', image, dir);
    }
  } catch (error) {
    clean();
    throw error;
  }
  return {
    dir,
    undo() {
      run('umount', dir);
      clean();
    },
  };
}

/** A new filesystem that goes with the test. */
export function mounted(t: ExecutionContext, kind: MountKind): string {
  const { dir, undo } = mount(kind);
  t.teardown(undo);
  return dir;
}

/** Makes a directory read-only for whoever opens files in it from now on; `undo` ends that. */
export function readOnly(dir: string): { undo: () => void } {
  run('mount', '--bind', dir, dir);
  run('mount', '-o', 'remount,bind,ro', dir);
  return { undo: () => run('umount', dir) };
}

const reasons = new Map<MountKind, string>();

function whyNot(kind: MountKind): string {
  if (process.env.NETFSLAB_MOUNTS === undefined) return 'NETFSLAB_MOUNTS is not set';
  let why = reasons.get(kind);
  if (why === undefined) {
    try {
      mount(kind).undo();
      why = '';
    } catch (error) {
      why = `cannot be mounted here: ${String((error as Error).message)
        .split('\n')
        .at(-2)}`;
    }
    reasons.set(kind, why);
  }
  return why;
}

/** Declares a test on a new filesystem of that type; skipped, with the reason, if there is none. */
export function testOn(
  kind: MountKind,
  title: string,
  body: (t: ExecutionContext, dir: string) => Promise<void>,
): void {
  const why = whyNot(kind);
  if (why !== '') test.skip(`${kind}: ${title} (${why})`, (t) => t.fail());
  else test.serial(`${kind}: ${title}`, (t) => body(t, mounted(t, kind)));
}
