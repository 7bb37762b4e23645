/**
 * A transport whose messages have a largest size: what a client reads in one go becomes as many
 * messages as that takes. Plays p9_client_read of net/9p/client.c; called by `fs/9p.ts`.
 *
 * Differs: the bytes of the messages are not made; sizes and order are those of the kernel.
 */
import { type Task, WaitQueue } from '../sim/wait_queue.js';
import { p9ClientReq, p9ClientRes } from '../trace/events/9p.js';
import type { Tracer } from '../trace/tracer.js';
import type { FetchReply, FetchTarget, Server, ServerFile } from './types.js';

/** Room that the header of a message takes up (P9_IOHDRSZ), bytes. */
const HEADER_BYTES = 24;
/** Smallest message size that 9p accepts, and the largest that virtio carries, bytes. */
export const MSIZE_MIN = 4096;
export const MSIZE_MAX = 500 << 10;

/** What stands for the address of the client in the trace. */
const CLIENT = 1;

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

  /**
   * Reads `count` bytes at `position` into what `piece` gives for each message: bytes read, fewer
   * at the end of the file, or a negative errno, which wins over bytes that were read before it.
   */
  *read(
    file: ServerFile,
    position: number,
    count: number,
    piece: (position: number, count: number) => FetchTarget,
  ): Task<number> {
    let total = 0;
    while (total < count) {
      const size = Math.min(this.maxData, count - total);
      const at = position + total;
      const { result } = yield* this.#exchange(file, at, piece(at, size));
      if (result < 0) return result;
      if (result === 0) break;
      total += Math.min(result, size);
    }
    return total;
  }

  *#exchange(file: ServerFile, position: number, into: FetchTarget): Task<FetchReply> {
    const { server } = this;
    const answered = new WaitQueue(`a reply about ${file.name}`);
    let reply: FetchReply | undefined;
    this.#traceRequest();
    server.fetch(file, position, into, (answer) => {
      reply = answer;
      answered.wakeAll();
    });
    while (reply === undefined) yield answered;
    this.#traceReply(reply.result);
    return reply;
  }

  #traceRequest(): void {
    const tracer = this.#tracer;
    if (!tracer.enabled) return;
    p9ClientReq.emit(tracer, CLIENT, tracer.string('P9_TREAD'), 0);
  }

  #traceReply(result: number): void {
    const tracer = this.#tracer;
    if (!tracer.enabled) return;
    p9ClientRes.emit(tracer, CLIENT, tracer.string('P9_TREAD'), 0, Math.min(0, result));
  }
}
