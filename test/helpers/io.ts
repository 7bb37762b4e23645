/** I/O drivers for tests: asked for one answer, and made to give short and interrupted ones. */
import fs from 'node:fs';
import { EINTR } from '../../src/core/base/errno.js';
import { DRIVERS, insideCall, onThreads } from '../../src/core/io/drivers.js';
import type { DriverName, IoDone, IoDriver } from '../../src/core/io/types.js';
import { UringDriver } from '../../src/core/io/uring.js';
import { OP_NOP, OP_READ, OP_READV, Ring, type RingQueues } from '../../src/core/io/uring_ring.js';

function canBeHad(name: DriverName): boolean {
  try {
    DRIVERS[name]().close();
    return true;
  } catch {
    return false;
  }
}

/** The drivers that can be had here. */
export const DRIVER_NAMES = (Object.keys(DRIVERS) as DriverName[]).filter(canBeHad);

/** True where io_uring can be had. */
export const hasUring = DRIVER_NAMES.includes('uring');

/** Asks for one operation and polls until it is answered. */
export function answerOf(driver: IoDriver, ask: (done: IoDone) => void): Promise<number> {
  return new Promise((resolve) => {
    let answered = false;
    ask((result) => {
      answered = true;
      resolve(result);
    });
    const poll = (): void => {
      driver.pump?.poll(1e6);
      if (!answered) setImmediate(poll);
    };
    if (!answered) setImmediate(poll);
  });
}

/** How one system call goes wrong: it is interrupted, or moves this many bytes. */
export type Fault = 'interrupted' | number;
/** Chooses how the next system call goes; undefined: well. */
export type Faults = () => Fault | undefined;

/** Each driver over system calls that go wrong; `close` it. */
export const FAULTY: Record<DriverName, (faults: Faults) => IoDriver> = {
  sync: (faults) => ({
    ...DRIVERS.sync(),
    read: insideCall((fd, batch, position) => {
      const fault = faults();
      if (fault === 'interrupted') throw Object.assign(new Error('EINTR'), { code: 'EINTR' });
      return fs.readvSync(fd, cut(batch, fault), position);
    }),
  }),
  libuv: (faults) => ({
    ...DRIVERS.libuv(),
    read: onThreads((fd, batch, position, callback) => {
      const fault = faults();
      if (fault === 'interrupted') {
        setImmediate(callback, Object.assign(new Error('EINTR'), { code: 'EINTR' }), 0);
      } else fs.readv(fd, cut(batch, fault), position, callback);
    }),
  }),
  uring: (faults) => new UringDriver('uring', new FaultyRing(new Ring(8), faults)),
  sqpoll: (faults) => new UringDriver('sqpoll', new FaultyRing(new Ring(8, true), faults)),
};

// The first `bytes` bytes of a batch.
function cut(batch: readonly Uint8Array[], bytes = Number.POSITIVE_INFINITY): Uint8Array[] {
  const kept: Uint8Array[] = [];
  let left = bytes;
  for (const view of batch) {
    if (left <= 0) break;
    kept.push(view.subarray(0, left));
    left -= view.byteLength;
  }
  return kept;
}

/** A ring whose operations are interrupted, or move less than they were asked to. */
class FaultyRing implements RingQueues {
  readonly #ring: Ring;
  readonly #faults: Faults;
  readonly #interrupted = new Set<number>();

  constructor(ring: Ring, faults: Faults) {
    this.#ring = ring;
    this.#faults = faults;
  }

  get entries(): number {
    return this.#ring.entries;
  }

  get unposted(): boolean {
    return this.#ring.unposted;
  }

  get queued(): number {
    return this.#ring.queued;
  }

  push(...[op, fd, address, length, position, tag]: Parameters<RingQueues['push']>): void {
    const fault = op === OP_READ || op === OP_READV ? this.#faults() : undefined;
    if (fault === 'interrupted') {
      this.#interrupted.add(tag);
      this.#ring.push(OP_NOP, -1, 0, 0, 0, tag);
      return;
    }
    // Of several pieces the kernel is asked for the first ones only.
    const pieces = op === OP_READV && fault !== undefined ? 1 : length;
    const short = op === OP_READV ? pieces : Math.min(length, fault ?? length);
    this.#ring.push(op, fd, address, short, position, tag);
  }

  submit(waitNs: number): void {
    this.#ring.submit(waitNs);
  }

  harvest(each: (tag: number, result: number) => void): void {
    this.#ring.harvest((tag, result) => each(tag, this.#interrupted.delete(tag) ? -EINTR : result));
  }

  close(): void {
    this.#ring.close();
  }
}
