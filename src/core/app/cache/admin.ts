/**
 * Looking after a cache directory: listing, showing, checking, emptying it. Called by the `cache`
 * commands. Whatever changes it, or must see it at rest, takes its lock.
 */
import path from 'node:path';
import type { Column, Row, Table } from '../../analysis/types.js';
import { EACCES } from '../../base/errno.js';
import { ErrnoError, UsageError } from '../../base/errors.js';
import { PAGE_SIZE } from '../../base/range.js';
import { Binding, type CacheDirectory, Inspection, objectPath } from '../../cachefiles/binding.js';
import { byUse, filesIn, objectFiles } from '../../cachefiles/cull.js';
import { Ledger } from '../../cachefiles/ledger.js';
import { Room } from '../../cachefiles/space.js';
import type { SpaceLimits } from '../../cachefiles/types.js';
import { DiskBacking } from '../../io/backing.js';
import { syncDriver } from '../../io/drivers.js';
import { cacheVolume } from '../../lab/clients.js';
import { Lab } from '../../lab/lab.js';
import {
  type AuditObject,
  auditObjects,
  type ContentRange,
  checkCache,
  contentRanges,
  nameOf,
} from './audit.js';

/** Characters of the picture of an object. */
const PICTURE = 64;

const disk = new DiskBacking(syncDriver);

/** What a command answers with: a table, and the same for people. */
export type CacheTable = Table & { readonly lines: readonly string[] };

/** Is told what the user should know besides the result. */
export type Warn = (message: string) => void;

/** Every object of a cache. */
export function listObjects(dir: string): Table {
  const root = existing(dir);
  return table(
    [
      { name: 'name', doc: 'The file on the server.', unit: 'text' },
      { name: 'size', doc: 'Size of the file, bytes.', unit: 'bytes' },
      { name: 'stored', doc: 'Bytes of it that are cached.', unit: 'bytes' },
      { name: 'disk', doc: 'Bytes that this takes up.', unit: 'bytes' },
      { name: 'blocks', doc: 'Blocks of 4 KiB that are cached.', unit: 'count' },
      { name: 'granule', doc: 'Unit of presence, bytes.', unit: 'bytes' },
      { name: 'version', doc: 'Version of the content.', unit: 'text' },
      { name: 'used', doc: 'Last use, UTC.', unit: 'text' },
      { name: 'state', doc: 'ok, nothing stored, or no map that could be believed.', unit: 'text' },
      { name: 'object', doc: 'Path of the data file.', unit: 'text' },
    ],
    [...auditObjects(disk, root)].map(objectRow),
  );
}

function objectRow(object: AuditObject): Row {
  const { file, status, map } = object;
  const present = map?.map.present ?? 0;
  return {
    name: map === undefined ? null : map.header.name,
    size: map?.header.size ?? status.size,
    stored: Math.min(present * PAGE_SIZE, map?.header.size ?? 0),
    disk: status.allocated,
    blocks: present,
    granule: map?.header.granule ?? null,
    version: map?.header.aux ?? null,
    used: new Date(status.usedAt).toISOString(),
    state: map !== undefined ? 'ok' : status.allocated === 0 ? 'nothing stored' : 'no map',
    object: file,
  };
}

/**
 * Where one object has data and holes; `name` is that of the file on the server, or the object's
 * path.
 */
export function showObject(dir: string, name: string): CacheTable {
  const root = existing(dir);
  const wanted = path.resolve(name);
  const object = [...auditObjects(disk, root)].find(
    (candidate) => nameOf(candidate) === name || candidate.file === wanted,
  );
  if (object === undefined) {
    throw new ErrnoError('ENOENT', 'lookup', name, {
      text: 'not in the cache',
      hint: `netfslab cache ls --cache ${dir} lists what is`,
    });
  }
  const ranges = contentRanges(disk, object);
  const columns: Column[] = [
    { name: 'start', doc: 'First byte.', unit: 'number' },
    { name: 'end', doc: 'Byte behind the last.', unit: 'number' },
    { name: 'length', doc: 'Bytes.', unit: 'bytes' },
    { name: 'map', doc: 'What the content map says: data or hole.', unit: 'text' },
    { name: 'disk', doc: 'What the filesystem says: data, hole or unknown.', unit: 'text' },
    { name: 'agree', doc: 'no where they differ.', unit: 'text' },
  ];
  const rows = ranges.map((range) => ({
    ...range,
    length: range.end - range.start,
    agree: range.disk === 'unknown' || range.disk === range.map ? 'yes' : 'no',
  }));
  return { ...table(columns, rows), lines: [...picture(object, ranges)] };
}

function* picture(object: AuditObject, ranges: readonly ContentRange[]): Generator<string> {
  const { size } = object.status;
  const step = Math.max(PAGE_SIZE, Math.ceil(size / PICTURE / PAGE_SIZE) * PAGE_SIZE);
  const bytes = object.map?.header.size ?? size;
  yield `${nameOf(object)}: ${bytes} bytes, ${step} a character; # data, : in part, . hole`;
  for (const side of ['map', 'disk'] as const) {
    let line = '';
    for (let at = 0; at < size; at += step) {
      const here = ranges.filter(({ start, end }) => start < at + step && end > at);
      const data = here.filter((range) => range[side] === 'data').length;
      line += data === 0 ? '.' : data === here.length ? '#' : ':';
    }
    yield `  ${side.padEnd(5)} ${line}`;
  }
  for (const { start, end, map, disk: onDisk } of ranges) {
    const differs = onDisk !== 'unknown' && onDisk !== map;
    const note = differs ? `  the filesystem says ${onDisk}` : '';
    yield `  ${hex(start)}-${hex(end)} ${map}${note}`;
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

/**
 * Checks every object, map and checksum. `found` and `left` count findings and those not repaired.
 */
export function checkObjects(
  dir: string,
  repair: boolean,
  warn: Warn,
): Table & { readonly found: number; readonly left: number } {
  const check = (place: CacheDirectory, mender?: Binding) => {
    const findings = [...checkCache(place, mender)];
    const rows = findings.map(({ repaired, ...finding }) => ({
      ...finding,
      repaired: repaired ? 'yes' : 'no',
    }));
    const columns: Column[] = [
      { name: 'name', doc: 'The file on the server, or the path of what was found.', unit: 'text' },
      { name: 'problem', doc: 'What is wrong.', unit: 'text' },
      { name: 'bytes', doc: 'Bytes that this concerns.', unit: 'bytes' },
      { name: 'repaired', doc: 'yes when it has been put right.', unit: 'text' },
    ];
    const left = findings.filter(({ repaired }) => !repaired).length;
    return { ...table(columns, rows), found: findings.length, left };
  };
  if (repair) return bound(dir, warn, (binding) => check(binding, binding));
  return held(
    (root) => new Inspection(disk, root),
    dir,
    warn,
    (place) => check(place),
  );
}

/** Removes objects, least recently used first, until the cache is within its limits. */
export function cullCache(dir: string, size: number, limits: SpaceLimits, warn: Warn): Table {
  return bound(dir, warn, (binding) => {
    const ledger = new Ledger(disk, binding.root, size > 0);
    const room = new Room(disk, binding.root, ledger, { size, taken: 0, limits, inodes: 0 });
    const removed: Row[] = [];
    // As if it had begun already: what counts is the level at which it ends.
    room.culling = true;
    for (const { file, allocated } of byUse([...objectFiles(disk, binding.root)])) {
      room.has(0, 0);
      if (!room.culling) break;
      if (binding.cull(file) < 0) continue;
      ledger.culled(allocated);
      ledger.namesChanged(file);
      removed.push({ object: file, bytes: allocated });
    }
    return removedTable(removed);
  });
}

/** Removes the object of one file of the server; `name` is relative to the server's root. */
export async function invalidateFile(
  dir: string,
  server: string,
  name: string,
  warn: Warn,
): Promise<Table> {
  const lab = new Lab({ server });
  const file = lab.server.open(name);
  if ('errno' in file) {
    throw new ErrnoError(file.errno, 'open', name, {
      ...(file.why !== undefined && { text: file.why }),
      hint: 'name a file of --server DIR',
    });
  }
  const { key } = file;
  lab.server.close(file);
  await lab.close();
  return bound(dir, warn, (binding) => {
    const object = objectPath(binding.root, cacheVolume(lab.server), key);
    const status = disk.status(object);
    if (typeof status === 'number') return removedTable([]);
    const error = binding.bury(object);
    if (error < 0) throw new ErrnoError(error, 'unlink', object);
    return removedTable([{ object, bytes: status.allocated }]);
  });
}

/** Removes everything. */
export function clearCache(dir: string, warn: Warn): Table {
  return bound(dir, warn, (binding) => {
    const removed: Row[] = [];
    for (const { file, status } of auditObjects(disk, binding.root)) {
      const error = binding.bury(file);
      if (error < 0) throw new ErrnoError(error, 'unlink', file);
      removed.push({ object: file, bytes: status.allocated });
    }
    for (const file of filesIn(disk, binding.root)) disk.remove(file);
    return removedTable(removed);
  });
}

function removedTable(rows: readonly Row[]): Table {
  return table(
    [
      { name: 'object', doc: 'Path of the data file that was removed.', unit: 'text' },
      { name: 'bytes', doc: 'Bytes that it took up.', unit: 'bytes' },
    ],
    rows,
  );
}

function table(columns: readonly Column[], rows: readonly Row[]): Table {
  return { capture: null, columns, rows };
}

// Only `run` makes a cache: a name misspelt here must not.
function existing(dir: string): string {
  const root = path.resolve(dir);
  const found = disk.status(path.join(root, 'lock'));
  if (found === -EACCES) throw new ErrnoError(found, 'open', root);
  if (typeof found === 'number') {
    throw new UsageError(
      '--cache',
      `${dir} is not a cache`,
      'name a directory used by run --cache',
    );
  }
  return root;
}

function bound<T>(dir: string, warn: Warn, action: (binding: Binding) => T): T {
  // Whose the directory is matters only to those who read files from it.
  return held((root) => new Binding(disk, root, true), dir, warn, action);
}

// Locked meanwhile: to be changed, or only to be looked at.
function held<P extends Pick<Binding, 'warnings' | 'release'>, T>(
  open: (root: string) => P,
  dir: string,
  warn: Warn,
  action: (place: P) => T,
): T {
  const place = open(existing(dir));
  for (const message of place.warnings) warn(message);
  try {
    return action(place);
  } finally {
    place.release();
  }
}
