/**
 * The rings of one io_uring, shared with the kernel: puts operations into the submission ring,
 * hands them over, takes results from the completion ring. Used by `uring.ts` only, which knows
 * what the operations are for. Layouts and numbers: io_uring_setup(2), io_uring_enter(2).
 */
import os from 'node:os';
import { EAGAIN, EBUSY, EINTR, EINVAL, EOPNOTSUPP, ETIME } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import { closeFd } from './files.js';
import { addressOf, mapRing, memoryAt, unmapRing, uringEnter, uringSetup } from './syscalls.js';

/** Operations: nothing, read and write of several pieces, of one, and cancelling another. */
export const OP_NOP = 0;
export const OP_READV = 1;
export const OP_WRITEV = 2;
export const OP_FSYNC = 3;
export const OP_POLL_ADD = 6;
export const OP_ASYNC_CANCEL = 14;
export const OP_FALLOCATE = 17;
export const OP_READ = 22;
export const OP_WRITE = 23;

/** Added to an operation: it is performed by a thread of the kernel's (IOSQE_ASYNC). */
export const SQE_ASYNC = (1 << 4) << 8;

/** Where io_uring_setup(2) leaves what: byte offsets into its parameters. */
const PARAMS = {
  bytes: 120,
  sqEntries: 0,
  cqEntries: 4,
  flags: 8,
  sqThreadCpu: 12,
  sqThreadIdle: 16,
  features: 20,
  sq: 40,
  cq: 80,
} as const;
/**
 * Flags of io_uring_setup(2): results are posted when the kernel is entered anyhow, without
 * interrupting this thread for them (v5.19), and it says when there are some.
 */
const COOP_TASKRUN = 1 << 8;
const TASKRUN_FLAG = 1 << 9;
/** A thread of the kernel's takes operations over, on the processor named. */
const SQPOLL = 1 << 1;
const SQ_AFF = 1 << 2;
/** It goes to sleep when it has found nothing for so long, ms. */
const IDLE_MS = 1;
/** In the flags of the submission ring: that thread sleeps; there are results to be posted. */
const SQ_NEED_WAKEUP = 1 << 0;
const SQ_TASKRUN = 1 << 2;
/**
 * How often the completion ring is looked at before the kernel is asked to wait: a millisecond,
 * longer than a disk takes. To be put to sleep and woken costs more.
 */
const LOOKS = 100_000;
/** One mapping for both rings, pieces copied when handed over, waits with a time limit. */
const FEATURES = (1 << 0) | (1 << 2) | (1 << 8);
const OFFSET_SQES = 0x10000000;
const SQE_WORDS = 16;
const CQE_WORDS = 4;
/** io_uring_enter(2): wait for completions; the argument is a structure with a time limit. */
const GETEVENTS = 1 << 0;
const SQ_WAKEUP = 1 << 1;
const EXT_ARG = 1 << 3;
/** Bytes of that structure and of the time behind it. */
const ARGUMENT_BYTES = 24;

/** What `uring.ts` needs of a ring; tests put one with faults in its place. */
export interface RingQueues {
  /** Operations that fit into the submission ring. */
  readonly entries: number;
  /** Operations pushed and not handed over yet. */
  readonly queued: number;
  /** There are results that the kernel posts when it is entered: `submit` does that. */
  readonly unposted: boolean;
  /**
   * Adds an operation; there must be room. `address` is the memory, or that of `length` pieces;
   * `tag` comes back with the result; `flags` are the operation's own.
   */
  push(
    op: number,
    fd: number,
    address: number,
    length: number,
    position: number,
    tag: number,
    flags?: number,
  ): void;
  /** Hands over what is queued, and waits up to `waitNs` for a result if there is none. */
  submit(waitNs: number): void;
  /** Takes every result that is there: `each` gets its tag and the count or negative errno. */
  harvest(each: (tag: number, result: number) => void): void;
  close(): void;
}

/** A high and a low half: addresses and positions have more than 32 bits. */
function high(value: number): number {
  return Math.floor(value / 2 ** 32);
}

// A descriptor or a negative errno, as below.
function setUp(entries: number, params: Uint8Array): number {
  setFlags(params, COOP_TASKRUN | TASKRUN_FLAG);
  const fd = uringSetup(entries, params);
  return fd === -EINVAL ? uringSetup(entries, params.fill(0)) : fd;
}

// The kernel's thread gets a processor of its own if it may be named: one that it shared with the
// engine would be no help.
function setUpPolled(entries: number, params: Uint8Array): number {
  const view = new DataView(params.buffer);
  setFlags(params, SQPOLL | SQ_AFF);
  view.setUint32(PARAMS.sqThreadCpu, os.cpus().length - 1, true);
  view.setUint32(PARAMS.sqThreadIdle, IDLE_MS, true);
  const fd = uringSetup(entries, params);
  if (fd !== -EINVAL) return fd;
  setFlags(params.fill(0), SQPOLL);
  view.setUint32(PARAMS.sqThreadIdle, IDLE_MS, true);
  return uringSetup(entries, params);
}

function setFlags(params: Uint8Array, flags: number): void {
  new DataView(params.buffer).setUint32(PARAMS.flags, flags, true);
}

/** The rings. */
export class Ring implements RingQueues {
  readonly entries: number;
  readonly #polled: boolean;
  readonly #fd: number;
  readonly #mapped: readonly (readonly [address: number, length: number])[];
  readonly #ring: Int32Array;
  readonly #sqes: Uint32Array;
  // Word offsets of the rings' heads and tails, and of the completions.
  readonly #sqHead: number;
  readonly #sqTail: number;
  readonly #sqFlags: number;
  readonly #cqHead: number;
  readonly #cqTail: number;
  readonly #cqes: number;
  readonly #sqMask: number;
  readonly #cqMask: number;
  /** For tags and results on their way out of the ring; undefined while it is in use. */
  #taken: Int32Array | undefined;
  readonly #cqEntries: number;
  /** The argument of a wait, the time limit behind it, and its address. */
  readonly #wait = new BigInt64Array(ARGUMENT_BYTES / 8 + 2);
  readonly #waitAddress: number;
  #closed = false;

  /**
   * `polled`: operations are taken over by a thread of the kernel's, which keeps a processor busy
   * as long as there are some. Throws an `ErrnoError` where io_uring is missing, too old or not
   * allowed.
   */
  constructor(entries: number, polled = false) {
    this.#polled = polled;
    const params = new Uint8Array(PARAMS.bytes);
    this.#fd = polled ? setUpPolled(entries, params) : setUp(entries, params);
    if (this.#fd < 0) throw new ErrnoError(this.#fd, 'io_uring_setup');
    const view = new DataView(params.buffer);
    const word = (offset: number): number => view.getUint32(offset, true);
    if ((word(PARAMS.features) & FEATURES) !== FEATURES) {
      closeFd(this.#fd);
      throw new ErrnoError(EOPNOTSUPP, 'io_uring_setup');
    }
    const sq = (field: number): number => word(PARAMS.sq + 4 * field);
    const cq = (field: number): number => word(PARAMS.cq + 4 * field);
    this.entries = word(PARAMS.sqEntries);
    const sqArray = sq(6);
    const cqes = cq(5);
    const bytes = Math.max(
      sqArray + this.entries * 4,
      cqes + word(PARAMS.cqEntries) * CQE_WORDS * 4,
    );
    const sqeBytes = this.entries * SQE_WORDS * 4;
    const [ringAt, sqesAt] = this.#map(bytes, sqeBytes);
    this.#mapped = [
      [ringAt, bytes],
      [sqesAt, sqeBytes],
    ];
    this.#ring = new Int32Array(memoryAt(ringAt, bytes & ~3));
    this.#sqes = new Uint32Array(memoryAt(sqesAt, sqeBytes));
    this.#sqHead = sq(0) >> 2;
    this.#sqTail = sq(1) >> 2;
    this.#sqFlags = sq(4) >> 2;
    this.#sqMask = this.#ring[sq(2) >> 2] as number;
    this.#cqHead = cq(0) >> 2;
    this.#cqTail = cq(1) >> 2;
    this.#cqMask = this.#ring[cq(2) >> 2] as number;
    this.#cqes = cqes >> 2;
    this.#cqEntries = word(PARAMS.cqEntries);
    for (let i = 0; i < this.entries; i++) this.#ring[(sqArray >> 2) + i] = i;
    this.#waitAddress = addressOf(new Uint8Array(this.#wait.buffer));
    this.#wait[2] = BigInt(this.#waitAddress + ARGUMENT_BYTES);
  }

  get queued(): number {
    return ((this.#ring[this.#sqTail] as number) - Atomics.load(this.#ring, this.#sqHead)) | 0;
  }

  get unposted(): boolean {
    return (Atomics.load(this.#ring, this.#sqFlags) & SQ_TASKRUN) !== 0;
  }

  push(
    op: number,
    fd: number,
    address: number,
    length: number,
    position: number,
    tag: number,
    flags = 0,
  ): void {
    const tail = this.#ring[this.#sqTail] as number;
    const at = (tail & this.#sqMask) * SQE_WORDS;
    const sqes = this.#sqes;
    // The other words are zero from the start.
    sqes[at] = op;
    sqes[at + 1] = fd;
    sqes[at + 2] = position;
    sqes[at + 3] = high(position);
    sqes[at + 4] = address;
    sqes[at + 5] = high(address);
    sqes[at + 6] = length;
    sqes[at + 7] = flags;
    sqes[at + 8] = tag;
    Atomics.store(this.#ring, this.#sqTail, tail + 1);
  }

  submit(waitNs: number): void {
    if (!this.#polled) this.#enter(waitNs, 0);
    else if ((Atomics.load(this.#ring, this.#sqFlags) & SQ_NEED_WAKEUP) !== 0) {
      this.#enter(waitNs, SQ_WAKEUP);
    } else if (waitNs > 0 && !this.#endsSoon()) this.#enter(waitNs, 0);
  }

  #enter(waitNs: number, how: number): void {
    const wait = waitNs > 0 && this.#ended() === 0 ? 1 : 0;
    if (wait === 1) this.#wait[4] = BigInt(Math.ceil(waitNs));
    const taken = uringEnter(
      this.#fd,
      this.queued,
      wait,
      (wait === 1 ? GETEVENTS | EXT_ARG : GETEVENTS) | how,
      wait === 1 ? this.#waitAddress : 0,
      wait === 1 ? ARGUMENT_BYTES : 0,
    );
    // The time is over, a signal came, or the kernel is short of something for now.
    const passing = taken === -ETIME || taken === -EINTR || taken === -EAGAIN || taken === -EBUSY;
    if (taken < 0 && !passing) throw new ErrnoError(taken, 'io_uring_enter');
  }

  // A thread that answers soon is not worth being woken for.
  #endsSoon(): boolean {
    for (let i = 0; i < LOOKS; i++) if (this.#ended() !== 0) return true;
    return false;
  }

  harvest(each: (tag: number, result: number) => void): void {
    if (this.#closed) return;
    const ring = this.#ring;
    // Who is answered may harvest again, or close the ring: all are taken first.
    const taken = this.#taken ?? new Int32Array(2 * this.#cqEntries);
    this.#taken = undefined;
    const count = this.#ended();
    const head = ring[this.#cqHead] as number;
    for (let i = 0; i < count; i++) {
      const at = this.#cqes + ((head + i) & this.#cqMask) * CQE_WORDS;
      taken[2 * i] = ring[at] as number;
      taken[2 * i + 1] = ring[at + 2] as number;
    }
    if (count > 0) Atomics.store(ring, this.#cqHead, head + count);
    for (let i = 0; i < count; i++) each(taken[2 * i] as number, taken[2 * i + 1] as number);
    this.#taken = taken;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const [address, length] of this.#mapped) unmapRing(address, length);
    closeFd(this.#fd);
  }

  // Results that nobody has taken yet.
  #ended(): number {
    return (Atomics.load(this.#ring, this.#cqTail) - (this.#ring[this.#cqHead] as number)) | 0;
  }

  #map(bytes: number, sqeBytes: number): [number, number] {
    const ringAt = mapRing(this.#fd, bytes, 0);
    const sqesAt = ringAt < 0 ? ringAt : mapRing(this.#fd, sqeBytes, OFFSET_SQES);
    if (sqesAt >= 0) return [ringAt, sqesAt];
    if (ringAt > 0) unmapRing(ringAt, bytes);
    closeFd(this.#fd);
    throw new ErrnoError(sqesAt, 'mmap');
  }
}
