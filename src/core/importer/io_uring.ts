/**
 * Turns the events of io_uring into operations: each request from its submission to its completion,
 * however many are under way. The events tell file and result, but neither position nor length.
 * Called by import_sink.ts.
 *
 * Kernel: include/trace/events/io_uring.h. `io_uring_submit_req` comes first, then
 * `io_uring_file_get` where the file is no registered one, then `io_uring_complete`.
 */
import type { CallOperation, SystemCalls } from './system_calls.js';

/** A request that has ended. */
export interface UringOperation extends CallOperation {
  /** Task that submitted it, as `submit` was given it. */
  readonly task: number;
  /** Nanoseconds. */
  readonly start: number;
  readonly result: number;
}

/** What requests on files are called, by their opcode. */
const KINDS: Readonly<Record<string, string>> = {
  READ: 'read',
  READV: 'read',
  READ_FIXED: 'read',
  READ_MULTISHOT: 'read',
  WRITE: 'write',
  WRITEV: 'write',
  WRITE_FIXED: 'write',
  FSYNC: 'fsync',
  SYNC_FILE_RANGE: 'fsync',
  FALLOCATE: 'fallocate',
  FADVISE: 'fadvise',
  SPLICE: 'splice',
  OPENAT: 'open',
  OPENAT2: 'open',
  CLOSE: 'close',
};

/** Results of these are counts of bytes. */
const COUNTS = new Set(['read', 'write', 'splice']);

/** Requests that are followed at once; a ring has at most 32,768 entries. */
const REQUESTS_MAX = 1 << 18;

interface Request {
  readonly kind: string;
  readonly task: number;
  readonly start: number;
  file: string;
  direct: boolean | undefined;
}

/** True for the events that are followed here. */
export function isUring(name: string): boolean {
  return name.startsWith('io_uring_');
}

/** Follows the requests of all rings. */
export class UringRequests {
  readonly #calls: SystemCalls;
  /** By ring, request and user data; the kernel prints its addresses hashed. */
  readonly #requests = new Map<string, Request>();

  /** `calls` knows which files descriptors stand for. */
  constructor(calls: SystemCalls) {
    this.#calls = calls;
  }

  /** Takes an event of a process at `ns`; the operation that it ends, else null. */
  event(pid: number, task: number, name: string, text: string, ns: number): UringOperation | null {
    const key = /^ring \S+ req \S+ user_data \w+/.exec(text.replaceAll(',', ''))?.[0];
    if (key === undefined) return null;
    if (name === 'io_uring_submit_req') {
      const kind = KINDS[/opcode (\w+)/.exec(text)?.[1] ?? ''];
      if (kind === undefined || this.#requests.size >= REQUESTS_MAX) this.#requests.delete(key);
      else this.#requests.set(key, { kind, task, start: ns, file: '', direct: undefined });
      return null;
    }
    const request = this.#requests.get(key);
    if (request === undefined) return null;
    if (name === 'io_uring_file_get') {
      const file = this.#calls.fileOf(pid, Number(/fd (-?\d+)/.exec(text)?.[1] ?? -1));
      request.file = file?.path ?? '';
      request.direct = file?.direct;
    }
    if (name !== 'io_uring_complete') return null;
    this.#requests.delete(key);
    const { kind, file, direct, start } = request;
    const result = Number(/result (-?\d+)/.exec(text)?.[1] ?? Number.NaN);
    const len = COUNTS.has(kind) && result >= 0 ? result : Number.NaN;
    return { kind, file, offset: Number.NaN, len, direct, task: request.task, start, result };
  }
}
