/**
 * The sequences of the worked examples that involve a cache (BEHAVIOUR 3.13), with the counters
 * given there: one table for the tests that play them with a cache in memory (core/netfs) and with
 * the real one (core/cachefiles).
 */
import type { ExecutionContext } from 'ava';
import { events } from './netfs.js';

/** What a worked example must give. */
export interface Worked {
  /** In the short form of `brief`. */
  readonly trace: readonly string[];
  /** The counters that are not 0. */
  readonly counted: Readonly<Record<string, number>>;
}

/** Asserts that what was seen is a worked example, event for event. */
export function isWorked(t: ExecutionContext, { trace, counted }: Worked, expected: Worked): void {
  t.deepEqual({ trace, counted }, expected);
}

function worked(text: string, counted: Worked['counted']): Worked {
  return { trace: events(text), counted };
}

/** W2: a cold window is downloaded and stored. `c` is the cookie as printed. */
export const workedW2 = (c: string): Worked =>
  worked(
    `R1 READAHEAD c=${c} s=0 4000
    R1[0] PREP DOWN f=01 s=0 0/4000 e=0
    R1[0] SUBMT DOWN f=01 s=0 0/4000 e=0
    R1[0] TERM DOWN f=03 s=0 4000/4000 e=0
    R1 ASSESS f=22
    R1 UNLOCK f=22
    R1 WRITE f=02
    R1[0] WRITE DOWN f=03 s=0 4000/4000 e=0
    R1[0] WTERM DOWN f=03 s=0 4000/4000 e=0
    R1 DONE f=02
    R1[0] FREE DOWN f=03 s=0 4000/4000 e=0
    R1 FREE f=02`,
    { RA: 1, DL: 1, ds: 1, WR: 1, ws: 1 },
  );

/** W3: a warm window of `len` bytes (hexadecimal) is read from the cache alone. */
export const workedW3 = (c: string, len = '4000'): Worked =>
  worked(
    `R1 READAHEAD c=${c} s=0 ${len}
    R1[0] PREP READ f=00 s=0 0/${len} e=0
    R1[0] SUBMT READ f=00 s=0 0/${len} e=0
    R1[0] TERM READ f=00 s=0 ${len}/${len} e=0
    R1 ASSESS f=20
    R1 UNLOCK f=20
    R1 DONE f=00
    R1[0] FREE READ f=00 s=0 ${len}/${len} e=0
    R1 FREE f=00`,
    { RA: 1, RD: 1, rs: 1 },
  );

/** W4: a window partly in the cache; writes that end later are all begun first. */
export const workedW4 = (c: string, writes: 'sync' | 'async'): Worked => {
  const [first, second] = [
    '0] WTERM DOWN f=03 s=0 2000/2000',
    '2] WRITE DOWN f=03 s=4000 4000/4000',
  ];
  const [next, after] = writes === 'sync' ? [first, second] : [second, first];
  return worked(
    `R1 READAHEAD c=${c} s=0 8000
    R1[0] PREP DOWN f=01 s=0 0/2000 e=0
    R1[0] SUBMT DOWN f=01 s=0 0/2000 e=0
    R1[0] TERM DOWN f=03 s=0 2000/2000 e=0
    R1[1] PREP READ f=00 s=2000 0/2000 e=0
    R1[1] SUBMT READ f=00 s=2000 0/2000 e=0
    R1[2] PREP DOWN f=01 s=4000 0/4000 e=0
    R1[2] SUBMT DOWN f=01 s=4000 0/4000 e=0
    R1[2] TERM DOWN f=03 s=4000 4000/4000 e=0
    R1[1] TERM READ f=00 s=2000 2000/2000 e=0
    R1 ASSESS f=22
    R1 UNLOCK f=22
    R1 WRITE f=02
    R1[1] FREE READ f=00 s=2000 2000/2000 e=0
    R1[0] WRITE DOWN f=03 s=0 2000/2000 e=0
    R1[${next} e=0
    R1[${after} e=0
    R1[2] WTERM DOWN f=03 s=4000 4000/4000 e=0
    R1 DONE f=02
    R1[0] FREE DOWN f=03 s=0 2000/2000 e=0
    R1[2] FREE DOWN f=03 s=4000 4000/4000 e=0
    R1 FREE f=02`,
    { RA: 1, DL: 2, ds: 2, RD: 1, rs: 1, WR: 2, ws: 2 },
  );
};

/** W5 with a cache: what lies behind the end of the file is zeros, which are stored too. */
export const workedW5 = (c: string): Worked =>
  worked(
    `R1 READAHEAD c=${c} s=0 3000
    R1[0] PREP DOWN f=01 s=0 0/2800 e=0
    R1[0] SUBMT DOWN f=01 s=0 0/2800 e=0
    R1[0] TERM DOWN f=03 s=0 2800/2800 e=0
    R1[1] PREP ZERO f=00 s=2800 0/800 e=0
    R1[1] SUBMT ZERO f=00 s=2800 0/800 e=0
    R1[1] TERM ZERO f=02 s=2800 800/800 e=0
    R1 ASSESS f=22
    R1 UNLOCK f=22
    R1 WRITE f=02
    R1[1] FREE ZERO f=02 s=2800 800/800 e=0
    R1[0] WRITE DOWN f=03 s=0 2800/3000 e=0
    R1[0] WTERM DOWN f=03 s=0 2800/3000 e=0
    R1 DONE f=02
    R1[0] FREE DOWN f=03 s=0 2800/3000 e=0
    R1 FREE f=02`,
    { RA: 1, DL: 1, ds: 1, ZR: 1, WR: 1, ws: 1 },
  );

/** W9: a cache read that fails is downloaded instead, and not stored again. */
export const workedW9 = (c: string): Worked =>
  worked(
    `R1 READAHEAD c=${c} s=0 4000
    R1[0] PREP READ f=00 s=0 0/4000 e=0
    R1[0] SUBMT READ f=00 s=0 0/4000 e=0
    failure R1[0] READ f=00 s=0 0/4000 read e=-5
    R1[0] TERM READ f=00 s=0 0/4000 e=-5
    R1 ASSESS f=21
    R1 RESUBM f=21
    R1[0] RDOWN DOWN f=00 s=0 0/4000 e=0
    R1[0] TERM DOWN f=02 s=0 4000/4000 e=0
    R1 UNLOCK f=20
    R1 DONE f=00
    R1[0] FREE DOWN f=02 s=0 4000/4000 e=0
    R1 FREE f=00`,
    { RA: 1, DL: 1, ds: 1, di: 1, RD: 1, rs: 1, rf: 1 },
  );

/** W14: neighbouring slices of 8 KiB are stored in one write. */
export const workedW14 = (c: string): Worked =>
  worked(
    `R1 READAHEAD c=${c} s=0 6000
    R1[0] PREP DOWN f=01 s=0 0/2000 e=0
    R1[0] SUBMT DOWN f=01 s=0 0/2000 e=0
    R1[0] TERM DOWN f=03 s=0 2000/2000 e=0
    R1[1] PREP DOWN f=01 s=2000 0/2000 e=0
    R1[1] SUBMT DOWN f=01 s=2000 0/2000 e=0
    R1[1] TERM DOWN f=03 s=2000 2000/2000 e=0
    R1[2] PREP DOWN f=01 s=4000 0/2000 e=0
    R1[2] SUBMT DOWN f=01 s=4000 0/2000 e=0
    R1[2] TERM DOWN f=03 s=4000 2000/2000 e=0
    R1 ASSESS f=22
    R1 UNLOCK f=22
    R1 WRITE f=02
    R1[1] FREE DOWN f=03 s=2000 2000/2000 e=0
    R1[2] FREE DOWN f=03 s=4000 2000/2000 e=0
    R1[0] WRITE DOWN f=03 s=0 2000/6000 e=0
    R1[0] WTERM DOWN f=03 s=0 2000/6000 e=0
    R1 DONE f=02
    R1[0] FREE DOWN f=03 s=0 2000/6000 e=0
    R1 FREE f=02`,
    { RA: 1, DL: 3, ds: 3, WR: 1, ws: 1 },
  );

/** W15: what was read is not valid any more; `kept` (hexadecimal) of it counts as transferred. */
export const workedW15 = (c: string, kept: string): Worked =>
  worked(
    `R1 READAHEAD c=${c} s=0 4000
    R1[0] PREP READ f=00 s=0 0/4000 e=0
    R1[0] SUBMT READ f=00 s=0 0/4000 e=0
    R1[0] TERM READ f=00 s=0 4000/4000 e=0
    R1 ASSESS f=20
    R1 RESUBM f=21
    R1[0] RDOWN DOWN f=00 s=0 ${kept}/4000 e=0
    R1[0] TERM DOWN f=02 s=0 4000/4000 e=0
    R1 UNLOCK f=20
    R1 DONE f=00
    R1[0] FREE DOWN f=02 s=0 4000/4000 e=0
    R1 FREE f=00`,
    { RA: 1, DL: 1, ds: 1, di: 1, RD: 1, rs: 1 },
  );
