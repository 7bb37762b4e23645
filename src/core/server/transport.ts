/**
 * A transport whose messages have a largest size: what a client reads or writes in one go becomes
 * as many messages as that takes. Plays p9_client_read and p9_client_write of net/9p/client.c;
 * called by `fs/9p*.ts`.
 *
 * Differs: the bytes of the messages are not made; sizes and order are those of the kernel.
 */
import { type Task, WaitQueue } from '../sim/wait_queue.js';
import { p9ClientReq, p9ClientRes } from '../trace/events/9p.js';
import type { Tracer } from '../trace/tracer.js';
import type { FetchTarget, Server, ServerFile, StoreSource } from './types.js';

/** Room that the header of a message takes up (P9_IOHDRSZ), bytes. */
const HEADER_BYTES = 24;
/** Smallest message size that 9p accepts, and the largest that virtio carries, bytes. */
export const MSIZE_MIN = 4096;
export const MSIZE_MAX = 500 << 10;

/** What stands for the address of the client in the trace. */
const CLIENT = 1;

/** What messages have moved. */
export interface Moved {
  /** Bytes, fewer than asked for at the end of the file or when a message failed. */
  readonly bytes: number;
  /** 0 or the negative errno of the message that failed. */
  readonly error: number;
}

/** The connection of one mount. */
export class Transport {
  readonly server: Server;
  /** Most data in one message, bytes. */
  readonly maxData: number;
  readonly #tracer: Tracer;

  /** `msize` is the largest message; more than `MSIZE_MAX` is not used. */
  constructor(server: Server, msize: number, tracer: Tracer) {
    this.server = server;
    this.maxData = Math.min(msize, MSIZE_MAX) - HEADER_BYTES;
    this.#tracer = tracer;
  }

  /** Reads `count` bytes at `position` into what `piece` gives for each message. */
  *read(
    file: ServerFile,
    position: number,
    count: number,
    piece: (position: number, count: number) => FetchTarget,
  ): Task<Moved> {
    let bytes = 0;
    while (bytes < count) {
      const size = Math.min(this.maxData, count - bytes);
      const at = position + bytes;
      const result = yield* this.#call('P9_TREAD', file, (answer) =>
        this.server.fetch(file, at, piece(at, size), (reply) => answer(reply.result)),
      );
      if (result < 0) return { bytes, error: result };
      if (result === 0) break;
      bytes += Math.min(result, size);
    }
    return { bytes, error: 0 };
  }

  /** Writes `count` bytes at `position` from what `piece` gives for each message. */
  *write(
    file: ServerFile,
    position: number,
    count: number,
    piece: (position: number, count: number) => StoreSource,
  ): Task<Moved> {
    let bytes = 0;
    while (bytes < count) {
      const size = Math.min(this.maxData, count - bytes);
      const at = position + bytes;
      const error = yield* this.#call('P9_TWRITE', file, (answer) =>
        this.server.store(file, at, piece(at, size), at + size, ({ result }) => answer(result)),
      );
      if (error < 0) return { bytes, error };
      bytes += size;
    }
    return { bytes, error: 0 };
  }

  /** Cuts the file off or extends it: 0 or a negative errno. */
  setSize(file: ServerFile, size: number): Task<number> {
    return this.#call('P9_TSETATTR', file, (answer) =>
      this.server.setSize(file, size, ({ result }) => answer(result)),
    );
  }

  /** Makes what was written durable: 0 or a negative errno. */
  sync(file: ServerFile): Task<number> {
    return this.#call('P9_TFSYNC', file, (answer) => this.server.sync(file, answer));
  }

  *#call(
    type: string,
    file: ServerFile,
    send: (answer: (result: number) => void) => void,
  ): Task<number> {
    const answered = new WaitQueue(`a reply about ${file.name}`);
    let reply: number | undefined;
    this.#traceRequest(type);
    send((result) => {
      reply = result;
      answered.wakeAll();
    });
    while (reply === undefined) yield answered;
    this.#traceReply(type, reply);
    return reply;
  }

  #traceRequest(type: string): void {
    const tracer = this.#tracer;
    if (!tracer.enabled) return;
    p9ClientReq.emit(tracer, CLIENT, tracer.string(type), 0);
  }

  #traceReply(type: string, result: number): void {
    const tracer = this.#tracer;
    if (!tracer.enabled) return;
    p9ClientRes.emit(tracer, CLIENT, tracer.string(type), 0, Math.min(0, result));
  }
}
