/**
 * One recording: instances, probes, pages on disk, snapshots; in the end a folder that holds what a
 * bundle of `capture-script` holds, with a trace.dat in place of the text. Called by
 * app/record/record.ts. Whatever happens the machine is left as it was: `close` removes everything,
 * and what a killed recording left is removed by the next one.
 */
import { closeSync, mkdirSync, openSync, statSync, writeFileSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { join } from 'node:path';
import { ErrnoError } from '../base/errors.js';
import { Instance, ownName, type RingCounts, removeStale } from './instance.js';
import { ALWAYS, CLIENTS, LEFT_OUT, OPERATION_CALLS, TASK_EVENTS } from './presets.js';
import { addPathProbes, type PathProbes } from './probes.js';
import { machine, openFiles, stuckStacks, tables } from './snapshot.js';
import { type CpuPages, writeTraceDat } from './trace_dat_write.js';
import type { Snapshot, TraceFs } from './types.js';

/** What to record. */
export interface SessionOptions {
  readonly fs: TraceFs;
  /** An empty folder for the pages and for what becomes of them. */
  readonly folder: string;
  /** Events besides those of netfs, fscache, cachefiles and the network filesystems. */
  readonly events: readonly string[];
  /** Ring buffers, all processors together, KiB. */
  readonly bufferKb: number;
  /** Record system calls, too. */
  readonly operations: boolean;
}

/** What a recording has so far. */
export interface Progress extends RingCounts {
  /** Bytes of pages on disk. */
  readonly bytes: number;
}

/**
 * The trace clock: that of CLOCK_MONOTONIC, so that times can be compared with dmesg and strace.
 */
const CLOCK = 'mono';

/** A ring buffer and its files. */
interface Ring {
  readonly name: string;
  readonly instance: Instance;
  readonly files: Map<number, { readonly path: string; readonly fd: number }>;
}

/** A recording. Make it, `start` it, call `pump` often, `finish` it; `close` it in any case. */
export class Session {
  /** Instances and probes of killed recordings that were removed. */
  readonly removed: readonly string[];
  /** Events that were asked for and that the kernel does not have. */
  readonly lacking: readonly string[];
  /** How the paths of files are known, null = operations are not recorded. */
  readonly paths: string | null;
  readonly #options: SessionOptions;
  readonly #rings: Ring[] = [];
  readonly #snapshots: Snapshot[] = [];
  readonly #comms = new Map<string, string>();
  #probes: PathProbes | null = null;
  #bytes = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { fs, operations } = options;
    this.removed = removeStale(fs);
    const lacking: string[] = [];
    try {
      const kb = operations ? options.bufferKb / 2 : options.bufferKb;
      const events = this.#ring('', ownName(), kb);
      for (const event of [...ALWAYS, ...options.events]) {
        if (!events.enable(event)) lacking.push(event);
      }
      for (const system of CLIENTS) events.enable(system);
      for (const event of LEFT_OUT) events.disable(event);
      if (operations) lacking.push(...this.#operations(kb));
    } catch (error) {
      this.close();
      throw error;
    }
    this.lacking = lacking;
    this.paths = this.#probes?.how ?? null;
  }

  #ring(name: string, instanceName: string, kb: number): Instance {
    const instance = new Instance(this.#options.fs, instanceName);
    this.#rings.push({ name, instance, files: new Map() });
    instance.configure(CLOCK, kb);
    return instance;
  }

  /** System calls have a buffer of their own, as only those of some processes may be wanted. */
  #operations(kb: number): string[] {
    const ring = this.#ring('operations', `${ownName()}_ops`, kb);
    this.#probes = addPathProbes(this.#options.fs, ownName());
    const calls = OPERATION_CALLS.flatMap((name) => [
      `syscalls/sys_enter_${name}`,
      `syscalls/sys_exit_${name}`,
    ]);
    const known = calls.filter((event) => ring.enable(event));
    for (const event of [...this.#probes.events, ...TASK_EVENTS]) ring.enable(event);
    return known.length === 0 ? ['syscalls'] : [];
  }

  /** Starts; `pids` = whose system calls are recorded, with those of their children; null = all. */
  start(pids: readonly number[] | null): void {
    this.#snapshots.push(...machine(), ...tables('before'));
    if (this.#options.operations) this.#snapshots.push(openFiles(pids));
    for (const { name, instance } of this.#rings) {
      if (name !== '' && pids !== null) instance.follow(pids);
      instance.open();
    }
    for (const { instance } of this.#rings) instance.start();
  }

  /** Moves full pages to disk. `ErrnoError` (ENOSPC ...) if they cannot be written. */
  pump(): Progress {
    return this.#drain(false);
  }

  #drain(all: boolean): Progress {
    const total = { entries: 0, lost: 0, read: 0 };
    for (const ring of this.#rings) {
      this.#bytes += ring.instance.drain((cpu) => this.#file(ring, cpu), all);
      const counts = ring.instance.counts();
      for (const key of ['entries', 'lost', 'read'] as const) total[key] += counts[key];
    }
    this.#rememberTasks();
    return { ...total, bytes: this.#bytes };
  }

  /** The kernel remembers the names of few tasks, so they are asked for again and again. */
  #rememberTasks(): void {
    const text = this.#options.fs.read('saved_cmdlines') ?? '';
    for (const [, pid = '', comm = ''] of text.matchAll(/^(\d+) (.*)$/gm))
      this.#comms.set(pid, comm);
  }

  #file({ name, files }: Ring, cpu: number): number {
    let file = files.get(cpu);
    if (file === undefined) {
      const path = join(this.#options.folder, `pages${name}.${cpu}`);
      file = { path, fd: openSync(path, 'wx', 0o600) };
      files.set(cpu, file);
    }
    return file.fd;
  }

  /**
   * Copies tables, and the stacks of tasks that are stuck if there are any; `moment` names them.
   */
  snap(moment: string): boolean {
    const stacks = stuckStacks(moment);
    if (stacks === null) return false;
    this.#snapshots.push(stacks, ...tables(moment));
    return true;
  }

  /** Stops and writes the members of the bundle into the folder; returns their paths. */
  finish(): { readonly members: string[]; readonly progress: Progress } {
    for (const { instance } of this.#rings) instance.stop();
    this.#snapshots.push(...tables('after'));
    const progress = this.#drain(true);
    const bundle = join(this.#options.folder, 'bundle');
    mkdirSync(bundle);
    const trace = join(bundle, 'trace.dat');
    writeTraceDat(trace, this.#parts());
    const members = this.#snapshots.map(({ name, text }) => {
      const path = join(bundle, name);
      writeFileSync(path, text);
      return path;
    });
    return { members: [trace, ...members], progress };
  }

  #parts() {
    const { fs } = this.#options;
    const cpusOf = ({ files }: Ring): CpuPages[] =>
      [...files].flatMap(([cpu, { path }]) => (statSync(path).size > 0 ? [{ cpu, path }] : []));
    const headerPage = fs.read('events/header_page') ?? '';
    const data = /char data;\s*offset:(\d+);\s*size:(\d+)/.exec(headerPage);
    if (data === null) throw new ErrnoError('EINVAL', 'read', `${fs.root}/events/header_page`);
    return {
      pageSize: Number(data[1]) + Number(data[2]),
      headerPage,
      headerEvent: fs.read('events/header_event') ?? '',
      formats: this.#formats(),
      printk: fs.read('printk_formats') ?? '',
      cmdlines: [...this.#comms].map(([pid, comm]) => `${pid} ${comm}\n`).join(''),
      uname: `Linux ${hostname()} ${release()}`,
      clock: CLOCK,
      buffers: this.#rings.map((ring) => ({ name: ring.name, cpus: cpusOf(ring) })),
    };
  }

  /** Format files of the systems that may have events in the trace. */
  #formats(): Map<string, string[]> {
    const { fs, events, operations } = this.#options;
    const wanted = [...ALWAYS, ...CLIENTS, ...events, 'ftrace'].map(
      (each) => each.split('/')[0] ?? '',
    );
    const systems = new Set(wanted);
    const only = new Set<string>();
    if (operations) {
      for (const call of OPERATION_CALLS) only.add(`sys_enter_${call}`).add(`sys_exit_${call}`);
      for (const event of [...TASK_EVENTS, ...(this.#probes?.events ?? [])]) {
        const [system = '', name = ''] = event.split('/');
        if (!wanted.includes(system)) only.add(name);
        systems.add(system);
      }
      systems.add('syscalls');
    }
    const formats = new Map<string, string[]>();
    for (const system of systems) {
      const whole = wanted.includes(system);
      const names = fs.list(`events/${system}`).filter((name) => whole || only.has(name));
      const texts = names.flatMap((name) => fs.read(`events/${system}/${name}/format`) ?? []);
      if (texts.length > 0) formats.set(system, texts);
    }
    return formats;
  }

  /** Removes instances, probes and open files. Safe to call twice. */
  close(): void {
    for (const { instance, files } of this.#rings.splice(0)) {
      instance.remove();
      for (const { fd } of files.values()) closeSync(fd);
    }
    this.#probes?.remove();
    this.#probes = null;
  }
}
