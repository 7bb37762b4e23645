/**
 * The io_uring driver (Linux): operations are queued, handed to the kernel in batches when the loop
 * polls, and answered from the completion ring. The loop is `sim/scheduler.ts`, the rings are
 * `uring_ring.ts`; where they cannot be had `drivers.ts` falls back to libuv.
 *
 * Buffers and files are not registered with the kernel: registered memory is pinned, all of it.
 */
import { assert } from '../base/assert.js';
import { EAGAIN, ECANCELED, EINTR, EINVAL } from '../base/errno.js';
import type { Pump } from '../sim/types.js';
import { segmentBytes } from './segments.js';
import { addressOf } from './syscalls.js';
import type { ControlCall, DriverName, IoDone, IoDriver, SegmentList } from './types.js';
import {
  OP_ASYNC_CANCEL,
  OP_FALLOCATE,
  OP_FSYNC,
  OP_NOP,
  OP_POLL_ADD,
  OP_READ,
  OP_READV,
  OP_WRITE,
  OP_WRITEV,
  Ring,
  type RingQueues,
  SQE_ASYNC,
} from './uring_ring.js';

/** Operations in flight at once; more wait here. The completion ring has twice as many places. */
const ENTRIES = 256;
/** Pieces of one operation (IOV_MAX), and of all that are queued. */
const PIECES_MAX = 1024;
const PIECES = 4096;
/**
 * Operations, and bytes, that are worth a system call: with fewer calls the disk waits for work,
 * with more the processor is busy with calls.
 */
const DUE_OPERATIONS = 8;
const DUE_BYTES = 64 << 10;
/** A copy of so many bytes or more is left to a thread of the kernel's. */
const ASYNC_BYTES = 64 << 10;
/** How often an operation is tried again that the kernel says to. */
const TRIES_MAX = 16;
/** poll(2): can be read. */
const POLLIN = 1;
/** Of an fsync: not the times (IORING_FSYNC_DATASYNC). */
const FSYNC_DATASYNC = 1;
/** Tag of an operation whose result nobody wants. */
const NO_TAG = -1;
/** How long `close` waits in one go, ns. */
const CLOSE_WAIT_NS = 10e6;

/** An operation from being asked for to its answer; used again for others. */
class Operation {
  readonly tag: number;
  write = false;
  /** What is added to the kernel's name of the operation. */
  how = 0;
  fd = -1;
  /** Where in the file the next byte goes. */
  position = 0;
  done: IoDone | undefined;
  /** It moves no bytes. */
  control: ControlCall | undefined;
  /** The pieces: memory (kept alive by this until the next use), address and length. */
  readonly memories: Uint8Array[] = [];
  readonly addresses: number[] = [];
  readonly lengths: number[] = [];
  count = 0;
  /** The first piece that is not done. */
  first = 0;
  moved = 0;
  tries = 0;

  constructor(tag: number) {
    this.tag = tag;
  }

  /** Goes on by `bytes`: true if that was all. */
  advance(bytes: number): boolean {
    this.moved += bytes;
    this.position += bytes;
    let left = bytes;
    while (this.first < this.count && left >= (this.lengths[this.first] as number)) {
      left -= this.lengths[this.first++] as number;
    }
    if (this.first === this.count) return true;
    this.lengths[this.first] = (this.lengths[this.first] as number) - left;
    this.addresses[this.first] = (this.addresses[this.first] as number) + left;
    return false;
  }
}

/** Reads and writes through io_uring. */
export class UringDriver implements IoDriver, Pump {
  readonly name: DriverName;
  readonly pump: Pump = this;
  readonly #ring: RingQueues;
  readonly #operations: Operation[] = [];
  readonly #free: Operation[] = [];
  /** Asked for while the ring is full. */
  readonly #waiting: Operation[] = [];
  #pending = 0;
  readonly #bases = new WeakMap<ArrayBufferLike, number>();
  /** The buffer asked for last, which nearly always is the next one too. */
  #lastBuffer: ArrayBufferLike | undefined;
  #lastBase = 0;
  /** Address and length of each piece that is queued, as the kernel wants them. */
  readonly #pieces = new BigUint64Array(2 * PIECES);
  readonly #piecesAddress: number;
  #piecesUsed = 0;
  /** Operations, and their bytes, since something was handed over. */
  #queued = 0;
  #queuedBytes = 0;
  #closed = false;
  readonly #answer = (tag: number, result: number): void => {
    if (tag !== NO_TAG) this.#ended(this.#operations[tag] as Operation, result);
  };

  /** Throws an `ErrnoError` where io_uring is missing, too old or not allowed. */
  constructor(name: 'uring' | 'sqpoll' = 'uring', ring?: RingQueues) {
    this.name = name;
    this.#ring = ring ?? new Ring(ENTRIES, name === 'sqpoll');
    this.#piecesAddress = addressOf(new Uint8Array(this.#pieces.buffer));
  }

  get pending(): number {
    return this.#pending;
  }

  get due(): boolean {
    return this.#queued >= DUE_OPERATIONS || this.#queuedBytes >= DUE_BYTES;
  }

  read(fd: number, into: SegmentList, position: number, done: IoDone, copied = false): void {
    const large = copied && segmentBytes(into) >= ASYNC_BYTES;
    this.#ask(large ? SQE_ASYNC : 0, false, fd, into, position, done);
  }

  write(fd: number, from: SegmentList, position: number, done: IoDone): void {
    this.#ask(0, true, fd, from, position, done);
  }

  control(call: ControlCall, fd: number, done: IoDone): void {
    assert(!this.#closed, 'the io_uring driver was used after it was closed');
    const operation = this.#take(fd, done);
    operation.control = call;
    operation.count = 0;
    this.#begin(operation);
  }

  poll(waitNs: number): void {
    const ring = this.#ring;
    // The memory of the ring has gone.
    if (this.#closed && this.#pending === 0) return;
    const before = this.#pending;
    ring.harvest(this.#answer);
    const wait = this.#pending < before ? 0 : waitNs;
    // What ended may have asked for more, and made room for what was waiting.
    if (ring.queued === 0 && wait === 0 && !ring.unposted) return;
    this.#submit(wait);
    ring.harvest(this.#answer);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const operation of this.#waiting.splice(0)) this.#finish(operation, -ECANCELED);
    for (const operation of this.#operations) {
      if (operation.done === undefined) continue;
      while (this.#ring.queued === this.#ring.entries) this.#submit(0);
      this.#ring.push(OP_ASYNC_CANCEL, -1, operation.tag, 0, 0, NO_TAG);
    }
    // The kernel may still write into the memory: it is waited for, however long it takes.
    while (this.#pending > 0) this.poll(CLOSE_WAIT_NS);
    this.#ring.close();
  }

  #ask(
    how: number,
    write: boolean,
    fd: number,
    list: SegmentList,
    position: number,
    done: IoDone,
  ): void {
    assert(!this.#closed, 'the io_uring driver was used after it was closed');
    const operation = this.#take(fd, done);
    operation.how = how;
    operation.write = write;
    operation.position = position;
    operation.count = list.count;
    for (let i = 0; i < list.count; i++) {
      const { memory, offset, length } = list.segments[i] as SegmentList['segments'][number];
      operation.memories[i] = memory;
      operation.addresses[i] = this.#baseOf(memory) + memory.byteOffset + offset;
      operation.lengths[i] = length;
      this.#queuedBytes += length;
    }
    this.#begin(operation);
  }

  #take(fd: number, done: IoDone): Operation {
    const operation = this.#free.pop() ?? this.#makeOperation();
    operation.fd = fd;
    operation.done = done;
    operation.control = undefined;
    operation.first = operation.moved = operation.tries = 0;
    return operation;
  }

  #begin(operation: Operation): void {
    this.#queued++;
    this.#pending++;
    if (this.#pending > this.#ring.entries) this.#waiting.push(operation);
    else this.#start(operation);
  }

  #startControl(call: ControlCall, { fd, tag }: Operation): void {
    const ring = this.#ring;
    if (call.kind === 'readable') ring.push(OP_POLL_ADD, fd, 0, 0, 0, tag, POLLIN);
    else if (call.kind === 'fsync') {
      ring.push(OP_FSYNC, fd, 0, 0, 0, tag, call.dataOnly ? FSYNC_DATASYNC : 0);
    } else ring.push(OP_FALLOCATE, fd, call.length, call.mode, call.position, tag);
  }

  #makeOperation(): Operation {
    const operation = new Operation(this.#operations.length);
    this.#operations.push(operation);
    return operation;
  }

  #baseOf({ buffer }: Uint8Array): number {
    if (buffer === this.#lastBuffer) return this.#lastBase;
    const base = this.#bases.get(buffer) ?? addressOf(new Uint8Array(buffer));
    this.#bases.set(buffer, base);
    this.#lastBuffer = buffer;
    this.#lastBase = base;
    return base;
  }

  // Queues what is left of an operation; there is a place in the ring for each that is in flight.
  #start(operation: Operation): void {
    const { control, fd, how, position, first, tag, write } = operation;
    if (control !== undefined) {
      this.#startControl(control, operation);
      return;
    }
    const pieces = Math.min(operation.count - first, PIECES_MAX);
    while (this.#piecesUsed + pieces > PIECES) this.#submit(0);
    const address = operation.addresses[first] as number;
    if (pieces === 0) this.#ring.push(OP_NOP, -1, 0, 0, 0, tag);
    else if (pieces === 1) {
      const length = operation.lengths[first] as number;
      this.#ring.push((write ? OP_WRITE : OP_READ) + how, fd, address, length, position, tag);
    } else {
      const at = this.#addPieces(operation, pieces);
      this.#ring.push((write ? OP_WRITEV : OP_READV) + how, fd, at, pieces, position, tag);
    }
  }

  #addPieces({ first, addresses, lengths }: Operation, pieces: number): number {
    const from = this.#piecesUsed;
    this.#piecesUsed += pieces;
    for (let i = 0; i < pieces; i++) {
      this.#pieces[2 * (from + i)] = BigInt(addresses[first + i] as number);
      this.#pieces[2 * (from + i) + 1] = BigInt(lengths[first + i] as number);
    }
    return this.#piecesAddress + 16 * from;
  }

  // The kernel copies pieces when it takes an operation over, so their places are free again.
  #submit(waitNs: number): void {
    this.#ring.submit(waitNs);
    this.#queued = this.#queuedBytes = 0;
    if (this.#ring.queued === 0) this.#piecesUsed = 0;
  }

  #ended(operation: Operation, result: number): void {
    const again = result === -EINTR || result === -EAGAIN;
    if (result > 0) operation.tries = 0;
    if (again ? operation.tries++ < TRIES_MAX : result > 0 && !operation.advance(result)) {
      this.#continue(operation);
      return;
    }
    // Direct I/O that goes on at an odd end of a file.
    const atEnd = result === -EINVAL && operation.moved > 0;
    const moved = operation.control === undefined ? operation.moved : 0;
    this.#finish(operation, result < 0 && !atEnd ? result : moved);
  }

  #continue(operation: Operation): void {
    if (this.#closed) this.#finish(operation, -ECANCELED);
    else this.#start(operation);
  }

  #finish(operation: Operation, result: number): void {
    const { done } = operation;
    operation.done = undefined;
    this.#free.push(operation);
    this.#pending--;
    const next = this.#closed ? undefined : this.#waiting.shift();
    if (next !== undefined) this.#start(next);
    done?.(result);
  }
}
