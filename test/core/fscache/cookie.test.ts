/** Cookies: what a network filesystem may ask of a cache, in which order, and what is counted. */
import test from 'ava';
import { EIO, ENOBUFS } from '../../../src/core/base/errno.js';
import { CacheCounters } from '../../../src/core/cachefiles/types.js';
import type { Cookie } from '../../../src/core/fscache/cookie.js';
import { Fscache } from '../../../src/core/fscache/registry.js';
import type {
  CacheBackend,
  CacheCookie,
  CacheObject,
  LookedUp,
} from '../../../src/core/fscache/types.js';
import type { CacheResources } from '../../../src/core/netfs/types.js';
import { linux513Afs } from '../../../src/core/profile/linux_5_13_afs.js';
import { linux61 } from '../../../src/core/profile/linux_6_1.js';
import { VirtualClock } from '../../../src/core/sim/clock.js';
import { Scheduler } from '../../../src/core/sim/scheduler.js';
import type { Task } from '../../../src/core/sim/wait_queue.js';
import { NullSink } from '../../../src/core/trace/sink.js';
import { Tracer } from '../../../src/core/trace/tracer.js';

interface LoggedObject extends CacheObject {
  readonly cookie: CacheCookie;
}

/** A backend that writes down what it is asked. */
class LogBackend implements CacheBackend {
  readonly log: string[] = [];
  readonly counters = new CacheCounters();
  readonly #scheduler: Scheduler;
  /** Nothing can be made, as there is no room. */
  refuse = false;
  /** Steps of a worker take their time. */
  latencyNs = 0;
  pressure: () => void = () => {};
  #lastId = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  *lookup(cookie: CacheCookie): Task<LookedUp> {
    const { key, aux, size } = cookie;
    this.log.push(`lookup ${key} ${aux} ${size}`);
    if (this.latencyNs > 0) yield* this.#scheduler.sleep(this.latencyNs);
    const object: LoggedObject = { debugId: ++this.#lastId, cookie };
    return { object, usable: !this.refuse };
  }

  beginOperation({ object }: CacheCookie, cres: CacheResources): void {
    this.log.push(`begin ${object?.debugId}`);
    cres.priv = object;
  }

  prepareWrite(): number {
    return -EIO;
  }

  *invalidate(object: LoggedObject): Task<boolean> {
    const { aux, size } = object.cookie;
    this.log.push(`invalidate ${object.debugId} ${aux} ${size}`);
    if (this.latencyNs > 0) yield* this.#scheduler.sleep(this.latencyNs);
    return !this.refuse;
  }

  prepareToWrite({ debugId }: CacheObject): void {
    this.log.push(`prepare ${debugId}`);
  }

  update({ debugId }: CacheObject): void {
    this.log.push(`update ${debugId}`);
  }

  resize({ debugId }: CacheObject, size: number): void {
    this.log.push(`resize ${debugId} ${size}`);
  }

  forget({ debugId }: CacheObject, start: number, length: number): void {
    this.log.push(`forget ${debugId} ${start} ${length}`);
  }

  commit(): void {}

  hasRoom(): boolean {
    return !this.refuse;
  }

  withdraw(object: LoggedObject): void {
    this.log.push(`${object.cookie.retired ? 'retire' : 'withdraw'} ${object.debugId}`);
  }

  onPressure(give: () => void): void {
    this.pressure = give;
  }

  checkpoint(): void {
    this.log.push('checkpoint');
  }

  close(): void {
    this.log.push('close');
  }
}

function make(behaviour = linux513Afs.fscache) {
  const clock = new VirtualClock();
  const scheduler = new Scheduler(clock);
  const tracer = new Tracer({ sink: new NullSink('E3'), clock, contexts: scheduler });
  const backend = new LogBackend(scheduler);
  const fscache = new Fscache(behaviour, scheduler, tracer, backend);
  const volume = fscache.acquireVolume('v');
  const acquire = (key = 'k'): Cookie => fscache.acquire(volume, key, 'name', '1', 10);
  return { backend, fscache, scheduler, acquire };
}

function resources(): CacheResources {
  return { ops: undefined, priv: undefined, debugId: 0 };
}

const begin = (cookie: Cookie) => cookie.beginOperation(resources(), 'begin_io_read');

test('an object is looked up at the first use and kept while anybody uses the cookie', (t) => {
  const { backend, fscache, acquire } = make();
  const cookie = acquire();
  t.false(cookie.enabled);
  cookie.use(false);
  t.true(cookie.enabled);
  cookie.unuse();
  cookie.use(false);
  cookie.unuse();
  t.deepEqual(backend.log, ['lookup k 1 10']);
  cookie.relinquish(false);
  t.deepEqual(backend.log.slice(1), ['withdraw 1']);
  t.like(fscache.stats, { cookies: 0, lru: 0, acquires: 1, lookups: 1, relinquishes: 1 });
});

test('relinquished with retire, the object goes; but only once no operation is on', (t) => {
  const { backend, acquire } = make();
  const cookie = acquire();
  cookie.use(false);
  t.is(begin(cookie), 0);
  cookie.unuse();
  cookie.relinquish(true);
  t.false(backend.log.includes('retire 1'));
  cookie.endOperation();
  t.is(backend.log.at(-1), 'retire 1');
});

test('without an object a request goes on without the cache', (t) => {
  const { backend, fscache, acquire } = make();
  backend.refuse = true;
  const cookie = acquire();
  cookie.use(false);
  t.false(cookie.enabled);
  t.is(begin(cookie), -ENOBUFS);
  t.like(fscache.stats, { lookups: 1, lookupsFailed: 1 });
  // Tried again when it is next used.
  cookie.unuse();
  backend.refuse = false;
  cookie.use(false);
  t.true(cookie.enabled);
});

test('an object for which there was no room is made once there is, though the file stays open', (t) => {
  const { backend, acquire } = make();
  backend.refuse = true;
  const cookie = acquire();
  cookie.use(false);
  t.is(begin(cookie), -ENOBUFS);
  t.deepEqual(backend.log, ['lookup k 1 10', 'withdraw 1']);
  backend.refuse = false;
  t.is(begin(cookie), 0);
  t.deepEqual(backend.log.slice(2), ['lookup k 1 10', 'begin 2']);
});

test('objects that nobody uses are kept up to a number, and given up under pressure', (t) => {
  const { backend, fscache, acquire } = make();
  for (let i = 0; i < 200; i++) {
    const cookie = acquire(`k${i}`);
    cookie.use(false);
    cookie.unuse();
  }
  t.is(fscache.stats.lru, 64);
  t.is(
    backend.log.find((line) => line.startsWith('withdraw')),
    'withdraw 1',
  );
  backend.pressure();
  t.is(fscache.stats.lru, 0);
  t.is(backend.log.filter((line) => line.startsWith('withdraw')).length, 200);
});

test('an object that is used again keeps its file, though it was unused for the longest time', (t) => {
  const { backend, acquire } = make();
  const first = acquire('first');
  first.use(false);
  first.unuse();
  first.use(false);
  for (let i = 0; i < 100; i++) {
    const cookie = acquire(`k${i}`);
    cookie.use(false);
    cookie.unuse();
  }
  t.false(backend.log.includes('withdraw 1'));
  t.true(first.enabled);
});

test('closing gives up what is unused, and publishes it first', (t) => {
  const { backend, fscache, acquire } = make();
  const cookie = acquire();
  cookie.use(false);
  cookie.unuse();
  fscache.quiesce();
  fscache.publish();
  fscache.close();
  t.deepEqual(backend.log, ['lookup k 1 10', 'withdraw 1', 'checkpoint', 'close']);
});

for (const [who, behaviour] of [
  ['the caller', linux513Afs.fscache],
  ['a worker', linux61.fscache],
] as const) {
  test(`an invalidation that fails leaves a cookie without an object, and usable again: ${who}`, async (t) => {
    const { backend, scheduler, acquire } = make(behaviour);
    const cookie = acquire();
    cookie.use(false);
    await scheduler.drain();
    backend.refuse = true;
    cookie.invalidate('2', 10);
    await scheduler.drain();
    t.false(cookie.enabled);
    t.deepEqual(backend.log, ['lookup k 1 10', 'invalidate 1 2 10', 'withdraw 1']);
    backend.refuse = false;
    cookie.unuse();
    cookie.use(false);
    await scheduler.drain();
    t.is(begin(cookie), 0);
    t.deepEqual(backend.log.slice(3), ['lookup k 2 10', 'begin 2']);
  });
}

test('a request that meets a failing look-up or invalidation goes on without the cache', async (t) => {
  for (const step of ['lookup', 'invalidate'] as const) {
    const { backend, scheduler, acquire } = make(linux61.fscache);
    const cookie = acquire();
    cookie.use(false);
    if (step === 'invalidate') await scheduler.drain();
    Object.assign(backend, { refuse: true, latencyNs: 1e6 });
    if (step === 'invalidate') cookie.invalidate('2', 10);
    let refused: number | undefined;
    scheduler.spawn('reader', function* () {
      const begun = cookie.beginOperation(resources(), 'begin_io_read');
      refused = typeof begun === 'number' ? begun : yield* begun;
    });
    await scheduler.drain();
    t.is(refused, -ENOBUFS, step);
    t.is(backend.log.at(-1), 'withdraw 1');
  }
});

test('a transition that sleeps is not made a second time by other work on the cookie', async (t) => {
  const { backend, scheduler, acquire } = make(linux61.fscache);
  const cookie = acquire();
  cookie.use(false);
  await scheduler.drain();
  backend.latencyNs = 1e6;
  cookie.invalidate('2', 10);
  scheduler.spawn('writer', function* () {
    yield* scheduler.sleep(1e5);
    cookie.willModify();
  });
  await scheduler.drain();
  t.deepEqual(backend.log.slice(1), ['invalidate 1 2 10', 'prepare 1']);
  t.is(cookie.accesses, 0);
});

test('a cookie withdrawn while it is looked up is quiescent afterwards, and not looked up again', async (t) => {
  const { backend, fscache, scheduler, acquire } = make(linux61.fscache);
  backend.latencyNs = 1e6;
  const cookie = acquire();
  cookie.use(false);
  scheduler.after(1, () => fscache.unbind());
  await scheduler.drain();
  fscache.bind();
  // Its volume was mounted with the cache that went.
  cookie.use(true);
  t.is(begin(cookie), -ENOBUFS);
  await scheduler.drain();
  t.deepEqual(backend.log, ['lookup k 1 10', 'withdraw 1']);
  const again = fscache.acquire(fscache.acquireVolume('v'), 'k', 'name', '1', 10);
  again.use(false);
  await scheduler.drain();
  t.is(begin(again), 0);
});

test('at the end also objects that were looked up under pressure are given up', async (t) => {
  const { backend, fscache, scheduler, acquire } = make(linux61.fscache);
  backend.latencyNs = 1e6;
  const cookie = acquire();
  cookie.use(false);
  cookie.unuse();
  scheduler.after(1, () => backend.pressure());
  await scheduler.drain();
  fscache.quiesce();
  await scheduler.drain();
  t.deepEqual(backend.log, ['lookup k 1 10', 'withdraw 1']);
});
