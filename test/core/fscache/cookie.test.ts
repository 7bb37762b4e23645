/** Cookies: what a network filesystem may ask of a cache, in which order, and what is counted. */
import test from 'ava';
import { ENOBUFS } from '../../../src/core/base/errno.js';
import { CacheCounters } from '../../../src/core/cachefiles/types.js';
import { Fscache } from '../../../src/core/fscache/cookie.js';
import type { CacheBackend, CacheObject, CookieIdentity } from '../../../src/core/fscache/types.js';
import type { CacheResources } from '../../../src/core/netfs/types.js';

/** A backend that writes down what it is asked. */
class LogBackend implements CacheBackend {
  readonly log: string[] = [];
  readonly counters = new CacheCounters();
  refuse = false;
  pressure: () => void = () => {};
  #lastId = 0;

  lookup({ key, aux, size }: CookieIdentity): CacheObject | number {
    this.log.push(`lookup ${key} ${aux} ${size}`);
    return this.refuse ? -ENOBUFS : { debugId: ++this.#lastId };
  }

  beginOperation({ debugId }: CacheObject, cres: CacheResources, ended: () => void): number {
    this.log.push(`begin ${debugId}`);
    cres.priv = ended;
    return 0;
  }

  invalidate({ debugId }: CacheObject, { aux, size }: CookieIdentity): void {
    this.log.push(`invalidate ${debugId} ${aux} ${size}`);
  }

  update({ debugId }: CacheObject, { aux, size }: CookieIdentity): void {
    this.log.push(`update ${debugId} ${aux} ${size}`);
  }

  resize({ debugId }: CacheObject, size: number): void {
    this.log.push(`resize ${debugId} ${size}`);
  }

  forget({ debugId }: CacheObject, start: number, length: number): void {
    this.log.push(`forget ${debugId} ${start} ${length}`);
  }

  settle(): void {}

  hasRoom(): boolean {
    return !this.refuse;
  }

  release({ debugId }: CacheObject, retire: boolean): void {
    this.log.push(`${retire ? 'retire' : 'release'} ${debugId}`);
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

function make() {
  const backend = new LogBackend();
  return { backend, fscache: new Fscache(backend) };
}

function resources(): CacheResources {
  return { ops: undefined, priv: undefined, debugId: 0 };
}

test('an object is looked up at the first use and kept while anybody uses the cookie', (t) => {
  const { backend, fscache } = make();
  const cookie = fscache.acquire('v', 'k', 'name');
  t.false(cookie.enabled);
  cookie.use('1', 10);
  t.true(cookie.enabled);
  cookie.unuse();
  cookie.use('1', 10);
  cookie.unuse();
  t.deepEqual(backend.log, ['lookup k 1 10']);
  cookie.relinquish(false);
  t.deepEqual(backend.log.slice(1), ['release 1']);
  t.like(fscache.stats, {
    cookies: 0,
    unused: 0,
    acquires: 1,
    lookups: 1,
    relinquishes: 1,
    retired: 0,
  });
});

test('a cookie that is used again with another version is invalidated', (t) => {
  const { backend, fscache } = make();
  const cookie = fscache.acquire('v', 'k', 'name');
  cookie.use('1', 10);
  cookie.unuse();
  cookie.use('2', 12);
  t.deepEqual(backend.log, ['lookup k 1 10', 'invalidate 1 2 12']);
  t.is(fscache.stats.invalidations, 1);
});

test('relinquished with retire, the object goes; but only once no operation is on', (t) => {
  const { backend, fscache } = make();
  const cookie = fscache.acquire('v', 'k', 'name');
  cookie.use('1', 10);
  const cres = resources();
  t.is(cookie.beginOperation(cres), 0);
  cookie.unuse();
  cookie.relinquish(true);
  t.false(backend.log.includes('retire 1'));
  (cres.priv as () => void)();
  t.is(backend.log.at(-1), 'retire 1');
});

test('without an object a request goes on without the cache', (t) => {
  const { backend, fscache } = make();
  backend.refuse = true;
  const cookie = fscache.acquire('v', 'k', 'name');
  cookie.use('1', 10);
  t.false(cookie.enabled);
  t.is(cookie.beginOperation(resources()), -ENOBUFS);
  t.like(fscache.stats, { lookupsFailed: 1, begins: 1, beginsRefused: 1 });
  // Tried again when it is next used.
  cookie.unuse();
  backend.refuse = false;
  cookie.use('1', 10);
  t.true(cookie.enabled);
});

test('an object for which there was no room is made once there is, though the file stays open', (t) => {
  const { backend, fscache } = make();
  backend.refuse = true;
  const cookie = fscache.acquire('v', 'k', 'name');
  cookie.use('1', 10);
  t.is(cookie.beginOperation(resources()), -ENOBUFS);
  t.is(backend.log.length, 1);
  backend.refuse = false;
  t.is(cookie.beginOperation(resources()), 0);
  t.deepEqual(backend.log.slice(1), ['lookup k 1 10', 'begin 1']);
});

test('objects that nobody uses are kept up to a number, and given up under pressure', (t) => {
  const { backend, fscache } = make();
  for (let i = 0; i < 200; i++) {
    const cookie = fscache.acquire('v', `k${i}`, 'name');
    cookie.use('1', 10);
    cookie.unuse();
  }
  t.is(fscache.stats.unused, 64);
  t.is(
    backend.log.find((line) => line.startsWith('release')),
    'release 1',
  );
  backend.pressure();
  t.is(fscache.stats.unused, 0);
  t.is(backend.log.filter((line) => line.startsWith('release')).length, 200);
});

test('closing gives up what is unused, and publishes it first', (t) => {
  const { backend, fscache } = make();
  const cookie = fscache.acquire('v', 'k', 'name');
  cookie.use('1', 10);
  cookie.unuse();
  fscache.quiesce();
  fscache.publish();
  fscache.close();
  t.deepEqual(backend.log, ['lookup k 1 10', 'release 1', 'checkpoint', 'close']);
});
