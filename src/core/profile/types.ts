/**
 * What a profile says: which kernel is being played, as data. Engine code asks it, never a version.
 */
import type { CachefilesBehaviour } from '../cachefiles/types.js';
import type { FscacheBehaviour } from '../fscache/types.js';
import type { MmBehaviour } from '../mm/types.js';
import type { NetfsBehaviour } from '../netfs/types.js';
import type { TraceSink } from '../trace/types.js';

/** One kernel with one network filesystem. */
export interface Profile {
  readonly name: string;
  /** Kernel release in words. */
  readonly kernel: string;
  /** Vocabulary of tracepoints and statistics. */
  readonly era: TraceSink['era'];
  /** The network filesystem client that is played. */
  readonly client: 'afs' | '9p' | 'kafs';
  /** Where its behaviour was taken from. */
  readonly evidence: string;
  /** How ftrace marks what runs in interrupts: hard (`d.h2`) or soft (`..s.`). */
  readonly interruptFlags: string;
  /** Default window of the backing device, KiB (read_ahead_kb). */
  readonly readAheadKb: number;
  readonly mm: MmBehaviour;
  readonly netfs: NetfsBehaviour;
  readonly fscache: FscacheBehaviour;
  readonly cachefiles: CachefilesBehaviour;
  /** The client zeroes what a server's short reply leaves out (CLEAR_TAIL). */
  readonly clearTail: boolean;
}
