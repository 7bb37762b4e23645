/**
 * Reads a scenario: a directory with what was done to a real kernel and what came of it. Called by
 * `conform`. Any of its files may be compressed (`trace.txt.gz`). docs/explanation/conformance.md
 * describes them.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { errnoFromNode } from '../../base/errno.js';
import { ErrnoError, StoreError } from '../../base/errors.js';
import { LAB_DEFAULTS, type LabOptions } from '../../lab/options.js';
import type { StatEntry } from '../../trace/record.js';
import { parseStats } from '../../trace/stats_layout.js';
import { type Op, parseOp, parseOps } from '../../workload/ops/language.js';
import { type OpResult, parseResults } from '../../workload/ops/result.js';

/** A file of the server when the group began. */
export interface ScenarioFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Label of its content, see `labelledContent`. */
  readonly label: string;
  /** Ranges [start, length] that hold data, the rest are holes; null: all of it. */
  readonly extents: readonly (readonly [number, number])[] | null;
}

/** How the machine was set up. */
export interface ScenarioSettings {
  /** Profile that plays this kernel and filesystem. */
  readonly profile: string;
  /** 9p's msize, bytes; undefined where there is none. */
  readonly msize: number | undefined;
  /** 9p's cache mode; undefined where there is none. */
  readonly cacheMode: LabOptions['cacheMode'] | undefined;
  /** read_ahead_kb where it was set; undefined: what the mount makes of it. */
  readonly readAheadKb: number | undefined;
  /** A cache was bound. */
  readonly cacheBound: boolean;
  /** The cache's disk before the scenario, bytes; undefined where it was not recorded. */
  readonly cacheDisk: { readonly total: number; readonly available: number } | undefined;
  /** Inodes of that disk, at least; 0 where that was not recorded. */
  readonly cacheInodes: number;
  readonly processors: number;
}

/** One file of the cache. */
export interface CacheFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Ranges that hold data as printed, `0-4096,8192-12288` or `none`. */
  readonly data: string;
}

/** A scenario. */
export interface Scenario {
  readonly directory: string;
  readonly name: string;
  /** Scenarios of a group follow one another on one machine. */
  readonly group: string;
  readonly settings: ScenarioSettings;
  readonly files: readonly ScenarioFile[];
  /** What was done before the trace began. */
  readonly before: readonly Op[];
  readonly ops: readonly Op[];
  /** What the operations returned; null if the program did not come to its end. */
  readonly results: readonly OpResult[] | null;
  readonly trace: string;
  readonly stats: readonly [before: readonly StatEntry[], after: readonly StatEntry[]] | null;
  /** The files of the cache at the end; null if they were not recorded. */
  readonly layout: readonly CacheFile[] | null;
}

/** The parts of workload.json that are used. */
interface Workload {
  readonly kernel: string;
  readonly filesystem?: string;
  readonly group: string;
  readonly pre_commands: readonly string[];
  readonly msize?: number;
  readonly cache?: string;
  readonly cache_bound: boolean;
  readonly read_ahead_kb_set: number | null;
  readonly smp: number;
  readonly files: Readonly<
    Record<
      string,
      { size?: number; content?: string; data_extents?: readonly [number, number][] | null }
    >
  >;
}

/** True for a directory that holds a scenario. */
export function isScenario(directory: string): boolean {
  return pathOf(directory, 'workload.json') !== undefined;
}

/** Reads a scenario. Throws `ErrnoError`, `StoreError` or `TraceParseError`. */
export function readScenario(directory: string): Scenario {
  const workload = parseWorkload(directory);
  const text = (name: string): string | null => readIfThere(directory, name);
  const trace = pathOf(directory, 'trace.txt');
  const ops = text('ops.txt');
  if (trace === undefined || ops === null) {
    throw new StoreError(directory, 'is no scenario', { hint: 'trace.txt or ops.txt is missing' });
  }
  const before = text('stats.before');
  const after = text('stats.after');
  const results = text('result.txt');
  const layout = text('cache-layout.after');
  return {
    directory,
    name: basename(directory),
    group: workload.group,
    settings: {
      ...settingsOf(workload),
      cacheDisk: parseDisk(text('cache-df.before')),
      cacheInodes: parseInodes(text('cachefiles-daemon-state.after')),
    },
    files: Object.entries(workload.files).flatMap(([name, file]) => fileOf(name, file)),
    before: workload.pre_commands.flatMap((command) => commandOps(command, directory)),
    ops: parseOps(ops, join(directory, 'ops.txt')),
    results: results === null ? null : parseResults(results, join(directory, 'result.txt')),
    trace,
    stats: before === null || after === null ? null : [parseStats(before), parseStats(after)],
    layout: layout === null ? null : parseLayout(layout),
  };
}

function parseWorkload(directory: string): Workload {
  const text = readIfThere(directory, 'workload.json');
  if (text === null) {
    throw new StoreError(directory, 'is no scenario', { hint: 'it has no workload.json' });
  }
  try {
    return JSON.parse(text) as Workload;
  } catch (cause) {
    throw new StoreError(join(directory, 'workload.json'), 'is not JSON', { cause });
  }
}

function settingsOf(workload: Workload): Omit<ScenarioSettings, 'cacheDisk' | 'cacheInodes'> {
  const { kernel, filesystem = '9p', msize, cache, cache_bound, smp } = workload;
  return {
    profile: `linux-${kernel}-${filesystem}`,
    msize,
    cacheMode: cache as LabOptions['cacheMode'] | undefined,
    readAheadKb: workload.read_ahead_kb_set ?? undefined,
    cacheBound: cache_bound,
    processors: smp,
  };
}

function fileOf(name: string, { size, content, data_extents }: Workload['files'][string]) {
  // A file that an operation makes has neither size nor content.
  if (size === undefined || content === undefined) return [];
  const label = /^SHAKE128\("kcap:(.*)"\)$/.exec(content)?.[1] ?? name;
  return [{ name, size, label, extents: data_extents ?? null }];
}

/** Commands of the machine's shell, as operations. */
const COMMANDS: readonly (readonly [pattern: RegExp, ops: readonly string[]])[] = [
  [/^drop ([123])$/, ['sync', 'sleep 300', 'drop $1', 'sleep 500']],
  [/^sync$/, ['sync']],
  [/^umount \S+$/, ['umount']],
  [/^do_mount$/, ['mount']],
  [/^cache_unbind$/, ['unbind']],
  [/^cache_bind\b/, ['bind']],
  [/^setra (\d+)$/, ['setra $1']],
  [/^(host .*)$/, ['$1']],
  [/^dd if=\/dev\/zero of=\S*\/filler\b/, ['fill']],
  [/^rm \S*\/filler$/, ['unfill']],
];

// `sleep` of a shell counts in seconds.
function commandOps(command: string, directory: string): Op[] {
  const file = join(directory, 'workload.json');
  const seconds = /^sleep ([\d.]+)$/.exec(command);
  if (seconds !== null) return [{ kind: 'sleep', ms: Math.round(Number(seconds[1]) * 1000) }];
  for (const [pattern, ops] of COMMANDS) {
    const match = pattern.exec(command);
    if (match === null) continue;
    return ops.map((op) => parseOp(op.replace('$1', match[1] ?? ''), file));
  }
  throw new StoreError(file, `has a command that cannot be played: ${command}`);
}

// /dev/disk-cache          13804       976     11828   8% /var/cache/fscache
function parseDisk(text: string | null): ScenarioSettings['cacheDisk'] {
  const match = /^\S+ +(\d+) +\d+ +(\d+) +\d+% /m.exec(text ?? '');
  if (match === null) return undefined;
  return { total: Number(match[1]) * 1024, available: Number(match[2]) * 1024 };
}

// cull=1 frun=14 fcull=e ...: the limit is that many percent of whole hundredths of the inodes.
function parseInodes(text: string | null): number {
  const match = /\bfrun=([0-9a-f]+)/.exec(text ?? '');
  const limit = Number.parseInt(match?.[1] ?? '0', 16);
  return Math.floor(limit / LAB_DEFAULTS.cacheLimits.run) * 100;
}

const LAYOUT = /^(\S+?),? size=(\d+) blocks512=\d+ data=(\S+)/;

/** Reads cache-layout.after: one file of the cache a line; other files of its disk are left out. */
export function parseLayout(text: string): CacheFile[] {
  return text.split('\n').flatMap((line) => {
    const match = LAYOUT.exec(line);
    if (match === null || !/\/cache\/I[^/]*\/@[0-9a-f]{2}\//.test(match[1] ?? '')) return [];
    return [{ path: match[1] as string, size: Number(match[2]), data: match[3] as string }];
  });
}

function pathOf(directory: string, name: string): string | undefined {
  return [name, `${name}.gz`].map((each) => join(directory, each)).find((each) => existsSync(each));
}

function readIfThere(directory: string, name: string): string | null {
  const path = pathOf(directory, name);
  if (path === undefined) return null;
  try {
    const bytes = readFileSync(path);
    return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (cause) {
    throw new ErrnoError(errnoFromNode(cause), 'open', path, { cause });
  }
}
