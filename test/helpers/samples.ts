/**
 * The sample captures of real kernels, imported once for all tests of a file, and their events as
 * the rules of `trace check` see them, for tests that spoil them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkCapture } from '../../src/core/analysis/check/check.js';
import { completer, eventStream, tracepointNamed } from '../../src/core/analysis/check/stream.js';
import type { CheckEvent } from '../../src/core/analysis/check/types.js';
import { importTraces } from '../../src/core/app/import/import.js';
import { openCapture } from '../../src/core/store/database.js';
import type { Capture } from '../../src/core/store/types.js';
import type { Era } from '../../src/core/trace/eras.js';
import type { MemoryRow } from '../../src/core/trace/sink.js';
import { ROOT } from './source.js';

/** The samples by a short name: kernel, filesystem, what happens. */
export const SAMPLES = {
  'afs-6.1': 'traces/import/linux-6.1-afs-odd-all-cold/trace.txt.gz',
  '9p-6.1-full': 'traces/import/linux-6.1-cachefull3-known-file-nospace/trace.txt.gz',
  '9p-6.1-nospace': 'traces/linux-6.1/9p/165-cachefull3-new-file-nospace/trace.txt.gz',
  '9p-6.1-smp': 'traces/trace-dat/9p-two-cpus/trace.txt.gz',
  'afs-6.1-bad-cache': 'traces/trace-dat/afs-cache-error/trace.txt.gz',
  '9p-6.12-full': 'traces/import/linux-6.12-cachefull3-known-file-nospace/trace.txt.gz',
  '9p-6.12-cold': 'traces/linux-6.12/cold-sequential.txt.gz',
  'cifs-6.12': 'traces/trace-dat/cifs-reconnect/trace.txt.gz',
  'nfs-6.12': 'traces/trace-dat/nfs-many-in-flight/trace.txt.gz',
  '9p-6.18-odd': 'traces/linux-6.18/9p-odd-size.txt.gz',
  '9p-6.18-direct': 'traces/linux-6.18/9p-direct.txt.gz',
  'afs-6.18-writes': 'traces/linux-6.18/afs-writes.txt.gz',
  'cifs-6.18-hang': 'traces/linux-6.18/cifs-hang.txt.gz',
  '9p-7.3-odd': 'traces/linux-7.3/9p-odd-size.txt.gz',
  '9p-7.3-direct': 'traces/linux-7.3/9p-direct.txt.gz',
  '9p-7.3-full': 'traces/linux-7.3/9p-cache-full.txt.gz',
  'afs-7.3-bad-cache': 'traces/linux-7.3/afs-cache-error.txt.gz',
  'afs-7.3-hang': 'traces/linux-7.3/afs-hang.txt.gz',
  'cifs-7.3-writes': 'traces/linux-7.3/cifs-writes.txt.gz',
  '9p-7.3-killed': 'traces/linux-7.3/9p-server-killed.txt.gz',
  'early-end': 'traces/import/collector-ended-early.txt',
  'no-retry': 'traces/import/retry-not-made.txt',
  overq: 'traces/import/cookie-overqueued.txt',
  'bad-volume': 'traces/import/volume-discarded.txt',
  'mail-unlock': 'traces/import/early-unlock-at-eof.txt',
  'mail-stuck': 'traces/import/stuck-copy-to-cache.txt',
} as const;

/** The name of a sample. */
export type SampleName = keyof typeof SAMPLES;

/** A sample, open, with the events the rules read and what they find as it is. */
export interface Sample {
  readonly capture: Capture;
  readonly events: readonly CheckEvent[];
  readonly findings: readonly string[];
}

const target = (out: string) => ({ out, commandLine: 'test', toolVersion: 'test' });

/** Imports a file and opens the capture; `folder` is removed by the caller. */
export async function imported(folder: string, name: string, file: string): Promise<Capture> {
  const out = join(folder, `${name}.db`);
  await importTraces({ files: [file], target: target(out) });
  return openCapture(out);
}

/** Samples on demand; each is imported once. */
export class Samples {
  readonly #folder = mkdtempSync(join(tmpdir(), 'netfslab-test-'));
  readonly #open = new Map<SampleName, Promise<Sample>>();

  /** The sample of a name. */
  get(name: SampleName): Promise<Sample> {
    let sample = this.#open.get(name);
    if (sample === undefined) {
      sample = this.#import(name);
      this.#open.set(name, sample);
    }
    return sample;
  }

  /** Leaves out a sample whose capture a test has closed. */
  forget(name: SampleName): void {
    this.#open.delete(name);
  }

  /** Closes and removes them. */
  async close(): Promise<void> {
    for (const sample of this.#open.values()) (await sample).capture.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #import(name: SampleName): Promise<Sample> {
    const capture = await imported(this.#folder, name, join(ROOT, SAMPLES[name]));
    let events: CheckEvent[] = [];
    const { findings } = checkCapture(capture, undefined, (from, names) => {
      events = [...eventStream(from, names)];
      return events;
    });
    return { capture, events, findings: findings.map(({ rule }) => rule) };
  }
}

/** What a rule finds in these events, put in the place of the sample's own. */
export function findingsOf({ capture }: Sample, rule: string, events: readonly CheckEvent[]) {
  const { findings } = checkCapture(capture, [rule], () => events);
  return findings.map(({ message, request }) => `R=${request}: ${message}`);
}

/** A sample as if its kernel were of another era. */
export function ofEra({ capture, ...sample }: Sample, era: Era): Sample {
  const { path, info } = capture;
  const other: Capture = {
    path,
    info: { ...info, era },
    iterate: (...given) => capture.iterate(...given),
    each: (...given) => capture.each(...given),
    all: (...given) => capture.all(...given),
    get: (...given) => capture.get(...given),
    columns: (sql) => capture.columns(sql),
    stands: (tables) => capture.stands(tables),
    heading: () => capture.heading(),
    lines: (filter) => capture.lines(filter),
    close: () => capture.close(),
  };
  return { ...sample, capture: other };
}

/** What the rules find in the rows of a memory sink, one sentence each; notes are left out. */
export function checkRows(rows: readonly MemoryRow[], era: Era): string[] {
  const complete = new Map<string, ReturnType<typeof completer>>();
  const events = rows.map((row, i) => {
    let make = complete.get(row.event);
    if (make === undefined) {
      make = completer(tracepointNamed(row.event), era);
      complete.set(row.event, make);
    }
    return make({ ...row, id: i + 1 });
  });
  const names = [...complete.keys()];
  const capture = {
    info: { era, source: 'run', lost_events: 0 },
    // Asked which events there are, and for the last.
    get: (sql: string) =>
      names.some((name) => sql.includes(`"${name}"`)) ? { end: 0 } : undefined,
  } as unknown as Capture;
  return checkCapture(capture, undefined, () => events)
    .findings.filter(({ severity }) => severity === 'error')
    .map(({ rule, request, message }) => `${rule} R=${request}: ${message}`);
}
