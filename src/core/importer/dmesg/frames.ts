/**
 * Reads call traces: the lines of an oops, of a hung task, of /proc/PID/stack and of crash. Called
 * by splats.ts.
 */

/** A function of a call trace. */
export interface Frame {
  readonly name: string;
  /** False where the kernel prints `?`: it was found on the stack, and need not be in the chain. */
  readonly sure: boolean;
  /** '' = built in. */
  readonly module: string;
}

const FRAME =
  /^\s*(?:\[<[0-9a-f]*>\]\s*)?(?:\(\[<[0-9a-f]+>\]\) ?)?(\? )?([A-Za-z_][\w.]*)\+0x[0-9a-f]+(?:\/0x[0-9a-f]+)?(?: \[(\w+)(?: [0-9a-f]+)?\])?/;
/** As decode_stacktrace prints it, with the place in the source. */
const DECODED = /^\s*(\? )?([A-Za-z_][\w.]*) \([\w/.-]{1,200}\.[chS]:\d+/;
/** As 32-bit ARM prints it: who was called, from where. */
const ARM = /^\s*(?:\[<[0-9a-f]+>\] )?\(?([A-Za-z_][\w.]*)(?: \[\w+\])?\)? from \[?<?[\w+/.]/;
const CRASH = /^\s*#\d{1,3} \[[0-9a-f]+\] ([A-Za-z_][\w.]*) at [0-9a-f]+(?: \[(\w+)\])?/;
/** Where lockdep says a lock is taken; lines of locks that are held begin with `#`. */
const LOCK =
  /^[0-9a-f]{16} \(.{1,200}, at: ([A-Za-z_][\w.]*)\+0x[0-9a-f]+\/0x[0-9a-f]+(?: \[(\w+)\])?/;
const PLACE =
  /^\s*(?:RIP: (?:[0-9a-f]{4}: ?)?|IP: |E?IP is at |PC is at |pc : |epc : |NIP \[[0-9a-f]+\] )(?:\.\.\. )?(?:\[<[0-9a-f]+>\]\s*){0,2}([A-Za-z_][\w.]*)(?:\+0x[0-9a-f]+(?:\/0x[0-9a-f]+)?(?: \[(\w+))?| \([\w/.-]{1,200}:\d+)/;

/** A function's name without what the compiler added. */
function plain(name: string): string {
  return name.replace(/\.(?:isra|constprop|part|cold|llvm|lto_priv)\b.*$/, '');
}

/** The frame that a line shows, null if it shows none. */
export function frameOf(line: string): Frame | null {
  const match = FRAME.exec(line);
  if (match !== null) {
    return {
      name: plain(match[2] as string),
      sure: match[1] === undefined,
      module: match[3] ?? '',
    };
  }
  const decoded = DECODED.exec(line);
  if (decoded !== null) {
    return { name: plain(decoded[2] as string), sure: decoded[1] === undefined, module: '' };
  }
  const called = ARM.exec(line);
  if (called !== null) return { name: plain(called[1] as string), sure: true, module: '' };
  const crash = CRASH.exec(line) ?? LOCK.exec(line);
  if (crash === null) return null;
  return { name: plain(crash[1] as string), sure: true, module: crash[2] ?? '' };
}

/** The function in which a processor was (`RIP:`, `pc :`), null if the line does not say. */
export function placeOf(line: string): Frame | null {
  const match = PLACE.exec(line);
  if (match === null) return null;
  return { name: plain(match[1] as string), sure: true, module: match[2] ?? '' };
}
