/**
 * The nodes of all mappings' page indexes: 64 entries each, kept in one array and used again, so
 * that a page read here and there costs no object. Used by `address_space.ts`; plays the slab of
 * struct xa_node (lib/xarray.c).
 */

/** A node has entries for 2^NODE_SHIFT pages. */
const NODE_SHIFT = 6;
/** Pages of a node. */
export const NODE_SLOTS = 1 << NODE_SHIFT;
/** Behind its entries a node counts those in use. */
const STRIDE = NODE_SLOTS + 1;
const FIRST_NODES = 16;

/** Every node of one lab. Entries are zero in a node that nobody has. */
export class PageNodes {
  #words = new Int32Array(FIRST_NODES * STRIDE);
  #made = 0;
  readonly #spare: number[] = [];

  /** An empty node. */
  take(): number {
    const node = this.#spare.pop() ?? this.#made++;
    if ((node + 1) * STRIDE > this.#words.length) {
      const words = new Int32Array(this.#words.length * 2);
      words.set(this.#words);
      this.#words = words;
    }
    return node;
  }

  /** The entry of a node, 0 when there is none. */
  get(node: number, slot: number): number {
    return this.#words[node * STRIDE + slot] as number;
  }

  /** Makes an entry where there is none: true if the node is full now. */
  set(node: number, slot: number, entry: number): boolean {
    const at = node * STRIDE;
    this.#words[at + slot] = entry;
    const used = (this.#words[at + NODE_SLOTS] as number) + 1;
    this.#words[at + NODE_SLOTS] = used;
    return used === NODE_SLOTS;
  }

  /** The first entry of a full node if each entry is one more than that before it, else 0. */
  row(node: number): number {
    const at = node * STRIDE;
    const first = this.#words[at] as number;
    for (let i = 1; i < NODE_SLOTS; i++) if (this.#words[at + i] !== first + i) return 0;
    return first;
  }

  /** Removes an entry: true if it was the node's last, and the node has been given back. */
  clear(node: number, slot: number): boolean {
    const at = node * STRIDE;
    this.#words[at + slot] = 0;
    const left = (this.#words[at + NODE_SLOTS] as number) - 1;
    this.#words[at + NODE_SLOTS] = left;
    if (left === 0) this.#spare.push(node);
    return left === 0;
  }
}
