/**
 * Looking at a cache directory from outside: what its objects are and hold, what is wrong with
 * them, and putting it right. Called by the `cache` commands; the engine itself refuses what is
 * wrong as it comes upon it.
 */
import path from 'node:path';
import { PAGE_SIZE } from '../../base/range.js';
import { type Binding, type CacheDirectory, objectPath } from '../../cachefiles/binding.js';
import { blockSum } from '../../cachefiles/checksums.js';
import type { ContentMap } from '../../cachefiles/content_map.js';
import { filesIn, isDataFile } from '../../cachefiles/cull.js';
import { mapPath, newMapPath } from '../../cachefiles/data_file.js';
import { MapFile, type MapHeader, readMap } from '../../cachefiles/map_file.js';
import { checkCoherency, incarnationByInode } from '../../cachefiles/xattr.js';
import type { Backing, BackingStatus, OpenHow } from '../../io/types.js';

const TO_READ: OpenHow = { create: false, direct: false, readOnly: true };

/** An object as it lies on disk. */
export interface AuditObject {
  readonly file: string;
  readonly status: BackingStatus;
  /** Undefined when it has no map that could be believed. */
  readonly map: { readonly header: MapHeader; readonly map: ContentMap } | undefined;
}

/** Something that is not as it should be. */
export interface Finding {
  /** What people call the file, else the path of what was found. */
  readonly name: string;
  readonly problem: string;
  /** Bytes of cached content that it costs, or of space that nobody uses. */
  readonly bytes: number;
  readonly repaired: boolean;
}

/** Bytes from `start` to `end` that the map and the filesystem call data or hole. */
export interface ContentRange {
  readonly start: number;
  readonly end: number;
  readonly map: 'data' | 'hole';
  /** `unknown` where the filesystem cannot say. */
  readonly disk: 'data' | 'hole' | 'unknown';
}

/** Every object of a cache directory, in the order of the paths. */
export function* auditObjects(backing: Backing, root: string): Generator<AuditObject> {
  for (const file of filesIn(backing, root)) {
    if (!isDataFile(file)) continue;
    const status = backing.status(file);
    if (typeof status === 'number') continue;
    const data = backing.readWhole(mapPath(file));
    yield { file, status, map: typeof data === 'number' ? undefined : readMap(data) };
  }
}

/** Where map and filesystem see data in an object, from its start to its end. */
export function contentRanges(
  backing: Backing,
  { file, status, map }: AuditObject,
): ContentRange[] {
  const fd = backing.open(file, TO_READ);
  const ranges: ContentRange[] = [];
  const onDisk = diskBlocks(backing, fd, status.size);
  for (let start = 0; start < status.size; start += PAGE_SIZE) {
    const block = start / PAGE_SIZE;
    const inMap = map?.map.has(block) === true ? 'data' : 'hole';
    const disk = onDisk === undefined ? 'unknown' : onDisk.has(block) ? 'data' : 'hole';
    const end = Math.min(start + PAGE_SIZE, status.size);
    const last = ranges.at(-1);
    if (last?.map === inMap && last.disk === disk) ranges[ranges.length - 1] = { ...last, end };
    else ranges.push({ start, end, map: inMap, disk });
  }
  if (fd >= 0) backing.close(fd);
  return ranges;
}

/**
 * Checks every object, map and checksum of a cache that nobody uses. Only reads, unless there is a
 * `mender` to put right what is found.
 */
export function* checkCache(
  { backing, root }: CacheDirectory,
  mender?: Pick<Binding, 'bury' | 'number'>,
): Generator<Finding> {
  const repair = mender !== undefined;
  for (const file of filesIn(backing, root)) {
    if (isDataFile(file)) continue;
    const problem = strayProblem(backing, file);
    if (problem === undefined) continue;
    const repaired = repair && backing.remove(file) === 0;
    yield { name: file, problem, bytes: 0, repaired };
  }
  for (const object of auditObjects(backing, root)) {
    const problem = objectProblem(backing, root, object);
    if (problem === undefined) {
      yield* checkContent(backing, object, mender);
      continue;
    }
    const bytes = object.status.allocated;
    // Nothing was ever stored in it: the next open makes it anew.
    if (object.map === undefined && bytes === 0 && !repair) continue;
    const repaired = mender?.bury(object.file) === 0;
    if (bytes > 0 || object.map !== undefined)
      yield { name: nameOf(object), problem, bytes, repaired };
  }
}

/** What people call an object, else its path. */
export function nameOf({ file, map }: AuditObject): string {
  return map === undefined || map.header.name === '' ? file : map.header.name;
}

function strayProblem(backing: Backing, file: string): string | undefined {
  if (file.endsWith('.map.new')) return 'a map that was never published';
  if (!file.endsWith('.map')) return 'not a file of this cache';
  const object = file.slice(0, -'.map'.length);
  return typeof backing.status(object) === 'number' ? 'a map without its object' : undefined;
}

function objectProblem(
  backing: Backing,
  root: string,
  { file, status, map }: AuditObject,
): string | undefined {
  if (map === undefined) return 'no map that could be believed';
  const { volume, key, incarnation, aux, size } = map.header;
  if (objectPath(root, volume, key) !== file) return 'the map is that of another object';
  const fd = backing.open(file, TO_READ);
  const found = fd < 0 ? undefined : checkCoherency(backing, fd, { aux, size });
  if (fd >= 0) backing.close(fd);
  const sameFile = found?.why === 'ok' && found.incarnation === incarnation;
  if (!sameFile && incarnationByInode(status) !== incarnation)
    return 'the map is that of another file';
  const end = [...map.map.runs()].at(-1)?.last ?? -1;
  return status.size < (end + 1) * PAGE_SIZE ? 'the file was cut short' : undefined;
}

// Wrong blocks leave the map; data that no map claims gives its space back.
function* checkContent(
  backing: Backing,
  object: AuditObject,
  mender: Pick<Binding, 'number'> | undefined,
): Generator<Finding> {
  const { file, map: known } = object;
  if (known === undefined) return;
  const repair = mender !== undefined;
  const { header, map } = known;
  const name = nameOf(object);
  const unclaimed = contentRanges(backing, object).filter(
    (range) => range.map === 'hole' && range.disk === 'data',
  );
  const wrong = wrongBlocks(backing, file, map);
  if (wrong.length > 0) {
    for (const block of wrong) map.clear(block);
    const freed = wrong.map((block) => ({
      start: block * PAGE_SIZE,
      end: (block + 1) * PAGE_SIZE,
    }));
    const repaired =
      mender !== undefined &&
      republish(backing, file, header, map, mender.number) &&
      punchAll(backing, file, freed);
    yield { name, problem: 'wrong checksums', bytes: wrong.length * PAGE_SIZE, repaired };
  }
  const bytes = unclaimed.reduce((sum, { start, end }) => sum + end - start, 0);
  if (bytes > 0) {
    const repaired = repair && punchAll(backing, file, unclaimed);
    yield { name, problem: 'data that was never published', bytes, repaired };
  }
}

function wrongBlocks(backing: Backing, file: string, map: ContentMap): number[] {
  const wrong: number[] = [];
  const fd = backing.open(file, TO_READ);
  const page = Buffer.alloc(PAGE_SIZE);
  for (const { first, last } of map.runs()) {
    for (let block = first; block <= last; block++) {
      const got = fd < 0 ? fd : backing.readAt(fd, page, block * PAGE_SIZE);
      if (got !== PAGE_SIZE || blockSum(page) !== map.sum(block)) wrong.push(block);
    }
  }
  if (fd >= 0) backing.close(fd);
  return wrong;
}

// Durably, because what it does not say any more is given up next.
function republish(
  backing: Backing,
  file: string,
  header: MapHeader,
  map: ContentMap,
  bind: number,
): boolean {
  const next = new MapFile(backing, newMapPath(file), bind);
  return (
    next.append(header, map.states(map.chunks())) === 0 &&
    backing.syncNow([next.path]) === 0 &&
    next.rename(mapPath(file)) === 0 &&
    backing.syncNow([path.dirname(file)]) === 0
  );
}

function punchAll(
  backing: Backing,
  file: string,
  ranges: readonly Pick<ContentRange, 'start' | 'end'>[],
): boolean {
  const fd = backing.open(file, { create: false, direct: false });
  if (fd < 0) return false;
  const errors = ranges.map(({ start, end }) => backing.punch(fd, start, end - start));
  backing.close(fd);
  return errors.every((error) => error === 0);
}

// The blocks that hold data on disk; undefined where the filesystem cannot say.
function diskBlocks(backing: Backing, fd: number, size: number): Set<number> | undefined {
  if (fd < 0) return undefined;
  const blocks = new Set<number>();
  let at = backing.seekData(fd, 0);
  if (at < 0 && backing.seekHole(fd, 0) < 0 && size > 0) return undefined;
  while (at >= 0 && at < size) {
    const hole = backing.seekHole(fd, at);
    const end = hole < 0 ? size : hole;
    for (let block = Math.floor(at / PAGE_SIZE); block * PAGE_SIZE < end; block++)
      blocks.add(block);
    at = backing.seekData(fd, end);
  }
  return blocks;
}
