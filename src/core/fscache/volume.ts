/** Groups of cookies. Plays fs/fscache/volume.c; made by `registry.ts`, asked by cookies. */
import { fscacheVolume, fscacheVolumeTraces } from '../trace/events/fscache.js';
import type { Tracer } from '../trace/tracer.js';
import type { CacheBackend } from './types.js';

/** A group of cookies: one per mounted server (struct fscache_volume). */
export class Volume {
  readonly debugId: number;
  readonly key: string;
  cookies = 0;
  /** Accesses of its cookies under way; one more while there is a cache for it. */
  accesses: number;
  /** The cache that is bound, if one was when the volume was made. */
  readonly backend: CacheBackend | undefined;
  readonly #tracer: Tracer;
  #refs = 1;

  constructor(debugId: number, key: string, backend: CacheBackend | undefined, tracer: Tracer) {
    this.debugId = debugId;
    this.key = key;
    this.backend = backend;
    this.#tracer = tracer;
    this.accesses = backend === undefined ? 0 : 1;
  }

  get refs(): number {
    return this.#refs;
  }

  /** Takes a reference. */
  get(why: 'get_cook'): void {
    this.#refs++;
    this.#trace(why);
  }

  /** Drops a reference; true if it was the last one. */
  put(why: 'put_cook' | 'put_relnq'): boolean {
    this.#refs--;
    this.#trace(why);
    return this.#refs === 0;
  }

  #trace(why: keyof typeof fscacheVolumeTraces.id): void {
    fscacheVolume.emit(this.#tracer, this.debugId, fscacheVolumeTraces.id[why], this.#refs);
  }
}
