/**
 * What to record for which trouble. Read by `trace record` and by the shell script that
 * `capture-script` prints, so both record the same.
 */

/** What goes wrong on the machine. */
export type Trouble = 'hang' | 'slow' | 'corrupt' | 'cache';

/** What to record for each trouble. */
export interface Preset {
  readonly doc: string;
  /** Events besides those of `ALWAYS`: a system, or `system/event`. */
  readonly events: readonly string[];
  /** Size of the ring buffer, all processors together, KiB. */
  readonly bufferKb: number;
  /** Copy tables and stacks once a second while a request or task is stuck. */
  readonly watch: boolean;
}

/** Events that every preset records. Systems of filesystems that are not loaded do not exist. */
export const ALWAYS: readonly string[] = ['netfs', 'fscache', 'cachefiles'];
export const CLIENTS: readonly string[] = ['9p', 'afs', 'nfs', 'nfs4', 'cifs', 'ceph'];

/** Events of those systems that are left out: one line per request is enough of the transport. */
export const LEFT_OUT: readonly string[] = ['9p/9p_protocol_dump'];

/** Every preset by its flag. */
export const PRESETS: Readonly<Record<Trouble, Preset>> = {
  hang: { doc: 'a request or a task hangs', events: [], bufferKb: 32768, watch: true },
  slow: {
    doc: 'reads are slow or miss the cache',
    events: ['readahead'],
    bufferKb: 131072,
    watch: false,
  },
  corrupt: {
    doc: 'readers get wrong data',
    events: ['readahead', 'filemap/mm_filemap_add_to_page_cache'],
    bufferKb: 262144,
    watch: false,
  },
  cache: { doc: 'the disk cache is not used', events: [], bufferKb: 65536, watch: false },
};

/** Where kernels show statistics and tables, by the name that a copy has in a bundle. */
export const TABLES: Readonly<Record<string, readonly string[]>> = {
  stats: ['/proc/fs/netfs/stats', '/proc/fs/fscache/stats'],
  requests: ['/proc/fs/netfs/requests'],
  cookies: ['/proc/fs/netfs/cookies', '/proc/fs/fscache/cookies'],
  caches: ['/proc/fs/netfs/caches', '/proc/fs/fscache/caches'],
  volumes: ['/proc/fs/netfs/volumes', '/proc/fs/fscache/volumes'],
};

/** System calls that become operations. Those a kernel or architecture lacks are passed over. */
export const OPERATION_CALLS: readonly string[] = [
  ...['open', 'openat', 'openat2', 'creat', 'close', 'dup', 'dup2', 'dup3', 'fcntl'],
  ...['read', 'pread64', 'readv', 'preadv', 'preadv2', 'readahead', 'fadvise64'],
  ...['write', 'pwrite64', 'writev', 'pwritev', 'pwritev2', 'ftruncate', 'fallocate'],
  ...['lseek', 'fsync', 'fdatasync', 'sync_file_range', 'mmap'],
  ...['sendfile64', 'splice', 'copy_file_range', 'chdir', 'fchdir', 'io_uring_enter'],
];

/**
 * Events that tell which task shares files and working directory with which, tasks' names, and what
 * is submitted to io_uring.
 */
export const TASK_EVENTS: readonly string[] = [
  'task/task_newtask',
  'task/task_rename',
  'sched/sched_process_exec',
  'sched/sched_process_exit',
  ...['io_uring/io_uring_submit_req', 'io_uring/io_uring_file_get', 'io_uring/io_uring_complete'],
];
