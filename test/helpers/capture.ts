/**
 * A small capture made by hand, with known numbers, for tests of everything that reads one: four
 * operations on two files, four requests (one failed, one with a number used before and no end).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from '../../src/core/sim/clock.js';
import { makeContext } from '../../src/core/sim/context.js';
import { writeCapture } from '../../src/core/store/capture_writer.js';
import {
  netfsFailure,
  netfsFailures,
  netfsRead,
  netfsReadTraces,
  netfsRreq,
  netfsRreqTraces,
  netfsSreq,
  netfsSreqSources,
  netfsSreqTraces,
} from '../../src/core/trace/events/netfs.js';
import { STAT_VARIABLES, type StatValues } from '../../src/core/trace/stats_layout.js';
import { EVENT_COST_NS, Tracer } from '../../src/core/trace/tracer.js';

/** A folder that is removed when the test ends. */
export function temporaryFolder(t: { teardown(fn: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'netfslab-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

type Kind = keyof typeof netfsReadTraces.id;
type Source = keyof typeof netfsSreqSources.id;

/** Emits the events of requests of one slice on a clock that only tests move. */
class Script {
  readonly clock = new VirtualClock();
  readonly context = makeContext(4242, 'fio');
  readonly tracer: Tracer;
  #op = 0;

  constructor(path: string, workload: string) {
    const sink = writeCapture(path, {
      source: 'run',
      era: 'E1',
      profile: 'linux-5.13-afs',
      workload,
      clock: 'virtual',
      epoch_ms: 0,
      tool_version: 'test',
    });
    this.tracer = new Tracer({ sink, clock: this.clock, contexts: this });
  }

  /** An operation that reads a file; what `during` emits is on its behalf. */
  read(file: string, offset: number, len: number, result: number, during?: () => void): void {
    this.context.op = ++this.#op;
    const start = this.clock.now();
    during?.();
    const end = this.clock.now();
    this.tracer.op({ op: this.#op, kind: 'read', file, offset, len, result, start, end });
    this.context.op = 0;
  }

  begin(rreq: number, kind: Kind, source: Source, start: number, len: number): void {
    netfsRead.emit(this.tracer, rreq, netfsReadTraces.id[kind], 0, 0, start, len);
    this.sreq(rreq, 'prepare', source, 0, start, 0, len, 0);
    this.sreq(rreq, 'submit', source, 0, start, 0, len, 0);
  }

  end(rreq: number, source: Source, start: number, got: number, len: number, error: number): void {
    this.sreq(rreq, 'terminated', source, 2, start, got, len, error);
    const failed = error === 0 ? 0 : 0x10;
    this.rreq(rreq, 'assess', 0x20 | failed);
    this.rreq(rreq, 'unlock', 0x20 | failed);
    this.rreq(rreq, 'done', failed);
    this.sreq(rreq, 'free', source, 2, start, got, len, error);
    this.rreq(rreq, 'free', failed);
  }

  sreq(
    rreq: number,
    what: keyof typeof netfsSreqTraces.id,
    source: Source,
    flags: number,
    ...[start, got, len, error]: [number, number, number, number]
  ): void {
    const stage = netfsSreqTraces.id[what];
    const from = netfsSreqSources.id[source];
    netfsSreq.emit(this.tracer, rreq, 0, from, stage, flags, start, got, len, error);
  }

  rreq(rreq: number, what: keyof typeof netfsRreqTraces.id, flags: number): void {
    netfsRreq.emit(this.tracer, rreq, Number.NaN, netfsRreqTraces.id[what], flags);
  }

  stats(values: Partial<StatValues>): void {
    const zero = Object.keys(STAT_VARIABLES).map((name) => [name, 0]);
    this.tracer.stats({ ...Object.fromEntries(zero), ...values } as StatValues);
  }
}

/** Nanoseconds the server takes in the sample capture; the events of a wait add their own cost. */
export const SERVER_NS = 1_000_000;

/** SUBMT to TERM of the first request: the server, and the cost of the SUBMT event. */
export const FIRST_IO_NS = SERVER_NS + EVENT_COST_NS;

/** Writes the sample capture; returns its path. */
export async function sampleCapture(path: string, workload = 'sample'): Promise<string> {
  const script = new Script(path, workload);
  script.stats({});
  script.read('a.txt', 0, 4096, 4096, () => {
    script.begin(0x1a, 'readahead', 'down', 0, 0x4000);
    script.clock.charge(SERVER_NS);
    script.end(0x1a, 'down', 0, 0x4000, 0x4000, 0);
  });
  script.read('a.txt', 4096, 4096, 4096);
  script.tracer.marker('half way');
  script.read('b.txt', 0x8000, 4096, 100, () => {
    script.begin(2, 'readpage', 'zero', 0x8000, 0x1000);
    script.end(2, 'zero', 0x8000, 0x1000, 0x1000, 0);
  });
  script.read('b.txt', 0, 4096, -5, () => {
    script.begin(3, 'readpage', 'down', 0, 0x1000);
    script.clock.charge(3 * SERVER_NS);
    const { read } = netfsFailures.id;
    netfsFailure.emit(script.tracer, 3, 0, netfsSreqSources.id.down, 0, 0, 0, 0x1000, read, -5);
    script.end(3, 'down', 0, 0, 0x1000, -5);
  });
  script.begin(0x1a, 'readahead', 'down', 0x4000, 0x4000);
  script.stats({ netfs_n_rh_readahead: 2, netfs_n_rh_readpage: 2, netfs_n_rh_rreq: 1 });
  const { error } = await script.tracer.close();
  if (error !== null) throw error;
  return path;
}

/** A capture of one readahead request per entry, the server taking so many nanoseconds for each. */
export async function captureOfTimes(path: string, serverNs: readonly number[]): Promise<string> {
  const script = new Script(path, 'times');
  for (const [i, ns] of serverNs.entries()) {
    script.begin(i + 1, 'readahead', 'down', 0, 0x1000);
    script.clock.charge(ns);
    script.end(i + 1, 'down', 0, 0x1000, 0x1000, 0);
  }
  const { error } = await script.tracer.close();
  if (error !== null) throw error;
  return path;
}
