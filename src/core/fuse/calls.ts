/**
 * What the calls of a mount have in common: what they are given, and how they answer. Used by the
 * session, which makes it, and by the calls.
 */
import type { IoDriver, SegmentList } from '../io/types.js';
import type { Scheduler } from '../sim/scheduler.js';
import type { Task } from '../sim/wait_queue.js';
import type { Tracer } from '../trace/tracer.js';
import type { Vfs } from '../vfs/syscalls.js';
import type { Channel } from './channel.js';
import type { ControlDirectory, ControlFiles } from './control.js';
import type { NodeTable } from './nodes.js';
import type { Request } from './protocol.js';

/** What a session is built from. */
export interface SessionParts {
  readonly vfs: Vfs;
  readonly scheduler: Scheduler;
  readonly driver: IoDriver;
  readonly tracer: Tracer;
  /** The next number for an operation. */
  nextOp(): number;
  /** The files of the control directory. */
  readonly control: ControlFiles;
}

/** How a session behaves. */
export interface SessionOptions {
  /** The kernel keeps pages too. */
  readonly kernelCache: boolean;
}

/** Performs a call: bytes of payload in the reply. Failures are thrown as `ErrnoError`. */
export type Call = (request: Request) => Task<number>;

/** What calls need of the session. */
export interface CallParts extends SessionParts {
  readonly channel: Channel;
  readonly nodes: NodeTable;
  readonly options: SessionOptions;
  readonly controls: ControlDirectory;
  /** Nobody will ask any more. */
  isEnded(): boolean;
  /** Answers with these bytes alone; the call then returns `ANSWERED`. */
  answer(request: Request, pieces: SegmentList): void;
}

/** A call has answered by itself. */
export const ANSWERED = -1;
