/**
 * What is known of a file, so that each byte read of it can be judged: every content it had since
 * the run began, what a reader must see at least, and what must have survived a crash.
 */

/** Largest file, bytes. */
export const MOST = 400_000;

/** Bytes that tell position and salt apart; never zero. */
export function contentAt(salt: number, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const shift = (salt * 37) % 251;
  for (let i = 0; i < length; i++) {
    const at = position + i;
    bytes[i] = 1 + ((at * 131 + (at >> 8) * 7 + (at >> 12) * 13 + shift) % 251);
  }
  return bytes;
}

/** What a reader knew when it began. */
export interface Mark {
  readonly floor: Int32Array;
  readonly sizeFloor: number;
  readonly changes: number;
}

/** A file of the server. */
export class FileModel {
  readonly name: string;
  exists: boolean;
  /** The contents it had, the newest last; numbered from 0. */
  #contents: Uint8Array[];
  /** By byte: the oldest content that a new reader may still see. */
  #floor = new Int32Array(MOST);
  #sizeFloor = 0;
  /** The oldest content that may be found after a crash. */
  #synced = 0;
  /** Changed by the client, by somebody else. */
  local = false;
  foreign = false;
  /** Something that was written may be lost: a store failed, or a write was cut short. */
  lost = false;
  /** Somebody was told of an error. */
  told = false;
  /** Number of the newest content when the server last ceased to answer. */
  silentAt = 0;
  /** Changes under way, and who waits for their ends. */
  busy = 0;
  readonly #waiting: Array<() => void> = [];
  changes = 0;

  constructor(name: string, content: Uint8Array | undefined) {
    this.name = name;
    this.exists = content !== undefined;
    this.#contents = [content ?? new Uint8Array(0)];
  }

  /** A new run finds this on the server. */
  begin(content: Uint8Array | undefined): void {
    this.exists = content !== undefined;
    this.#contents = [content ?? new Uint8Array(0)];
    this.#floor.fill(0);
    this.#sizeFloor = this.#synced = this.busy = this.silentAt = 0;
    this.local = this.foreign = this.lost = this.told = false;
  }

  get latest(): Uint8Array {
    return this.#contents.at(-1) as Uint8Array;
  }

  /** Number of the newest content. */
  get now(): number {
    return this.#contents.length - 1;
  }

  /** True if what the file holds follows from the operations alone. */
  get isCertain(): boolean {
    return !this.lost && !(this.local && this.foreign);
  }

  /** The client begins to write; until `ended` readers may see any part of it. */
  writing(position: number, bytes: Uint8Array): number {
    const before = this.latest;
    const next = new Uint8Array(Math.max(before.length, position + bytes.length));
    next.set(before);
    next.set(bytes, position);
    return this.#changing(next);
  }

  /** The client begins to cut the file off or to extend it. */
  resizing(size: number): number {
    const next = new Uint8Array(size);
    next.set(this.latest.subarray(0, size));
    return this.#changing(next);
  }

  /** A change has ended; `whole`: readers see all of it from now on. */
  ended(number: number, whole: boolean): void {
    this.busy--;
    for (const wake of this.#waiting.splice(0)) wake();
    this.changes++;
    if (!whole) {
      this.lost = this.told = true;
      return;
    }
    const before = this.#contents[number - 1] as Uint8Array;
    const after = this.#contents[number] as Uint8Array;
    for (let i = 0; i < after.length; i++) if (before[i] !== after[i]) this.#floor[i] = number;
    if (before.length !== after.length) this.#sizeFloor = number;
  }

  /** Somebody else has changed the file, which now holds this on the server. */
  changedBySomebody(content: Uint8Array | undefined): void {
    this.foreign = true;
    this.exists = content !== undefined;
    if (content !== undefined) this.#contents.push(content);
  }

  /** All of content `number` is durable. */
  synced(number: number): void {
    this.#synced = number;
  }

  /** Resolves when a change has ended. */
  calm(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  mark(): Mark {
    return { floor: this.#floor.slice(), sizeFloor: this.#sizeFloor, changes: this.changes };
  }

  /**
   * What is wrong with `bytes`, read at `position` by somebody who asked for `count`; undefined if
   * nothing is. `horizon`: the oldest content that the client may still go by. `short`: an error
   * may have ended the read.
   */
  judge(
    mark: Mark,
    horizon: number,
    position: number,
    count: number,
    bytes: Uint8Array,
    short: boolean,
  ): string | undefined {
    const sure = this.isCertain;
    const calm = this.busy === 0 && this.changes === mark.changes;
    if (sure && calm) {
      const least = Math.max(horizon, mark.sizeFloor);
      const fits = this.#contents
        .slice(least)
        .map(({ length }) => Math.max(0, Math.min(count, length - position)))
        .some((whole) => bytes.length === whole || (short && bytes.length < whole));
      if (!fits) return `${bytes.length} bytes of ${count} at ${position}`;
    }
    const least = (at: number): number => (sure ? Math.max(horizon, mark.floor[at] as number) : 0);
    // Somebody else has moved the end of the file over the byte: a reader that knows one size and
    // has the data of the other finds zeros between them.
    const mayBeZero = (at: number): boolean =>
      !sure || (this.foreign && this.#ended(at, least(at)));
    return this.#judgeBytes(least, mayBeZero, position, bytes);
  }

  /** What is wrong with what a crash has left of the file on the server. */
  judgeCrash(found: Uint8Array | undefined): string | undefined {
    if (!this.isCertain || found === undefined) return undefined;
    const least = this.#synced;
    const kept = (this.#contents[least] as Uint8Array).length;
    // A store carries the size that the file is going to have (StoreData): where it was cut off and
    // grew again there are zeros until the next store.
    const mayBeZero = (at: number): boolean => this.#ended(at, least);
    const wrong = this.#judgeBytes(() => least, mayBeZero, 0, found.subarray(0, kept));
    if (wrong !== undefined) return `after a crash: ${wrong}`;
    const sizes = this.#contents.slice(least).map(({ length }) => length);
    const inRange = found.length >= Math.min(...sizes) && found.length <= Math.max(...sizes);
    return inRange ? undefined : `after a crash: ${found.length} bytes, not one of ${sizes}`;
  }

  #changing(next: Uint8Array): number {
    this.local = true;
    this.busy++;
    this.#contents.push(next);
    return this.now;
  }

  // A content from `least` on ends before the byte.
  #ended(at: number, least: number): boolean {
    return this.#contents.slice(least).some(({ length }) => length <= at);
  }

  #judgeBytes(
    least: (at: number) => number,
    mayBeZero: (at: number) => boolean,
    position: number,
    bytes: Uint8Array,
  ): string | undefined {
    if (Buffer.compare(bytes, this.latest.subarray(position, position + bytes.length)) === 0)
      return;
    for (let i = 0; i < bytes.length; i++) {
      const at = position + i;
      if (bytes[i] === 0 && mayBeZero(at)) continue;
      let n = this.now;
      for (const from = least(at); n >= from; n--) if (this.#contents[n]?.[at] === bytes[i]) break;
      if (n >= least(at)) continue;
      const had = this.#contents.map((content) => content[at] ?? '-').join(' ');
      return `byte ${at} is ${bytes[i]}; it was ${had}, and ${least(at)} is the oldest allowed`;
    }
    return undefined;
  }
}
