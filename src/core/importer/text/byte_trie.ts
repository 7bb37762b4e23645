/**
 * Finds which of many ASCII words stands at a place among bytes, looking at each byte once. Used by
 * row_parser.ts for the names of events and for labels.
 */

const WIDTH = 128;

/** Words with a number each. */
export class ByteTrie {
  /** Where the last word that was found ends. */
  end = 0;
  /** By node and byte: the next node; 0 = none. */
  #next = new Uint16Array(16 * WIDTH);
  /** By node: whether words go on there. */
  #more = new Uint8Array(16);
  /** By node: the number of the word that ends there, -1 = none. */
  #found = new Int32Array(16).fill(-1);
  #nodes = 1;

  /** Adds a word; of two that are the same the first counts. */
  add(word: Uint8Array, number: number): void {
    let node = 0;
    for (const byte of word) {
      const at = node * WIDTH + byte;
      if (this.#next[at] === 0) {
        if (this.#nodes === this.#found.length) this.#grow();
        this.#next[at] = this.#nodes++;
        this.#more[node] = 1;
      }
      node = this.#next[at] as number;
    }
    if (this.#found[node] === -1) this.#found[node] = number;
  }

  /** The number of the longest word at `at`, whose end is then in `end`; -1 where there is none. */
  match(bytes: Uint8Array, at: number): number {
    const next = this.#next;
    const found = this.#found;
    const more = this.#more;
    let best = -1;
    let node = 0;
    for (let i = at; ; i++) {
      const byte = bytes[i] as number;
      node = byte < WIDTH ? (next[node * WIDTH + byte] as number) : 0;
      if (node === 0) return best;
      if ((found[node] as number) >= 0) {
        best = found[node] as number;
        this.end = i + 1;
        // Not a byte further: it may be past the end.
        if (more[node] === 0) return best;
      }
    }
  }

  #grow(): void {
    const next = new Uint16Array(2 * this.#next.length);
    const found = new Int32Array(2 * this.#found.length).fill(-1);
    next.set(this.#next);
    const more = new Uint8Array(2 * this.#more.length);
    found.set(this.#found);
    more.set(this.#more);
    this.#next = next;
    this.#found = found;
    this.#more = more;
  }
}
