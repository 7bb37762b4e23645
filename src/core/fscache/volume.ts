/** Groups of cookies. Plays fs/fscache/volume.c; made by `registry.ts`, asked by cookies. */
import { fscacheVolume, fscacheVolumeTraces } from '../trace/events/fscache.js';
import type { Tracer } from '../trace/tracer.js';
import type { CacheBackend } from './types.js';

/** A cache from its bind to its unbind. */
export interface Bound {
  backend: CacheBackend | undefined;
}

/** A group of cookies: one per mounted server (struct fscache_volume). */
export class Volume {
  readonly debugId: number;
  readonly key: string;
  cookies = 0;
  /** Accesses of its cookies under way; one more while there is a cache for it. */
  accesses: number;
  /** The cache that is bound, if one was when the volume was made. */
  readonly backend: CacheBackend | undefined;
  readonly #binding: Bound;
  readonly #tracer: Tracer;
  #refs = 1;

  /** `binding` says how long the cache is there. */
  constructor(debugId: number, key: string, binding: Bound, tracer: Tracer) {
    const { backend } = binding;
    this.debugId = debugId;
    this.key = key;
    this.#binding = binding;
    this.backend = backend;
    this.#tracer = tracer;
    this.accesses = backend === undefined ? 0 : 1;
  }

  /** False: the cache has been unbound, and nothing more is looked up in it. */
  get isBound(): boolean {
    return this.#binding.backend !== undefined;
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
