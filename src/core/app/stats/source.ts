/**
 * Statistics from wherever they are: a copy of /proc/fs/fscache/stats or /proc/fs/netfs/stats, or a
 * snapshot of a capture. Called by stats import, delta and reconcile.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { errnoFromNode } from '../../base/errno.js';
import { ErrnoError, StoreError, UsageError } from '../../base/errors.js';
import { textDocument } from '../../importer/paste/documents.js';
import { segmentsOf } from '../../importer/paste/segments.js';
import { openCapture } from '../../store/database.js';
import type { Capture } from '../../store/types.js';
import type { Era } from '../../trace/eras.js';
import type { StatEntry } from '../../trace/record.js';
import { erasOfStats, newestFitting } from './era.js';

/** Statistics at one moment. */
export interface StatsSource {
  readonly name: string;
  readonly entries: readonly StatEntry[];
  /** Era whose layout it is. */
  readonly era: Era;
}

/** Most bytes of a statistics text; a real one has a thousand. */
const TEXT_MAX = 1 << 20;

/** The text of a file that is small. Throws `ErrnoError`, or `StoreError` if it is not. */
export function readSmallText(path: string): string {
  try {
    if (path === '-') return readFileSync(0, 'utf8');
    const fd = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(TEXT_MAX + 1);
      const length = readSync(fd, bytes);
      if (length <= TEXT_MAX) return bytes.toString('utf8', 0, length);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new ErrnoError(errnoFromNode(error), 'open', path, { cause: error });
  }
  throw new StoreError(path, 'is too long for statistics');
}

/** Reads the last copy of the statistics in a text. `StoreError` if it holds none. */
export function statsOfText(name: string, text: string): StatsSource {
  const { lines } = textDocument(name, text);
  const entries = segmentsOf(lines).stats.at(-1)?.entries ?? [];
  if (entries.length === 0) {
    throw new StoreError(name, 'holds no statistics', {
      hint: 'it should be a copy of /proc/fs/fscache/stats or /proc/fs/netfs/stats',
    });
  }
  return { name, entries, era: newestFitting([erasOfStats(entries)]).era };
}

/** A snapshot of a capture; default the last. `UsageError` if there is none. */
export function statsOfCapture(capture: Capture, snapshot?: number): StatsSource {
  const of = Number(capture.get('SELECT max("snapshot") AS "n" FROM "stats"')?.n ?? 0);
  const number = snapshot ?? of;
  if (of === 0) throw new UsageError('FILE', `no statistics in ${capture.path}`);
  if (number < 1 || number > of) {
    throw new UsageError('FILE', `no snapshot ${number} in ${capture.path}`, `1 to ${of}`);
  }
  const entries = capture.all(
    `SELECT "line", "label", "key", "value" FROM "stats" WHERE "snapshot" = ?
    ORDER BY "line", rowid`,
    [number],
  ) as unknown as StatEntry[];
  return { name: `${capture.path}@${number}`, entries, era: capture.info.era };
}

/** Statistics of a path: a text, or a capture with `@N` for a snapshot other than the last. */
export function statsSource(path: string): StatsSource {
  const [, file = path, snapshot] = /^(.*\.db)(?:@(\d+))?$/.exec(path) ?? [];
  if (!file.endsWith('.db')) return statsOfText(path, readSmallText(path));
  const capture = openCapture(file);
  try {
    return statsOfCapture(capture, snapshot === undefined ? undefined : Number(snapshot));
  } finally {
    capture.close();
  }
}
