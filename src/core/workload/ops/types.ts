/** What the player of op lists needs of the machine it plays on. */
import type { Task } from '../../sim/wait_queue.js';
import type { VfsSurface } from '../../vfs/types.js';
import type { Op, OpKind } from './language.js';

/** Operations that are no call on an open file: they are done to the machine. */
export type MachineOpKind =
  | ('sleep' | 'sync' | 'freeze' | 'thaw' | 'drop' | 'setra' | 'umount' | 'mount')
  | ('unbind' | 'bind' | 'fill' | 'unfill' | 'host')
  | NameOpKind;

/** Those on names. */
export type NameOpKind =
  | ('mkdir' | 'rmdir' | 'unlink' | 'rename')
  | ('link' | 'symlink' | 'chmod' | 'lstat');

/** One of them. */
export type MachineOp = Extract<Op, { kind: MachineOpKind }>;

/** Calls on open files. */
export type FileOpKind = Exclude<OpKind, MachineOpKind>;

/** The machine. */
export interface Machine {
  readonly vfs: VfsSurface;
  /** Does it: its result, 0 if it has none. Failures are thrown as `ErrnoError`. */
  perform(op: MachineOp): Task<number | undefined>;
}
