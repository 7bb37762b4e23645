/**
 * The lab as the machine that op lists are played on: what they do beside calls on open files.
 * Made by `app/` for the player.
 */
import { EOPNOTSUPP } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import { bytesOfName } from '../base/names.js';
import type { Task } from '../sim/wait_queue.js';
import type { VfsSurface } from '../vfs/types.js';
import type { FileChange, HostFault } from '../workload/ops/host_command.js';
import { parseHostCommand } from '../workload/ops/host_command.js';
import { printOp } from '../workload/ops/language.js';
import type { Machine, MachineOp, NameOpKind } from '../workload/ops/types.js';
import type { Lab } from './lab.js';

/** Types of st_mode. */
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;

type NameOp = Extract<MachineOp, { kind: NameOpKind }>;

function isNameOp(op: MachineOp): op is NameOp {
  return NAME_OPS.has(op.kind);
}

const NAME_OPS: ReadonlySet<string> = new Set<NameOpKind>([
  ...(['mkdir', 'rmdir', 'unlink', 'rename'] as const),
  ...(['link', 'symlink', 'chmod', 'lstat'] as const),
]);

const NS_PER_MS = 1e6;
/** What it takes until somebody else has done something on the server's side. */
const HOST_NS = 10 * NS_PER_MS;

/** A lab under an op list. */
export class LabMachine implements Machine {
  readonly #lab: Lab;
  readonly #hostChanges: boolean;

  /** `hostChanges` false: `host` operations may not change files of the server (EROFS). */
  constructor(lab: Lab, hostChanges: boolean) {
    this.#lab = lab;
    this.#hostChanges = hostChanges;
  }

  get vfs(): VfsSurface {
    return this.#lab.vfs;
  }

  *perform(op: MachineOp): Task<number | undefined> {
    if (isNameOp(op)) return yield* this.#name(op);
    yield* this.#perform(op);
    return undefined;
  }

  *#name(op: NameOp): Task<number> {
    const { names } = this.#lab.vfs;
    const { path } = op;
    switch (op.kind) {
      case 'mkdir':
        yield* names.make(path, { mode: S_IFDIR | 0o755 });
        break;
      case 'rmdir':
        yield* names.rmdir(path);
        break;
      case 'unlink':
        yield* names.unlink(path);
        break;
      case 'rename':
        yield* names.rename(op.from, path);
        break;
      case 'link':
        yield* names.link(op.from, path);
        break;
      case 'symlink':
        yield* names.make(path, { mode: S_IFLNK | 0o777, target: bytesOfName(op.from) });
        break;
      case 'chmod':
        yield* names.change(path, { mode: op.mode });
        break;
      case 'lstat':
        return (yield* names.status(path)).size;
    }
    return 0;
  }

  *#perform(op: Exclude<MachineOp, NameOp>): Task {
    const lab = this.#lab;
    switch (op.kind) {
      case 'sleep':
        yield* lab.scheduler.sleep(op.ms * NS_PER_MS);
        return;
      case 'sync':
        yield* this.#sync();
        return;
      case 'drop':
        yield* this.#sync();
        lab.dropCaches(op.level);
        return;
      case 'host':
        this.#host(op.command);
        yield* lab.scheduler.sleep(HOST_NS);
        return;
      case 'freeze':
      case 'thaw':
        this.#check(op.kind, op.kind === 'freeze' ? yield* lab.freeze() : lab.freezer.thaw());
        return;
      case 'setra':
        lab.setReadAhead(op.kib);
        return;
      case 'umount':
      case 'mount': {
        const error = op.kind === 'mount' ? lab.mount() : yield* lab.unmount();
        if (error === -EOPNOTSUPP) throw this.#unsupported(printOp(op));
        this.#check(op.kind, error);
        return;
      }
      case 'unbind':
      case 'bind':
        if (!lab.setBound(op.kind === 'bind')) throw this.#unsupported(printOp(op));
        return;
      case 'fill':
      case 'unfill':
        if (!lab.fillCache(op.kind === 'fill')) throw this.#unsupported(printOp(op));
        return;
    }
  }

  // All filesystems: that of the server, and that of the cache.
  *#sync(): Task {
    yield* this.#lab.sync();
    if (this.#lab.cachefiles !== undefined) yield* this.#lab.cachefiles.storesEnded();
  }

  #host(text: string): void {
    const command = parseHostCommand(text);
    if (command === undefined) throw new ErrnoError('EINVAL', 'host', text);
    if (!('fault' in command)) this.#change(command);
    else if (!this.#inject(command)) throw this.#unsupported(`host ${text}`);
  }

  #inject(fault: HostFault): boolean {
    switch (fault.fault) {
      case 'pause':
      case 'linkdown':
        this.#lab.silenceServer(fault.ms * NS_PER_MS);
        return true;
      case 'killin':
        this.#lab.silenceServer(fault.ms * NS_PER_MS, true);
        return true;
      case 'restart':
        this.#lab.server.callbacks.breakAll();
        return true;
      case 'dmerr':
      case 'dmok':
        return this.#lab.breakCache(fault.fault === 'dmerr');
      default:
        return false;
    }
  }

  #change(change: FileChange): void {
    if (!this.#hostChanges) {
      throw new ErrnoError('EROFS', 'host', change.path, {
        hint: 'allow changes of files on the server with --host-changes',
      });
    }
    this.#check('host', this.#lab.server.change(change.path, change), change.path);
  }

  #check(call: string, error: number, path?: string): void {
    if (error < 0) throw new ErrnoError(error, call, path);
  }

  #unsupported(what: string): ErrnoError {
    const { name } = this.#lab.profile;
    return new ErrnoError('EOPNOTSUPP', 'op', what, { text: `profile ${name} cannot do this` });
  }
}
