/**
 * Copies of what the kernel shows of itself: statistics, tables of requests and cookies, mounts,
 * open files, stacks of tasks that wait. Each becomes a member of the bundle. Called by
 * `session.ts`.
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { TABLES } from './presets.js';
import type { Snapshot } from './types.js';

/** Most open files that are copied; a machine with more is recorded without the rest. */
const OPEN_FILES_MAX = 100_000;

function text(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** Statistics and tables now, named `stats.MOMENT`; those that the kernel lacks are left out. */
export function tables(moment: string): Snapshot[] {
  return Object.entries(TABLES).flatMap(([name, paths]) => {
    const found = paths.map(text).find((each) => each !== null);
    return found == null ? [] : [{ name: `${name}.${moment}`, text: found }];
  });
}

/** What does not change while it is recorded: the release, mounts. */
export function machine(): Snapshot[] {
  return [
    { name: 'kernel', text: `${release()}\n` },
    { name: 'mountinfo', text: text('/proc/self/mountinfo') ?? '' },
    { name: 'mountstats', text: text('/proc/self/mountstats') ?? '' },
  ];
}

/**
 * Open files and working directories of processes: a line `PID TGID FD POS FLAGS DEV INO PATH`
 * each, FD `cwd` for the working directory, POS in bytes, FLAGS octal as in fdinfo, DEV and INO
 * decimal. `pids` null = of all processes.
 */
export function openFiles(pids: readonly number[] | null): Snapshot {
  const all =
    pids ?? readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  const lines: string[] = [];
  for (const pid of all) {
    if (lines.length >= OPEN_FILES_MAX) break;
    const cwd = described(`/proc/${pid}/cwd`);
    if (cwd !== null) lines.push(`${pid} ${pid} cwd 0 0 ${cwd}`);
    for (const fd of namesIn(`/proc/${pid}/fd`)) {
      const file = described(`/proc/${pid}/fd/${fd}`);
      const info = text(`/proc/${pid}/fdinfo/${fd}`) ?? '';
      const position = /^pos:\s*(\d+)/m.exec(info)?.[1] ?? '0';
      const flags = /^flags:\s*(\d+)/m.exec(info)?.[1] ?? '0';
      if (file !== null) lines.push(`${pid} ${pid} ${fd} ${position} ${flags} ${file}`);
    }
  }
  return { name: 'open-files', text: `${lines.join('\n')}\n` };
}

/** `DEV INO PATH` of what a link of /proc leads to; null where it is gone or not a file. */
function described(link: string): string | null {
  try {
    const path = readlinkSync(link);
    if (!path.startsWith('/')) return null;
    const { dev, ino } = statSync(link);
    // A newline in a name would end the line; it is written as in /proc/mounts.
    return `${dev} ${ino} ${path.replaceAll('\\', '\\134').replaceAll('\n', '\\012')}`;
  } catch {
    return null;
  }
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** Stacks of tasks in uninterruptible sleep, a heading `== PID COMM` each; null = there is none. */
export function stuckStacks(moment: string): Snapshot | null {
  const blocks: string[] = [];
  for (const name of namesIn('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    for (const task of namesIn(`/proc/${name}/task`)) {
      const stat = text(`/proc/${name}/task/${task}/stat`);
      if (stat === null || !stat.slice(stat.lastIndexOf(')') + 2).startsWith('D')) continue;
      const stack = text(`/proc/${name}/task/${task}/stack`) ?? '';
      const comm = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
      blocks.push(`== ${task} ${comm}\n${stack}`);
    }
  }
  return blocks.length === 0 ? null : { name: `stacks.${moment}`, text: blocks.join('') };
}
