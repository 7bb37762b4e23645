/**
 * The thread that writes a capture: takes records out of the ring, appends them to the spool at
 * once, and makes database rows of the spool when it has time. Without a spool it makes rows at
 * once, and the producer may have to wait. Started by capture_writer.ts.
 */
import { truncateSync, unlinkSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { errnoFromNode } from '../base/errno.js';
import { wallMs } from '../sim/clock.js';
import { type Ring, RingReader } from '../trace/ring.js';
import { type SpoolHeader, SpoolWriter, spoolPath } from '../trace/spool.js';
import type { SpoolToDatabase, WordsToDatabase } from './finish.js';
import type { CaptureMeta } from './types.js';

/** What the thread is started with. */
export interface WorkerInput {
  readonly ring: Ring;
  readonly path: string;
  readonly meta: CaptureMeta;
  /** null = no spool. */
  readonly header: SpoolHeader | null;
}

/** What the thread says when it ends. */
export interface WorkerReport {
  readonly events: number;
  readonly lost: number;
  readonly finishMs: number;
  /** null = the database is finished. */
  readonly error: { readonly errno: number; readonly message: string } | null;
}

/** Words moved at a time: 512 KiB. */
const CHUNK_WORDS = 2 ** 16;
const IDLE_MS = 10;
/**
 * So long after its start a thread with a spool only keeps what comes, ms: the engine is being
 * compiled then, and a short run has the processors to itself.
 */
const ROWS_AFTER_MS = 1000;

/** What a thread does with the words of the ring. */
interface Recorder {
  readonly target: WordsToDatabase;
  readonly spool: SpoolWriter | null;
  /** Takes words until the producer has ended; returns when that closed the ring, ms. */
  record(): number;
}

function spooled(reader: RingReader, spool: SpoolWriter, target: SpoolToDatabase): Recorder {
  const chunk = new Float64Array(CHUNK_WORDS);
  const rowsFrom = wallMs() + ROWS_AFTER_MS;
  const record = (): number => {
    let endedAt = 0;
    while (!reader.ended) {
      const count = reader.take(chunk);
      if (count > 0) {
        spool.append(chunk, count);
        reader.release(count);
      }
      if (endedAt === 0 && reader.closed) endedAt = wallMs();
      // The ring first: the engine may be waiting for it, nobody waits for the database.
      const rest = count < CHUNK_WORDS / 2;
      const made = rest && wallMs() >= rowsFrom && target.step();
      if (rest && !made && count === 0) reader.wait(IDLE_MS);
    }
    return endedAt || wallMs();
  };
  return { target, spool, record };
}

function direct(reader: RingReader, target: WordsToDatabase): Recorder {
  const record = (): number => {
    let endedAt = 0;
    while (!reader.ended) {
      if (!target.step()) reader.wait(IDLE_MS);
      if (endedAt === 0 && reader.closed) endedAt = wallMs();
    }
    return endedAt || wallMs();
  };
  return { target, spool: null, record };
}

async function begin({ ring, path, meta, header }: WorkerInput): Promise<Recorder> {
  const reader = new RingReader(ring);
  const spool = header === null ? null : new SpoolWriter(spoolPath(path), header);
  try {
    // Loaded here so that a missing native module is reported like every other failure.
    const { SpoolToDatabase, WordsToDatabase } = await import('./finish.js');
    if (spool !== null) {
      return spooled(reader, spool, new SpoolToDatabase(spoolPath(path), path));
    }
    const source = (into: Float64Array): number => {
      const count = reader.take(into);
      if (count > 0) reader.release(count);
      return count;
    };
    return direct(reader, new WordsToDatabase(source, path, meta));
  } catch (error) {
    giveUp(path, spool, null);
    spool?.close();
    throw error;
  }
}

/** SQLite's own codes for a full disk and a failed write, as Node spells the others. */
function errnoOfError(error: unknown): number {
  const { code } = error as { code?: string };
  return errnoFromNode(code === 'SQLITE_FULL' ? { code: 'ENOSPC' } : error);
}

async function main(input: WorkerInput): Promise<WorkerReport> {
  const { path } = input;
  let recorder: Recorder | null = null;
  try {
    recorder = await begin(input);
    const started = recorder.record();
    recorder.target.finish(() => wallMs() - started);
    if (recorder.spool !== null) unlinkSync(spoolPath(path));
    const { events, lostEvents: lost } = recorder.target.builder;
    return { events, lost, finishMs: wallMs() - started, error: null };
  } catch (error) {
    const errno = errnoOfError(error);
    if (recorder !== null) giveUp(path, recorder.spool, recorder.target);
    new RingReader(input.ring).fail(errno);
    const { events = 0, lostEvents = 0 } = recorder?.target.builder ?? {};
    const failure = { errno, message: String((error as Error).message ?? error) };
    return { events, lost: lostEvents, finishMs: 0, error: failure };
  } finally {
    recorder?.spool?.close();
  }
}

/** Leaves the spool for recovery, and empties the unfinished database to make room for that. */
function giveUp(path: string, spool: SpoolWriter | null, target: WordsToDatabase | null): void {
  for (const step of [
    () => target?.abandon(),
    () => truncateSync(path, 0),
    () => spool?.release(),
  ]) {
    try {
      step();
    } catch {
      // There is nobody to tell who could do more than read the first error.
    }
  }
}

if (parentPort !== null) parentPort.postMessage(await main(workerData as WorkerInput));
