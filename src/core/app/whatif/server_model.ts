/**
 * How long a server takes, fitted from the DOWN slices of a capture: a fixed time, a time for each
 * byte, and what is left to chance. Used by `whatif` on the virtual clock; kept as JSON.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { StoreError } from '../../base/errors.js';
import { formatBytes, formatNs } from '../../base/units.js';
import { openCapture } from '../../store/database.js';

/** A server. */
export interface ServerModel {
  /** Nanoseconds of an operation of no bytes. */
  readonly latencyNs: number;
  /** Up to this much more, at random. */
  readonly jitterNs: number;
  /** Bytes per second; 0: the size makes no difference that can be seen. */
  readonly bandwidth: number;
  /** Most operations that were in service at once. */
  readonly concurrency: number;
  /** Slices that it was fitted from. */
  readonly slices: number;
}

/** One slice from the server. */
export interface DownSlice {
  readonly bytes: number;
  readonly startNs: number;
  readonly endNs: number;
}

/** Slices below which nothing is fitted. */
const SLICES_MIN = 8;

/** The model of a list of slices; undefined: there are too few. */
export function fitServer(slices: readonly DownSlice[]): ServerModel | undefined {
  const whole = slices.filter(({ bytes, startNs, endNs }) => bytes > 0 && endNs >= startNs);
  if (whole.length < SLICES_MIN) return undefined;
  const times = whole.map(({ startNs, endNs }) => endNs - startNs);
  const perByte = slopeOf(
    whole.map(({ bytes }) => bytes),
    times,
  );
  const rest = whole
    .map(({ bytes }, i) => (times[i] as number) - perByte * bytes)
    .sort((a, b) => a - b);
  const at = (share: number): number => rest[Math.floor(share * (rest.length - 1))] as number;
  const latencyNs = Math.max(0, Math.round(at(0.1)));
  return {
    latencyNs,
    // Uniform from 0 on: half of it is the distance to the median.
    jitterNs: Math.max(0, Math.round(2 * (at(0.5) - at(0.1)))),
    bandwidth: perByte <= 0 ? 0 : Math.round(1e9 / perByte),
    concurrency: mostAtOnce(whole),
    slices: whole.length,
  };
}

// Theil and Sen: the median of the slopes of pairs, so that a few slow ones do not decide.
function slopeOf(bytes: readonly number[], times: readonly number[]): number {
  const slopes: number[] = [];
  const step = Math.max(1, Math.floor(bytes.length / 200));
  for (let i = 0; i < bytes.length; i += step) {
    for (let j = i + step; j < bytes.length; j += step) {
      const distance = (bytes[j] as number) - (bytes[i] as number);
      if (distance !== 0) slopes.push(((times[j] as number) - (times[i] as number)) / distance);
    }
  }
  if (slopes.length === 0) return 0;
  slopes.sort((a, b) => a - b);
  return Math.max(0, slopes[slopes.length >> 1] as number);
}

function mostAtOnce(slices: readonly DownSlice[]): number {
  const edges = slices.flatMap(({ startNs, endNs }) => [
    [startNs, 1] as const,
    [endNs, -1] as const,
  ]);
  edges.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let [now, most] = [0, 1];
  for (const [, by] of edges) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
}

/** The model of a capture's server; undefined: it has too few slices with times. */
export function modelOf(capture: string): ServerModel | undefined {
  const db = openCapture(capture);
  try {
    const rows = db.all(`SELECT "len" AS "bytes", "submit_ns" AS "startNs", "term_ns" AS "endNs"
      FROM "subrequest" WHERE "source" = 'DOWN' AND "submit_ns" IS NOT NULL
      AND "term_ns" IS NOT NULL LIMIT 200000`);
    return fitServer(rows as never);
  } finally {
    db.close();
  }
}

/** Reads a model. Throws a `StoreError`. */
export function readModel(file: string): ServerModel {
  try {
    const model = JSON.parse(readFileSync(file, 'utf8')) as ServerModel;
    for (const key of ['latencyNs', 'jitterNs', 'bandwidth'] as const) {
      if (!(Number.isSafeInteger(model[key]) && model[key] >= 0)) throw new Error(`no ${key}`);
    }
    return model;
  } catch (cause) {
    const message = `is no server model: ${(cause as Error).message}`;
    throw new StoreError(file, message, { cause });
  }
}

/** Writes a model. */
export function writeModel(file: string, model: ServerModel): void {
  writeFileSync(file, `${JSON.stringify(model, null, 2)}\n`);
}

/** A model as a sentence. */
export function modelLine({
  latencyNs,
  jitterNs,
  bandwidth,
  concurrency,
  slices,
}: ServerModel): string {
  const speed = bandwidth === 0 ? 'whatever the size' : `and ${formatBytes(bandwidth)}/s`;
  return `server model: ${formatNs(latencyNs)} + up to ${formatNs(jitterNs)} ${speed}, at most ${concurrency} at once (${slices} slices)`;
}
