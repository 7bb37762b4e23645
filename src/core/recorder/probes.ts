/**
 * Probes that record the paths of opens, which system-call events of kernels before v7.0 give as
 * addresses only. A kprobe where the kernel has them, else uprobes in the C library and the dynamic
 * linker. Called by `session.ts`.
 *
 * Kernel: Documentation/trace/kprobetrace.rst, uprobetracer.rst (`ustring`).
 */
import { readFileSync, realpathSync } from 'node:fs';
import { callSites } from './elf.js';
import { removeProbes } from './instance.js';
import type { TraceFs } from './types.js';

/** How paths are known. */
export interface PathProbes {
  /** Events to enable, `group/event`. */
  readonly events: readonly string[];
  /** For people: what records the paths, or why none are. */
  readonly how: string;
  remove(): void;
}

/** Makes probes in a group of this name, which is removed by `remove`. */
export function addPathProbes(fs: TraceFs, group: string): PathProbes {
  const remove = () => removeProbes(fs, group);
  const format = fs.read('events/syscalls/sys_enter_openat/format') ?? '';
  if (/__data_loc[^;]*filename/.test(format)) {
    return { events: [], how: 'paths: from the system-call events', remove };
  }
  const kernel = fs.append(
    'kprobe_events',
    `p:${group}/path do_sys_openat2 path=+0($arg2):ustring`,
  );
  if (kernel === 0) return { events: [`${group}/path`], how: 'paths: from a kprobe', remove };
  const events: string[] = [];
  for (const library of libraries()) {
    for (const { call, offset, register } of callSites(readFileSync(library))) {
      const name = `path_${call}_${events.length}`;
      const place = `${library}:0x${offset.toString(16)}`;
      const added = fs.append(
        'uprobe_events',
        `p:${group}/${name} ${place} path=+0(${register}):ustring`,
      );
      if (added === 0) events.push(`${group}/${name}`);
    }
  }
  const how =
    events.length > 0
      ? 'paths: from uprobes in the C library; a static program has none'
      : 'paths: none, as this kernel has no probes; files are known by inode';
  return { events, how, remove };
}

/** The C library and the dynamic linker that this process uses. */
function libraries(): string[] {
  try {
    const maps = readFileSync('/proc/self/maps', 'utf8');
    const paths = maps.matchAll(/(\/\S*\/(?:libc[.-]|ld-)\S*)$/gm);
    return [...new Set(Array.from(paths, ([, path = '']) => realpathSync(path)))];
  } catch {
    return [];
  }
}
