/**
 * The ledger of references: for each object whose events print a count, whether every get and put
 * is accounted for. Called by `trace refs`.
 */
import { objectKey, objectText } from './objects.js';
import { sqlModule } from './sql_module.js';
import type { Analysis, Gathering, Row } from './types.js';

/** What is counted, by its number in refs.sql: the order in which it is listed. */
const KINDS = ['cache', 'cookie', 'request', 'slice', 'volume'] as const;

const [REQUEST, SLICE] = [KINDS.indexOf('request'), KINDS.indexOf('slice')];

/** Slices of a request that are told apart. */
const SLICES_MAX = 2 ** 16;

/** One row per object with something to tell: an event too many or too few, or never given back. */
export const refs: Analysis = {
  name: 'refs',
  doc: 'References: objects whose count does not follow from its events, or is not back at zero.',
  needs: [
    ...['netfs_rreq_ref', 'netfs_sreq_ref', 'fscache_cookie', 'fscache_volume', 'fscache_cache'],
    'cachefiles_ref',
  ],
  records: [['netfs_rreq_ref', 'netfs_sreq_ref', 'fscache_cookie', 'cachefiles_ref']],
  columns: [
    { name: 'kind', doc: 'request, slice, cookie, volume, cache or object.', unit: 'text' },
    { name: 'object', doc: 'Its number, as printed.', unit: 'text' },
    { name: 'events', doc: 'Reference events of it.', unit: 'count' },
    { name: 'left', doc: 'Count after the last event.', unit: 'number' },
    { name: 'jumps', doc: 'Events that do not follow from the one before.', unit: 'count' },
    { name: 'first_jump', doc: 'The first of them: id of the event.', unit: 'number' },
    { name: 'last_word', doc: 'The last event.', unit: 'text' },
    { name: 'means', doc: 'What it comes to.', unit: 'text' },
  ],
  params: [{ name: 'all', doc: '1 = objects that are in order as well.', default: 0 }],
  sql: sqlModule('refs'),
  gather: ({ all }) => new Ledger(all === 1),
};

/** What a word does to a count: a get raises it, a put lowers it, the rest only looks. */
interface Word {
  readonly change: number;
  /** Begins to count. Requests of 6.1 begin with a reference that no event tells. */
  readonly fresh: boolean;
}

function wordOf(word: string): Word {
  const fresh = /^new/i.test(word);
  if (fresh || /^(get|gq)/i.test(word)) return { change: 1, fresh };
  return { change: /^(put|pq)/i.test(word) ? -1 : 0, fresh };
}

/** The events of an object so far. */
class Account {
  readonly kind: number;
  /** Its number, or its pointer; of a slice with that of its request. */
  readonly object: number | string;
  /** Of a slice: another one of its request. */
  readonly sibling: Account | undefined;
  events = 0;
  left: number | null = null;
  jumps = 0;
  first: number | null = null;
  word = '';

  constructor(kind: number, object: number | string, sibling: Account | undefined) {
    this.kind = kind;
    this.object = object;
    this.sibling = sibling;
  }
}

/**
 * The numbers of requests. NFS counts its writes to the cache apart from its reads, so a number may
 * begin again, or be that of two requests at once; what is of one of two is not judged.
 */
class Numbers {
  /** The last slice of each. */
  readonly #slices = new Map<number, Account>();
  readonly #shared = new Set<number>();

  /** A request of this number begins, whose account stands at this. */
  begins(object: number, left: number | null): void {
    if ((left ?? 0) > 0) this.#shared.add(object);
    for (let each = this.#slices.get(object); each !== undefined; each = each.sibling) {
      each.left = null;
    }
  }

  /** The account of a slice that is new. */
  slice(object: number): Account {
    const request = requestOf(object);
    const account = new Account(SLICE, object, this.#slices.get(request));
    this.#slices.set(request, account);
    return account;
  }

  /** True if the account may be that of two. */
  isShared({ kind, object }: Account): boolean {
    if (kind === SLICE) return this.#shared.has(requestOf(Number(object)));
    return kind === REQUEST && this.#shared.has(Number(object));
  }
}

function byObject({ object: a }: Account, { object: b }: Account): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a) < String(b) ? -1 : 1;
}

/** The request of a slice. */
function requestOf(slice: number): number {
  return Math.floor(slice / SLICES_MAX);
}

/** The accounts of all objects. */
class Ledger implements Gathering {
  readonly #all: boolean;
  readonly #numbers = new Numbers();
  readonly #words = new Map<string, Word>();
  readonly #accounts = KINDS.map(() => new Map<number | string, Account>());
  readonly #last: (Account | undefined)[] = KINDS.map(() => undefined);

  /** With those that are in order, or without. */
  constructor(all: boolean) {
    this.#all = all;
  }

  take(row: Row): void {
    const account = this.#account(row.kind as number, objectKey(row.object ?? row.pointer));
    const text = row.word as string;
    let word = this.#words.get(text);
    if (word === undefined) {
      word = wordOf(text);
      this.#words.set(text, word);
    }
    if (word.fresh && account.kind === REQUEST) {
      this.#numbers.begins(Number(account.object), account.left);
    }
    enter(account, word, text, row);
  }

  #account(kind: number, object: number | string): Account {
    // Events of the same object often follow one another.
    const last = this.#last[kind];
    if (last?.object === object) return last;
    const of = this.#accounts[kind] as Map<number | string, Account>;
    let account = of.get(object);
    if (account === undefined) {
      account =
        kind === SLICE ? this.#numbers.slice(Number(object)) : new Account(kind, object, undefined);
      of.set(object, account);
    }
    this.#last[kind] = account;
    return account;
  }

  *rows(): Iterable<Row> {
    for (const of of this.#accounts) {
      const judged = [...of.values()].filter((each) => !this.#numbers.isShared(each));
      const shown = judged.filter((each) => this.#all || isOdd(each));
      shown.sort((a, b) => (a.first ?? 0) - (b.first ?? 0) || byObject(a, b));
      yield* shown.map(told);
    }
  }
}

function enter(account: Account, { change, fresh }: Word, text: string, row: Row): void {
  const before = account.left;
  const ref = row.ref === null ? null : Number(row.ref);
  const follows = before === null || ref === null || before <= 0 || ref === before + change;
  if (!fresh && (!follows || (before === 0 && change < 1))) {
    account.jumps++;
    account.first ??= Number(row.id);
  }
  account.events++;
  account.left = ref;
  account.word = text;
}

/** True if its requests or slices were not given back. */
function isHeld({ kind, left }: Account): boolean {
  return (kind === REQUEST || kind === SLICE) && (left ?? 0) > 0;
}

function isOdd(account: Account): boolean {
  return account.jumps > 0 || isHeld(account) || isUntold(account);
}

/** True for a pointer: kernels that print these do not tell every get and put. */
function isUntold({ object }: Account): boolean {
  return typeof object === 'string';
}

function told(account: Account): Row {
  const { kind, object, events, left, jumps, first: first_jump, word: last_word } = account;
  const number = objectText(kind === SLICE ? requestOf(Number(object)) : object);
  let means = isHeld(account) ? 'not given back when the trace ended' : 'in order';
  if (isUntold(account)) means = 'cannot tell: this kernel does not print every get and put';
  else if (jumps > 0) means = 'a get or put has no event';
  const name = KINDS[kind] as string;
  const text = kind === SLICE ? `${number}[${(Number(object) % SLICES_MAX).toString(16)}]` : number;
  return { kind: name, object: text, events, left, jumps, first_jump, last_word, means };
}
