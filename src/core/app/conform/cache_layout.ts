/** The files of a cache directory and where they hold data. Called by `conform`. */
import { join } from 'node:path';
import { DiskBacking } from '../../io/backing.js';
import { syncDriver } from '../../io/drivers.js';
import type { CacheFile } from './scenario.js';

/** The objects' files of a cache, in order of their paths. */
export function cacheLayout(directory: string): CacheFile[] {
  const backing = new DiskBacking(syncDriver);
  const files: CacheFile[] = [];
  const root = join(directory, 'cache');
  for (const volume of backing.names(root)) {
    for (const fan of backing.names(join(root, volume))) {
      for (const name of backing.names(join(root, volume, fan))) {
        // The content map beside an object is ours; the kernel has none.
        if (!name.endsWith('.map')) files.push(dataMap(backing, join(root, volume, fan, name)));
      }
    }
  }
  return files;
}

function dataMap(backing: DiskBacking, path: string): CacheFile {
  const fd = backing.open(path, { create: false, direct: false });
  if (fd < 0) return { path, size: 0, data: 'none' };
  try {
    const status = backing.status(path);
    const size = typeof status === 'number' ? 0 : status.size;
    const ranges: string[] = [];
    for (let at = backing.seekData(fd, 0); at >= 0 && at < size; ) {
      const end = backing.seekHole(fd, at);
      ranges.push(`${at}-${end}`);
      at = backing.seekData(fd, end);
    }
    return { path, size, data: ranges.length === 0 ? 'none' : ranges.join(',') };
  } finally {
    backing.close(fd);
  }
}
