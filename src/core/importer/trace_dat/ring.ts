/**
 * The ring-buffer pages of a trace.dat: the events of one processor in the order they lie, and of
 * all processors merged in the order of time. Called by trace_dat.ts. Holds one page (one chunk of
 * pages where they are compressed) per processor.
 *
 * Kernel: kernel/trace/ring_buffer.c writes these pages. Differs: a page that makes no sense is
 * told to `problem` and left at that point; reading goes on with the next one.
 */
import { Cursor, TraceDatError } from './bytes.js';
import { unpack } from './codec.js';
import type { CpuData, Problem, TraceBuffer, TraceDatFile } from './file.js';

/** Bounds on what unpacking may need, shared by the processors of a file. */
export interface Budget {
  /** Bytes of chunks that may be held at once. */
  held: number;
  /** Bytes that may be unpacked in all. */
  total: number;
}

/** What a file may unpack: a thousand times its size is more than real pages compress to. */
export function budgetFor(file: TraceDatFile): Budget {
  return { held: 256 << 20, total: (64 << 20) + file.source.size * 1000 };
}

const MAX_CHUNK = 32 << 20;
const TYPE = { maxData: 28, padding: 29, timeExtend: 30, timeStamp: 31 } as const;
const DELTA_UNIT = 2 ** 27;
/** The lower bits of `commit` are bytes; of the upper ones, these two tell of lost events. */
const COMMIT_BYTES = 0x7ffffff;
const MISSED_EVENTS = 0x80000000;
const MISSED_STORED = 0x40000000;
/** Bits of a time that an absolute time stamp event carries. */
const STAMP_BITS = 59n;

/**
 * The events of one processor. `next` moves to the next one and fills in the other members, which
 * hold until the following `next`.
 */
export class CpuStream {
  readonly cpu: number;
  /** Time in units of the trace clock since `base`. */
  ts = 0;
  /** The page that the event lies in, and where its record starts and ends there. */
  page: DataView;
  start = 0;
  end = 0;
  /** Position of the record in the file; of its page where pages are compressed. */
  where = 0;
  /** Events lost just before this one: -1 = some, nobody knows how many. */
  lost = 0;
  /** Time that `ts` counts from: of the first page until `rebase`. */
  base = 0n;
  readonly #file: TraceDatFile;
  readonly #pages: PageReader;
  #at = 0;
  #pageEnd = 0;
  #pageTs = 0;

  constructor(file: TraceDatFile, pages: PageReader) {
    this.cpu = pages.cpu;
    this.#file = file;
    this.#pages = pages;
    this.page = new DataView(new ArrayBuffer(0));
  }

  /** Time of the event, unshifted. */
  get clock(): bigint {
    return this.base + BigInt(this.ts);
  }

  /** Bytes of the file that are done with. */
  get done(): number {
    return this.#pages.done;
  }

  /** Makes `ts` count from `base`. */
  rebase(base: bigint): void {
    const shift = Number(this.base - base);
    this.ts += shift;
    this.#pageTs += shift;
    this.base = base;
  }

  /** Moves to the next event; false at the end. */
  next(): boolean {
    this.lost = 0;
    for (;;) {
      while (this.#at + 4 <= this.#pageEnd) {
        const found = this.#step();
        if (found) return true;
      }
      if (!this.#nextPage()) return false;
    }
  }

  /** Reads one entry of the page; true if it is an event. */
  #step(): boolean {
    const { page } = this;
    const little = this.#file.little;
    const at = this.#at;
    const head = page.getUint32(at, little);
    const type = little ? head & 31 : head >>> 27;
    const delta = little ? head >>> 5 : head & COMMIT_BYTES;
    if (type >= 1 && type <= TYPE.maxData) {
      this.#pageTs += delta;
      return this.#event(at + 4, at + 4 + type * 4);
    }
    if (type === TYPE.padding && delta === 0) {
      this.#at = this.#pageEnd;
      return false;
    }
    if (at + 8 > this.#pageEnd) return this.#damaged('an entry is cut off');
    const word = page.getUint32(at + 4, little);
    if (type === TYPE.timeStamp) {
      this.#stamp(word, delta);
      this.#at = at + 8;
      return false;
    }
    if (type === TYPE.timeExtend) {
      this.#pageTs += word * DELTA_UNIT + delta;
      this.#at = at + 8;
      return false;
    }
    this.#pageTs += delta;
    if (type === TYPE.padding) {
      this.#at = Math.min(at + 4 + word, this.#pageEnd);
      return word < 4 ? this.#damaged(`padding of ${word} bytes`) : false;
    }
    // The length counts itself; entries are aligned to 4 bytes.
    if (word < 4) return this.#damaged(`an event of ${word - 4} bytes`);
    return this.#event(at + 8, at + 4 + Math.ceil(word / 4) * 4);
  }

  #event(start: number, end: number): boolean {
    if (end > this.#pageEnd || end <= start) {
      return this.#damaged(`an event of ${end - start} bytes does not fit into its page`);
    }
    this.start = start;
    this.end = end;
    this.#at = end;
    this.ts = this.#pageTs;
    this.where = this.#pages.position(start);
    if (!Number.isSafeInteger(this.ts)) return this.#damaged('the time is out of range');
    return true;
  }

  /** An absolute time: its upper bits are those of the time before it, or one more. */
  #stamp(word: number, delta: number): void {
    const before = this.base + BigInt(this.#pageTs);
    const stamp = (BigInt(word) << 27n) + BigInt(delta);
    let now = ((before >> STAMP_BITS) << STAMP_BITS) | stamp;
    if (now < before && before - now > 1n << (STAMP_BITS - 1n)) now += 1n << STAMP_BITS;
    this.#pageTs = Number(now - this.base);
  }

  #damaged(what: string): false {
    this.#pages.problem(this.#pages.position(this.#at), what);
    this.#at = this.#pageEnd;
    return false;
  }

  #nextPage(): boolean {
    const bytes = this.#pages.next();
    if (bytes === null) return false;
    const { little, page } = this.#file;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.page = view;
    this.#at = page.data;
    this.#pageEnd = page.data;
    if (bytes.length < page.data) return this.#cut('a page is cut off in its head');
    const time = view.getBigUint64(0, little);
    const low = little || page.commitSize === 4 ? page.commit : page.commit + 4;
    const commit = view.getUint32(low, little);
    const length = commit & COMMIT_BYTES;
    this.#pageEnd = Math.min(page.data + length, bytes.length);
    if (this.base === 0n) this.base = time;
    this.#pageTs = Number(time - this.base);
    if ((commit & MISSED_EVENTS) !== 0) this.lost = this.#missed(view, commit);
    if (page.data + length > bytes.length) {
      this.#pages.problem(this.#pages.position(page.commit), `a page of ${length} bytes of data`);
    }
    return true;
  }

  #cut(what: string): true {
    this.#pages.problem(this.#pages.position(0), what);
    return true;
  }

  /** The kernel stores the count behind the data where there is room for it. */
  #missed(view: DataView, commit: number): number {
    const { little, page } = this.#file;
    const at = this.#pageEnd;
    if ((commit & MISSED_STORED) === 0 || at + page.commitSize > view.byteLength) return -1;
    if (page.commitSize === 4) return view.getUint32(at, little);
    const count = Number(view.getBigUint64(at, little));
    return Number.isSafeInteger(count) ? count : -1;
  }
}

/** The pages of one processor, one after the other. */
export class PageReader {
  readonly cpu: number;
  readonly problem: Problem;
  readonly #buffer: TraceBuffer;
  readonly #budget: Budget;
  readonly #cursor: Cursor;
  readonly #start: number;
  readonly #end: number;
  #chunk: Uint8Array = new Uint8Array(0);
  #chunkAt = 0;
  #chunksLeft = -1;
  #pageAt = 0;

  constructor(
    file: TraceDatFile,
    buffer: TraceBuffer,
    data: CpuData,
    budget: Budget,
    problem: Problem,
  ) {
    this.cpu = data.cpu;
    this.problem = problem;
    this.#start = data.offset;
    this.#buffer = buffer;
    this.#budget = budget;
    this.#cursor = new Cursor(file.source, data.offset);
    this.#cursor.little = file.little;
    this.#end = Math.min(data.offset + data.size, file.source.size);
    if (data.offset + data.size > file.source.size) {
      problem(file.source.size, `the file ends before the data of processor ${data.cpu}`);
    }
  }

  /** Where byte `at` of the current page lies in the file; compressed pages have but a start. */
  position(at: number): number {
    return this.#buffer.codec === null ? this.#pageAt + at : this.#pageAt;
  }

  /** Bytes of the file that are done with. */
  get done(): number {
    return this.#cursor.at - this.#start;
  }

  /** The next page, shorter where the file ends; null after the last one. */
  next(): Uint8Array | null {
    return this.#buffer.codec === null ? this.#plain() : this.#packed();
  }

  #plain(): Uint8Array | null {
    const length = Math.min(this.#buffer.pageSize, this.#end - this.#cursor.at);
    this.#pageAt = this.#cursor.at;
    return length <= 0 ? null : this.#cursor.bytes(length, 'a page');
  }

  #packed(): Uint8Array | null {
    try {
      if (this.#chunkAt >= this.#chunk.length && !this.#nextChunk()) return null;
    } catch (error) {
      if (!(error instanceof TraceDatError)) throw error;
      this.problem(error.offset, error.problem);
      this.#release();
      this.#chunksLeft = 0;
      return null;
    }
    const from = this.#chunkAt;
    this.#chunkAt += this.#buffer.pageSize;
    return this.#chunk.subarray(from, this.#chunkAt);
  }

  #release(): void {
    this.#budget.held += this.#chunk.length;
    this.#chunk = new Uint8Array(0);
    this.#chunkAt = 0;
  }

  /** Unpacks the next chunk that has bytes; false after the last one. */
  #nextChunk(): boolean {
    const { codec } = this.#buffer;
    if (codec === null || this.#cursor.at >= this.#end) return false;
    if (this.#chunksLeft < 0) this.#chunksLeft = this.#cursor.u32('the number of chunks');
    this.#release();
    const { held, total } = this.#budget;
    while (this.#chunksLeft > 0 && this.#cursor.at < this.#end && this.#chunk.length === 0) {
      this.#chunksLeft--;
      this.#pageAt = this.#cursor.at;
      this.#chunk = unpack(this.#cursor, codec, Math.min(held, total, MAX_CHUNK), 'a chunk');
    }
    this.#budget.held -= this.#chunk.length;
    this.#budget.total -= this.#chunk.length;
    return this.#chunk.length > 0;
  }
}

/**
 * The processors of all buffers that have events, each at its first one. Data that lies over other
 * data is told to `problem` and left out: no machine writes it, and reading it could never end.
 */
export function openStreams(file: TraceDatFile, problem: Problem): CpuStream[] {
  const all = file.buffers.flatMap((buffer) => buffer.cpus.map((data) => ({ buffer, data })));
  all.sort((a, b) => a.data.offset - b.data.offset);
  const budget = budgetFor(file);
  const streams: CpuStream[] = [];
  let end = 0;
  for (const { buffer, data } of all) {
    if (data.size === 0) continue;
    if (data.offset < end) {
      problem(data.offset, `the data of processor ${data.cpu} overlaps that of another`);
      continue;
    }
    if (data.offset >= file.source.size) {
      problem(file.source.size, `the file ends before the data of processor ${data.cpu}`);
      continue;
    }
    end = data.offset + data.size;
    const pages = new PageReader(file, buffer, data, budget, problem);
    const stream = new CpuStream(file, pages);
    if (stream.next()) streams.push(stream);
  }
  return streams;
}

/**
 * Visits the events of all streams in the order of time; of equal times the lower processor comes
 * first, as when the kernel prints. The streams stand at their first events.
 */
export function* mergeStreams(streams: readonly CpuStream[]): Generator<CpuStream, void> {
  // The earliest stands last.
  const order = [...streams].sort((a, b) => (before(a, b) ? 1 : -1));
  for (;;) {
    const first = order.pop();
    if (first === undefined) return;
    const second = order.at(-1);
    let more: boolean;
    // A processor goes on as long as it is the earliest: mostly many events in a row.
    do {
      yield first;
      more = first.next();
    } while (more && (second === undefined || before(first, second)));
    if (more) order.splice(place(order, first), 0, first);
  }
}

/** Where a stream belongs: behind all that come after it. */
function place(order: readonly CpuStream[], stream: CpuStream): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (before(stream, order[middle] as CpuStream)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function before(a: CpuStream, b: CpuStream): boolean {
  return a.ts < b.ts || (a.ts === b.ts && a.cpu < b.cpu);
}
