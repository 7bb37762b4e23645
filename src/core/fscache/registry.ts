/**
 * The cookies and volumes of a lab as FS-Cache keeps them from v5.17 on, and the list of those that
 * nobody uses: after a time a worker has their objects committed and closed. Plays
 * fs/fscache/{main,volume}.c and the LRU of cookie.c; called by `fs/`.
 *
 * Differs: a volume's directory needs no work of its own; names of cookies are not hashed.
 */
import type { Scheduler } from '../sim/scheduler.js';
import { fscacheVolume, fscacheVolumeTraces } from '../trace/events/fscache.js';
import type { FscacheValues } from '../trace/fscache_stats.js';
import type { Tracer } from '../trace/tracer.js';
import { StateCookie } from './state_cookie.js';
import { StateStats } from './state_stats.js';
import type { ObjectBackend } from './types.js';

/** How long an unused cookie keeps its object (fscache_lru_cookie_timeout), ns. */
export const LRU_TIMEOUT_NS = 10e9;
/** A jiffy of a kernel with 250 ticks a second, in which `LRU: at=` is printed, ns. */
const JIFFY_NS = 4e6;

// The kernel's timer wheel: what is far off comes late, by up to an eighth of the way.
function timerDelay(now: number, time: number): number {
  const jiffies = Math.ceil((time - now) / JIFFY_NS);
  let granule = JIFFY_NS;
  for (let reach = 64; jiffies >= reach; reach *= 8) granule *= 8;
  return Math.max(0, Math.ceil(time / granule) * granule - now);
}

/** A group of cookies: one per mounted server (struct fscache_volume). */
export class Volume {
  readonly debugId: number;
  readonly key: string;
  refs = 1;
  cookies = 0;
  /** Accesses of its cookies under way; one more while there is a cache for it. */
  accesses: number;
  /** True while it is mounted. */
  mounted = true;
  /** The cache that is bound, if one was when the volume was made. */
  readonly backend: ObjectBackend | undefined;

  constructor(debugId: number, key: string, backend: ObjectBackend | undefined) {
    this.debugId = debugId;
    this.key = key;
    this.backend = backend;
    this.accesses = backend === undefined ? 0 : 1;
  }
}

/** Every cookie of a lab. */
export class CookieRegistry {
  readonly stats = new StateStats();
  readonly scheduler: Scheduler;
  readonly tracer: Tracer;
  readonly backend: ObjectBackend | undefined;
  #bound: boolean;
  readonly #lru = new Set<StateCookie>();
  readonly #cookies = new Set<StateCookie>();
  #expiry = 0;
  #armed = false;
  #lastVolume = 0;
  // The kernel's first cookie is the second.
  #lastCookie = 1;

  constructor(scheduler: Scheduler, tracer: Tracer, backend: ObjectBackend | undefined) {
    this.scheduler = scheduler;
    this.tracer = tracer;
    this.backend = backend;
    this.#bound = backend !== undefined;
    // Not the kernel's way: there a small cache may be full of what waits for its time.
    backend?.onPressure(() => this.#expire(0));
  }

  /** A volume for a mounted server; give it back with `relinquishVolume`. */
  acquireVolume(key: string): Volume {
    this.stats.volumes++;
    return new Volume(++this.#lastVolume, key, this.#bound ? this.backend : undefined);
  }

  /** The server is unmounted. Its cookies have been relinquished. */
  relinquishVolume(volume: Volume): void {
    volume.mounted = false;
    this.#putVolume(volume, 'put_relnq');
  }

  /** A cookie for a file of that version and size; relinquish it when the file is forgotten. */
  acquire(volume: Volume, key: string, name: string, aux: string, size: number): StateCookie {
    this.stats.acquires++;
    this.stats.cookies++;
    const cookie = new StateCookie(this, volume, ++this.#lastCookie, key, name, aux, size);
    this.#cookies.add(cookie);
    volume.cookies++;
    volume.refs++;
    this.#traceVolume(volume, 'get_cook');
    cookie.traceAcquired();
    return cookie;
  }

  /** The statistics of FS-Cache, by `label.key`. */
  statValues(): FscacheValues {
    const left = this.#armed ? this.#expiry - this.scheduler.clock.now() : 0;
    return this.stats.values(this.backend?.io, Math.floor(left / JIFFY_NS));
  }

  /** Has every object that nobody uses committed without waiting for its time; on workers. */
  quiesce(): void {
    for (const cookie of this.#lru) cookie.withdraw();
  }

  /** Begins to publish all that has been committed. */
  publish(): void {
    this.backend?.checkpoint();
  }

  /** Withdraws the cache from every cookie; in the background. New volumes get none. */
  unbind(): void {
    this.#bound = false;
    for (const cookie of this.#cookies) cookie.withdraw();
  }

  /** Volumes made from now on have the cache again. */
  bind(): void {
    this.#bound = true;
  }

  /** Closes the cache; nothing is under way. */
  close(): void {
    this.backend?.close();
  }

  /** Only for `StateCookie`: nobody uses it any more; true if it was not on the list yet. */
  addToLru(cookie: StateCookie): boolean {
    const added = !this.#lru.delete(cookie);
    this.#lru.add(cookie);
    if (added) this.stats.lru++;
    this.#arm(this.scheduler.clock.now() + LRU_TIMEOUT_NS);
    return added;
  }

  /** Only for `StateCookie`: true if it was on the list. */
  dropFromLru(cookie: StateCookie): boolean {
    if (!this.#lru.delete(cookie)) return false;
    this.stats.lru--;
    this.stats.lruDropped++;
    return true;
  }

  /** Only for `StateCookie`: its last reference has gone. */
  freed(cookie: StateCookie): void {
    this.stats.cookies--;
    this.stats.dropped++;
    this.#cookies.delete(cookie);
    cookie.owner.cookies--;
    this.#putVolume(cookie.owner, 'put_cook');
  }

  #arm(time: number): void {
    if (this.#armed && this.#expiry <= time) return;
    this.#expiry = time;
    if (this.#armed) return;
    this.#armed = true;
    const registry = this;
    this.scheduler.afterIdle(timerDelay(this.scheduler.clock.now(), time), () => {
      this.scheduler.queueWork(function* () {
        registry.#armed = false;
        registry.#expire(LRU_TIMEOUT_NS);
      }, 'unbound');
    });
  }

  // Oldest first; the next one that is not due yet sets the timer again.
  #expire(timeoutNs: number): void {
    const now = this.scheduler.clock.now();
    for (const cookie of this.#lru) {
      const due = cookie.unusedAt + timeoutNs;
      if (due > now) {
        this.#arm(due);
        return;
      }
      this.#lru.delete(cookie);
      this.stats.lru--;
      if (cookie.expire()) this.stats.lruExpired++;
      else this.stats.lruRemoved++;
    }
  }

  #putVolume(volume: Volume, why: 'put_cook' | 'put_relnq'): void {
    volume.refs--;
    this.#traceVolume(volume, why);
    if (volume.refs === 0) this.stats.volumes--;
  }

  #traceVolume(volume: Volume, why: keyof typeof fscacheVolumeTraces.id): void {
    fscacheVolume.emit(this.tracer, volume.debugId, fscacheVolumeTraces.id[why], volume.refs);
  }
}
