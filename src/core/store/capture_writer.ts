/**
 * Starts captures: with a writing thread behind a ring, for runs, or in this thread, for importers
 * and tests. Called by lab/ through app/, and by the importers.
 */
import { closeSync, openSync, unlinkSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { errnoFromNode } from '../base/errno.js';
import { ErrnoError, StoreError } from '../base/errors.js';
import { wallMs } from '../sim/clock.js';
import type { Era } from '../trace/eras.js';
import { makeRing, type Overflow, RING_WORDS, RingSink, writeError } from '../trace/ring.js';
import { createSpool, spoolPath } from '../trace/spool.js';
import type { FinishReport, TraceSink } from '../trace/types.js';
import type { CaptureMeta } from './types.js';
import type { WorkerInput, WorkerReport } from './worker.js';
import { CaptureBuilder } from './writer.js';

/** How a capture is recorded. */
export interface CaptureOptions {
  /** What happens when the ring is full. */
  readonly overflow?: Overflow;
  /** Words of the ring, a power of two. */
  readonly ringWords?: number;
  /**
   * Keep what was recorded in a file until the database is finished (the default). Without it the
   * capture is gone when the process is killed: for what can be recorded again.
   */
  readonly spool?: boolean;
}

/** Takes the name, so that two runs never share a file. */
function reserve(path: string): void {
  try {
    closeSync(openSync(path, 'wx'));
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new ErrnoError(errnoFromNode(error), 'open', path, {
      cause: error,
      hint: taken
        ? 'name another file with --out, or remove this one'
        : 'name another file with --out',
    });
  }
}

/**
 * Begins a capture in a new file. Events go through a ring to a thread; close the sink to finish
 * the database. EEXIST if the file exists, ENOENT or EACCES if it cannot be made.
 */
export function createCapture(
  path: string,
  meta: CaptureMeta,
  { overflow = 'block', ringWords = RING_WORDS, spool = true }: CaptureOptions = {},
): TraceSink {
  reserve(path);
  let header: WorkerInput['header'] = null;
  try {
    if (spool) header = createSpool(spoolPath(path), { ...meta });
  } catch (error) {
    unlinkSync(path);
    throw error;
  }
  const written = spool ? spoolPath(path) : path;
  const ring = makeRing(ringWords);
  const workerData: WorkerInput = { ring, path, meta, header };
  // Without the flags of this process: `--input-type` and the like would keep it from starting.
  const url = new URL('./worker.js', import.meta.url);
  const worker = new Worker(url, { workerData, execArgv: [] });
  // A run that fails must be able to end; what was recorded is in the spool.
  worker.unref();
  const ended = new Promise<FinishReport>((resolve) => {
    worker.once('message', (report: WorkerReport) => resolve(finishReport(report, written)));
    worker.once('error', (error) => resolve(died(path, error)));
    worker.once('exit', () => resolve(died(path)));
  });
  const finish = (): Promise<FinishReport> => {
    worker.ref();
    return ended;
  };
  return new RingSink({ ring, era: meta.era, path: written, overflow, finish });
}

function finishReport(report: WorkerReport, written: string): FinishReport {
  const { events, lost, finishMs, error } = report;
  if (error === null) return { events, lost, finishMs, error: null };
  return { events, lost, finishMs, error: writeError(error.errno, written, error.message) };
}

function died(path: string, cause?: unknown): FinishReport {
  const error = new StoreError(path, 'the thread that writes the trace ended early', { cause });
  return { events: 0, lost: 0, finishMs: 0, error };
}

/** A capture written in this thread, without a spool. */
export class DirectCapture implements TraceSink {
  readonly era: Era;
  readonly #builder: CaptureBuilder;
  readonly #path: string;

  constructor(path: string, meta: CaptureMeta) {
    reserve(path);
    this.era = meta.era;
    this.#path = path;
    this.#builder = new CaptureBuilder(path, meta);
  }

  append(words: Float64Array, count: number): void {
    this.#builder.feed(words, 0, count);
  }

  /** Finishes the database. */
  finish(): FinishReport {
    const started = wallMs();
    this.#builder.end();
    this.#builder.finish(() => wallMs() - started);
    const { events, lostEvents: lost } = this.#builder;
    return { events, lost, finishMs: wallMs() - started, error: null };
  }

  /** Gives up and removes the file. */
  abandon(): void {
    this.#builder.abandon();
    unlinkSync(this.#path);
  }

  async close(): Promise<FinishReport> {
    try {
      return this.finish();
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      return { events: 0, lost: 0, finishMs: 0, error: failure };
    }
  }
}

/** Begins a capture in a new file, written in this thread. */
export function writeCapture(path: string, meta: CaptureMeta): DirectCapture {
  return new DirectCapture(path, meta);
}
