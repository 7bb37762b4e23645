/**
 * One operation on a cookie: what a request or a write holds of the cache from its begin to its
 * end. Plays the cache-resource half of fs/fscache/io.c; made by `StateCookie.beginOperation`.
 */
import type { Task } from '../sim/wait_queue.js';
import type { StateCookie } from './state_cookie.js';
import type { CacheObject, CacheOperation } from './types.js';

/** An operation of one cookie. */
export class Operation implements CacheOperation {
  readonly cookie: StateCookie;
  readonly invalCounter: number;

  constructor(cookie: StateCookie) {
    this.cookie = cookie;
    this.invalCounter = cookie.invalCounter;
  }

  get object(): CacheObject | undefined {
    return this.cookie.object;
  }

  *waitForObject(): Task<CacheObject | undefined> {
    return (yield* this.cookie.waitUntilActive()) ? this.cookie.object : undefined;
  }

  end(): void {
    this.cookie.endAccess('end_io');
  }
}
