/**
 * The contests of passing captures on: exports of one of millions of events, and the questions of
 * `fleet` over many captures, against the time they may take and the memory they may hold.
 */
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FLEET_QUESTIONS } from '../src/core/app/fleet/questions.js';
import type { Contest, Contestant, ContestSource, Measured } from './harness.js';
import { type Command, NETFSLAB, runCommand } from './tools.js';
import { sessionsIn, writeRepeated } from './trace_repeat.js';

/** What an export may take for 5 million events, milliseconds; it grows with their number. */
const EXPORTS_MS = { perfetto: 10_000, parquet: 15_000 } as const;
/** What a question to many captures may take, milliseconds, and hold, MiB. */
const FLEET_MS = 3000;
const MEMORY_MIB = 1024;
const HOSTS = 20;

/** Captures of a real kernel 6.1, repeated until they have so many events. */
async function capture(folder: string, name: string, events: number): Promise<string> {
  const [text, path] = [join(folder, `${name}.txt`), join(folder, `${name}.db`)];
  const below = (fs: string) =>
    sessionsIn(fileURLToPath(new URL(`../../traces/linux-6.1/${fs}`, import.meta.url)));
  writeRepeated([...below('9p'), ...below('afs')], events, text);
  await runCommand([...NETFSLAB, 'trace', 'import', text, '--out', path]);
  rmSync(text);
  return path;
}

const limit = (ms: number): Contestant => ({
  name: `${ms / 1000} s`,
  run: () => ({ ms }),
  verify: () => {},
});

/** A command as a contestant, which fails where it holds too much memory. */
function contestant(name: string, words: readonly string[], out?: string): Contestant {
  let last: Measured = {};
  return {
    name,
    prepare() {
      if (out !== undefined) rmSync(out, { recursive: true, force: true });
    },
    async run() {
      last = await runCommand([...NETFSLAB, ...words] as unknown as Command);
      return last;
    },
    verify() {
      const peak = last.peakMiB ?? 0;
      if (peak > MEMORY_MIB) throw new Error(`${name} held ${peak.toFixed(0)} MiB`);
    },
  };
}

const exports: ContestSource = {
  name: 'export',
  doc: 'Perfetto and Parquet of a capture of a real kernel 6.1 (9p and AFS), repeated',
  async setUp({ folder, size }): Promise<Contest> {
    const events = size('export-events', 5_000_000, 50_000);
    const path = await capture(folder, 'export', events);
    const formats = Object.keys(EXPORTS_MS) as (keyof typeof EXPORTS_MS)[];
    const may = (format: keyof typeof EXPORTS_MS) =>
      Math.max(3000, (EXPORTS_MS[format] * events) / 5_000_000);
    const each = formats.map((format) => {
      const out = join(folder, `out.${format}`);
      return contestant(format, ['trace', 'export', path, '--format', format, '--out', out], out);
    });
    return {
      name: 'export',
      what: `${events} events; at most ${MEMORY_MIB} MiB each`,
      contestants: [...each, ...[...new Set(formats.map(may))].map(limit)],
      goals: formats.map((format) => ({
        ...{ faster: format, than: `${may(format) / 1000} s`, atLeast: 1 },
      })),
    };
  },
};

const fleet: ContestSource = {
  name: 'fleet',
  doc: 'each question to a thousand captures, once they are in the index',
  async setUp({ folder, size }): Promise<Contest> {
    const count = size('fleet-captures', 1000, 10);
    const events = size('fleet-events', 150_000, 2000);
    const all = join(folder, 'captures');
    // Captures of different lengths, each many times: what is asked is in the index, not in them.
    const made: string[] = [];
    for (let i = 0; i < Math.min(count, 10); i++) {
      made.push(await capture(folder, `fleet-${i}`, Math.round(events * (0.75 + i * 0.05))));
    }
    for (let i = 0; i < count; i++) {
      const host = join(all, `host${i % HOSTS}`);
      mkdirSync(host, { recursive: true });
      copyFileSync(made[i % made.length] as string, join(host, `${i}.db`));
    }
    process.env.XDG_CACHE_HOME = join(folder, 'cache');
    await runCommand([...NETFSLAB, 'fleet', 'captures', all]);
    const questions = Object.keys(FLEET_QUESTIONS);
    return {
      name: 'fleet',
      what: `${count} captures of about ${events} events; at most ${MEMORY_MIB} MiB`,
      contestants: [
        ...questions.map((question) => contestant(question, ['fleet', question, all, '--csv'])),
        limit(FLEET_MS),
      ],
      goals: questions.map((faster) => ({ faster, than: `${FLEET_MS / 1000} s`, atLeast: 1 })),
    };
  },
};

/** The contests of passing captures on. */
export const SHARE_CONTESTS: readonly ContestSource[] = [exports, fleet];
