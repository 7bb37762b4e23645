/**
 * The way to the kernel and back: requests are read from /dev/fuse whenever there are some, as many
 * as there are buffers, and answers written with one system call each, straight from where their
 * bytes lie. Used by the session.
 */
import { EAGAIN, EINTR, ENODEV, ENOENT } from '../base/errno.js';
import { closeFd } from '../io/files.js';
import { readRequest, readRequestLater, writeAnswer } from '../io/fuse_device.js';
import { addressOf } from '../io/syscalls.js';
import type { IoDriver, SegmentList } from '../io/types.js';
import type { Scheduler } from '../sim/scheduler.js';
import { IN_HEADER, OUT_HEADER, Reply, Request } from './protocol.js';

/** Most bytes that one request carries, and one answer. */
export const MAX_TRANSFER = 1 << 20;
/** The largest request: a write with its header and argument, to whole pages. */
const REQUEST_BYTES = MAX_TRANSFER + 4096;
/** Requests that hold their memory at once; more wait in the kernel. */
const BUFFERS = 16;
/**
 * Times that a next request is looked for before it is waited for, some 50 us: who was answered
 * mostly has another sooner than a sleeper wakes up.
 */
const SPINS = 50;
/** Reads on another thread that may fail before that means the end. */
const FAILURES_MAX = 8;
/** Requests that are read before others have their turn. */
const BATCH = 16;
/** Pieces of an answer: the largest has a page in each, and its header. */
const PIECES = (MAX_TRANSFER >> 12) + 2;

/** A connection to the kernel. */
export class Channel {
  /** The answer that is being made; its first bytes are the header. */
  readonly reply: Reply;
  readonly #fd: number;
  readonly #driver: IoDriver;
  readonly #scheduler: Scheduler;
  readonly #take: (request: Request) => void;
  readonly #ended: () => void;
  readonly #free: Request[] = [];
  readonly #addresses = new Map<Request, number>();
  #made = 0;
  #reading = false;
  #closed = false;
  #waiting = false;
  /** Somebody was answered since the last request, who may have another at once. */
  #answered = false;
  #spins = 0;
  /** Reads on another thread that failed, one after the other. */
  #failures = 0;
  readonly #vector = new Uint32Array(4 * PIECES);
  readonly #vectorAddress: number;
  readonly #replyAddress: number;
  readonly #bases = new WeakMap<ArrayBufferLike, number>();
  #lastBuffer: ArrayBufferLike | undefined;
  #lastBase = 0;

  /**
   * Takes over a descriptor. `take` is called with each request, and gives it back with `release`;
   * `ended` once, when the filesystem is unmounted.
   */
  constructor(
    fd: number,
    driver: IoDriver,
    scheduler: Scheduler,
    take: (request: Request) => void,
    ended: () => void,
  ) {
    this.#fd = fd;
    this.#driver = driver;
    this.#scheduler = scheduler;
    this.#take = take;
    this.#ended = ended;
    this.reply = new Reply(new Uint8Array(OUT_HEADER + MAX_TRANSFER));
    this.#replyAddress = addressOf(this.reply.bytes);
    this.#vectorAddress = addressOf(new Uint8Array(this.#vector.buffer));
  }

  /** Begins to read requests. */
  start(): void {
    this.#read();
  }

  /** A request is done with: its memory is free for another. */
  release(request: Request): void {
    this.#free.push(request);
    if (this.#reading || !this.#waiting) return;
    this.#waiting = false;
    this.#soon();
  }

  #buffer(): Request | undefined {
    const free = this.#free.pop();
    if (free !== undefined || this.#made === BUFFERS) return free;
    this.#made++;
    const request = new Request(new Uint8Array(REQUEST_BYTES));
    this.#addresses.set(request, addressOf(request.bytes));
    return request;
  }

  #read(): void {
    this.#reading = true;
    for (let i = 0; i < BATCH && !this.#closed; i++) {
      const request = this.#buffer();
      if (request === undefined) {
        this.#reading = false;
        this.#waiting = true;
        return;
      }
      const address = this.#addresses.get(request) as number;
      if (this.#driver.control === undefined) {
        this.#readLater(request, address);
        return;
      }
      const got = readRequest(this.#fd, address, REQUEST_BYTES);
      if (got < 0) {
        this.#free.push(request);
        if (got === -EINTR || got === -ENOENT) continue;
        if (got === -EAGAIN && this.#answered && this.#spins++ < SPINS) {
          i--;
          continue;
        }
        this.#reading = false;
        this.#answered = false;
        if (got === -EAGAIN) this.#await();
        else this.#end(got);
        return;
      }
      this.#spins = 0;
      this.#answered = false;
      this.#arrived(request, got);
    }
    this.#reading = false;
    this.#soon();
  }

  // Where the driver cannot wait for requests a thread does.
  #readLater(request: Request, address: number): void {
    const answered = this.#scheduler.expect((got: number) => {
      this.#reading = false;
      if (got >= IN_HEADER) this.#arrived(request, got);
      else this.#free.push(request);
      // A request that was interrupted fails a read once, the end of the mount every one.
      this.#failures = got > 0 ? 0 : this.#failures + 1;
      if (this.#failures > FAILURES_MAX || this.#closed) this.#end(-ENODEV);
      else this.#read();
    });
    readRequestLater(this.#fd, address, REQUEST_BYTES, answered);
  }

  #arrived(request: Request, bytes: number): void {
    request.length = bytes;
    if (bytes < IN_HEADER) this.release(request);
    else this.#take(request);
  }

  #await(): void {
    const answered = this.#scheduler.expect((error: number) => {
      if (error < 0 && error !== -EINTR) this.#end(error);
      else this.#read();
    });
    this.#driver.control?.({ kind: 'readable' }, this.#fd, answered);
  }

  // After others have had their turn.
  #soon(): void {
    if (this.#closed) return;
    this.#scheduler.expect(() => this.#read())(undefined);
  }

  #end(_errno: number): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ended();
  }

  /** Closes the descriptor; the kernel's requests that are open end with ENOTCONN. */
  close(): void {
    this.#closed = true;
    closeFd(this.#fd);
  }

  /**
   * Answers with `payload` bytes of the reply behind its header, then the pieces: 0, or -ENOENT:
   * nobody waits for it any more.
   */
  answer(
    uniqueLow: number,
    uniqueHigh: number,
    error: number,
    payload = 0,
    pieces?: SegmentList,
  ): number {
    const { reply } = this;
    let bytes = OUT_HEADER + payload;
    let count = 1;
    this.#piece(0, this.#replyAddress, bytes);
    for (let i = 0; pieces !== undefined && i < pieces.count; i++) {
      const { memory, offset, length } = pieces.segments[i] as SegmentList['segments'][number];
      this.#piece(count++, this.#baseOf(memory) + memory.byteOffset + offset, length);
      bytes += length;
    }
    this.#answered = true;
    reply.u32(0, bytes);
    reply.u32(4, error);
    reply.u32(8, uniqueLow);
    reply.u32(12, uniqueHigh);
    return writeAnswer(this.#fd, this.#vectorAddress, count);
  }

  #piece(index: number, address: number, length: number): void {
    const at = 4 * index;
    this.#vector[at] = address;
    this.#vector[at + 1] = Math.floor(address / 2 ** 32);
    this.#vector[at + 2] = length;
    this.#vector[at + 3] = 0;
  }

  #baseOf({ buffer }: Uint8Array): number {
    if (buffer === this.#lastBuffer) return this.#lastBase;
    const base = this.#bases.get(buffer) ?? addressOf(new Uint8Array(buffer));
    this.#bases.set(buffer, base);
    this.#lastBuffer = buffer;
    this.#lastBase = base;
    return base;
  }
}
