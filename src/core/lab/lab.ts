/**
 * A lab: one engine, wired. The only place that puts server, client, read helper, page cache, VFS,
 * clock and tracer together. `app/` and the public API make one, run tasks on it and close it.
 */
import { PAGE_SHIFT } from '../base/range.js';
import { Cachefiles } from '../cachefiles/cache.js';
import { AfsClient } from '../fs/afs.js';
import { Fscache } from '../fscache/cookie.js';
import { DiskBacking } from '../io/backing.js';
import { openDriver } from '../io/drivers.js';
import type { IoDriver } from '../io/types.js';
import { FaultHandler } from '../mm/fault.js';
import { Filemap } from '../mm/filemap.js';
import { Folios } from '../mm/folio.js';
import { Readahead } from '../mm/readahead.js';
import { ReadHelper } from '../netfs/read_helper.js';
import { Requests } from '../netfs/requests.js';
import { NetfsStats } from '../netfs/stats.js';
import { profileByName } from '../profile/index.js';
import type { Profile } from '../profile/types.js';
import { SERVERS } from '../server/index.js';
import type { Server } from '../server/types.js';
import { type Clock, RealClock, VirtualClock } from '../sim/clock.js';
import { Prng } from '../sim/prng.js';
import { Scheduler, type Strand } from '../sim/scheduler.js';
import type { Task } from '../sim/wait_queue.js';
import { NullSink } from '../trace/sink.js';
import { Tracer } from '../trace/tracer.js';
import type { FinishReport } from '../trace/types.js';
import { Vfs } from '../vfs/syscalls.js';
import { checkInvariants } from './invariants.js';
import { type LabOptions, labOptions } from './options.js';

/** The volume that a server is in a cache. */
export function cacheVolume({ root }: Server): string {
  return `dir,${root}`;
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
  readonly server: Server;
  readonly vfs: Vfs;
  /** The disk cache, when there is one. */
  cachefiles: Cachefiles | undefined;
  fscache: Fscache | undefined;
  /** Bytes given to readers. */
  readonly delivered = { bytes: 0 };
  /** What is not as it was asked for, and how the lab does without. */
  readonly warnings: string[] = [];
  readonly #driver: IoDriver;
  #running = 0;
  #lastOp = 0;
  #pump: Promise<void> | undefined;
  #closed = false;

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
    const scheduler = new Scheduler(this.clock, driver.pump);
    this.scheduler = scheduler;
    const sink = options.sink ?? new NullSink(profile.era);
    this.tracer = new Tracer({ sink, clock: this.clock, contexts: scheduler });
    this.tracer.enabled = options.sink !== undefined;
    this.tracer.meta({ epoch_ms: this.clock.epochMs });
    const prng = new Prng(options.seed);
    try {
      const server = SERVERS.dir(options.server, driver, scheduler, prng, options);
      this.server = options.wrapServer?.(server) ?? server;
      this.folios = new Folios(scheduler, options.pageCache, {
        mappingEmptied: (mapping) => client.mappingEmptied(mapping),
      });
      const client = this.#makeClient(this.#bindCache(driver));
      this.vfs = this.#makeVfs(client);
    } catch (error) {
      driver.close();
      throw error;
    }
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
    if ((level & 1) === 0) return;
    // A file without pages and users is forgotten with its last page.
    const mappings = new Set([...this.folios.all()].map((pfn) => this.folios.mappingOf(pfn)));
    for (const mapping of mappings) mapping?.invalidate(0, Number.MAX_SAFE_INTEGER);
  }

  /** Runs one process to its end: its result, or what it threw. Several may run at once. */
  run<T>(comm: string, body: () => Task<T>): Promise<T> {
    this.#running++;
    const promise = new Promise<T>((resolve, reject) => {
      const lab = this;
      this.scheduler.spawn(comm, function* () {
        try {
          resolve(yield* body());
        } catch (error) {
          reject(error);
        } finally {
          lab.#running--;
        }
      });
    });
    // Not all of both: the loop goes on while another process runs, and its failure ends every one.
    return Promise.race([promise, this.#keepRunning().then(() => promise)]);
  }

  /**
   * Lets everything in flight end, checks the invariants, records the statistics and ends the
   * trace. Throws a `Bug` when an invariant does not hold.
   */
  async close(): Promise<FinishReport> {
    if (!this.#closed) {
      this.#closed = true;
      try {
        await this.scheduler.drain();
        this.fscache?.quiesce();
        await this.scheduler.drain();
        this.fscache?.close();
      } finally {
        this.#driver.close();
      }
      this.tracer.stats(this.stats);
      this.tracer.meta({ lab_invariants: 'held' });
    }
    const report = await this.tracer.close();
    if (report.error === null) checkInvariants(this);
    return report;
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

  #bindCache(driver: IoDriver): Fscache | undefined {
    const { options, scheduler } = this;
    if (options.cacheDir === undefined) return undefined;
    const settings = {
      dir: options.cacheDir,
      presence: options.presence,
      granule: options.granule,
      verify: options.verifyCache,
      direct: options.cacheDirect,
      xattr: options.cacheXattr,
      size: options.cacheSize,
      limits: options.cacheLimits,
      checkpointNs: options.cacheCheckpointNs,
      latencyNs: options.cacheLatencyNs,
      compat: options.defects === 'kernel',
    };
    const backing = options.backing ?? new DiskBacking(driver);
    this.cachefiles = new Cachefiles(settings, backing, scheduler, this.tracer);
    this.warnings.push(...this.cachefiles.warnings);
    this.fscache = new Fscache(this.cachefiles);
    return this.fscache;
  }

  #makeClient(cookies: Fscache | undefined): AfsClient {
    const { options, profile, tracer, stats, scheduler } = this;
    const { defects, failAllocation, cache } = options;
    const behaviour = profile.netfs;
    const parts = { tracer, stats, scheduler, behaviour, defects, failAllocation };
    return new AfsClient({
      server: this.server,
      helper: new ReadHelper(new Requests(parts)),
      folios: this.folios,
      scheduler,
      defects,
      cache,
      fscache: cookies && { cookies, volume: cacheVolume(this.server) },
      options: {
        rsize: options.rsize,
        stripeUnit: options.stripeUnit,
        clearTail: options.clearTail ?? profile.clearTail,
        completion: options.completion ?? (options.clock === 'virtual' ? 'sync' : 'async'),
      },
    });
  }

  #makeVfs(client: AfsClient): Vfs {
    const { options, profile, clock, delivered, folios, scheduler } = this;
    const behaviour = { ...profile.mm, ...options.mm };
    const filemap = new Filemap(folios, scheduler, behaviour, new Readahead(behaviour));
    const pagesOf = (kib: number): number => (kib * 1024) >> PAGE_SHIFT;
    // As through sysfs, read_ahead_kb sets the window and leaves the largest I/O as it was.
    const raPages = pagesOf(options.readAheadKb ?? profile.readAheadKb);
    return new Vfs(
      {
        filemap,
        faults: new FaultHandler(folios, filemap, scheduler),
        device: { raPages, ioPages: pagesOf(profile.readAheadKb) },
        clock,
        delivered,
      },
      client,
    );
  }
}
