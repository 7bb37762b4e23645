/**
 * Opens a recorded workload of any known format: a text, compressed or not, or a capture. Called by
 * `replay`, `whatif` and `mrc`.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { errnoFromNode } from '../../base/errno.js';
import { ErrnoError, StoreError, TraceFormatError, UsageError } from '../../base/errors.js';
import { openCapture } from '../../store/database.js';
import { isFioJobFile } from '../../workload/fio/parse.js';
import { recordingOfMarkers, recordingOfRows } from '../../workload/formats/capture.js';
import { FRONT_ENDS, frontEndOf, HEAD } from '../../workload/formats/index.js';
import { isFsxText } from '../../workload/fsx_log.js';
import {
  type NameRules,
  PLAIN_OPTIONS,
  type Recording,
  type RecordingOptions,
} from '../../workload/recording.js';

/** What a file holds. */
export type WorkloadInput =
  | { readonly kind: 'recording'; readonly recording: Recording }
  /** Operations of fsx, or the log that it dumps: played against a copy in memory. */
  | { readonly kind: 'fsx'; readonly text: string }
  | { readonly kind: 'fio'; readonly text: string };

/** How a recording is to be understood, in the terms of the flags. */
export interface InputOptions {
  /** `OLD=NEW` each. */
  readonly map: readonly string[];
  /** `N=NAME` each. */
  readonly fd: readonly string[];
  readonly mmap: string;
  readonly waitUnit: string;
  /** Directory that is served. */
  readonly server: string;
}

/** Names of all formats. */
export const FORMAT_NAMES: readonly string[] = [
  ...FRONT_ENDS.map(({ name }) => name),
  ...['fsx', 'fio job file', 'capture'],
];

/** The options that flags stand for. Throws a `UsageError`. */
export function recordingOptions(given: InputOptions): RecordingOptions {
  const descriptors = given.fd.map((each) => {
    const [fd, name] = split(each, '--fd', 'N=NAME');
    if (!/^\d+$/.test(fd)) throw new UsageError('--fd', `expected N=NAME, got '${each}'`);
    return [Number(fd), name] as const;
  });
  return {
    names: nameRules(given.server, given.map),
    mmap: given.mmap as 'touch',
    descriptors: new Map(descriptors),
    waitUnit: given.waitUnit as 'ms',
  };
}

/** How names are mapped beneath `server`; `map` holds `OLD=NEW` each. Throws a `UsageError`. */
export function nameRules(server: string, map: readonly string[]): NameRules {
  const maps = map.map((each) => split(each, '--map', 'OLD=NEW'));
  return { maps, root: realPath(server) };
}

function split(text: string, flag: string, form: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at <= 0) throw new UsageError(flag, `expected ${form}, got '${text}'`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function realPath(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return directory;
  }
}

/** Bytes of a file, decompressed; `-` is stdin. Throws `ErrnoError`. */
export function readBytes(file: string): Buffer {
  try {
    const bytes = readFileSync(file === '-' ? 0 : file);
    return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) {
      throw new StoreError(file, 'cannot be decompressed', { cause: error });
    }
    throw new ErrnoError(errnoFromNode(error), 'open', file, { cause: error });
  }
}

/**
 * Reads a file of any format, recognised by its content. Throws `TraceFormatError` (no format),
 * `TraceParseError` (a line), `ErrnoError` (no such file), `StoreError`.
 */
export function readWorkload(
  file: string,
  options: RecordingOptions = PLAIN_OPTIONS,
): WorkloadInput {
  const bytes = readBytes(file);
  if (bytes.subarray(0, 15).toString('latin1') === 'SQLite format 3') {
    return { kind: 'recording', recording: captureRecording(file, options) };
  }
  refuseBinary(bytes, file);
  const text = bytes.toString('utf8');
  const head = text.slice(0, HEAD);
  if (isFsxText(head)) return { kind: 'fsx', text };
  const frontEnd = frontEndOf(head);
  if (frontEnd !== undefined) {
    return { kind: 'recording', recording: frontEnd.parse(text, file, options) };
  }
  if (isFioJobFile(head)) return { kind: 'fio', text };
  throw new TraceFormatError(file, FORMAT_NAMES);
}

function refuseBinary(bytes: Buffer, file: string): void {
  const magic = bytes.subarray(0, 8).toString('latin1');
  if (magic === 'PERFILE2' || magic === '2ELIFREP') {
    throw new StoreError(file, 'is the binary output of perf record', {
      hint: `perf script -i ${file} -F comm,tid,cpu,time,event,trace > ${file}.txt; netfslab trace import ${file}.txt`,
    });
  }
  if (bytes.length === 0) throw new StoreError(file, 'is empty');
  if (bytes.length >= 4 && bytes.readUInt32LE(0) === 0x65617407) {
    throw new StoreError(file, 'is the binary output of blktrace', {
      hint: `blkparse -i ${file.replace(/\.blktrace\.\d+$/, '')} > ${file}.txt`,
    });
  }
}

function captureRecording(file: string, options: RecordingOptions): Recording {
  const capture = openCapture(file);
  try {
    const markers = capture.all('SELECT "text", "ts" AS "ns" FROM "marker" ORDER BY "id"');
    const marked = recordingOfMarkers(markers as never, file);
    if (marked !== undefined) return marked;
    const rows = capture.all(`SELECT "id", coalesce("task", 0) AS "task", "kind",
      coalesce("file", '') AS "file", "offset", "len", "result", "start_ns" AS "startNs"
      FROM "op" ORDER BY "start_ns", "id"`);
    if (rows.length === 0) {
      throw new StoreError(file, 'has no operations to play', {
        hint: 'its events say what the kernel did, not what was asked for: record system calls beside them',
      });
    }
    return recordingOfRows(rows as never, options);
  } finally {
    capture.close();
  }
}
