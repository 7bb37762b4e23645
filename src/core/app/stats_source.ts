/**
 * Statistics from wherever they are: a copy of /proc/fs/fscache/stats or /proc/fs/netfs/stats, or a
 * snapshot of a capture. Called by stats import, delta and reconcile.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { errnoFromNode } from '../base/errno.js';
import { ErrnoError, StoreError, UsageError } from '../base/errors.js';
import { openCapture } from '../store/database.js';
import type { Capture } from '../store/types.js';
import { ERAS, type Era } from '../trace/eras.js';
import type { StatEntry } from '../trace/record.js';
import { parseStats, statLines } from '../trace/stats_layout.js';

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

/** Reads a copy of the statistics. `StoreError` if it holds none. */
export function statsOfText(name: string, text: string): StatsSource {
  const seen = new Set<string>();
  // In a text that is damaged a key may stand twice in a line; the first counts.
  const entries = parseStats(text).filter(({ line, key }) => {
    const place = `${line} ${key}`;
    return !seen.has(place) && seen.add(place);
  });
  if (entries.length === 0) {
    throw new StoreError(name, 'holds no statistics', {
      hint: 'it should be a copy of /proc/fs/fscache/stats or /proc/fs/netfs/stats',
    });
  }
  return { name, entries, era: eraOfStats(entries) };
}

/** The oldest released era whose netfs lines are those of the text; the latest one if none is. */
export function eraOfStats(entries: readonly StatEntry[]): Era {
  const has = new Set(entries.map(({ label, key }) => `${label} ${key}`));
  const score = (era: Era): number => {
    const keys = statLines(era).flatMap(({ label, keys: all }) =>
      all.map(([key]) => `${label} ${key}`),
    );
    const found = keys.filter((key) => has.has(key)).length;
    return keys.length === 0 ? 0 : found / keys.length + found / 1000;
  };
  const released = ERAS.filter((era) => era !== 'E0');
  return released.reduce((best, era) => (score(era) > score(best) ? era : best));
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
