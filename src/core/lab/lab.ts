/**
 * A lab: one engine, wired. The only place that puts server, client, read helper, page cache, VFS,
 * clock and tracer together. `app/` and the public API make one, run tasks on it and close it.
 */
import { EBUSY, EINVAL, EIO, EOPNOTSUPP, errnoName } from '../base/errno.js';
import { ErrnoError, UsageError } from '../base/errors.js';
import { PAGE_SHIFT } from '../base/range.js';
import { Cachefiles } from '../cachefiles/cache.js';
import type { NetworkFs, Vnode } from '../fs/types.js';
import type { Fscache } from '../fscache/registry.js';
import { DiskBacking } from '../io/backing.js';
import { openDriver } from '../io/drivers.js';
import { keepProcessor } from '../io/threads.js';
import type { IoDriver } from '../io/types.js';
import type { AddressSpace } from '../mm/address_space.js';
import { FaultHandler } from '../mm/fault.js';
import { Filemap } from '../mm/filemap.js';
import { Folios, PG_DIRTY } from '../mm/folio.js';
import { Freezer } from '../mm/freeze.js';
import { type BackingDevice, Readahead } from '../mm/readahead.js';
import { truncatePages } from '../mm/truncate.js';
import { DIRTY_LIMITS, Writeback } from '../mm/writeback.js';
import { NetfsStats } from '../netfs/stats.js';
import { profileByName } from '../profile/index.js';
import type { Profile } from '../profile/types.js';
import { ServerHealth } from '../server/health.js';
import { SERVERS } from '../server/index.js';
import type { Server } from '../server/types.js';
import { type Clock, RealClock, VirtualClock } from '../sim/clock.js';
import { Prng } from '../sim/prng.js';
import { Scheduler, type Strand } from '../sim/scheduler.js';
import type { Task } from '../sim/wait_queue.js';
import type { StatEntry } from '../trace/record.js';
import { NullSink } from '../trace/sink.js';
import { statEntries } from '../trace/stats_layout.js';
import { Tracer } from '../trace/tracer.js';
import type { FinishReport } from '../trace/types.js';
import { Vfs } from '../vfs/syscalls.js';
import type { Mount } from '../vfs/types.js';
import { CLIENTS, readaheadDevice } from './clients.js';
import { checkInvariants } from './invariants.js';
import { type LabOptions, labOptions } from './options.js';

/**
 * What a file has lost: it was still dirty when the lab was closed, or it was thrown away when it
 * could not be written, and nobody asked.
 */
export interface Unwritten {
  /** Relative to the server. */
  readonly file: string;
  /** The dirty pages, whole. */
  readonly bytes: number;
  /** Why, a negative errno. */
  readonly errno: number;
}

/** An engine with everything it needs. */
export class Lab {
  readonly options: LabOptions;
  readonly profile: Profile;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly tracer: Tracer;
  readonly stats = new NetfsStats();
  readonly folios: Folios;
  readonly writeback: Writeback;
  readonly freezer = new Freezer();
  /** What could not be written to the server when the lab was closed. */
  readonly unwritten: Unwritten[] = [];
  readonly server: Server;
  readonly vfs: Vfs;
  /** The disk cache, when one was asked for and could be bound. */
  cachefiles: Cachefiles | undefined;
  /** Its cookies. */
  fscache: Fscache | undefined;
  readonly client: NetworkFs;
  /** Fault injection: whether the server answers. */
  readonly health: ServerHealth;
  readonly device: BackingDevice;
  /** Bytes given to readers. */
  readonly delivered = { bytes: 0 };
  /** Bytes taken from writers. */
  readonly accepted = { bytes: 0 };
  /** What is not as it was asked for, and how the lab does without. */
  readonly warnings: string[] = [];
  readonly #driver: IoDriver;
  #running = 0;
  #lastOp = 0;
  #pump: Promise<void> | undefined;
  #closed = false;
  readonly #mount: Mount = { users: 0, state: 'mounted' };

  /** Throws `UsageError` for bad options and `ErrnoError` when the server cannot be reached. */
  constructor(given: Partial<LabOptions> & { server: string }) {
    const options = labOptions(given);
    const profile = profileByName(options.profile);
    const virtual = options.clock === 'virtual';
    this.options = options;
    this.profile = profile;
    this.clock = virtual ? new VirtualClock() : new RealClock();
    const { driver, warning } = openDriver(options.io, options.clock);
    this.#driver = driver;
    if (warning !== undefined) this.warnings.push(warning);
    this.#keepProcessor(options.cpu);
    const scheduler = new Scheduler(this.clock, {
      pump: driver.pump,
      interruptFlags: profile.interruptFlags,
    });
    this.scheduler = scheduler;
    this.health = new ServerHealth(scheduler);
    const sink = options.sink ?? new NullSink(profile.era);
    this.tracer = new Tracer({ sink, clock: this.clock, contexts: scheduler });
    this.tracer.enabled = options.sink !== undefined;
    this.tracer.meta({ epoch_ms: this.clock.epochMs });
    const prng = new Prng(options.seed);
    try {
      const server = SERVERS.dir(options.server, driver, scheduler, prng, {
        ...options,
        writes: options.serverWrites,
        overlay: options.serverOverlay,
      });
      this.server = options.wrapServer?.(server) ?? server;
      const hooks = {
        mappingEmptied: (mapping: AddressSpace) => client.mappingEmptied?.(mapping),
        taggedChanged: (mapping: AddressSpace) => {
          this.writeback.taggedChanged(mapping);
          client.taggedChanged?.(mapping);
        },
        flushing: (start: boolean) => this.writeback.flushing(start),
      };
      this.folios = new Folios(scheduler, options.pageCache, hooks, options.hugePages);
      const limits = { ...DIRTY_LIMITS, ...options.dirty };
      this.writeback = new Writeback(this.folios, scheduler, limits);
      this.#bindCache(driver);
      const client = CLIENTS[profile.client](this);
      this.client = client;
      this.device = readaheadDevice(this);
      this.vfs = this.#makeVfs(client);
    } catch (error) {
      driver.close();
      throw error;
    }
  }

  #keepProcessor(cpu: number | undefined): void {
    const error = cpu === undefined ? 0 : keepProcessor(cpu);
    if (error === 0) return;
    this.warnings.push(`processor ${cpu} cannot be kept for the engine (${errnoName(error)})`);
  }

  /** The statistics now, as the profile's kernel has them; of FS-Cache's only what is kept. */
  statistics(): StatEntry[] {
    const fscache = this.fscache?.statValues();
    return statEntries(this.profile.era, this.stats, fscache);
  }

  /** What reads and writes files, for who waits for descriptors of its own. */
  get driver(): IoDriver {
    return this.#driver;
  }

  /** The next number for an operation of a workload; the first is 1. */
  nextOp(): number {
    return ++this.#lastOp;
  }

  /** Starts a process; it runs when the lab does. */
  spawn(comm: string, body: () => Task<unknown>): Strand {
    return this.scheduler.spawn(comm, body);
  }

  /** drop_caches: 1 drops the pages that can be dropped, 2 what is known of files, 3 both. */
  dropCaches(level: number): void {
    if ((level & 1) !== 0) {
      const mappings = new Set([...this.folios.all()].map((pfn) => this.folios.mappingOf(pfn)));
      for (const mapping of mappings) mapping?.invalidate(0, Number.MAX_SAFE_INTEGER);
    }
    if ((level & 2) !== 0) this.client.evictInodes?.();
  }

  /** Sets the window of the device, KiB: files opened from now on have it. */
  setReadAhead(kib: number): void {
    this.device.raPages = (kib * 1024) >> PAGE_SHIFT;
  }

  /**
   * umount(2): from now on nobody finds a file here. Writes what is dirty and forgets all files;
   * what cannot be written is lost, and is in `unwritten`. 0; -EBUSY while a file is open or mapped
   * or a call is in progress, -EINVAL when nothing is mounted, -EOPNOTSUPP when the client cannot.
   */
  *unmount(): Task<number> {
    const { client } = this;
    const mount = this.#mount;
    if (client.unmount === undefined) return -EOPNOTSUPP;
    if (mount.state !== 'mounted') return -EINVAL;
    if (mount.users > 0) return -EBUSY;
    mount.state = 'unmounting';
    yield* this.sync();
    yield* this.#giveUp();
    yield* client.unmount();
    mount.state = 'unmounted';
    return 0;
  }

  /**
   * mount(2) of the server that was unmounted: 0; -EBUSY while it is mounted or being unmounted,
   * -EOPNOTSUPP when the client cannot.
   */
  mount(): number {
    if (this.client.mount === undefined) return -EOPNOTSUPP;
    if (this.#mount.state !== 'unmounted') return -EBUSY;
    this.client.mount();
    this.#mount.state = 'mounted';
    return 0;
  }

  /** Withdraws the cache from all files, or has it for those mounted from now on; false: cannot. */
  setBound(bound: boolean): boolean {
    const { fscache } = this;
    if (fscache === undefined || this.cachefiles === undefined) return false;
    if (bound) fscache.bind();
    else fscache.unbind();
    return true;
  }

  /**
   * Fault injection: the server does not answer for `ns` nanoseconds, and with `dies` not from then
   * on either. Of what was changed before, it has told.
   */
  silenceServer(ns: number, dies = false): void {
    const { server, client, health } = this;
    for (const key of server.callbacks.promised) {
      const name = client.find?.(key)?.name;
      const file = name === undefined ? undefined : server.open(name);
      if (file === undefined || 'errno' in file) continue;
      server.look(file);
      server.close(file);
    }
    if (dies) health.kill(ns);
    else health.pause(ns);
  }

  /** Fault injection: lets another file take all the room of the cache, or gives it back. */
  fillCache(full: boolean): boolean {
    if (this.cachefiles === undefined) return false;
    this.cachefiles.room.filled = full;
    return true;
  }

  /** Fault injection: the filesystem of the cache fails all I/O, or works again. */
  breakCache(broken: boolean): boolean {
    if (this.cachefiles === undefined) return false;
    this.cachefiles.broken = broken;
    return true;
  }

  /**
   * Runs one process to its end: its result, or what it threw. Several may run at once. `body` is
   * called before `run` returns, so that a call counts as begun from then on. `started` is given
   * the process, which can be killed. Rejects with a `UsageError` once the lab is closed or being
   * closed.
   */
  async run<T>(comm: string, body: () => Task<T>, started?: (strand: Strand) => void): Promise<T> {
    if (this.#closed) throw new UsageError('lab', 'was closed', 'open another');
    return this.#run(comm, body(), started);
  }

  #run<T>(comm: string, task: Task<T>, started?: (strand: Strand) => void): Promise<T> {
    this.#running++;
    const promise = new Promise<T>((resolve, reject) => {
      const lab = this;
      const strand = this.scheduler.spawn(comm, function* () {
        try {
          resolve(yield* task);
        } catch (error) {
          reject(error);
        } finally {
          lab.#running--;
        }
      });
      started?.(strand);
    });
    // Not all of both: the loop goes on while another process runs, and its failure ends every one.
    return Promise.race([promise, this.#keepRunning().then(() => promise)]);
  }

  /**
   * Lets calls in progress and everything in flight end, thawing a frozen filesystem; then checks
   * the invariants, records the statistics and ends the trace. Throws a `Bug` when an invariant
   * does not hold.
   */
  async close(): Promise<FinishReport> {
    if (!this.#closed) {
      this.#closed = true;
      try {
        await this.#windDown();
      } catch (error) {
        // A trace that cannot be written stopped the engine wherever it was: tasks wait for ever.
        if (this.tracer.failure === undefined) throw error;
      } finally {
        this.server.shutDown();
        this.#driver.close();
      }
      this.tracer.snapshot(this.statistics());
      this.tracer.meta({ lab_invariants: 'held' });
    }
    const report = await this.tracer.close();
    if (report.error === null) checkInvariants(this);
    return report;
  }

  /** Lets calls in progress end, writes what is dirty, and closes the cache. */
  async #windDown(): Promise<void> {
    const { fscache } = this;
    this.freezer.unmounting();
    await this.#keepRunning();
    await this.scheduler.drain();
    await this.#run('umount', this.#writeAll());
    await this.scheduler.drain();
    fscache?.quiesce();
    await this.scheduler.drain();
    // Only now: workers commit objects, and what has no name yet is not published.
    fscache?.publish();
    await this.scheduler.drain();
    fscache?.close();
  }

  /** sync(2): writes all that is dirty. */
  *sync(): Task {
    yield* this.writeback.writeAll();
    this.client.inodesWritten?.();
  }

  /**
   * FIFREEZE: writes what is dirty, once nobody writes, and has who would write wait from then on:
   * 0, or -EBUSY when that is so already.
   */
  freeze(): Task<number> {
    return this.freezer.freeze(() => this.sync());
  }

  // What cannot be written is lost with the mount, and told.
  *#giveUp(): Task {
    for (const mapping of this.writeback.unwritten()) {
      const pages = [...mapping.range(0, Number.MAX_SAFE_INTEGER)];
      const dirty = pages.filter((pfn) => this.folios.test(pfn, PG_DIRTY));
      const bytes = dirty.reduce((sum, pfn) => sum + this.folios.sizeOf(pfn), 0);
      const { name } = mapping.host as Vnode;
      this.unwritten.push({ file: name, bytes, errno: mapping.errors.since(0) || -EIO });
      yield* truncatePages(mapping, 0);
    }
    // Their files were kept open for what is lost now.
    this.client.inodesWritten?.();
  }

  *#writeAll(): Task {
    yield* this.sync();
    yield* this.#giveUp();
    for (const { host, errors } of this.writeback.losses()) {
      const { name } = host as Vnode;
      this.unwritten.push({ file: name, bytes: errors.untold, errno: errors.since(0) });
    }
  }

  async #keepRunning(): Promise<void> {
    // Again, because a loop that is joined may have ended already.
    while (this.#running > 0) {
      // Not at once: processes started together must all be there when the first one runs, else
      // wall time decides how far it gets alone.
      this.#pump ??= Promise.resolve()
        .then(() => this.scheduler.run(() => this.#running === 0))
        .finally(() => {
          this.#pump = undefined;
        });
      await this.#pump;
    }
  }

  #bindCache(driver: IoDriver): void {
    const { options, scheduler } = this;
    if (options.cacheDir === undefined) return;
    const settings = {
      dir: options.cacheDir,
      presence: options.presence,
      granule: options.granule,
      verify: options.verifyCache,
      direct: options.cacheDirect,
      xattr: options.cacheXattr,
      size: options.cacheSize,
      taken: options.cacheTaken,
      limits: options.cacheLimits,
      inodes: options.cacheInodes,
      checkpointNs: options.cacheCheckpointNs,
      latencyNs: options.cacheLatencyNs,
      compat: options.defects === 'kernel',
      anyOwner: options.cacheOwner === 'any',
      behaviour: this.profile.cachefiles,
    };
    const backing = options.backing ?? new DiskBacking(driver);
    try {
      this.cachefiles = new Cachefiles(settings, backing, scheduler, this.tracer);
      this.warnings.push(...this.cachefiles.warnings);
    } catch (error) {
      // As a mount does whose cachefilesd could not bind. But who has named a cache that another
      // process uses has made a mistake.
      if (!(error instanceof ErrnoError) || error.code === 'EBUSY') throw error;
      this.warnings.push(`no disk cache, everything comes from the server: ${error.message}`);
    }
  }

  #makeVfs(client: NetworkFs): Vfs {
    const { options, profile, clock, delivered, accepted, folios, scheduler } = this;
    const behaviour = { ...profile.mm, ...options.mm };
    const filemap = new Filemap(folios, scheduler, behaviour, new Readahead(behaviour));
    return new Vfs(
      {
        buffers: folios.frames.buffers,
        filemap,
        writeback: this.writeback,
        freezer: this.freezer,
        faults: new FaultHandler(folios, filemap, scheduler),
        device: this.device,
        clock,
        delivered,
        accepted,
        server: this.server,
        mount: this.#mount,
      },
      client,
    );
  }
}
