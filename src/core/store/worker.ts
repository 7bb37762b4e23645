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
import type { WordsToDatabase } from './finish.js';
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
 * So long after its start a thread with a spool only keeps what comes, ms: a short run then has the
 * processors to itself, and its rows are made in one go.
 */
const ROWS_AFTER_MS = 1000;

/** What a thread does with the words of the ring. */
interface Recorder {
  readonly spool: SpoolWriter | null;
  /** The database, undefined as long as nothing has been begun. */
  target: WordsToDatabase | undefined;
  /** Takes words until the producer has ended; returns when that closed the ring, ms. */
  record(): Promise<number>;
}

class Spooled implements Recorder {
  readonly spool: SpoolWriter;
  target: WordsToDatabase | undefined;
  readonly #reader: RingReader;
  readonly #path: string;
  readonly #rowsFrom = wallMs() + ROWS_AFTER_MS;

  constructor(reader: RingReader, path: string, header: SpoolHeader) {
    this.#reader = reader;
    this.#path = path;
    this.spool = new SpoolWriter(spoolPath(path), header);
  }

  async record(): Promise<number> {
    const reader = this.#reader;
    const chunk = new Float64Array(CHUNK_WORDS);
    let endedAt = 0;
    while (!reader.ended) {
      const count = reader.take(chunk);
      if (count > 0) {
        this.spool.append(chunk, count);
        reader.release(count);
      }
      if (endedAt === 0 && reader.closed) endedAt = wallMs();
      // The ring first: the engine may be waiting for it, nobody waits for the database.
      if (count >= CHUNK_WORDS / 2) continue;
      if (this.target === undefined && wallMs() >= this.#rowsFrom) await this.#begin();
      if (this.target?.step() !== true && count === 0) reader.wait(IDLE_MS);
    }
    if (this.target === undefined) await this.#begin();
    return endedAt || wallMs();
  }

  // Loaded here so that a missing native module is reported like every other failure.
  async #begin(): Promise<void> {
    const { SpoolToDatabase } = await import('./finish.js');
    this.target = new SpoolToDatabase(spoolPath(this.#path), this.#path);
  }
}

/** Without a spool the engine waits for the rows. */
class Direct implements Recorder {
  readonly spool = null;
  target: WordsToDatabase | undefined;
  readonly #reader: RingReader;
  readonly #path: string;
  readonly #meta: CaptureMeta;

  constructor(reader: RingReader, path: string, meta: CaptureMeta) {
    this.#reader = reader;
    this.#path = path;
    this.#meta = meta;
  }

  async record(): Promise<number> {
    const reader = this.#reader;
    const { WordsToDatabase } = await import('./finish.js');
    const source = (into: Float64Array): number => {
      const count = reader.take(into);
      if (count > 0) reader.release(count);
      return count;
    };
    const target = new WordsToDatabase(source, this.#path, this.#meta);
    this.target = target;
    let endedAt = 0;
    while (!reader.ended) {
      if (!target.step()) reader.wait(IDLE_MS);
      if (endedAt === 0 && reader.closed) endedAt = wallMs();
    }
    return endedAt || wallMs();
  }
}

function begin({ ring, path, meta, header }: WorkerInput): Recorder {
  const reader = new RingReader(ring);
  return header === null ? new Direct(reader, path, meta) : new Spooled(reader, path, header);
}

/** SQLite's own codes for a full disk and a failed write, as Node spells the others. */
function errnoOfError(error: unknown): number {
  const { code } = error as { code?: string };
  return errnoFromNode(code === 'SQLITE_FULL' ? { code: 'ENOSPC' } : error);
}

async function main(input: WorkerInput): Promise<WorkerReport> {
  const { path } = input;
  let recorder: Recorder | undefined;
  try {
    recorder = begin(input);
    const ended = await recorder.record();
    const target = recorder.target as WordsToDatabase;
    target.finish(() => wallMs() - ended);
    if (recorder.spool !== null) unlinkSync(spoolPath(path));
    const { events, lostEvents: lost } = target.builder;
    return { events, lost, finishMs: wallMs() - ended, error: null };
  } catch (error) {
    const errno = errnoOfError(error);
    giveUp(path, recorder?.spool ?? null, recorder?.target);
    new RingReader(input.ring).fail(errno);
    const { events = 0, lostEvents = 0 } = recorder?.target?.builder ?? {};
    const failure = { errno, message: String((error as Error).message ?? error) };
    return { events, lost: lostEvents, finishMs: 0, error: failure };
  } finally {
    recorder?.spool?.close();
  }
}

/** Leaves the spool for recovery, and empties the unfinished database to make room for that. */
function giveUp(
  path: string,
  spool: SpoolWriter | null,
  target: WordsToDatabase | undefined,
): void {
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
