/**
 * Who asks: names of processes by number, as /proc has them, remembered for a while. Used by the
 * session to give each request the identity of its caller.
 */
import fs from 'node:fs';
import { type ExecContext, makeContext } from '../sim/context.js';

/** Processes that are remembered, and for how long, ns. */
const REMEMBERED = 1024;
const FOR_NS = 1e9;

interface Known {
  readonly comm: string;
  readonly until: number;
  context: ExecContext;
}

/** The processes that use a mount. */
export class Processes {
  readonly #known = new Map<number, Known>();

  /** The name of a process now; `pid-N` if it has gone. */
  #nameOf(pid: number): string {
    // The kernel itself: writeback, readahead.
    if (pid === 0) return 'kernel';
    try {
      return fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
    } catch {
      return `pid-${pid}`;
    }
  }

  /** A context of its own for a call of a process at `now`, ns. */
  context(pid: number, now: number): ExecContext {
    let known = this.#known.get(pid);
    if (known === undefined || known.until < now) {
      const comm = this.#nameOf(pid);
      const context = known?.comm === comm ? known.context : makeContext(pid, comm);
      if (this.#known.size >= REMEMBERED) this.#known.clear();
      known = { comm, until: now + FOR_NS, context };
      this.#known.set(pid, known);
    }
    return known.context;
  }
}
