/**
 * Linux error numbers: one table of name, number and text, shared by the engine (which carries
 * errors as negative numbers, as the kernel does) and by the errors thrown at its surface.
 *
 * Source: errno(3), include/uapi/asm-generic/errno*.h. Numbers are Linux's on every platform, since
 * they are printed in tracepoints (`e=-5`).
 */

const TABLE = {
  EPERM: [1, 'operation not permitted'],
  ENOENT: [2, 'no such file or directory'],
  ESRCH: [3, 'no such process'],
  EINTR: [4, 'interrupted system call'],
  EIO: [5, 'i/o error'],
  ENXIO: [6, 'no such device or address'],
  E2BIG: [7, 'argument list too long'],
  ENOEXEC: [8, 'exec format error'],
  EBADF: [9, 'bad file descriptor'],
  ECHILD: [10, 'no child processes'],
  EAGAIN: [11, 'resource temporarily unavailable'],
  ENOMEM: [12, 'not enough memory'],
  EACCES: [13, 'permission denied'],
  EFAULT: [14, 'bad address'],
  ENOTBLK: [15, 'block device required'],
  EBUSY: [16, 'resource busy or locked'],
  EEXIST: [17, 'file already exists'],
  EXDEV: [18, 'cross-device link'],
  ENODEV: [19, 'no such device'],
  ENOTDIR: [20, 'not a directory'],
  EISDIR: [21, 'illegal operation on a directory'],
  EINVAL: [22, 'invalid argument'],
  ENFILE: [23, 'file table overflow'],
  EMFILE: [24, 'too many open files'],
  ENOTTY: [25, 'inappropriate ioctl for device'],
  ETXTBSY: [26, 'text file is busy'],
  EFBIG: [27, 'file too large'],
  ENOSPC: [28, 'no space left on device'],
  ESPIPE: [29, 'invalid seek'],
  EROFS: [30, 'read-only file system'],
  EMLINK: [31, 'too many links'],
  EPIPE: [32, 'broken pipe'],
  EDOM: [33, 'numerical argument out of domain'],
  ERANGE: [34, 'result too large'],
  EDEADLK: [35, 'resource deadlock avoided'],
  ENAMETOOLONG: [36, 'name too long'],
  ENOLCK: [37, 'no locks available'],
  ENOSYS: [38, 'function not implemented'],
  ENOTEMPTY: [39, 'directory not empty'],
  ELOOP: [40, 'too many symbolic links'],
  ENOSTR: [60, 'not a stream'],
  ENODATA: [61, 'no data available'],
  ETIME: [62, 'timer expired'],
  ENONET: [64, 'machine is not on the network'],
  ENOLINK: [67, 'link has been severed'],
  ECOMM: [70, 'communication error on send'],
  EPROTO: [71, 'protocol error'],
  EBADMSG: [74, 'bad message'],
  EOVERFLOW: [75, 'value too large'],
  EILSEQ: [84, 'invalid or incomplete character'],
  EDESTADDRREQ: [89, 'destination address required'],
  EMSGSIZE: [90, 'message too long'],
  EPROTONOSUPPORT: [93, 'protocol not supported'],
  EOPNOTSUPP: [95, 'operation not supported'],
  EAFNOSUPPORT: [97, 'address family not supported'],
  EADDRINUSE: [98, 'address already in use'],
  EADDRNOTAVAIL: [99, 'address not available'],
  ENETDOWN: [100, 'network is down'],
  ENETUNREACH: [101, 'network is unreachable'],
  ENETRESET: [102, 'network dropped the connection'],
  ECONNABORTED: [103, 'software caused connection abort'],
  ECONNRESET: [104, 'connection reset by peer'],
  ENOBUFS: [105, 'no buffer space available'],
  EISCONN: [106, 'already connected'],
  ENOTCONN: [107, 'not connected'],
  ESHUTDOWN: [108, 'transport endpoint was shut down'],
  ETIMEDOUT: [110, 'connection timed out'],
  ECONNREFUSED: [111, 'connection refused'],
  EHOSTDOWN: [112, 'host is down'],
  EHOSTUNREACH: [113, 'no route to host'],
  EALREADY: [114, 'operation already in progress'],
  EINPROGRESS: [115, 'operation in progress'],
  ESTALE: [116, 'stale file handle'],
  EUCLEAN: [117, 'structure needs cleaning: the filesystem is corrupt'],
  EREMOTEIO: [121, 'remote i/o error'],
  EDQUOT: [122, 'disk quota exceeded'],
  ENOMEDIUM: [123, 'no medium found'],
  EMEDIUMTYPE: [124, 'wrong medium type'],
  ECANCELED: [125, 'operation cancelled'],
  ENOKEY: [126, 'required key not available'],
  EKEYEXPIRED: [127, 'key has expired'],
  EKEYREVOKED: [128, 'key has been revoked'],
  EKEYREJECTED: [129, 'key was rejected by service'],
  EOWNERDEAD: [130, 'owner died'],
  EHWPOISON: [133, 'memory page has a hardware error'],
  ERESTARTSYS: [512, 'interrupted, to be restarted'],
  ERESTARTNOINTR: [513, 'to be restarted'],
  EBADHANDLE: [521, 'illegal file handle'],
  ENOTSUPP: [524, 'operation is not supported'],
  ESERVERFAULT: [526, 'an error the server cannot name'],
  EJUKEBOX: [528, 'the server will answer later'],
  EIOCBQUEUED: [529, 'queued; completes later'],
} as const satisfies Record<string, readonly [number, string]>;

/** The symbolic name of an error number of the table. */
export type ErrnoName = keyof typeof TABLE;

const byNumber = new Map<number, ErrnoName>(
  (Object.keys(TABLE) as ErrnoName[]).map((name) => [TABLE[name][0], name]),
);

/** The positive number of an error name: `errnoOf('EIO')` is 5. */
export function errnoOf(name: ErrnoName): number {
  return TABLE[name][0];
}

/** The name of an error number of either sign, or `E<number>` for one not in the table. */
export function errnoName(errno: number): string {
  return byNumber.get(Math.abs(errno)) ?? `E${Math.abs(errno)}`;
}

/** The lower-case text of an error number of either sign. */
export function errnoText(errno: number): string {
  const name = byNumber.get(Math.abs(errno));
  return name === undefined ? 'unknown error' : TABLE[name][1];
}

/** The negative Linux number of a Node.js system error, -EIO when it names none of ours. */
export function errnoFromNode(error: unknown): number {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string' && code in TABLE) return -TABLE[code as ErrnoName][0];
  return -TABLE.EIO[0];
}

/** Error numbers that the engine compares with, positive, as in errno.h. */
export const EPERM = 1;
export const ENOENT = 2;
export const EINTR = 4;
export const EIO = 5;
export const ENXIO = 6;
export const EBADF = 9;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EFAULT = 14;
export const EBUSY = 16;
export const EEXIST = 17;
export const EXDEV = 18;
export const ENODEV = 19;
export const EISDIR = 21;
export const EINVAL = 22;
export const EFBIG = 27;
export const ENOSPC = 28;
export const EROFS = 30;
export const ENODATA = 61;
export const ETIME = 62;
export const EOPNOTSUPP = 95;
export const EILSEQ = 84;
export const ENOBUFS = 105;
export const ECONNREFUSED = 111;
export const ESRCH = 3;
export const ESTALE = 116;
export const EREMOTEIO = 121;
export const EDQUOT = 122;
export const ENOMEDIUM = 123;
export const ECANCELED = 125;
export const E2BIG = 7;
export const ENOTDIR = 20;
export const ERANGE = 34;
export const ENAMETOOLONG = 36;
export const ENOSYS = 38;
export const ENOTEMPTY = 39;
export const ELOOP = 40;
export const ENOTCONN = 107;
export const ERESTARTSYS = 512;
