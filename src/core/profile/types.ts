/**
 * What a profile says: which kernel is being played, as data. Engine code asks it, never a version.
 */

import type { CachefilesBehaviour } from '../cachefiles/types.js';
import type { AfsBehaviour } from '../fs/afs/types.js';
import type { FscacheBehaviour } from '../fscache/types.js';
import type { MmBehaviour } from '../mm/types.js';
import type { NetfsBehaviour } from '../netfs/types.js';
import type { TraceSink } from '../trace/types.js';

/** Options of a lab that not every client can obey. */
export type ClientOption =
  | 'msize'
  | 'cacheMode'
  | 'rsize'
  | 'stripeUnit'
  | 'clearTail'
  | 'completion'
  | 'streams'
  | 'callbackNs'
  | 'cacheWrites';

/** An option that a profile does not have. */
export interface FixedOption {
  /** The value that says what it does anyway; undefined: only the default is accepted. */
  readonly is?: unknown;
  /** What it does instead: the end of a sentence that begins with the name of the profile. */
  readonly why: string;
}

/** One kernel with one network filesystem. */
export interface Profile {
  readonly name: string;
  /** Kernel release in words. */
  readonly kernel: string;
  /** Vocabulary of tracepoints and statistics. */
  readonly era: TraceSink['era'];
  /** The network filesystem client that is played. */
  readonly client: 'afs' | '9p';
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
  /** Of a client that is AFS. */
  readonly afs?: AfsBehaviour;
  /** Options that are refused by name, because the kernel's client has nothing like them. */
  readonly fixed: Readonly<Partial<Record<ClientOption, FixedOption>>>;
}
