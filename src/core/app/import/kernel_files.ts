/**
 * Reads a kernel's format files from a folder (tracefs, or a copy of it) or from a tar. Called by
 * app/import/import.ts for --formats, and by app/import/bundle.ts.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoFromNode } from '../../base/errno.js';
import { ErrnoError, StoreError, UsageError } from '../../base/errors.js';
import { openInput } from '../../importer/input.js';
import { isDescribedSystem } from '../../importer/kernel_formats.js';
import { isTar, type TarMember, tarMembers } from '../../importer/tar.js';
import type { FormatText } from '../../importer/trace_dat/format.js';

/** Longest format file, bytes; the longest of v7.3 has 9,000. */
const FORMAT_MAX = 256 << 10;
/** Most format files that are read. */
const FORMATS_MAX = 4096;

/** The system of `.../SYSTEM/EVENT/format`, null where it is another file or of no use. */
export function formatSystem(path: string): string | null {
  const system = /(?:^|\/)([\w-]+)\/\w+\/format$/.exec(path)?.[1];
  return system !== undefined && isDescribedSystem(system) ? system : null;
}

/** The format file that a member of an archive is; null where it is none. */
export async function formatOf(member: TarMember, archive: string): Promise<FormatText | null> {
  const system = formatSystem(member.name);
  if (system === null) return null;
  if (member.size > FORMAT_MAX) throw new StoreError(archive, `${member.name} is too long`);
  const pieces: Uint8Array[] = [];
  for await (const chunk of member.chunks()) pieces.push(chunk.slice());
  return { system, text: Buffer.concat(pieces).toString('utf8') };
}

/**
 * Reads format files. `ErrnoError` if the path cannot be read, `UsageError` if nothing below it is
 * the format of an event of netfs or its neighbours.
 */
export async function readFormats(path: string): Promise<FormatText[]> {
  let formats: FormatText[];
  try {
    formats = statSync(path).isDirectory() ? formatsBelow(path) : await ofTar(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new ErrnoError(errnoFromNode(error), 'open', path, { cause: error });
  }
  if (formats.length > 0) return formats;
  const hint = 'name the folder events of tracefs (/sys/kernel/tracing/events), or a copy of it';
  throw new UsageError('--formats', `no format file of netfs is below ${path}`, hint);
}

async function ofTar(path: string): Promise<FormatText[]> {
  const input = await openInput(path);
  try {
    const hint = 'name a folder, or a tar of one';
    if (!isTar(input.head)) throw new UsageError('--formats', `${path} is not a tar archive`, hint);
    const formats: FormatText[] = [];
    for await (const member of tarMembers(input.chunks(), path)) {
      const format = await formatOf(member, path);
      if (format !== null && formats.length < FORMATS_MAX) formats.push(format);
    }
    return formats;
  } finally {
    input.close();
  }
}

/** The format files of tracefs, or of its folder events; none where there are no such folders. */
export function formatsBelow(path: string): FormatText[] {
  const below = foldersIn(path);
  const events = below.includes('events') ? join(path, 'events') : path;
  const systems = foldersIn(events).filter(isDescribedSystem);
  return systems.flatMap((system) =>
    foldersIn(join(events, system))
      .slice(0, FORMATS_MAX)
      .flatMap((event) => ofFile(system, join(events, system, event, 'format'))),
  );
}

function foldersIn(path: string): string[] {
  const entries = readdirSync(path, { withFileTypes: true });
  return entries.filter((each) => each.isDirectory()).map(({ name }) => name);
}

function ofFile(system: string, path: string): FormatText[] {
  try {
    const text = readFileSync(path, 'utf8');
    return text.length > FORMAT_MAX ? [] : [{ system, text }];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
