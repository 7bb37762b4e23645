/**
 * Where captures go and where they are looked for: $NETFSLAB_TRACES, else ./traces where there is
 * one, else the XDG state directory. Called by every command that writes or reads a capture.
 */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { UsageError } from '../../base/errors.js';
import { wallDate } from '../../sim/clock.js';

/** What of the surroundings decides where captures are; passed in by tests. */
export interface CapturePlace {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

function here(): CapturePlace {
  return { env: process.env, cwd: process.cwd() };
}

/** The folder of captures; it need not exist yet. */
export function captureFolder(place: CapturePlace = here()): string {
  const { NETFSLAB_TRACES: named, XDG_STATE_HOME: state, HOME: home } = place.env;
  if (named !== undefined && named !== '') return named;
  const local = join(place.cwd, 'traces');
  if (existsSync(local)) return local;
  return join(state || join(home || homedir(), '.local', 'state'), 'netfslab');
}

/**
 * The path of a new capture: `out` where given, else named by workload and time in the folder of
 * captures, which is made if need be. Creating it must fail if it exists, so no two runs share one.
 */
export function newCapturePath(
  workload: string,
  out?: string,
  place: CapturePlace = here(),
  now: Date = wallDate(),
): string {
  if (out !== undefined) return out;
  const folder = captureFolder(place);
  mkdirSync(folder, { recursive: true });
  // 2026-11-22T15:58:01.123Z -> 20261122-155801-123: sorts by time and is one word to a shell.
  const stamp = now.toISOString().replaceAll(/[-:Z]/g, '').replace('T', '-').replace('.', '-');
  return join(folder, `${workload}-${stamp}.db`);
}

/** Every capture in a folder, newest first; one of which only the spool is left counts. */
export function listCaptures(folder: string = captureFolder()): string[] {
  if (!existsSync(folder)) return [];
  const newest = new Map<string, number>();
  for (const name of readdirSync(folder)) {
    if (!/\.db(\.spool)?$/.test(name)) continue;
    const path = join(folder, name.replace(/\.spool$/, ''));
    const time = statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    newest.set(path, Math.max(time, newest.get(path) ?? 0));
  }
  return [...newest].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? 1 : -1)).map(([path]) => path);
}

/**
 * The capture to read: a path, a name in the folder of captures, or without either the newest
 * there. Throws a `UsageError` when there is none.
 */
export function findCapture(file?: string, place: CapturePlace = here()): string {
  const folder = captureFolder(place);
  if (file !== undefined) {
    const named = join(folder, file);
    const inFolder = basename(file) === file && !captureExists(file) && captureExists(named);
    const path = inFolder ? named : file;
    if (captureExists(path)) return path;
    throw new UsageError('FILE', `no capture '${file}'`, 'netfslab trace ls lists the captures');
  }
  const [newest] = listCaptures(folder);
  if (newest !== undefined) return newest;
  throw new UsageError(
    'FILE',
    `no captures in ${folder}`,
    'make one with netfslab run, or name a file',
  );
}

function captureExists(path: string): boolean {
  return existsSync(path) || existsSync(`${path}.spool`);
}
