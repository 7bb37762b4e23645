/**
 * The thread that writes a capture: takes records out of the ring, appends them to the spool at
 * once, and makes database rows of the spool when it has time. Started by capture_writer.ts.
 */
import { truncateSync, unlinkSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { errnoFromNode } from '../base/errno.js';
import { wallMs } from '../sim/clock.js';
import { type Ring, RingReader } from '../trace/ring.js';
import { type SpoolHeader, SpoolWriter, spoolPath } from '../trace/spool.js';
import type { SpoolToDatabase } from './finish.js';

/** What the thread is started with. */
export interface WorkerInput {
  readonly ring: Ring;
  readonly path: string;
  readonly header: SpoolHeader;
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

function record({ ring, path }: WorkerInput, spool: SpoolWriter, target: SpoolToDatabase): number {
  const reader = new RingReader(ring);
  const chunk = new Float64Array(CHUNK_WORDS);
  let endedAt = 0;
  while (!reader.ended) {
    const count = reader.take(chunk);
    if (count > 0) {
      spool.append(chunk, count);
      reader.release(count);
    }
    if (endedAt === 0 && reader.closed) endedAt = wallMs();
    // The ring first: the engine may be waiting for it, nobody waits for the database.
    if (count < CHUNK_WORDS / 2 && !target.step() && count === 0) reader.wait(IDLE_MS);
  }
  const started = endedAt || wallMs();
  target.finish(() => wallMs() - started);
  unlinkSync(spoolPath(path));
  return wallMs() - started;
}

/** SQLite's own codes for a full disk and a failed write, as Node spells the others. */
function errnoOfError(error: unknown): number {
  const { code } = error as { code?: string };
  return errnoFromNode(code === 'SQLITE_FULL' ? { code: 'ENOSPC' } : error);
}

async function main(input: WorkerInput): Promise<WorkerReport> {
  let spool: SpoolWriter | null = null;
  let target: SpoolToDatabase | null = null;
  try {
    spool = new SpoolWriter(spoolPath(input.path), input.header);
    // Loaded here so that a missing native module is reported like every other failure.
    const { SpoolToDatabase } = await import('./finish.js');
    target = new SpoolToDatabase(spoolPath(input.path), input.path);
    const finishMs = record(input, spool, target);
    const { events, lostEvents } = target.builder;
    return { events, lost: lostEvents, finishMs, error: null };
  } catch (error) {
    const errno = errnoOfError(error);
    giveUp(input.path, spool, target);
    new RingReader(input.ring).fail(errno);
    const { events = 0, lostEvents = 0 } = target?.builder ?? {};
    const failure = { errno, message: String((error as Error).message ?? error) };
    return { events, lost: lostEvents, finishMs: 0, error: failure };
  } finally {
    spool?.close();
  }
}

/** Leaves the spool for recovery, and empties the unfinished database to make room for that. */
function giveUp(path: string, spool: SpoolWriter | null, target: SpoolToDatabase | null): void {
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
