/** Which objects of a cache may go, and how much space they take. */
import path from 'node:path';
import type { Backing } from '../io/types.js';
import { objectsDirectory } from './binding.js';
import { mapPath } from './content.js';

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
    if (!isDataFile(file)) continue;
    const status = backing.status(file);
    if (typeof status === 'number') continue;
    const map = backing.status(mapPath(file));
    const allocated = status.allocated + (typeof map === 'number' ? 0 : map.allocated);
    yield { file, allocated, usedAt: status.usedAt };
  }
}

/** The objects that are not in use, least recently used first. */
export function cullObjects(
  backing: Backing,
  root: string,
  inUse: (file: string) => boolean,
): ObjectFile[] {
  const objects = [...objectFiles(backing, root)].filter(({ file }) => !inUse(file));
  return objects.sort((a, b) => a.usedAt - b.usedAt || (a.file < b.file ? -1 : 1));
}
