/**
 * The use case `mount`: a served directory as a filesystem through the engine, until it is
 * unmounted or interrupted. Called by the command.
 */
import fs from 'node:fs';
import path from 'node:path';
import { EACCES, ENODEV, ENOENT, ENOTDIR, EPERM, errnoFromNode } from '../../base/errno.js';
import { ErrnoError, UsageError } from '../../base/errors.js';
import { NodeTable } from '../../fuse/nodes.js';
import { FuseSession } from '../../fuse/session.js';
import { mountFuse, unmountLater } from '../../io/fuse_device.js';
import { Lab } from '../../lab/lab.js';
import type { LabOptions } from '../../lab/options.js';
import { printStats } from '../../trace/stats_layout.js';
import { TailSink } from '../../trace/tail_sink.js';
import { type TraceTarget, traceSink } from '../lab/trace_sink.js';
import { finishTrace } from '../run/run.js';
import type { RunSummary } from '../run/summary.js';
import { clearDeadMount, holdersOf, ownMount } from './mounts.js';
import { RotatingCapture, type Rotation } from './rotating_capture.js';

/** Most bytes of one read. */
const MAX_READ = 1 << 20;

/** A mount that is wanted. */
export interface MountRequest {
  readonly lab: Partial<LabOptions> & { server: string };
  readonly mountpoint: string;
  /** The kernel keeps pages, too. */
  readonly kernelCache: boolean;
  /** Other users may use it; default: as root yes. */
  readonly allowOther: boolean;
  /** By fusermount3, also as root. */
  readonly byHelper: boolean;
  readonly trace: TraceTarget | undefined;
  /** Divides the trace into parts; undefined: one. */
  readonly rotation: Rotation | undefined;
}

/** What is told while it lasts. */
export interface MountWatch {
  readonly signal?: AbortSignal;
  warn?(message: string): void;
  /** It is there, and answers. */
  mounted?(): void;
}

/** What a mount was. */
export interface MountSummary extends Pick<RunSummary, 'capture' | 'trace' | 'unwritten'> {
  readonly mountpoint: string;
  /** Calls of programs that were answered. */
  readonly calls: number;
  /** Bytes that programs read and wrote. */
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly stats: string;
}

/**
 * Mounts, serves, and returns when all is unmounted, written and closed. Throws `UsageError` and
 * `ErrnoError`.
 */
export async function mountServer(
  request: MountRequest,
  watch: MountWatch = {},
): Promise<MountSummary> {
  const mountpoint = prepareMountpoint(request, watch);
  // First without a trace, so that a mount that cannot be had leaves no capture behind.
  await new Lab({ ...request.lab, clock: 'real' }).close();
  const { tail, path: capturePath } = traceOf(request);
  const lab = new Lab({ ...request.lab, clock: 'real', sink: tail });
  for (const message of lab.warnings) watch.warn?.(message);
  try {
    const session = await connect(lab, request, mountpoint, tail);
    await serve(lab, session, mountpoint, watch);
    const { delivered, accepted } = lab;
    const stats = printStats(lab.statistics());
    const finished = await finishTrace(lab, request.trace);
    if (session.failure !== undefined) throw session.failure;
    return {
      mountpoint,
      calls: session.served,
      readBytes: delivered.bytes,
      writtenBytes: accepted.bytes,
      stats,
      ...finished,
      capture: capturePath(),
    };
  } catch (error) {
    await lab.close().catch(() => {});
    throw error;
  }
}

// Where the trace goes, and the capture that is written now.
function traceOf({ trace, rotation, lab }: MountRequest): {
  tail: TailSink | undefined;
  path: () => string | null;
} {
  if (trace === undefined) return { tail: undefined, path: () => null };
  const begin = (out: string) => traceSink({ ...trace, out }, 'mount', lab);
  if (rotation === undefined)
    return { tail: new TailSink(begin(trace.out)), path: () => trace.out };
  const parts = new RotatingCapture(trace.out, rotation, begin);
  return { tail: new TailSink(parts), path: () => parts.path };
}

async function connect(
  lab: Lab,
  request: MountRequest,
  mountpoint: string,
  tail: TailSink | undefined,
): Promise<FuseSession> {
  const { kernelCache, allowOther, byHelper } = request;
  const root = await lab.run('mount', () => lab.vfs.names.status(''));
  const mounted = mountFuse({
    source: lab.server.root,
    mountpoint,
    maxRead: MAX_READ,
    allowOther,
    byHelper,
    waits: lab.driver.control === undefined,
  });
  if ('errno' in mounted) throw mountError(mounted, mountpoint);
  const parts = {
    vfs: lab.vfs,
    scheduler: lab.scheduler,
    driver: lab.driver,
    tracer: lab.tracer,
    nextOp: () => lab.nextOp(),
    control: {
      pid: () => Buffer.from(`${process.pid}\n`),
      stats: () => Buffer.from(`${printStats(lab.statistics()).trimEnd()}\n`),
      ...(tail !== undefined && {
        trace: () =>
          Buffer.from(
            tail
              .lines(0)
              .map((line) => `${line}\n`)
              .join(''),
          ),
        trace_pipe: (since: number) => {
          const lines = tail.lines(since);
          const content = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          return { content, next: tail.position };
        },
      }),
    },
  };
  return new FuseSession(mounted.fd, parts, { kernelCache }, new NodeTable(root));
}

async function serve(
  lab: Lab,
  session: FuseSession,
  mountpoint: string,
  watch: MountWatch,
): Promise<void> {
  const { signal } = watch;
  const stop = (): void => {
    void end(lab, session, mountpoint, watch);
  };
  signal?.addEventListener('abort', stop, { once: true });
  const served = lab.run('mount', () => session.serve());
  watch.mounted?.();
  if (signal?.aborted) stop();
  try {
    await served;
  } finally {
    signal?.removeEventListener('abort', stop);
    // Of an engine that broke, what is left of the mount goes.
    if (session.failure !== undefined) await unmountLater(mountpoint, true);
  }
}

// Writes everything while the mount still answers, then unmounts it: at once if nobody uses it.
async function end(
  lab: Lab,
  session: FuseSession,
  mountpoint: string,
  watch: MountWatch,
): Promise<void> {
  await lab.run('mount', () => lab.sync()).catch(() => {});
  if (await unmountLater(mountpoint, false)) return;
  const holders = holdersOf(mountpoint);
  const who = holders.length > 0 ? `in use by ${holders.join(', ')}` : 'busy';
  watch.warn?.(`${mountpoint} is ${who}: unmounted lazily, open files end with an error`);
  await unmountLater(mountpoint, true);
  session.disconnect();
}

function prepareMountpoint({ mountpoint, lab }: MountRequest, watch: MountWatch): string {
  const at = path.resolve(mountpoint);
  if (clearDeadMount(at)) watch.warn?.(`removed a mount at ${at} whose process had gone`);
  let real: string;
  try {
    if (!fs.statSync(at).isDirectory()) throw new ErrnoError(-ENOTDIR, 'mount', at);
    real = fs.realpathSync(at);
  } catch (cause) {
    if (cause instanceof ErrnoError) throw cause;
    const errno = errnoFromNode(cause);
    const hint = errno === -ENOENT ? `mkdir -p ${at}` : undefined;
    throw new ErrnoError(errno, 'mount', at, hint === undefined ? { cause } : { cause, hint });
  }
  // A second one would lie over the first, which goes on and cannot be reached.
  if (ownMount(real) !== undefined) {
    throw new ErrnoError('EBUSY', 'mount', at, {
      text: 'a netfslab mount is served there already',
      hint: `netfslab unmount ${at}`,
    });
  }
  for (const [flag, directory] of [
    ['SERVER', lab.server],
    ['--cache', lab.cacheDir],
    ['--server-overlay', lab.serverOverlay],
  ] as const) {
    if (directory === undefined || !fs.existsSync(directory)) continue;
    const other = fs.realpathSync(directory);
    const inside = `${real}/`.startsWith(`${other}/`) && flag === 'SERVER';
    if (inside || `${other}/`.startsWith(`${real}/`)) {
      throw new UsageError(
        'MOUNTPOINT',
        `${at} and ${flag} ${directory} lie in each other, so the mount would wait for itself`,
        'choose a directory elsewhere',
      );
    }
  }
  return real;
}

// One line, and the command that helps.
function mountError(
  failed: { errno: number; what: string; said?: string },
  mountpoint: string,
): ErrnoError {
  const { errno, what, said } = failed;
  if (what === '/dev/fuse') {
    const missing = errno === -ENOENT || errno === -ENODEV;
    return new ErrnoError(errno, 'open', '/dev/fuse', {
      text: missing ? 'this kernel has no FUSE' : 'no permission to use FUSE',
      hint: missing ? 'modprobe fuse' : 'ls -l /dev/fuse',
    });
  }
  if (what === 'fusermount3') {
    const missing = errno === -ENOENT;
    return new ErrnoError(errno, 'mount', mountpoint, {
      text: missing ? 'fusermount3 is not installed' : (said ?? 'fusermount3 failed'),
      hint: missing ? 'apt install fuse3, or mount as root' : 'man fusermount3',
    });
  }
  const denied = errno === -EPERM || errno === -EACCES;
  return new ErrnoError(errno, what, mountpoint, {
    ...(denied && { hint: 'mount as a user who may: root, or one with fusermount3' }),
  });
}
