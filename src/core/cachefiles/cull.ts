/** Which objects of a cache may go, and how much space they take. */
import path from 'node:path';
import type { Backing } from '../io/types.js';
import { objectsDirectory } from './binding.js';
import { mapPath } from './data_file.js';

/** A data file of a cache directory. */
export interface ObjectFile {
  readonly file: string;
  /** Bytes that it takes up, with its map. */
  readonly allocated: number;
  /** Last use, milliseconds since 1970. */
  readonly usedAt: number;
}

/** Every file of a cache directory: data files, and what else is found among them. */
export function* filesIn(backing: Backing, root: string): Generator<string> {
  const cache = objectsDirectory(root);
  for (const volume of backing.names(cache)) {
    for (const fan of backing.names(path.join(cache, volume))) {
      const directory = path.join(cache, volume, fan);
      for (const name of backing.names(directory)) yield path.join(directory, name);
    }
  }
}

/** True for the path of a data file: no name of a key has a dot. */
export function isDataFile(file: string): boolean {
  return !path.basename(file).includes('.');
}

/** Every data file. */
export function* objectFiles(backing: Backing, root: string): Generator<ObjectFile> {
  for (const file of filesIn(backing, root)) {
    const object = isDataFile(file) ? objectFile(backing, file) : undefined;
    if (object !== undefined) yield object;
  }
}

/** A data file as it is now, undefined if it is not there. */
export function objectFile(backing: Backing, file: string): ObjectFile | undefined {
  const status = backing.status(file);
  if (typeof status === 'number') return undefined;
  const map = backing.status(mapPath(file));
  const allocated = status.allocated + (typeof map === 'number' ? 0 : map.allocated);
  return { file, allocated, usedAt: status.usedAt };
}

/** Sorts objects: least recently used first. */
export function byUse(objects: readonly ObjectFile[]): ObjectFile[] {
  return objects.toSorted((a, b) => a.usedAt - b.usedAt || (a.file < b.file ? -1 : 1));
}

/**
 * The least recently used objects among many, as cachefilesd keeps a table of them between two
 * scans of the cache.
 */
export class CullTable {
  readonly #most: number;
  #objects: ObjectFile[] = [];

  /** At most `most` of them. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Adds an object, unless there are enough that were used before it. */
  add(object: ObjectFile): void {
    this.#objects.push(object);
    if (this.#objects.length >= 2 * this.#most) this.#sort();
  }

  /** The objects, most recently used first. */
  take(): ObjectFile[] {
    this.#sort();
    return this.#objects.reverse();
  }

  #sort(): void {
    this.#objects = byUse(this.#objects).slice(0, this.#most);
  }
}
