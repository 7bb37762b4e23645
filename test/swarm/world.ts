/**
 * The world that a plan is played in: a served directory, a cache on a disk that fails and loses
 * power when told to, the lab of the present run, and what is known of each file.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { errnoOf } from '../../src/core/base/errno.js';
import { keepsInodes } from '../../src/core/fs/9p.js';
import { DiskBacking } from '../../src/core/io/backing.js';
import { syncDriver } from '../../src/core/io/drivers.js';
import type { Backing } from '../../src/core/io/types.js';
import { Lab } from '../../src/core/lab/lab.js';
import type { Server, ServerFile } from '../../src/core/server/types.js';
import { Prng } from '../../src/core/sim/prng.js';
import type { Strand } from '../../src/core/sim/scheduler.js';
import type { Task } from '../../src/core/sim/wait_queue.js';
import type { File } from '../../src/core/vfs/file.js';
import { PowerCutDisk } from '../helpers/power_cut.js';
import { Faults, PowerLost } from './inject.js';
import { contentAt, FileModel } from './model.js';
import type { Plan, Setup } from './plan.js';

/** Names of files that only operations make. */
export const NEW_FILES = ['n0', 'n1', 'n2'];
const MEMORY = '/dev/shm';
/** Where directories are fast. */
const SCRATCH = fs.existsSync(MEMORY) ? MEMORY : os.tmpdir();

/** Options of a disk cache. */
const CACHE_OPTIONS = [
  ...['presence', 'granule', 'verifyCache', 'cacheDirect', 'cacheXattr', 'cacheSize'],
  ...['cacheWrites', 'cacheCheckpointNs', 'cacheLatencyNs'],
];
/** What costs a download and nothing else. */
const REFUSED = [
  'a map that was never published',
  'no map that could be believed',
  'data that was never published',
  'the map is that of another file',
];
/** After a power cut names and attributes may be those of another time, too. */
const REFUSED_AFTER_CUT = [
  'the map is that of another object',
  'the file was cut short',
  'a map without its object',
];

/** An open file. */
export interface Slot {
  readonly file: File;
  readonly model: FileModel;
  /** Number of the content that the file had when it was opened. */
  readonly openedAt: number;
  readonly write: boolean;
  readonly mapped: { handle?: ReturnType<File['mmap']> };
}

/** What a run has found: the end of the play. */
export class Finding extends Error {}

/** A directory, a disk and a lab. */
export class World {
  readonly plan: Plan;
  readonly setup: Setup;
  readonly models = new Map<string, FileModel>();
  readonly slots = new Map<number, Slot>();
  readonly prng: Prng;
  readonly faults = new Faults();
  /** Error codes that operations may end with. */
  readonly allowed = new Set<string>();
  readonly strands = new Set<Strand>();
  /** Operations that nobody waits for yet. */
  readonly inFlight = new Set<Promise<void>>();
  /** What `cache check` may say of the directory since it suffered: its readers refuse that. */
  readonly refused = new Set<string>();
  /** The end of the process that was asked for last takes the power with it. */
  cutsPower = false;
  /** The lab is being closed. */
  isClosing = false;
  failure: Finding | undefined;
  salt = 0;
  lab!: Lab;
  #disk: PowerCutDisk | undefined;
  readonly #root: string;
  readonly served: string;
  readonly #overlay: string;
  readonly cacheDir: string;
  readonly #openOnServer = new Set<ServerFile>();
  #server: Server | undefined;
  #allocations = 0;
  #lostPower = false;

  constructor(plan: Plan) {
    this.plan = plan;
    this.setup = sensible(Object.assign({}, ...plan.features.map(({ setup }) => setup)));
    this.prng = new Prng(plan.seed ^ 0x5eed);
    const real = plan.clock === 'real';
    this.#root = fs.mkdtempSync(path.join(real ? os.tmpdir() : SCRATCH, 'netfslab-swarm-'));
    this.served = path.join(this.#root, 'served');
    this.#overlay = path.join(this.#root, 'overlay');
    this.cacheDir = real ? path.join(this.#root, 'cache') : '/cache';
    for (const dir of [this.served, this.#overlay]) fs.mkdirSync(dir);
    this.#disk = real ? undefined : new PowerCutDisk();
    // The kernel's cookies may say more than their files hold.
    if (!this.isFaithful) this.cacheSuffers(true);
    if (this.#disk !== undefined && this.setup.births === false) this.#disk.births = false;
    for (const [i, size] of plan.files.entries()) {
      fs.writeFileSync(path.join(this.served, `f${i}`), contentAt(i, 0, size));
    }
    for (const name of [...plan.files.map((_, i) => `f${i}`), ...NEW_FILES]) {
      this.models.set(name, new FileModel(name, this.found(name)));
    }
  }

  get hasCache(): boolean {
    return this.setup.cacheDir !== undefined;
  }

  /**
   * False where what is read is not judged: the kernel's defects are reproduced, or power was lost
   * where a cache does not promise to outlive that (docs/reference/cache.md).
   */
  get isFaithful(): boolean {
    const { defects, presence } = this.setup;
    const outlives = presence !== 'seek' && !this.#mixesFiles;
    return defects !== 'kernel' && (outlives || !this.#lostPower);
  }

  // A map may come together with a file that is not its own, which only checksums tell.
  get #mixesFiles(): boolean {
    return this.setup.cacheXattr === false && this.setup.births === false;
  }

  /** True if an open asks the server whether the file is still as it was. */
  get asksAtOpen(): boolean {
    return !this.plan.profile.endsWith('9p');
  }

  /** Where the file lies on the server now. */
  pathOf(name: string): string {
    const over = path.join(this.#overlay, name);
    return fs.existsSync(over) ? over : path.join(this.served, name);
  }

  /** What the server has under that name; undefined: no such file. */
  found(name: string): Uint8Array | undefined {
    const file = this.pathOf(name);
    return fs.existsSync(file) ? fs.readFileSync(file) : undefined;
  }

  isInOverlay(name: string): boolean {
    return fs.existsSync(path.join(this.#overlay, name));
  }

  /** Starts a lab on what is there. */
  start(more: Setup = {}): void {
    const setup = sensible({ ...this.setup, ...more });
    const { births, failEvery, probe, cacheDir, ...options } = setup;
    const writes = options.serverWrites ?? 'direct';
    this.allowed.clear();
    if (writes === 'refuse') this.allowed.add('EROFS');
    // Mappings that may be written to are not for every mode.
    if (setup.cacheMode !== undefined) this.allowed.add('EINVAL');
    if (failEvery !== undefined) {
      for (const code of ['ENOMEM', 'EIO', 'EFAULT']) this.allowed.add(code);
    }
    this.cutsPower = this.isClosing = false;
    for (const model of this.models.values()) model.begin(this.found(model.name));
    this.#openOnServer.clear();
    this.faults.reset();
    const backing: Backing = this.#disk ?? new DiskBacking(syncDriver);
    this.lab = new Lab({
      pageCache: 1 << 20,
      seed: this.plan.seed,
      ...options,
      profile: this.plan.profile,
      clock: this.plan.clock,
      server: this.served,
      serverWrites: writes,
      ...(writes === 'overlay' && { serverOverlay: this.#overlay }),
      ...(cacheDir !== undefined && {
        cacheDir: this.cacheDir,
        ...(this.#disk !== undefined && { backing: this.faults.backing(backing) }),
      }),
      wrapServer: (server) => this.#wrap(server),
      ...(failEvery !== undefined && {
        failAllocation: () => ++this.#allocations % failEvery === 0,
      }),
    });
  }

  /** Runs a process of the lab to its end. */
  run<T>(comm: string, body: () => Task<T>): Promise<T> {
    let own: Strand | undefined;
    const running = this.lab.run(comm, body, (strand) => {
      own = strand;
      this.strands.add(strand);
    });
    return running.finally(() => {
      if (own !== undefined) this.strands.delete(own);
    });
  }

  /** Waits for all operations that are under way. */
  async join(): Promise<void> {
    while (this.inFlight.size > 0) await Promise.all(this.inFlight);
  }

  /** Files that the client has open on the server. */
  get openOnServer(): string[] {
    return [...this.#openOnServer].map(({ name }) => name);
  }

  /** The process was killed, the backing filesystem failed, or the machine lost power. */
  cacheSuffers(powerCut: boolean): void {
    for (const problem of REFUSED) this.refused.add(problem);
    for (const problem of powerCut ? REFUSED_AFTER_CUT : []) this.refused.add(problem);
  }

  /** The process is gone: nothing of it goes on, its descriptors are closed. */
  abandon(powerCut: boolean): void {
    for (const file of this.#openOnServer) this.#server?.close(file);
    this.#server?.shutDown();
    this.slots.clear();
    this.strands.clear();
    this.inFlight.clear();
    const disk = this.#disk as PowerCutDisk;
    this.cacheSuffers(powerCut);
    this.#lostPower ||= powerCut;
    if (powerCut && this.#mixesFiles) this.refused.add('wrong checksums');
    this.#disk = powerCut ? disk.powerCut(this.prng) : disk.powerCutKeeping(() => true);
  }

  /** The disk of the cache, without its faults. */
  get disk(): Backing {
    return this.#disk ?? new DiskBacking(syncDriver);
  }

  remove(): void {
    fs.rmSync(this.#root, { recursive: true, force: true });
  }

  /** A change of the file on the server was refused or cut short: what was written may be lost. */
  storeFailed(name: string): void {
    const model = this.models.get(name);
    if (model !== undefined) model.lost = true;
  }

  #wrap(server: Server): Server {
    this.#server = server;
    const opened = this.#openOnServer;
    return this.faults.server(server, {
      opened: (file) => opened.add(file),
      closed: (file) => opened.delete(file),
      lost: (file) => this.storeFailed(file.name),
      after: (ns, fn) => this.lab.scheduler.after(ns, fn),
    });
  }
}

/** The setup without what another part of it leaves without effect, which a lab refuses. */
function sensible(setup: Setup): Setup {
  const { cacheMode, readAheadKb } = setup;
  const off = new Set<string>();
  if (cacheMode !== undefined && !keepsInodes(cacheMode)) off.add('cacheDir');
  if (readAheadKb === 0) off.add('streams');
  if (setup.cacheDir === undefined || off.has('cacheDir')) {
    for (const option of CACHE_OPTIONS) off.add(option);
  }
  return Object.fromEntries(Object.entries(setup).filter(([option]) => !off.has(option)));
}

/** The errno of that name, negative. */
export function negative(code: Parameters<typeof errnoOf>[0]): number {
  return -errnoOf(code);
}

export { PowerLost };
