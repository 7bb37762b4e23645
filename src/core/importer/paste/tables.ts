/**
 * The tables of /proc/fs/netfs and /proc/fs/fscache of every kernel: how their rows look, and what
 * each says. Called by segments.ts, and by what shows them.
 *
 * Kernel: fs/netfs/main.c, fscache_cache.c, fscache_volume.c, fscache_cookie.c; up to v5.16
 * fs/fscache/{cookie,object-list}.c.
 */
import { cookieFlags, cookieState, count, volumeKey } from '../dmesg/cookies.js';

/** One of the tables. */
export type ProcTable = 'requests' | 'caches' | 'volumes' | 'cookies' | 'objects' | 'nfs_volumes';

/** A table as data. */
interface Form {
  readonly heading: RegExp;
  readonly row: RegExp;
  /** Columns by name, in printed order; what a row has more belongs to the last. */
  readonly columns: readonly string[];
}

const HEX = '[0-9a-f]{1,16}';

const FORMS: Readonly<Record<ProcTable, readonly Form[]>> = {
  requests: [
    {
      heading: /^REQUEST +OR +REF +FL(?:AG)? +ERR +OPS +COVERAGE$/,
      row: /^[0-9a-f]{8} \S+ +-?\d+ +[0-9a-f]+ +-?\d+ +-?\d+ @[0-9a-f]+ \S+$/,
      columns: ['request', 'origin', 'refs', 'flags', 'error', 'operations', 'coverage'],
    },
  ],
  caches: [
    {
      heading: /^CACHE +REF +VOLS +OBJS +ACCES +S +NAME$/,
      row: new RegExp(`^${HEX} +-?\\d+ +-?\\d+ +-?\\d+ +-?\\d+ \\S(?: \\S.*)?$`),
      columns: ['cache', 'refs', 'volumes', 'objects', 'accesses', 'state', 'name'],
    },
  ],
  volumes: [
    {
      heading: /^VOLUME +REF +nCOOK +ACC +FL +CACHE +KEY$/,
      row: new RegExp(`^${HEX} +-?\\d+ +-?\\d+ +-?\\d+ +[0-9a-f]+ \\S+ +\\S.*$`),
      columns: ['volume', 'refs', 'cookies', 'accesses', 'flags', 'cache', 'key'],
    },
  ],
  cookies: [
    {
      heading: /^COOKIE +VOLUME +REF +ACT +ACC +S +FL +DEF/,
      row: new RegExp(`^${HEX} +${HEX} +-?\\d+ +-?\\d+ +-?\\d+ \\S +[0-9a-f]+(?: +\\S.*)?$`),
      columns: ['cookie', 'volume', 'refs', 'users', 'accesses', 'state', 'flags', 'key'],
    },
    {
      heading: /^COOKIE +PARENT +USAGE +CHILD +ACT +TY +FL/,
      row: new RegExp(`^${HEX} +${HEX} +-?\\d+ +-?\\d+ +-?\\d+ \\S{2} +[0-9a-f]+(?: +\\S.*)?$`),
      columns: ['cookie', 'parent', 'refs', 'children', 'users', 'type', 'flags', 'key'],
    },
  ],
  objects: [
    {
      heading: /^OBJECT +PARENT +STAT +CHLDN +OPS/,
      row: /^[0-9a-f]+ +[0-9a-f]+ [A-Z]{4} +\d+ +\d+ .*\|/,
      columns: ['object', 'parent', 'state', 'children', 'operations', 'rest'],
    },
  ],
  nfs_volumes: [
    {
      heading: /^NV +SERVER +PORT +DEV +FSID +FSC$/,
      row: /^v\d +[0-9a-f]+ +\d+ +\d+:\d+ +\S+ +(?:yes|no)$/,
      columns: ['version', 'server', 'port', 'device', 'fsid', 'fsc'],
    },
  ],
};

/** A row of a table, by name of its columns. */
export type ProcRow = Readonly<Record<string, string>>;

/** The table whose heading a line is, null if it is none. */
export function headingOf(line: string): ProcTable | null {
  const plain = line.trim();
  for (const [table, forms] of Object.entries(FORMS)) {
    if (forms.some(({ heading }) => heading.test(plain))) return table as ProcTable;
  }
  return null;
}

/** True for the line under a heading. */
export function isRule(line: string): boolean {
  return /^=+(?: =+)+ *$/.test(line.trim());
}

/** True for a row of a table. */
export function isRow(table: ProcTable, line: string): boolean {
  return FORMS[table].some(({ row }) => row.test(line.trim()));
}

/** The table that a row without its heading is of; only those that nothing else looks like. */
export function tableOfRow(line: string): ProcTable | null {
  const plain = line.trim();
  if (isRow('requests', plain)) return 'requests';
  const cookie = FORMS.cookies[0] as Form;
  return cookie.row.test(plain) && /^[0-9a-f]{8} [0-9a-f]{8} /.test(plain) ? 'cookies' : null;
}

/** A row by columns; null if it is no row of the table. */
export function procRow(table: ProcTable, line: string): ProcRow | null {
  const plain = line.trim();
  const form = FORMS[table].find(({ row }) => row.test(plain));
  if (form === undefined) return null;
  const { columns } = form;
  const words = plain.split(/ +/);
  const last = columns.length - 1;
  const values = [...words.slice(0, last), words.slice(last).join(' ')];
  return Object.fromEntries(columns.map((name, i) => [name, values[i] ?? '']));
}

/** States of a cache. */
const CACHE_STATES: Readonly<Record<string, string>> = {
  '-': 'not there',
  P: 'being prepared',
  A: 'active',
  E: 'stopped after an I/O error',
  W: 'being withdrawn',
};

/** What a row says, in words; '' where the columns say it all. */
export function rowMeans(table: ProcTable, row: ProcRow): string {
  const of = (name: string) => row[name] ?? '';
  if (table === 'caches') {
    const state = CACHE_STATES[of('state')] ?? `state ${of('state')}`;
    return `${of('name')}: ${state}, ${count(of('volumes'), 'volume')}, ${count(of('objects'), 'object')}`;
  }
  if (table === 'volumes') {
    const none = of('cache') === '-' ? '; it has no cache' : '';
    return `${volumeKey(of('key'))}; ${count(of('cookies'), 'cookie')}${none}`;
  }
  if (table === 'cookies' && row.state !== undefined) {
    const flags = cookieFlags(Number.parseInt(of('flags'), 16));
    const users = of('users') === '0' ? 'no user' : count(of('users'), 'user');
    const state = cookieState(of('state')) ?? `state ${of('state')}`;
    const accesses = of('accesses') === '0' ? '' : `, ${of('accesses')} accesses in progress`;
    return `${state}; ${flags}; ${users}${accesses}`;
  }
  if (table === 'nfs_volumes') {
    return of('fsc') === 'yes' ? 'cached' : 'not cached: mounted without fsc, or the key is taken';
  }
  return '';
}
