/**
 * What became of each cookie: when a file could be cached, when not, and which event did that.
 * Called by `trace cookies`. From v5.17 on, and as far as they tell it, the kernels before.
 */
import { objectKey, objectText } from './objects.js';
import { sqlModule } from './sql_module.js';
import type { Analysis, Gathering, Row } from './types.js';

/** What an event changes. */
export interface Change {
  /** What it means for people. */
  readonly means: string;
  /** State afterwards; undefined = as before. */
  readonly state?: string;
  /**
   * Why the object holds nothing from now on; null = it holds what it held; undefined = as before.
   */
  readonly empty?: string | null;
}

/** What a check of the attributes of a cache object found wrong, by the word of the event. */
const COHERENCY: Readonly<Record<string, string>> = {
  'BAD aux': "the cached version differed from the server's",
  'BAD cont': 'the cached content was marked as incomplete',
  'BAD dirt': 'the cached object was left dirty, as by a crash',
  'BAD len': 'the attributes of the cached object had the wrong length',
  'BAD osiz': 'the cached object had another size than the file',
  'BAD type': 'the cached object was of another type',
  'BAD xatt': 'the attributes of the cached object could not be read',
  'VOL BAD cmp': "the volume's coherency data differed",
  'VOL BAD resv': "the volume's coherency data has reserved bits set",
  'VOL BAD xatt': "the volume's coherency data could not be read",
};

function discarded([word, why]: readonly [string, string]): readonly [string, Change] {
  const event = word.startsWith('VOL') ? 'cachefiles_vol_coherency' : 'cachefiles_coherency';
  const means = `${why}: it was discarded (${word})`;
  return [`${event} ${word}`, { means, empty: means }];
}

/** Events of cookies that change what can be cached, by event and word. */
export const CHANGES: Readonly<Record<string, Change>> = {
  fscache_acquire: { means: 'the file got a cookie', state: 'acquired' },
  // Being open or not does not change what is in the cache.
  'fscache_active USE': { means: 'opened' },
  'fscache_active UNUSE': { means: 'closed' },
  'fscache_access BEGIN lookup': { means: 'looking for its object in the cache' },
  'fscache_access PIN   cache': { means: 'bound to the cache', state: 'bound' },
  'fscache_access UNPIN cache': { means: 'no longer bound to the cache', state: 'not cached' },
  'fscache_access END   lookup': { means: 'looked up', state: 'cacheable' },
  'fscache_access END   lookupf': { means: 'looking it up failed', state: 'not cached' },
  'fscache_cookie FAILED': { means: 'the cache failed it', state: 'not cached' },
  'fscache_cookie *COLLISION*': {
    means: 'a second cookie with the same key was asked for while this one is held',
  },
  'fscache_cookie *COLLIDE*': {
    means: 'a second cookie with the same key waits until this one is given up',
  },
  'fscache_cookie DISCARD': {
    means: 'thrown away, as its key was taken: its file goes uncached',
    state: 'not cached',
  },
  'fscache_cookie -   lrudo': { means: 'unused for long: its file is put away' },
  'fscache_cookie PQ  overq': {
    means: 'it was queued already: what it was queued for this time is lost',
  },
  'fscache_cookie -   x-lru': { means: 'its file was put away', state: 'put away' },
  'fscache_cookie -   x-rlq': { means: 'given up', state: 'gone' },
  'fscache_cookie -   x-wth': { means: 'withdrawn from the cache', state: 'not cached' },
  fscache_invalidate: {
    means: 'the file changed: what was stored is thrown away',
    state: 'empty',
    empty: 'the file changed and what was stored was thrown away (fscache_invalidate)',
  },
  'cachefiles_coherency OK': { means: 'the cached version is that of the server', empty: null },
  ...Object.fromEntries(Object.entries(COHERENCY).map(discarded)),
  fscache_resize: { means: 'the file changed its size' },
  fscache_relinquish: { means: 'the file was dropped from memory', state: 'gone' },
};

/** The tables that tell of changes (cookies.sql, why_context.sql). */
export const CHANGE_TABLES: readonly string[] = [
  ...['fscache_acquire', 'fscache_active', 'fscache_access', 'fscache_cookie', 'stats'],
  ...['fscache_invalidate', 'fscache_resize', 'fscache_relinquish', 'cachefiles_coherency'],
  ...['cachefiles_vol_coherency', 'cachefiles_ref'],
];

/** What is known of a cookie at a moment. */
export interface CookieState {
  readonly ts: number;
  readonly state: string;
  /** What the last change means, in words. */
  readonly means: string;
  /** What the change into this state means. */
  readonly cause: string;
  /** Why its object holds nothing, in words; null = nothing is known of that. */
  readonly empty: string | null;
}

/** Follows the states of all cookies through rows of `why_context.sql` in their order. */
export class CookieStates {
  readonly #past = new Map<number | string, CookieState[]>();

  /** Takes a change; gives what it means and the state afterwards, null if it changes nothing. */
  change(row: Row): CookieState | null {
    const change = CHANGES[changeName(row)];
    if (change === undefined) return null;
    const cookie = objectKey(row.cookie ?? row.pointer);
    let past = this.#past.get(cookie);
    if (past === undefined) {
      past = [];
      this.#past.set(cookie, past);
    }
    const { means } = change;
    const before = past.at(-1);
    const state = change.state ?? before?.state ?? 'not known';
    const cause = before?.state === state ? before.cause : means;
    const empty = change.empty === undefined ? (before?.empty ?? null) : change.empty;
    const now = { ts: Number(row.ts), state, means, cause, empty };
    past.push(now);
    return now;
  }

  /** The state at a moment, null if nothing is known of the cookie by then. */
  at(cookie: number, ts: number): CookieState | null {
    const past = this.#past.get(cookie) ?? [];
    let [low, high] = [0, past.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((past[middle] as CookieState).ts <= ts) low = middle + 1;
      else high = middle;
    }
    return past[low - 1] ?? null;
  }
}

function changeName({ event, word }: Row): string {
  return word === null ? String(event) : `${event} ${word}`;
}

/** One row per event that changed what can be cached, with what was read until the next. */
export const cookies: Analysis = {
  name: 'cookies',
  doc: 'When each file could be cached and when not, and which event did that.',
  needs: [...CHANGE_TABLES, 'request', 'request_file', 'task'],
  records: [['fscache_cookie', 'fscache_access', 'fscache_active']],
  columns: [
    { name: 'cookie', doc: 'Number of the cookie, hexadecimal as printed.', unit: 'text' },
    { name: 'file', doc: 'File, if a request tells.', unit: 'text' },
    { name: 'ts', doc: 'Since the start of the capture.', unit: 'time' },
    { name: 'event', doc: 'Event and word, as printed.', unit: 'text' },
    { name: 'means', doc: 'What it means.', unit: 'text' },
    { name: 'state', doc: 'State of the cookie afterwards.', unit: 'text' },
    { name: 'cache', doc: 'Bytes requests begun from then on read from the cache.', unit: 'bytes' },
    { name: 'server', doc: 'Bytes they read from the server.', unit: 'bytes' },
    { name: 'comm', doc: 'Task that did it.', unit: 'text' },
  ],
  params: [{ name: 'cookie', doc: 'Only this cookie.', default: null }],
  sql: sqlModule('cookies'),
  gather: () => new Followed(),
};

/** A row of the timeline while requests may still add to it. */
interface Told extends Record<string, Row[string]> {
  cache: number;
  server: number;
}

/** Follows changes and requests in their order. */
class Followed implements Gathering {
  readonly #states = new CookieStates();
  readonly #last = new Map<number | string, Told>();
  /** What was told, in order. */
  readonly told: Told[] = [];

  take(row: Row): void {
    const cookie = objectKey(row.cookie ?? row.pointer);
    if (row.event === 'ChkAux') {
      const event = `ChkAux obs=${row.size}`;
      const means = `${row.size} cached versions differed from the server's and were discarded (statistics)`;
      this.told.push({ ...row, cookie: null, event, means, state: null, cache: 0, server: 0 });
      return;
    }
    if (row.event === null) {
      const told = this.#last.get(cookie) ?? this.#before(cookie, row);
      told.cache += Number(row.read);
      told.server += Number(row.down);
      return;
    }
    const change = this.#states.change(row);
    if (change === null) return;
    const told = {
      ...row,
      cookie: objectText(cookie),
      event: changeName(row),
      cache: 0,
      server: 0,
    };
    const means = `${change.means}${detail(row)}`;
    this.#tell(cookie, { ...told, means, state: change.state });
  }

  rows(): Iterable<Row> {
    return this.told;
  }

  #tell(cookie: number | string, told: Told): Told {
    this.#last.set(cookie, told);
    this.told.push(told);
    return told;
  }

  /** What stands for the time before the first event of a cookie. */
  #before(cookie: number | string, row: Row): Told {
    const means = 'what came before is not in the trace';
    const none = { event: '', means, state: 'not known', cache: 0, server: 0 };
    return this.#tell(cookie, { ...row, cookie: objectText(cookie), ...none });
  }
}

/** The new size of the file, or how many have it open. */
function detail({ size, users }: Row): string {
  if (users !== null) return users === 1 ? '; 1 user now' : `; ${users} users now`;
  return size === null ? '' : ` (${size} bytes)`;
}

/** One row per state: what was read of files whose cookie was in it. */
export const cookieStates: Analysis = {
  ...cookies,
  name: 'cookieStates',
  doc: 'Bytes that came from the cache and from the server, by the state of the cookie then.',
  columns: [
    { name: 'state', doc: 'State of the cookie when the request began.', unit: 'text' },
    { name: 'cookies', doc: 'Cookies that were in it.', unit: 'count' },
    { name: 'cache', doc: 'Bytes from the cache.', unit: 'bytes' },
    { name: 'server', doc: 'Bytes from the server.', unit: 'bytes' },
  ],
  gather: () => new ByState(),
};

/** Sums up by state. */
class ByState extends Followed {
  override rows(): Iterable<Row> {
    const states = new Map<string, { cookies: Set<unknown>; cache: number; server: number }>();
    for (const { cookie, state, cache, server } of this.told) {
      const name = String(state);
      const sum = states.get(name) ?? { cookies: new Set(), cache: 0, server: 0 };
      states.set(name, sum);
      sum.cookies.add(cookie);
      sum.cache += Number(cache);
      sum.server += Number(server);
    }
    return [...states].map(([state, sum]) => ({ state, ...sum, cookies: sum.cookies.size }));
  }
}
