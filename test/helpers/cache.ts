/**
 * Labs with a real cache directory: runs one after the other on the same cache, and hands on its
 * files.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Cachefiles } from '../../src/core/cachefiles/cache.js';
import { isDataFile } from '../../src/core/cachefiles/cull.js';
import type { LabOptions } from '../../src/core/lab/options.js';
import { makeLab, opened, serverDir, type TestLab, tempDir } from './lab.js';

/** A served directory and a cache directory that outlive the labs made on them. */
export interface CacheRig {
  readonly server: string;
  readonly dir: string;
  /** Opens a lab on both. */
  lab(options?: Partial<LabOptions>): CachedLab;
  /** Opens a lab, reads whole files with it, closes it: what was read. */
  readAll(names: readonly string[], options?: Partial<LabOptions>): Promise<ReadAll>;
  /** Paths of the data files. */
  objects(): string[];
  /** The one data file. */
  object(): string;
}

/** What `readAll` found. */
export interface ReadAll {
  readonly bytes: Buffer[];
  readonly lab: CachedLab;
  /** By the server's own count. */
  readonly downloaded: number;
}

/** A lab with its cache. */
export interface CachedLab extends TestLab {
  readonly cache: Cachefiles;
}

/** Makes a rig over files of the given sizes; the cache is in a directory of `where`. */
export function cacheRig(
  t: ExecutionContext,
  files: Record<string, number>,
  where = tempDir(t),
): CacheRig {
  const server = serverDir(t, files);
  const dir = path.join(where, 'cache');
  const open = (options: Partial<LabOptions> = {}): CachedLab => {
    const made = makeLab(t, {}, { cacheDir: dir, ...options, server });
    return { ...made, cache: made.lab.cachefiles as Cachefiles };
  };
  const objects = (): string[] => filesBelow(dir).filter((file) => isObject(file));
  return {
    server,
    dir,
    lab: open,
    async readAll(names, options) {
      const lab = open(options);
      const bytes: Buffer[] = [];
      for (const name of names) bytes.push(await readFile(lab, name));
      await lab.lab.close();
      return { bytes, lab, downloaded: lab.lab.server.counters.bytes };
    },
    objects,
    object() {
      const found = objects();
      if (found.length !== 1) throw new Error(`${found.length} objects in the cache`);
      return found[0] as string;
    },
  };
}

/** Reads a whole file and drops nothing. */
export async function readFile(made: TestLab, name: string): Promise<Buffer> {
  const file = await opened(made.lab, name);
  const bytes = await made.read(file, 0, file.fstat().size);
  await made.lab.scheduler.drain();
  file.close();
  return bytes;
}

/** Changes the bytes [at, at + with.length) of a file in place. */
export function overwrite(file: string, at: number, bytes: Uint8Array): void {
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, bytes, 0, bytes.length, at);
  fs.closeSync(fd);
}

/** Changes a file on the server, so that its version is another whatever the clock says. */
export function update({ server }: CacheRig, name: string, bytes: Uint8Array): void {
  const file = path.join(server, name);
  const { mtimeMs } = fs.statSync(file);
  fs.writeFileSync(file, bytes);
  fs.utimesSync(file, mtimeMs / 1000, mtimeMs / 1000 + 10);
}

/**
 * Reserves bytes [start, start + length) of a file, makes them a hole, or makes them zeros that
 * keep their space; false where the filesystem cannot.
 */
export function fallocate(
  file: string,
  how: 'allocate' | 'punch' | 'zero',
  start: number,
  length: number,
): boolean {
  const mode = { allocate: '--keep-size', punch: '--punch-hole', zero: '--zero-range' }[how];
  const range = ['--offset', String(start), '--length', String(length)];
  return spawnSync('fallocate', [mode, ...range, file]).status === 0;
}

/** Every regular file beneath a directory. */
export function filesBelow(dir: string): string[] {
  return fs
    .readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

function isObject(file: string): boolean {
  return file.includes('/cache/cache/') && isDataFile(file);
}
