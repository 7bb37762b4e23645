/**
 * The cookies and volumes of a lab, and the list of those that nobody uses: these lose their object
 * after a time, or when there are too many. Plays fs/fscache/{main,volume}.c and the LRU of
 * cookie.c; called by `fs/` and the lab. Spec: BEHAVIOUR 4.1, 6.4.
 *
 * Differs: a volume's directory needs no work of its own; names of cookies are not hashed.
 */
import type { Scheduler } from '../sim/scheduler.js';
import type { FscacheValues } from '../trace/fscache_stats.js';
import type { Tracer } from '../trace/tracer.js';
import { Cookie, type CookieHome } from './cookie.js';
import { FSCACHE_VALUES, FscacheStats } from './stats.js';
import type { CacheBackend, FscacheBehaviour } from './types.js';
import { type Bound, Volume } from './volume.js';

/** A jiffy of a kernel with 250 ticks a second, in which `LRU: at=` is printed, ns. */
const JIFFY_NS = 4e6;

// The kernel's timer wheel: what is far off comes late, by up to an eighth of the way.
function timerDelay(now: number, time: number): number {
  const jiffies = Math.ceil((time - now) / JIFFY_NS);
  let granule = JIFFY_NS;
  for (let reach = 64; jiffies >= reach; reach *= 8) granule *= 8;
  return Math.max(0, Math.ceil(time / granule) * granule - now);
}

/** Every cookie of a lab. */
export class Fscache implements CookieHome {
  readonly stats = new FscacheStats();
  readonly scheduler: Scheduler;
  readonly tracer: Tracer;
  readonly behaviour: FscacheBehaviour;
  readonly backend: CacheBackend | undefined;
  #binding: Bound;
  /** Cookies with an object and no user, oldest first. */
  readonly #lru = new Set<Cookie>();
  readonly #cookies = new Set<Cookie>();
  #expiry = 0;
  #armed = false;
  #lastVolume = 0;
  #nextCookie: number;

  /** `tracer` takes the events of FS-Cache. */
  constructor(
    behaviour: FscacheBehaviour,
    scheduler: Scheduler,
    tracer: Tracer,
    backend: CacheBackend | undefined,
  ) {
    this.behaviour = behaviour;
    this.scheduler = scheduler;
    this.tracer = tracer;
    this.backend = backend;
    this.#binding = { backend };
    this.#nextCookie = behaviour.firstCookie;
    // Not the kernel's way: there a small cache may be full of cookies that wait to expire.
    backend?.onPressure(() => this.#expire(0));
  }

  /** A volume for a mounted server; give it back with `relinquishVolume`. */
  acquireVolume(key: string): Volume {
    this.stats.volumes++;
    return new Volume(++this.#lastVolume, key, this.#binding, this.tracer);
  }

  /** The server is unmounted. Its cookies have been relinquished. */
  relinquishVolume(volume: Volume): void {
    if (volume.put('put_relnq')) this.stats.volumes--;
  }

  /** A cookie for a file of that version and size; relinquish it when the file is forgotten. */
  acquire(volume: Volume, key: string, name: string, aux: string, size: number): Cookie {
    this.stats.acquires++;
    this.stats.cookies++;
    const cookie = new Cookie(this, volume, this.#nextCookie++, { key, name, aux, size });
    this.#cookies.add(cookie);
    volume.cookies++;
    volume.get('get_cook');
    cookie.traceAcquired();
    return cookie;
  }

  /** The statistics of FS-Cache, by `label.key`, in the layout of the kernel. */
  statValues(): FscacheValues {
    const left = this.#armed ? this.#expiry - this.scheduler.clock.now() : 0;
    const layout = FSCACHE_VALUES[this.behaviour.statistics];
    return layout(this.stats, this.backend?.counters, Math.floor(left / JIFFY_NS));
  }

  /** Commits and closes every object that nobody uses, without waiting for its time. */
  quiesce(): void {
    // Not all are on the list: an object that was being looked up when its time came is not.
    for (const cookie of [...this.#lru, ...this.#cookies]) if (!cookie.inUse) cookie.withdraw();
  }

  /** Begins to publish all that has been committed. */
  publish(): void {
    this.backend?.checkpoint();
  }

  /** Withdraws the cache from every cookie; in the background. New volumes get none. */
  unbind(): void {
    this.#binding.backend = undefined;
    for (const cookie of this.#cookies) cookie.withdraw();
  }

  /** Volumes made from now on have the cache again. */
  bind(): void {
    this.#binding = { backend: this.backend };
  }

  /** Cookies that nobody uses and that have an object all the same: none after `quiesce`. */
  get stranded(): number {
    const cookies = [...this.#cookies];
    return cookies.filter(({ inUse, object }) => !inUse && object !== undefined).length;
  }

  /** Closes the cache; nothing is under way. */
  close(): void {
    this.backend?.close();
  }

  /** For `Cookie`: nobody uses it any more; true if it was not on the list yet. */
  addToLru(cookie: Cookie): boolean {
    const added = !this.#lru.delete(cookie);
    this.#lru.add(cookie);
    if (added) this.stats.lru++;
    const { unusedMax, unusedNs } = this.behaviour;
    if (unusedNs < Number.POSITIVE_INFINITY) this.#arm(this.scheduler.clock.now() + unusedNs);
    if (this.#lru.size > unusedMax) {
      const [oldest] = this.#lru;
      if (oldest !== undefined) this.#expireOne(oldest);
    }
    return added;
  }

  /** For `Cookie`: true if it was on the list. */
  dropFromLru(cookie: Cookie): boolean {
    if (!this.#lru.delete(cookie)) return false;
    this.stats.lru--;
    this.stats.lruDropped++;
    return true;
  }

  /** For `Cookie`: its last reference has gone. */
  freed(cookie: Cookie): void {
    this.stats.cookies--;
    this.stats.dropped++;
    this.#cookies.delete(cookie);
    cookie.owner.cookies--;
    if (cookie.owner.put('put_cook')) this.stats.volumes--;
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
        registry.#expire(registry.behaviour.unusedNs);
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
      this.#expireOne(cookie);
    }
  }

  #expireOne(cookie: Cookie): void {
    this.#lru.delete(cookie);
    this.stats.lru--;
    if (cookie.expire()) this.stats.lruExpired++;
    else this.stats.lruRemoved++;
  }
}
