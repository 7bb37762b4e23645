/**
 * Decodes the dumps of cookies that follow messages of FS-Cache, field by field. Called by
 * read_log.ts; `cookieFlags` and `COOKIE_STATES` also by the tables of /proc/fs/fscache.
 *
 * Kernel: fs/netfs/fscache_cookie.c (fs/fscache/cookie.c), include/linux/fscache.h.
 */

/** A field and what it says. */
export interface Detail {
  readonly name: string;
  readonly means: string;
}

/** Flags of a cookie since v5.17, by bit. */
const FLAGS = [
  'RELINQUISHED RETIRED IS_CACHING NO_DATA_TO_READ NEEDS_UPDATE HAS_BEEN_CACHED DISABLED',
  'LOCAL_WRITE NO_ACCESS_WAKE DO_RELINQUISH DO_WITHDRAW DO_LRU_DISCARD DO_PREP_TO_WRITE',
  'HAVE_DATA IS_HASHED DO_INVALIDATE',
]
  .join(' ')
  .split(' ');
/** Up to v5.16. */
const OLD_FLAGS = [
  'LOOKING_UP NO_DATA_YET UNAVAILABLE INVALIDATING RELINQUISHED ENABLED ENABLEMENT_LOCK',
  'AUX_UPDATED ACQUIRED RELINQUISHING',
]
  .join(' ')
  .split(' ');

function bitNames(value: number, names: readonly string[]): string {
  const found: string[] = [];
  for (let bit = 0; bit < 32; bit++) {
    if (Math.floor(value / 2 ** bit) % 2 === 1) found.push(names[bit] ?? `bit${bit}`);
  }
  return found.join(' ') || 'no flag';
}

/** Names of a cookie's flags since v5.17. */
export function cookieFlags(value: number): string {
  return bitNames(value, FLAGS);
}

/** A state of a cookie since v5.17: letter, name, and where to look if it stays. */
const COOKIE_STATES: readonly (readonly [letter: string, name: string, stays: string])[] = [
  ['-', 'quiescent', 'it has no cache object now'],
  ['L', 'looking up', "the lookup in the cache's filesystem hangs, or no worker is free"],
  ['C', 'creating', "the cache's filesystem is slow to make a temporary file"],
  ['A', 'active', 'in use'],
  ['I', 'invalidating', 'it waits for its accesses to end, then for the filesystem'],
  ['F', 'failed', 'an earlier message says why; uncached until it is closed'],
  ['U', 'LRU discarding', 'closing its object: the journal of the filesystem'],
  ['W', 'withdrawing', 'the cache is going; it waits for its accesses to end'],
  ['R', 'relinquishing', 'it waits for its accesses to end, then closes its object'],
  ['D', 'dropped', 'references are left'],
];

/** A state by its letter or number, in words; null if there is none. */
export function cookieState(which: string): string | null {
  const state = COOKIE_STATES.find(([letter], i) => letter === which || String(i) === which);
  return state === undefined ? null : `${state[1]}: ${state[2]}`;
}

const NEW_COOKIE =
  /\b([A-Z])-cookie c=([0-9a-f]+) \[fl=([0-9a-f]+) na=(-?\d+) nA=(-?\d+) s=(\S?)\]?/;
const OLD_COOKIE =
  /\b([A-Z])-cookie c=([0-9a-f]+|\(null\)|\(____ptrval____\)) \[p=(\S+) fl=([0-9a-f]+) nc=(-?\d+) na=(-?\d+)\]?/;
const VOLUME = /\b([A-Z])-cookie V=([0-9a-f]+) \[(.*)\]/;
const KEY = /\b([A-Z])-key=\[(\d+)\] '([0-9a-f ]*)'?/;
const DEFINITION = /\b([A-Z])-cookie d=(\S+?)(\{.*?\})? n=(\S+)/;
const OBJECT = /\b([A-Z])-cookie o=(\S+)/;

/** True for a line of such a dump. */
export function isCookieDump(line: string): boolean {
  return /\b[A-Z]-(?:cookie (?:[cVdo]=)|key=\[)/.test(line);
}

/** A line of a dump field by field; `collision`: two cookies want one key. Null if it is none. */
export function cookieDetail(line: string, collision: boolean): Detail | null {
  const match = /\b([A-Z])-(?:cookie|key)/.exec(line);
  if (match === null) return null;
  const name = line.slice(match.index).trim();
  const whose = whoseCookie(match[1] as string, collision);
  const means =
    newCookie(line, whose) ??
    oldCookie(line, whose) ??
    volumeOf(line, whose) ??
    keyOf(line, whose) ??
    restOf(line, whose);
  return means === null ? null : { name, means };
}

function whoseCookie(letter: string, collision: boolean): string {
  if (letter === 'N') return 'the new cookie';
  if (letter === 'F') return 'the cookie being freed';
  return collision ? 'the cookie that is there' : 'the cookie that is waited for';
}

/** `1 user`, `2 users`. */
export const count = (number: string, what: string) =>
  `${number} ${what}${number === '1' ? '' : 's'}`;

function newCookie(line: string, whose: string): string | null {
  const match = NEW_COOKIE.exec(line);
  if (match === null) return null;
  const [, , c = '', fl = '0', na = '0', nA = '0', s = ''] = match;
  const flags = Number.parseInt(fl, 16);
  const state = cookieState(s) ?? `state ${s}`;
  return [
    `${whose}, number ${Number.parseInt(c, 16).toString(16)}`,
    `state ${s} (${state})`,
    `flags ${fl} (${cookieFlags(flags)})`,
    `${count(na, 'user')} (open files, dirty inodes)`,
    `${nA} ${nA === '1' ? 'access' : 'accesses'} in progress`,
    ...(s === 'L' && (flags & 0x20) !== 0 ? ['it was cached before: its second lookup hangs'] : []),
  ].join('; ');
}

function oldCookie(line: string, whose: string): string | null {
  const match = OLD_COOKIE.exec(line);
  if (match === null) return null;
  const [, , c = '', p = '', fl = '0', nc = '', na = '0'] = match;
  return [
    `${whose}, number ${c}, parent ${p}`,
    `flags ${fl} (${bitNames(Number.parseInt(fl, 16), OLD_FLAGS)})`,
    nc === '1' ? '1 child' : `${nc} children`,
    count(na, 'user'),
  ].join('; ');
}

function volumeOf(line: string, whose: string): string | null {
  const match = VOLUME.exec(line);
  if (match === null) return null;
  const [, , volume = '', key = ''] = match;
  return `${whose}: volume ${volume}, ${volumeKey(key)}`;
}

/** The filesystem and the version in the key of a volume, as far as they are known. */
export function volumeKey(key: string): string {
  // Length byte first: "Enfs,4.2,..." is 0x45 bytes long.
  const plain = key.replace(/^.(?=(?:nfs|afs|cifs|9p|ceph|erofs),)/, '');
  const fields = plain.split(',');
  const [name = '', ...rest] = fields;
  if (name === 'nfs') {
    const [version, family, port, address, fsid] = rest;
    const told = [`NFS ${version}`];
    if (family === 'a') told.push('IPv6');
    if (address !== undefined) told.push(`server ${addressText(address)}${portText(port ?? '')}`);
    if (fsid !== undefined) told.push(`filesystem ${fsid}`);
    return told.join(', ');
  }
  if (name === 'afs') return `AFS cell ${rest[0]}, volume ${rest[1]}`;
  if (name === '9p')
    return `9p from ${rest[0]}${rest[1] ? `, cache tag ${rest.slice(1).join(',')}` : ''}`;
  if (name === 'cifs') return `CIFS ${rest.join(', ')}`;
  if (name === 'ceph') return `ceph ${rest.join(', ')}`;
  return `key ${key}`;
}

/** An IPv4 address as NFS prints it in a key: the bytes as the machine stores a number. */
function addressText(hex: string): string {
  if (!/^[0-9a-f]{1,8}$/.test(hex)) return hex;
  const value = Number.parseInt(hex, 16);
  const bytes = [0, 8, 16, 24].map((shift) => Math.floor(value / 2 ** shift) % 256);
  return `${hex} (${bytes.join('.')} on a little-endian machine)`;
}

/** A port, printed in the order of bytes of the network. */
function portText(hex: string): string {
  const value = Number.parseInt(hex, 16);
  return Number.isNaN(value) ? '' : `, port ${(value % 256) * 256 + Math.floor(value / 256)}`;
}

function keyOf(line: string, whose: string): string | null {
  const match = KEY.exec(line);
  if (match === null) return null;
  const [, , length, hex = ''] = match;
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  const text = [...bytes].map((byte) =>
    byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.',
  );
  return `key of ${whose}, ${length} bytes: ${text.join('')}`;
}

function restOf(line: string, whose: string): string | null {
  const definition = DEFINITION.exec(line);
  if (definition !== null) {
    const [, , , kind, netfs = ''] = definition;
    const gone = /^0+$|null/.test(netfs) ? 'the filesystem has let go of it' : 'still held';
    return `${whose}: kind ${kind?.slice(1, -1) ?? 'not told'}, ${gone}`;
  }
  const object = OBJECT.exec(line);
  return object === null ? null : `${whose}: cache object ${object[2]}`;
}
