/**
 * Gives pages small numbers: a table of open addresses over typed arrays, as a `Map` of ten million
 * entries would not fit where the whole analysis has to.
 */

/** Numbers for pairs of a file and a place in it, from 0 in the order in which they come first. */
export class PageIds {
  #files = new Int32Array(1 << 12);
  #places = new Int32Array(1 << 12);
  #ids = new Int32Array(1 << 12).fill(-1);
  #mask = (1 << 12) - 1;
  #count = 0;

  /** How many pairs there are. */
  get count(): number {
    return this.#count;
  }

  /** The number of place `place` (below 2^32) of file `file` (below 2^31). */
  idOf(file: number, place: number): number {
    const low = place | 0;
    let at = (hashOf(low) ^ Math.imul(file, 0x85ebca6b)) & this.#mask;
    for (;;) {
      const id = this.#ids[at] as number;
      if (id < 0) break;
      if (this.#places[at] === low && this.#files[at] === file) return id;
      at = (at + 1) & this.#mask;
    }
    this.#put(at, file, low, this.#count);
    if (this.#count * 2 > this.#mask) this.#grow();
    return this.#count++;
  }

  #put(at: number, file: number, low: number, id: number): void {
    this.#files[at] = file;
    this.#places[at] = low;
    this.#ids[at] = id;
  }

  #grow(): void {
    const [files, places, ids] = [this.#files, this.#places, this.#ids];
    const length = files.length * 2;
    this.#mask = length - 1;
    this.#files = new Int32Array(length);
    this.#places = new Int32Array(length);
    this.#ids = new Int32Array(length).fill(-1);
    for (let i = 0; i < ids.length; i++) {
      if ((ids[i] as number) < 0) continue;
      const [file, low] = [files[i] as number, places[i] as number];
      let at = (hashOf(low) ^ Math.imul(file, 0x85ebca6b)) & this.#mask;
      while ((this.#ids[at] as number) >= 0) at = (at + 1) & this.#mask;
      this.#put(at, file, low, ids[i] as number);
    }
  }
}

/** 32 bits in which every bit of a 32-bit number has a say. */
export function hashOf(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return mixed ^ (mixed >>> 16);
}
