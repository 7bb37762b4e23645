/**
 * System calls that Node.js does not offer, through koffi: where the data of a sparse file is,
 * extended attributes, locks, syncing a filesystem, io_uring, processors of threads. Loaded when
 * first needed, so that a program without an engine never loads koffi. Where the library is missing
 * every call answers -EOPNOTSUPP.
 */
import { createRequire } from 'node:module';
import os from 'node:os';

/** lseek(2) whence values. */
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
/** flock(2) operation: exclusive, without waiting. */
const LOCK_EX_NB = 2 | 4;

/** fallocate(2) mode: make a hole, keep the size. */
const PUNCH_HOLE_KEEP_SIZE = 2 | 1;

interface Call {
  (...args: unknown[]): number;
  async(...args: [...unknown[], (error: Error | null, result: number) => void]): void;
}

interface Calls {
  readonly lseek: Call;
  readonly fgetxattr: Call;
  readonly fsetxattr: Call;
  readonly flock: Call;
  readonly syncfs: Call;
  readonly fallocate: Call;
  readonly mmap: Call;
  readonly munmap: Call;
  readonly madvise: Call;
  readonly schedSetaffinity: Call;
  readonly syscall: Call;
  readonly pipe2: Call;
  readonly splice: Call;
  errno(): number;
  address(memory: Uint8Array): number;
  view(address: number, length: number): ArrayBuffer;
}

let loaded: Calls | null | undefined;

function load(): Calls | null {
  if (os.platform() !== 'linux') return null;
  try {
    const koffi = createRequire(import.meta.url)('koffi');
    // The C library of the process itself, whichever it is.
    const libc = koffi.load(null);
    return {
      lseek: libc.func('int64_t lseek(int fd, int64_t offset, int whence)'),
      fgetxattr: libc.func('long fgetxattr(int fd, const char *name, _Out_ uint8_t *v, size_t n)'),
      fsetxattr: libc.func(
        'int fsetxattr(int fd, const char *name, const uint8_t *v, size_t n, int f)',
      ),
      flock: libc.func('int flock(int fd, int operation)'),
      syncfs: libc.func('int syncfs(int fd)'),
      fallocate: libc.func('int fallocate(int fd, int mode, int64_t offset, int64_t length)'),
      mmap: libc.func('size_t mmap(size_t at, size_t n, int prot, int flags, int fd, int64_t off)'),
      munmap: libc.func('int munmap(size_t at, size_t n)'),
      madvise: libc.func('int madvise(size_t at, size_t n, int advice)'),
      schedSetaffinity: libc.func('int sched_setaffinity(int pid, size_t n, const uint8_t *mask)'),
      syscall: libc.func(
        'long syscall(long nr, uint32_t a, size_t b, uint32_t c, uint32_t d, size_t e, size_t f)',
      ),
      pipe2: libc.func('int pipe2(_Out_ int *fds, int flags)'),
      splice: libc.func(
        'long splice(int from, void *o1, int to, void *o2, size_t n, uint32_t flags)',
      ),
      errno: () => koffi.errno() as number,
      address: (memory) => Number(koffi.address(memory)),
      view: (address, length) => koffi.view(BigInt(address), length) as ArrayBuffer,
    };
  } catch {
    return null;
  }
}

function calls(): Calls | null {
  loaded ??= load();
  return loaded;
}

/** -EIO: what an asynchronous call that failed is taken for, its errno being another thread's. */
const FAILED = -5;
/** -EOPNOTSUPP, for calls that cannot be made here. */
const UNSUPPORTED = -95;

function result(value: number, from: Calls): number {
  return value < 0 ? -from.errno() : value;
}

/**
 * First byte of data at or after `position`: lseek(SEEK_DATA). -ENXIO: none; -EOPNOTSUPP: no such
 * call.
 */
export function seekData(fd: number, position: number): number {
  const from = calls();
  return from === null ? UNSUPPORTED : result(from.lseek(fd, position, SEEK_DATA), from);
}

/** First byte of a hole at or after `position`, the end of the file being one: lseek(SEEK_HOLE). */
export function seekHole(fd: number, position: number): number {
  const from = calls();
  return from === null ? UNSUPPORTED : result(from.lseek(fd, position, SEEK_HOLE), from);
}

/**
 * Reads an extended attribute of at most 4096 bytes, or gives a negative errno (-ENODATA: not set).
 */
export function getXattr(fd: number, name: string): Buffer | number {
  const from = calls();
  if (from === null) return UNSUPPORTED;
  const value = Buffer.alloc(4096);
  const length = result(from.fgetxattr(fd, name, value, value.byteLength), from);
  return length < 0 ? length : value.subarray(0, length);
}

/** Sets an extended attribute: 0 or a negative errno. */
export function setXattr(fd: number, name: string, value: Uint8Array): number {
  const from = calls();
  if (from === null) return UNSUPPORTED;
  return result(from.fsetxattr(fd, name, value, value.byteLength, 0), from);
}

/**
 * Takes an exclusive lock for the life of the descriptor: 0, -EAGAIN when another process has it.
 */
export function lockFile(fd: number): number {
  const from = calls();
  return from === null ? UNSUPPORTED : result(from.flock(fd, LOCK_EX_NB), from);
}

/** Makes everything written to the filesystem of `fd` durable: 0 or a negative errno. */
export function syncFilesystem(fd: number): number {
  const from = calls();
  return from === null ? UNSUPPORTED : result(from.syncfs(fd), from);
}

/** As `syncFilesystem`, on another thread; `done` is called once, later. */
export function syncFilesystemLater(fd: number, done: (result: number) => void): void {
  const from = calls();
  if (from === null) setImmediate(done, UNSUPPORTED);
  else from.syncfs.async(fd, (_error, result) => done(result === 0 ? 0 : FAILED));
}

/**
 * Gives up the space of bytes [start, start + length), which then read as zeros: 0 or a negative
 * errno.
 */
export function punchHole(fd: number, start: number, length: number): number {
  const from = calls();
  if (from === null) return UNSUPPORTED;
  return result(from.fallocate(fd, PUNCH_HOLE_KEEP_SIZE, start, length), from);
}

/** Bytes of a set of processors (CPU_SETSIZE is 1024). */
const CPU_SET_BYTES = 128;

/**
 * Lets a thread of this process run on these processors only: 0 or a negative errno (-EINVAL: there
 * is none of them, -ESRCH: no such thread).
 */
export function setAffinity(thread: number, cpus: readonly number[]): number {
  const from = calls();
  if (from === null) return UNSUPPORTED;
  const mask = new Uint8Array(CPU_SET_BYTES);
  for (const cpu of cpus) mask[cpu >> 3] = (mask[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  return result(from.schedSetaffinity(thread, mask.length, mask), from);
}

/** Numbers of the calls, the same on every architecture that Node.js runs on. */
const IO_URING_SETUP = 425;
const IO_URING_ENTER = 426;
/** mmap(2): readable and writable, shared with the kernel, mapped at once. */
const PROT_READ_WRITE = 1 | 2;
const MAP_SHARED_POPULATE = 1 | 0x8000;

/** io_uring_setup(2) with its parameters as bytes: a descriptor or a negative errno. */
export function uringSetup(entries: number, params: Uint8Array): number {
  const from = calls();
  if (from === null) return UNSUPPORTED;
  return result(from.syscall(IO_URING_SETUP, entries, addressOf(params), 0, 0, 0, 0), from);
}

/** io_uring_enter(2): operations taken over, or a negative errno. */
export function uringEnter(
  fd: number,
  submit: number,
  wait: number,
  flags: number,
  argument: number,
  size: number,
): number {
  const from = calls() as Calls;
  const taken = from.syscall(IO_URING_ENTER, fd, submit, wait, flags, argument, size);
  return result(taken, from);
}

/** Maps `length` bytes of a ring from `offset`: their address, or a negative errno. */
export function mapRing(fd: number, length: number, offset: number): number {
  const from = calls() as Calls;
  const address = from.mmap(0, length, PROT_READ_WRITE, MAP_SHARED_POPULATE, fd, offset);
  // MAP_FAILED is -1, here the largest number.
  return address > Number.MAX_SAFE_INTEGER ? -from.errno() : address;
}

/** Unmaps what `mapRing` mapped; no view of it may be used afterwards. */
export function unmapRing(address: number, length: number): void {
  calls()?.munmap(address, length);
}

/** The memory at an address, as long as it stays mapped. */
export function memoryAt(address: number, length: number): ArrayBuffer {
  return (calls() as Calls).view(address, length);
}

/** Address of the first byte of an array's buffer, which does not move while it is referred to. */
export function addressOf({ buffer }: Uint8Array): number {
  return (calls() as Calls).address(new Uint8Array(buffer));
}

/**
 * Shared memory as an ordinary array, where koffi is there to make one: V8 copies out of that half
 * as fast again, as it need not mind other threads. Valid only as long as `shared` is referred to.
 */
export function plainArray(shared: SharedArrayBuffer): Uint8Array {
  const array = new Uint8Array(shared);
  const from = calls();
  if (from === null) return array;
  return new Uint8Array(from.view(from.address(array), array.byteLength));
}

/** madvise(2) advice. */
const MADV_HUGEPAGE = 14;
const MADV_POPULATE_WRITE = 23;
const HUGE_PAGE = 2 << 20;

/**
 * Asks for memory in huge pages as far as whole ones fit into it, before it is first touched:
 * random accesses then miss the processor's address translation less, and a system call finds the
 * pages of a large piece at once. The first `taken` bytes are had at once, as finding a huge page
 * may take milliseconds. Does nothing where that cannot be had.
 */
export function adviseHuge(memory: Uint8Array, taken: number): void {
  const from = calls();
  if (from === null) return;
  const address = from.address(memory);
  const start = Math.ceil(address / HUGE_PAGE) * HUGE_PAGE;
  const length = Math.floor((address + memory.byteLength - start) / HUGE_PAGE) * HUGE_PAGE;
  if (length <= 0) return;
  from.madvise(start, length, MADV_HUGEPAGE);
  const wanted = Math.ceil((address + taken - start) / HUGE_PAGE) * HUGE_PAGE;
  from.madvise(start, Math.min(length, wanted), MADV_POPULATE_WRITE);
}

/** O_CLOEXEC of pipe2(2). */
const O_CLOEXEC = 0o2000000;
/** splice(2) flags: move pages, do not wait. */
const SPLICE_MOVE_NONBLOCK = 1 | 2;

/** A pipe as [read end, write end], both close-on-exec, or a negative errno. */
export function openPipe(): readonly [number, number] | number {
  const from = calls();
  if (from === null) return UNSUPPORTED;
  const fds = new Int32Array(2);
  const value = result(from.pipe2(fds, O_CLOEXEC), from);
  return value < 0 ? value : [fds[0] as number, fds[1] as number];
}

/**
 * Moves up to `length` bytes between two descriptors of which one is a pipe, without waiting: bytes
 * moved, 0 at the end, or a negative errno (-EAGAIN: nothing there).
 */
export function splice(source: number, target: number, length: number): number {
  const from = calls();
  if (from === null) return UNSUPPORTED;
  return result(from.splice(source, null, target, null, length, SPLICE_MOVE_NONBLOCK), from);
}
