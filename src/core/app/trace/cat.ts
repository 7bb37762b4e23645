/**
 * The use case `cat`: reads whole files through the engine, in order, and hands their bytes on.
 * Called by the command; like cat(1) it goes on with the next file after an error.
 */
import { isAbsolute, relative } from 'node:path';
import { Lab } from '../../lab/lab.js';
import type { LabOptions } from '../../lab/options.js';
import type { VfsFile } from '../../vfs/types.js';
import { changedWhileRead } from '../../workload/job.js';
import { type TraceTarget, traceSink } from '../lab/trace_sink.js';

/** Bytes of one read. */
const CHUNK = 1 << 20;

/** What becomes of the bytes. */
export interface CatOutput {
  /** Takes bytes that are valid until the promise settles; false: nobody wants more. */
  write(bytes: Uint8Array): Promise<boolean>;
  /** A file could not be read to its end; what was read of it has been written. */
  failed(error: unknown): void;
  /** What is not as it was asked for, and how it is done without. */
  warn?(message: string): void;
  readonly signal?: AbortSignal;
}

/** Reads `paths` (relative to the server, or absolute beneath it) one after the other. */
export async function catFiles(
  options: Partial<LabOptions> & { server: string },
  paths: readonly string[],
  output: CatOutput,
  trace?: TraceTarget,
): Promise<void> {
  // A lab without a trace first, so that a bad server leaves no capture behind.
  await new Lab(options).close();
  const sink = trace && traceSink(trace, 'cat', options);
  const lab = new Lab({ ...options, sink });
  for (const message of lab.warnings) output.warn?.(message);
  const buffer = new Uint8Array(CHUNK);
  output.signal?.addEventListener('abort', () => lab.scheduler.skipDelays());
  for (const path of paths) {
    if (output.signal?.aborted) break;
    try {
      if (!(await catFile(lab, nameOf(lab, path), buffer, output))) break;
    } catch (error) {
      // A trace that cannot be written ends it all; the report of the lab says so.
      if (lab.tracer.failure !== undefined) break;
      output.failed(error);
    }
  }
  const report = await lab.close();
  if (report.error !== null) throw report.error;
}

function nameOf(lab: Lab, path: string): string {
  return isAbsolute(path) ? relative(lab.server.root, path) : path;
}

// False when the output wants no more.
async function catFile(
  lab: Lab,
  name: string,
  buffer: Uint8Array,
  output: CatOutput,
): Promise<boolean> {
  const file = await lab.run('cat', () => lab.vfs.open(name));
  try {
    const { version } = file.fstat();
    for (let position = 0; ; ) {
      if (output.signal?.aborted) return false;
      const got = await readChunk(lab, file, buffer, position);
      if (got === 0) break;
      position += got;
      if (!(await output.write(buffer.subarray(0, got)))) return false;
    }
    if (file.fstat().version === version) return true;
    throw changedWhileRead(name);
  } finally {
    file.close();
  }
}

async function readChunk(
  lab: Lab,
  file: VfsFile,
  buffer: Uint8Array,
  position: number,
): Promise<number> {
  const now = file.readNow(buffer, 0, buffer.byteLength, position);
  if (now >= 0) return now;
  return lab.run('cat', () => file.read(buffer, 0, buffer.byteLength, position));
}
