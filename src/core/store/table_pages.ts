/**
 * Writes the rows of tables straight into the pages of an SQLite database, in the order of their
 * row numbers: several times faster than INSERT, and it holds no more than the page at hand of each
 * table. Called by writer.ts between the making of the file and the making of the schema, while no
 * SQLite has the file open.
 *
 * The format is that of https://www.sqlite.org/fileformat2.html (sections 1.3, 1.6 and 2.3).
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { putVarint, type RowBuffer, varintLength, viewOf } from './row_buffer.js';

/** Bytes of a page: SQLite's own default. */
export const PAGE = 4096;
/** Pages written at a time. */
const PAGES = 64;
/** The page SQLite locks bytes of, which holds nothing. */
const LOCK_PAGE = 2 ** 30 / PAGE + 1;
/** Where the first page says how many pages there are. */
const PAGE_COUNT_AT = 28;

/** Bytes that are copied four at a time, in a loop: up to here a call costs more. */
const SHORT = 256;
const STEP = 4;

const LEAF = 13;
const LEAF_HEADER = 8;
const INTERIOR = 5;
const INTERIOR_HEADER = 12;
/** Children of an interior page, with room to spare for the longest keys. */
const FANOUT = 256;

/** Most bytes of a row that stand in its leaf; the rest of a longer one has pages of its own. */
const LOCAL_MAX = PAGE - 35;
const LOCAL_MIN = Math.floor(((PAGE - 12) * 32) / 255) - 23;
/** Bytes of a row on a page of its own. */
const OVERFLOW = PAGE - 4;

/** A database file that grows by pages. */
export class PageFile {
  readonly #file: number;
  readonly #buffer = Buffer.alloc(PAGE * PAGES);
  /** Pages in the buffer, and the number of the first of them. */
  #held = 0;
  #first: number;

  /** Opens a database that SQLite has made and closed. Errors are Node's own. */
  constructor(path: string) {
    this.#file = openSync(path, 'r+');
    const head = Buffer.alloc(100);
    readSync(this.#file, head, 0, head.length, 0);
    this.#first = head.readUInt32BE(PAGE_COUNT_AT) + 1;
  }

  /** Adds a page; returns its number. */
  append(page: Uint8Array): number {
    if (this.#held === PAGES) this.#flush();
    if (this.#first + this.#held === LOCK_PAGE) {
      this.#buffer.fill(0, PAGE * this.#held, PAGE * (this.#held + 1));
      this.#held++;
      return this.append(page);
    }
    this.#buffer.set(page, PAGE * this.#held);
    return this.#first + this.#held++;
  }

  /** The number the next page gets. */
  get next(): number {
    const next = this.#first + this.#held;
    return next === LOCK_PAGE ? next + 1 : next;
  }

  /** Writes what is left, and how many pages there are now. */
  finish(): void {
    this.#flush();
    const count = Buffer.alloc(4);
    count.writeUInt32BE(this.#first - 1);
    writeAll(this.#file, count, PAGE_COUNT_AT);
  }

  close(): void {
    closeSync(this.#file);
  }

  #flush(): void {
    writeAll(this.#file, this.#buffer.subarray(0, PAGE * this.#held), PAGE * (this.#first - 1));
    this.#first += this.#held;
    this.#held = 0;
  }
}

function writeAll(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, position + done);
  }
}

/** A page, and the highest row number in or below it. */
interface Child {
  readonly page: number;
  readonly last: number;
}

/** The pages of one table. */
export class TablePages {
  readonly #file: PageFile;
  /** The cells of the leaf at hand, in the order of their rows, and where each begins. */
  readonly #cells = Buffer.alloc(PAGE + STEP);
  readonly #view = viewOf(this.#cells);
  readonly #starts = new Uint16Array(PAGE / 4);
  #count = 0;
  #used = 0;
  #last = 0;
  /** The leaves so far. */
  readonly #pages: number[] = [];
  readonly #lasts: number[] = [];

  constructor(file: PageFile) {
    this.#file = file;
  }

  /** Adds a row that is closed; numbers must rise. */
  append(rowid: number, row: RowBuffer): void {
    const { size } = row;
    const local = size <= LOCAL_MAX ? size : localBytes(size);
    const chained = local < size;
    const cell = varintLength(size) + varintLength(rowid) + local + (chained ? 4 : 0);
    if (LEAF_HEADER + 2 * (this.#count + 1) + this.#used + cell > PAGE) this.#flush();
    this.#starts[this.#count++] = this.#used;
    let at = putVarint(this.#cells, this.#used, size);
    at = putVarint(this.#cells, at, rowid);
    if (chained) this.#chain(row, local, at);
    else this.#copy(row, at);
    this.#used += cell;
    this.#last = rowid;
  }

  /** Writes what is left and the pages above the leaves; returns the root, 0 = no rows. */
  finish(): number {
    if (this.#count > 0) this.#flush();
    let level: Child[] = this.#pages.map((page, i) => ({ page, last: this.#lasts[i] as number }));
    while (level.length > 1) {
      level = groups(level).map((children) => ({
        page: this.#file.append(interior(children)),
        last: (children.at(-1) as Child).last,
      }));
    }
    return level[0]?.page ?? 0;
  }

  #copy({ bytes, view: from, size }: RowBuffer, at: number): void {
    if (size > SHORT) {
      this.#cells.set(bytes.subarray(0, size), at);
      return;
    }
    const to = this.#view;
    for (let i = 0; i < size; i += STEP) to.setInt32(at + i, from.getInt32(i, true), true);
  }

  #flush(): void {
    this.#pages.push(this.#file.append(this.#leaf()));
    this.#lasts.push(this.#last);
    this.#count = 0;
    this.#used = 0;
  }

  #leaf(): Uint8Array {
    const page = LEAF_PAGE;
    const content = PAGE - this.#used;
    const pointers = LEAF_HEADER + 2 * this.#count;
    page[0] = LEAF;
    page.writeUInt16BE(this.#count, 3);
    page.writeUInt16BE(content, 5);
    for (let i = 0; i < this.#count; i++) {
      const start = content + (this.#starts[i] as number);
      page[LEAF_HEADER + 2 * i] = start >> 8;
      page[LEAF_HEADER + 2 * i + 1] = start & 255;
    }
    page.fill(0, pointers, content);
    this.#cells.copy(page, content, 0, this.#used);
    return page;
  }

  /** Puts the first bytes of a long row into its cell, and the rest into a chain of pages. */
  #chain(row: RowBuffer, local: number, at: number): void {
    const bytes = row.bytes.subarray(0, row.size);
    bytes.copy(this.#cells, at, 0, local);
    this.#cells.writeUInt32BE(this.#file.next, at + local);
    for (let from = local; from < bytes.length; from += OVERFLOW) {
      const page = Buffer.alloc(PAGE);
      bytes.copy(page, 4, from, from + OVERFLOW);
      // The pages of a chain follow each other, but for the one that is left out.
      const here = this.#file.next;
      const next = here + 1 === LOCK_PAGE ? here + 2 : here + 1;
      page.writeUInt32BE(from + OVERFLOW < bytes.length ? next : 0, 0);
      this.#file.append(page);
    }
  }
}

/** One leaf is made at a time. */
const LEAF_PAGE = Buffer.alloc(PAGE);

/** How many of the bytes of a long row stand in its leaf. */
function localBytes(size: number): number {
  const local = LOCAL_MIN + ((size - LOCAL_MIN) % OVERFLOW);
  return local <= LOCAL_MAX ? local : LOCAL_MIN;
}

/** Children by page, evenly, so that none is left alone. */
function groups(children: readonly Child[]): Child[][] {
  const count = Math.ceil(children.length / FANOUT);
  return Array.from({ length: count }, (_, i) =>
    children.slice(
      Math.floor((i * children.length) / count),
      Math.floor(((i + 1) * children.length) / count),
    ),
  );
}

function interior(children: readonly Child[]): Uint8Array {
  const page = Buffer.alloc(PAGE);
  const cells = children.length - 1;
  page[0] = INTERIOR;
  page.writeUInt16BE(cells, 3);
  page.writeUInt32BE((children[cells] as Child).page, 8);
  let content = PAGE;
  for (let i = 0; i < cells; i++) {
    const { page: child, last } = children[i] as Child;
    content -= 4 + varintLength(last);
    page.writeUInt32BE(child, content);
    putVarint(page, content + 4, last);
    page.writeUInt16BE(content, INTERIOR_HEADER + 2 * i);
  }
  page.writeUInt16BE(content, 5);
  return page;
}
