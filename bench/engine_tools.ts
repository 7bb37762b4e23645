/**
 * The contestants of `engine.ts`: the engine in a process of its own, fio, and nbdkit with its cache
 * filter. Each gives its own measure of the work, so that starting a program is not counted.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, fsyncSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Prng } from '../src/core/sim/prng.js';
import type { EngineReport, EngineRun } from './engine_child.js';
import type { Contestant, Measured } from './harness.js';
import { expectEqual, missingTool } from './tools.js';

const CHILD = fileURLToPath(new URL('./engine_child.js', import.meta.url));
const CHUNK = 1 << 20;

/** Runs a program to its end: what it printed. Throws with its messages if it fails. */
export function outputOf(program: string, args: readonly string[], env = process.env): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    env,
    maxBuffer: 1 << 28,
  });
  if (status === 0) return stdout;
  throw error ?? new Error(`${program} ${args.join(' ')}: ${status}\n${stderr.slice(-2000)}`);
}

/** Makes a file of `bytes` bytes that nothing can compress, the same every time. */
export function makeFile(path: string, bytes: number): void {
  const prng = new Prng(7);
  const words = Uint32Array.from({ length: CHUNK / 4 }, () => prng.next32());
  const fd = openSync(path, 'w');
  for (let at = 0; at < bytes; at += CHUNK) {
    // No two pieces alike, so that one read in another's place is seen.
    words[0] = at / CHUNK;
    writeSync(fd, new Uint8Array(words.buffer), 0, Math.min(CHUNK, bytes - at));
  }
  fsyncSync(fd);
  closeSync(fd);
}

/** Takes a file out of the kernel's page cache. */
export function dropFile(path: string): void {
  outputOf('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']);
}

/** Brings a file into the kernel's page cache. */
export function warmFile(path: string): void {
  outputOf('dd', [`if=${path}`, 'of=/dev/null', 'bs=1M', 'status=none']);
}

/** Performs a run of the engine. */
export function runEngine(run: EngineRun): EngineReport {
  return JSON.parse(outputOf(process.execPath, [CHILD, JSON.stringify(run)])) as EngineReport;
}

/** Time for `ops` operations at the rate of a run, which may have gone on for another number. */
export function msFor(ops: number, done: number, ms: number): number {
  return (ops / done) * ms;
}

/** A run of the engine as a contestant. */
export interface EngineContestant {
  readonly name: string;
  readonly run: () => EngineRun;
  prepare?(): void;
  /** How the report is measured; by default the time until the last byte was delivered. */
  readonly measure?: (report: EngineReport) => Measured;
  /** Throws unless the run did what it should. */
  check?(report: EngineReport): void;
}

/** Runs the engine; the first round is run again comparing every byte, outside the timing. */
export function engine({ name, run, prepare, measure, check }: EngineContestant): Contestant {
  let report: EngineReport;
  let verified = false;
  return {
    name,
    ...(prepare && { prepare }),
    run() {
      report = runEngine(run());
      return { peakMiB: report.peakMiB, ...(measure?.(report) ?? { ms: report.elapsedMs }) };
    },
    verify() {
      check?.(report);
      if (verified) return;
      verified = true;
      prepare?.();
      const again = run();
      const { out: _, ...untraced } = again;
      const compared = runEngine({ ...untraced, run: { ...again.run, verify: true } });
      expectEqual('bytes compared', compared.verifiedBytes, compared.bytes);
    },
  };
}

/** What fio says of its reads, or of its writes. */
interface FioCounts {
  readonly iops: number;
  readonly bw_bytes: number;
  readonly total_ios: number;
  readonly io_bytes: number;
}

function countsOf(output: string): Record<'read' | 'write', FioCounts> {
  const report = JSON.parse(output.slice(output.indexOf('{'))) as {
    jobs: Record<'read' | 'write', FioCounts>[];
  };
  return report.jobs[0] as Record<'read' | 'write', FioCounts>;
}

/** Time that fio took for `ops` operations. */
function fioMs({ iops }: FioCounts, ops: number): number {
  return (ops / iops) * 1000;
}

const COMMON = ['--name=bench', '--output-format=json', '--randseed=1'];

/** fio over a file; `ops` is the work that is compared. */
export function fio(name: string, file: string, ops: number, args: readonly string[]): Contestant {
  let reads: FioCounts;
  return {
    name,
    missing: missingTool('fio'),
    run() {
      const all = [...COMMON, `--filename=${file}`, '--readonly', ...args];
      reads = countsOf(outputOf('fio', all)).read;
      return { ms: fioMs(reads, ops) };
    },
    verify() {
      if (!(reads.total_ios > 0)) throw new Error(`${name} read nothing`);
    },
  };
}

/** fio writing a file of its own once, past the page cache, in pieces of 1 MiB. */
export function fioWrite(name: string, file: string, bytes: number): Contestant {
  const how = ['--ioengine=io_uring', '--direct=1', '--iodepth=8', '--rw=write', '--bs=1m'];
  let writes: FioCounts;
  return {
    name,
    missing: missingTool('fio'),
    prepare: () => rmSync(file, { force: true }),
    run() {
      const where = [`--filename=${file}`, `--size=${bytes}`, '--fallocate=none'];
      writes = countsOf(outputOf('fio', [...COMMON, ...where, ...how])).write;
      return { ms: fioMs(writes, writes.total_ios) };
    },
    verify() {
      expectEqual('bytes written', writes.io_bytes, bytes);
      rmSync(file, { force: true });
    },
  };
}

/** How nbdkit serves a file and what is done with it. */
export interface NbdkitContestant {
  readonly name: string;
  readonly file: string;
  readonly folder: string;
  readonly filters: readonly string[];
  readonly parameters: readonly string[];
  /** Read everything once before, then drop the page cache of what the filter stored. */
  readonly warm: boolean;
  /** Command that reads; undefined: nbdcopy. fio's output is understood. */
  readonly fio?: readonly string[];
  /** Operations that are compared, for fio. */
  readonly ops: number;
}

const DROP = `pid=$(cat "$PIDFILE"); for fd in /proc/$pid/fd/*; do
  case "$(readlink "$fd")" in *deleted*) sync "$fd"; dd if="$fd" iflag=nocache count=0 status=none;; esac
done`;
const COPY = 'a=$(date +%s%N); nbdcopy "$uri" null:; b=$(date +%s%N); echo $(((b - a) / 1000)) us';

/** nbdkit with filters over a file, read by nbdcopy or fio. */
export function nbdkit(given: NbdkitContestant): Contestant {
  const missing = ['nbdkit', 'nbdcopy', 'fio'].map(missingTool).find((why) => why !== null);
  let verified = false;
  const serve = (script: string): string => {
    const pidFile = join(given.folder, 'nbdkit.pid');
    const path = join(given.folder, 'nbdkit.sh');
    writeFileSync(path, `set -e\n${script}\n`);
    const filters = given.filters.map((filter) => `--filter=${filter}`);
    const args = ['-U', '-', '-P', pidFile, ...filters, 'file', given.file, ...given.parameters];
    const env = { ...process.env, TMPDIR: given.folder, PIDFILE: pidFile };
    return outputOf('nbdkit', [...args, '--run', `uri="$uri" bash '${path}'`], env);
  };
  return {
    name: given.name,
    missing: missing ?? null,
    run() {
      const warm = given.warm ? `nbdcopy "$uri" null:\n${DROP}` : '';
      if (given.fio === undefined) {
        const micros = /(\d+) us/.exec(serve(`${warm}\n${COPY}`))?.[1];
        return { ms: Number(micros) / 1000 };
      }
      const command = ['fio', ...COMMON, '--ioengine=nbd', '--uri="$uri"', ...given.fio].join(' ');
      return { ms: fioMs(countsOf(serve(`${warm}\n${command}`)).read, given.ops) };
    },
    verify() {
      if (verified) return;
      verified = true;
      serve(`nbdcopy "$uri" - | cmp - '${given.file}'`);
    },
  };
}

/** A time to be compared with that nobody takes: `ms` for the work. */
export function yardstick(name: string, ms: () => number): Contestant {
  return { name, run: () => ({ ms: ms() }), verify: () => {} };
}
