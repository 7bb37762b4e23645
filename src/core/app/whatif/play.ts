/**
 * One combination of `whatif`: the workload on a lab of its own, on the virtual clock, and what
 * came of it. Runs in a worker process; the same operations under the same settings as `replay` and
 * `run JOBFILE` have them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lab } from '../../lab/lab.js';
import type { LabOptions } from '../../lab/options.js';
import { profileByName } from '../../profile/index.js';
import type { FioRun } from '../../workload/fio/run_job.js';
import { LatencyHistogram } from '../../workload/latency.js';
import { type RequestRange, RequestSink } from '../lab/request_sink.js';
import { cloneJobs, layOutAll, readJobFiles, runClones, sizeOn } from '../run/fio_run.js';
import { layOut } from '../run/lay_out.js';
import { playRecording } from '../run/replay.js';
import {
  type InputOptions,
  nameRules,
  readWorkload,
  recordingOptions,
} from '../run/workload_input.js';

/** What is to be played. */
export interface WhatifJob {
  readonly file: string;
  readonly input: InputOptions;
  readonly lab: Partial<LabOptions> & { readonly server: string };
  /** Give the combination a disk cache of its own, empty at first. */
  readonly cache: boolean;
}

/** What came of it. Bytes, and nanoseconds of the virtual clock. */
export interface Prediction {
  readonly requests: number;
  /** The first million of them. */
  readonly ranges: readonly RequestRange[];
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly serverBytes: number;
  readonly serverOperations: number;
  readonly cacheReadBytes: number;
  readonly cacheWriteBytes: number;
  /** Bytes from the server for each byte read; null: nothing was read. */
  readonly amplification: number | null;
  /** Share of what requests obtained that came from the disk cache; null: they got nothing. */
  readonly cacheHitRate: number | null;
  readonly p50Ns: number;
  readonly p99Ns: number;
  readonly makespanNs: number;
}

/** Plays it. Throws what `replay` throws. */
export async function playCombination(job: WhatifJob): Promise<Prediction> {
  const scratch = job.cache ? mkdtempSync(join(tmpdir(), 'netfslab-whatif-')) : undefined;
  try {
    return await playIn(job, scratch);
  } finally {
    if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true });
  }
}

async function playIn(job: WhatifJob, cacheDir: string | undefined): Promise<Prediction> {
  const { server } = job.input;
  const workload = readWorkload(job.file, recordingOptions(job.input));
  const era = profileByName(job.lab.profile ?? 'linux-5.13-afs').era;
  const sink = new RequestSink(era);
  const options = { ...job.lab, server, clock: 'virtual', cacheDir, sink } as const;
  const lab = new Lab(options);
  const latency = new LatencyHistogram();
  const bytes = { read: 0, written: 0 };
  let makespanNs = 0;
  if (workload.kind === 'recording') {
    const { files, directories } = workload.recording;
    await layOut(lab, files, true, directories);
    const start = lab.clock.now();
    const request = { recording: workload.recording, recordedTimes: false, results: false };
    const outcome = await playRecording(lab, { ...request, hostChanges: false }, { latency });
    makespanNs = lab.clock.now() - start;
    Object.assign(bytes, { read: outcome.bytesRead, written: outcome.bytesWritten });
    await lab.close();
  } else {
    const names = nameRules(server, job.input.map);
    const plan = readJobFiles([job.file]);
    const clones = cloneJobs(plan, names, sizeOn(lab), job.lab.seed ?? 1);
    await layOutAll(lab, clones);
    const outcome = await runClones(lab, { opLog: 'none', trace: undefined }, plan, clones);
    makespanNs = outcome.elapsedNs;
    for (const run of outcome.runs) addRun(run, latency, bytes);
  }
  return predictionOf(lab, sink, latency, bytes, makespanNs);
}

function addRun(
  { read, write }: FioRun,
  latency: LatencyHistogram,
  bytes: { read: number; written: number },
) {
  if (read.ios > 0) latency.add(read.latency);
  bytes.read += read.bytes;
  bytes.written += write.bytes;
}

function predictionOf(
  { server, stats, cachefiles }: Lab,
  sink: RequestSink,
  latency: LatencyHistogram,
  bytes: { readonly read: number; readonly written: number },
  makespanNs: number,
): Prediction {
  const { zero, down, read } = stats.bytes;
  const obtained = zero + down + read;
  return {
    requests: sink.count,
    ranges: sink.requests,
    readBytes: bytes.read,
    writtenBytes: bytes.written,
    serverBytes: server.counters.bytes,
    serverOperations: server.counters.fetches + server.counters.stores,
    cacheReadBytes: read,
    cacheWriteBytes: cachefiles?.counters.writtenBytes ?? 0,
    amplification: bytes.read === 0 ? null : server.counters.bytes / bytes.read,
    cacheHitRate: obtained === 0 ? null : read / obtained,
    p50Ns: latency.count === 0 ? 0 : latency.percentile(50),
    p99Ns: latency.count === 0 ? 0 : latency.percentile(99),
    makespanNs,
  };
}
