/**
 * The contest of recording: what `trace record` of one process tree costs a program that reads at
 * random, against the same program alone. The times are fio's own, so that starting and importing
 * do not count.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Contest, Contestant, ContestSource } from './harness.js';
import { NETFSLAB, runCommand } from './tools.js';

const SYSCALLS = '/sys/kernel/tracing/events/syscalls';
const BS = 4096;

/** Why nothing can be recorded here; null = it can. */
function unrecordable(): string | null {
  if (spawnSync('fio', ['--version']).status !== 0) return 'fio is not installed';
  try {
    accessSync(SYSCALLS, constants.R_OK);
    return null;
  } catch {
    return 'no tracefs with system calls, or no permission';
  }
}

function recording(name: string, direct: boolean): ContestSource {
  return {
    name,
    doc: `fio's random reads of 4 KiB ${direct ? 'from disk (O_DIRECT)' : 'from memory'}, recorded and alone`,
    setUp({ folder, size }): Contest {
      const mib = size('record-mib', 256, 8);
      const reads = size('record-reads', 20_000, 200);
      const file = join(folder, `${name}.dat`);
      writeFileSync(file, Buffer.alloc(mib << 20, 1));
      const result = join(folder, `${name}.json`);
      const capture = join(folder, `${name}.db`);
      const missing = unrecordable();
      const fio = [
        ...['fio', '--name=reads', `--filename=${file}`, '--rw=randread', `--bs=${BS}`],
        ...[
          '--ioengine=psync',
          '--invalidate=0',
          `--direct=${Number(direct)}`,
          `--size=${mib}m`,
          '--norandommap',
        ],
        ...[`--io_size=${reads * BS}`, '--output-format=json', `--output=${result}`],
      ];
      const contestant = (
        as: string,
        command: readonly string[],
        recorded: boolean,
      ): Contestant => ({
        name: as,
        missing,
        prepare: () => rmSync(capture, { force: true }),
        async run() {
          await runCommand(command as [string, ...string[]]);
          const told = JSON.parse(readFileSync(result, 'utf8')) as {
            jobs: { read: { runtime: number; total_ios: number } }[];
          };
          return { ms: told.jobs[0]?.read.runtime ?? 0 };
        },
        verify() {
          if (!recorded) return;
          const db = new Database(capture, { readonly: true });
          const of = `SELECT count(*) FROM "op" WHERE "file" = ? AND "result" = ${BS}`;
          const found = db.prepare(of).pluck().get(file) as number;
          const lost = db.prepare('SELECT "lost_events" FROM "capture"').pluck().get() as number;
          db.close();
          if (found < reads && lost === 0) throw new Error(`${found} of ${reads} reads recorded`);
        },
      });
      const record = [...NETFSLAB, 'trace', 'record', '-o', capture, '--', ...fio];
      return {
        name,
        what: `${reads} reads of ${BS} bytes at random from ${mib} MiB, ${direct ? 'O_DIRECT' : 'in memory'}`,
        contestants: [contestant('trace record', record, true), contestant('alone', fio, false)],
        // A recorded program takes at most 10 % longer.
        goals: direct ? [{ faster: 'trace record', than: 'alone', atLeast: 1 / 1.1 }] : [],
      };
    },
  };
}

/** Contests of recording this machine. */
export const RECORD_CONTESTS: readonly ContestSource[] = [
  recording('record-disk', true),
  recording('record-memory', false),
];
