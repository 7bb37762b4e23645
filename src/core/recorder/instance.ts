/**
 * One tracefs instance: a ring buffer of its own beside whatever else is traced on the machine.
 * Made and removed by `session.ts`. Its name carries the process and when that started, so that an
 * instance whose process was killed is known for what it is.
 */
import { readFileSync } from 'node:fs';
import { ErrnoError, UsageError } from '../base/errors.js';
import type { PageSource, TraceFs } from './types.js';

/** Prefix of instances and of groups of probes. */
const PREFIX = 'netfslab';
const NAMED = /^netfslab_(\d+)_(\d+)(_\w+)?$/;
const ENOMEM = -12;
const EPERM = -1;
const EACCES = -13;
const EBUSY = -16;
const REMOVE_TRIES = 50;

/** The name that belongs to this process: `netfslab_PID_STARTTIME`. */
export function ownName(): string {
  return `${PREFIX}_${process.pid}_${startTime(process.pid) ?? 0}`;
}

/** Start of a process in clock ticks since boot (proc(5) stat, field 22); null = it is gone. */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name in parentheses may hold spaces and parentheses.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

/** True if the process that made an instance or group of this name is gone. */
function isStale(name: string): boolean {
  const match = NAMED.exec(name);
  return match !== null && startTime(Number(match[1])) !== match[2];
}

/** Removes instances and probes of killed recordings; returns their names. */
export function removeStale(fs: TraceFs): string[] {
  const stale = fs.list('instances').filter(isStale);
  for (const name of stale) removeInstance(fs, name);
  for (const file of ['uprobe_events', 'kprobe_events']) {
    for (const group of probeGroups(fs.read(file) ?? '')) {
      if (!isStale(group)) continue;
      removeProbes(fs, group);
      stale.push(group);
    }
  }
  return stale;
}

function probeGroups(definitions: string): Set<string> {
  const groups = definitions.matchAll(/^[pr]\w*:([^/\s]+)\//gm);
  return new Set([...groups].map(([, group = '']) => group));
}

/** Removes all probes of a group. */
export function removeProbes(fs: TraceFs, group: string): void {
  for (const file of ['uprobe_events', 'kprobe_events']) {
    for (const [, kind = ''] of (fs.read(file) ?? '').matchAll(/^[pr]\w*:(\S+)/gm)) {
      if (kind.startsWith(`${group}/`)) fs.append(file, `-:${kind}`);
    }
  }
}

function removeInstance(fs: TraceFs, name: string): number {
  const path = `instances/${name}`;
  fs.write(`${path}/tracing_on`, '0');
  fs.write(`${path}/events/enable`, '0');
  fs.write(`${path}/set_event`, '');
  let result = 0;
  for (let tries = 0; tries < REMOVE_TRIES; tries++) {
    result = fs.removeDirectory(path);
    if (result !== EBUSY) break;
  }
  return result;
}

/** What the ring buffers of an instance say of themselves, all processors together. */
export interface RingCounts {
  /** Events written and not yet taken. */
  readonly entries: number;
  /** Events overwritten or dropped before they were taken. */
  readonly lost: number;
  /** Events taken. */
  readonly read: number;
}

/** An instance that records into files. */
export class Instance {
  readonly name: string;
  readonly #fs: TraceFs;
  readonly #path: string;
  readonly #pages: { readonly cpu: number; readonly source: PageSource }[] = [];

  /** `ErrnoError` where tracefs refuses: EPERM under lockdown, EACCES without permission. */
  constructor(fs: TraceFs, name: string) {
    this.name = name;
    this.#fs = fs;
    this.#path = `instances/${name}`;
    const made = fs.makeDirectory(this.#path);
    if (made < 0) throw refused(made, 'mkdir', `${fs.root}/${this.#path}`);
  }

  /** Sets clock and size; `kb` is for all processors together. `ErrnoError` ENOMEM if too large. */
  configure(clock: string, kb: number): void {
    const cpus = this.cpus().length;
    this.#fs.write(`${this.#path}/tracing_on`, '0');
    this.#need('trace_clock', clock);
    const each = Math.max(4, Math.floor(kb / Math.max(1, cpus)));
    const sized = this.#fs.write(`${this.#path}/buffer_size_kb`, String(each));
    if (sized === ENOMEM) {
      throw new UsageError('--buffer', `the kernel has no ${kb} KiB for it`, 'use a smaller one');
    }
    if (sized < 0) throw refused(sized, 'write', `${this.#path}/buffer_size_kb`);
  }

  #need(file: string, text: string): void {
    const result = this.#fs.write(`${this.#path}/${file}`, text);
    if (result < 0) throw refused(result, 'write', `${this.#fs.root}/${this.#path}/${file}`);
  }

  /** Processors that have a buffer. */
  cpus(): number[] {
    const names = this.#fs.list(`${this.#path}/per_cpu`);
    return names.flatMap((name) => (/^cpu\d+$/.test(name) ? [Number(name.slice(3))] : []));
  }

  /** Enables a system or `system/event`; false if the kernel has none. */
  enable(event: string): boolean {
    return this.#fs.write(`${this.#path}/events/${event}/enable`, '1') === 0;
  }

  disable(event: string): void {
    this.#fs.write(`${this.#path}/events/${event}/enable`, '0');
  }

  /** Records only these processes, and those that they start. */
  follow(pids: readonly number[]): void {
    this.#need('options/event-fork', '1');
    this.#need('set_event_pid', pids.join(' '));
  }

  /** Opens the buffers, which must be done before `start`. */
  open(): void {
    for (const cpu of this.cpus()) {
      const source = this.#fs.openPages(`${this.#path}/per_cpu/cpu${cpu}`);
      if (typeof source === 'number') throw refused(source, 'open', `${this.#path}/trace_pipe_raw`);
      this.#pages.push({ cpu, source });
    }
  }

  start(): void {
    this.#need('tracing_on', '1');
  }

  stop(): void {
    this.#fs.write(`${this.#path}/tracing_on`, '0');
  }

  /** Moves pages to the files of their processors; `all` = also those that are not full. */
  drain(fileOf: (cpu: number) => number, all: boolean): number {
    let moved = 0;
    for (const { cpu, source } of this.#pages) {
      const bytes = all ? source.finish(fileOf(cpu)) : source.drain(fileOf(cpu));
      if (bytes < 0) throw new ErrnoError(bytes, 'splice', `${this.#path}/per_cpu/cpu${cpu}`);
      moved += bytes;
    }
    return moved;
  }

  counts(): RingCounts {
    const total = { entries: 0, lost: 0, read: 0 };
    for (const cpu of this.cpus()) {
      const text = this.#fs.read(`${this.#path}/per_cpu/cpu${cpu}/stats`) ?? '';
      const value = (key: string) =>
        Number(new RegExp(`^${key}: (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
      total.entries += value('entries');
      total.lost += value('overrun') + value('dropped events');
      total.read += value('read events');
    }
    return total;
  }

  /** Removes the instance. Returns 0 or the negative errno with which it stays. */
  remove(): number {
    for (const { source } of this.#pages.splice(0)) source.close();
    return removeInstance(this.#fs, this.name);
  }
}

function refused(errno: number, syscall: string, path: string): ErrnoError {
  const lockdown = errno === EPERM && /\[(integrity|confidentiality)\]/.test(lockdownState());
  const hint = lockdown
    ? 'the kernel is locked down (cat /sys/kernel/security/lockdown): no process may trace it'
    : errno === EACCES || errno === EPERM
      ? 'run it as root'
      : undefined;
  return new ErrnoError(errno, syscall, path, hint === undefined ? {} : { hint });
}

function lockdownState(): string {
  try {
    return readFileSync('/sys/kernel/security/lockdown', 'utf8');
  } catch {
    return '';
  }
}
