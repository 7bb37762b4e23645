/**
 * Captures of real kernels, each as the kernel printed it, as trace.dat, as trace-cmd's report, and
 * with the statistics from before and after: those of traces/trace-dat, or all below the folder
 * that NETFSLAB_CAPTURES names.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { ROOT } from './source.js';

/** One capture. */
export interface RealCapture {
  readonly name: string;
  /** Path of the kernel's text, maybe compressed. */
  readonly text: string;
  /** Path of the trace.dat. */
  readonly dat: string;
  /** Path of trace-cmd's report; null where there is none. */
  readonly report: string | null;
  /** Paths of the statistics before and after; none where they were not kept. */
  readonly stats: readonly string[];
}

/** The bytes of a file, decompressed where its name ends in .gz. */
export function unpacked(path: string): Buffer {
  const bytes = readFileSync(path);
  return path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

/** Every capture, sorted by name. */
export function realCaptures(): RealCapture[] {
  const root = process.env.NETFSLAB_CAPTURES ?? join(ROOT, 'traces/trace-dat');
  return folders(root, 2).flatMap((folder) => {
    const file = (...names: string[]) =>
      names.map((name) => join(folder, name)).find((path) => existsSync(path)) ?? null;
    const text = file('trace.txt', 'trace.txt.gz');
    const dat = file('trace.dat', 'trace.dat.gz');
    if (text === null || dat === null) return [];
    const report = file('report.txt', 'report.txt.gz');
    const before = file('netfs-stats.before', 'stats.before', 'stats-before.txt');
    const after = file('netfs-stats.after', 'stats.after', 'stats-after.txt');
    const stats = before === null || after === null ? [] : [before, after];
    return [{ name: relative(root, folder), text, dat, report, stats }];
  });
}

function folders(root: string, depth: number): string[] {
  const below = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(root, name))
    .sort();
  return depth === 0 ? [] : below.flatMap((each) => [each, ...folders(each, depth - 1)]);
}
