/**
 * The operations of one clone of a fio job, one after the other: the order of fio's `get_io_u`,
 * with random numbers of our own. Asked by the job's task; knows neither files nor time.
 */
import type { Prng } from '../../sim/prng.js';
import { BlockMap, drawFree } from './blocks.js';
import { blockDrawer, zoneDrawer } from './distributions.js';
import type { FioFile, FioFiles } from './files.js';
import type { BlockSizes, FioJob } from './job.js';

/** One operation; the same object is used again for the next. */
export interface FioStep {
  kind: 'read' | 'write' | 'sync' | 'datasync';
  /** Position in the job's files. */
  file: number;
  offset: number;
  length: number;
  /** Not before so many nanoseconds after the job's start; 0: at once. */
  atNs: number;
}

/** Operations one after the other. */
export interface FioSteps {
  readonly step: FioStep;
  /** Goes on to the next; false if there is none. */
  next(): boolean;
}

interface FileState extends FioFile {
  /** Where the next sequential operation of each direction begins; absolute. */
  readonly last: { read: number; write: number };
  /** Where the last operation of each direction began; -1: none yet. */
  readonly start: { read: number; write: number };
  done: boolean;
  map: BlockMap | undefined;
  draw: (() => number) | undefined;
  zone: (() => { first: number; count: number }) | undefined;
}

type Direction = 'read' | 'write';

/** The operations that the options describe. */
export class FioSource implements FioSteps {
  readonly step: FioStep = { kind: 'read', file: 0, offset: 0, length: 0, atNs: 0 };
  /** Passes begun. */
  passes = 0;
  readonly #job: FioJob;
  readonly #files: FileState[];
  readonly #total: FioFiles;
  readonly #prng: { blocks: Prng; sizes: Prng; mix: Prng; choice: Prng };
  readonly #block: number;
  #inPass = false;
  #loopsLeft: number;
  /** Bytes of this pass, and of all. */
  #passBytes = 0;
  #bytes = 0;
  #ios = 0;
  #writes = 0;
  #lastWasSync = false;
  #direction: Direction = 'read';
  #untilChoice = 0;
  #inARow: number;
  #current = -1;
  #serviceLeft = 0;
  #nextFile = 0;

  constructor(job: FioJob, files: FioFiles, prng: Prng) {
    this.#job = job;
    this.#total = files;
    this.#prng = {
      ...{ blocks: prng.fork(), sizes: prng.fork(), mix: prng.fork(), choice: prng.fork() },
    };
    this.#block = Math.min(...this.#directions().map((each) => job.blockAlign[each]));
    this.#files = files.files.map((file) => this.#stateOf(file));
    this.#loopsLeft = job.loops;
    this.#inARow = 1;
  }

  next(): boolean {
    for (;;) {
      if (!this.#inPass) {
        if (!this.#keepRunning()) return false;
        this.#begin();
      }
      if (!this.#passEnded() && this.#fill()) return true;
      this.#inPass = false;
      // A pass without an operation will not have one the next time.
      if (this.#passBytes === 0) return false;
    }
  }

  #directions(): Direction[] {
    const { reads, writes } = this.#job;
    return [...(reads ? (['read'] as const) : []), ...(writes ? (['write'] as const) : [])];
  }

  #stateOf(file: FioFile): FileState {
    const { distribution } = this.#job;
    const count = Math.floor(Math.min(file.ioSize, file.size) / this.#block);
    const skewed = ['zipf', 'pareto', 'normal'].includes(distribution.kind);
    const zoned = distribution.kind === 'zoned' || distribution.kind === 'zoned_abs';
    const absolute = distribution.kind === 'zoned_abs' ? this.#block : undefined;
    const prng = this.#prng.blocks;
    return {
      ...file,
      last: { read: file.offset, write: file.offset },
      start: { read: -1, write: -1 },
      done: false,
      map: this.#keepsMap() && count > 0 ? new BlockMap(count) : undefined,
      draw: skewed && count > 0 ? blockDrawer(distribution as never, count, prng) : undefined,
      zone: zoned && count > 0 ? zoneDrawer(distribution.zones, count, absolute, prng) : undefined,
    };
  }

  // Blocks that do not lie side by side are drawn again and again: fio's map misses them.
  #keepsMap(): boolean {
    const { randomMap, bs } = this.#job;
    return randomMap && this.#block === Math.min(...this.#directions().map((each) => bs[each].min));
  }

  // fio's keep_running: loops first, then as long as bytes are left that a block fits.
  #keepRunning(): boolean {
    const { timeBased, numberIos } = this.#job;
    if (timeBased) return true;
    if (this.#loopsLeft > 0) {
      this.#loopsLeft--;
      return true;
    }
    if (numberIos > 0 && this.#ios >= numberIos) return false;
    const { ioSize, size } = this.#total;
    const left = (ioSize ?? size) - this.#bytes;
    const largest = Math.max(...this.#directions().map((each) => this.#job.bs[each].max));
    if (left < largest) return false;
    return ioSize !== undefined || !this.#files.every(({ done }) => done);
  }

  #begin(): void {
    this.#inPass = true;
    this.passes++;
    this.#passBytes = 0;
    this.#lastWasSync = false;
    this.#untilChoice = 0;
    this.#current = -1;
    this.#nextFile = 0;
    for (const file of this.#files) {
      file.last.read = file.last.write = file.offset;
      file.start.read = file.start.write = -1;
      file.done = false;
      file.map?.clear();
    }
  }

  #passEnded(): boolean {
    const { timeBased, numberIos, loops, writes, random, randomMap } = this.#job;
    if (numberIos > 0 && this.#ios >= numberIos) return true;
    if (timeBased) return false;
    const { size, ioSize } = this.#total;
    const overwrites = writes && random && !randomMap;
    const passSize = overwrites ? Math.max(size, ioSize ?? 0) : size;
    return this.#passBytes >= passSize || this.#bytes >= (ioSize ?? size) * loops;
  }

  #fill(): boolean {
    const { step } = this;
    for (;;) {
      const index = this.#chooseFile();
      if (index < 0) return false;
      step.file = index;
      const sync = this.#syncDue();
      const file = this.#files[index] as FileState;
      if (sync !== undefined) {
        step.kind = sync;
        step.offset = 0;
        step.length = 0;
        this.#lastWasSync = true;
        return true;
      }
      const direction = this.#chooseDirection();
      if (this.#place(file, direction)) {
        this.#account(file, direction);
        return true;
      }
      file.done = true;
      this.#current = -1;
    }
  }

  #account(file: FileState, direction: Direction): void {
    const { step } = this;
    step.kind = direction;
    file.start[direction] = step.offset;
    file.last[direction] = step.offset + step.length;
    this.#lastWasSync = false;
    this.#passBytes += step.length;
    this.#bytes += step.length;
    this.#ios++;
    if (direction === 'write') this.#writes++;
  }

  #syncDue(): 'sync' | 'datasync' | undefined {
    const { fsync, fdatasync, writes } = this.#job;
    if (!writes || this.#lastWasSync || this.#writes === 0) return undefined;
    if (fsync > 0 && this.#writes % fsync === 0) return 'sync';
    return fdatasync > 0 && this.#writes % fdatasync === 0 ? 'datasync' : undefined;
  }

  // Which file is served next; -1: all are done.
  #chooseFile(): number {
    const { fileService, fileServiceCount } = this.#job;
    const current = this.#files[this.#current];
    if (current !== undefined && !current.done) {
      if (fileService === 'sequential') return this.#current;
      if (this.#serviceLeft > 0) {
        this.#serviceLeft--;
        return this.#current;
      }
    }
    const count = this.#files.length;
    const start = fileService === 'random' ? this.#prng.choice.below(count) : this.#nextFile;
    for (let i = 0; i < count; i++) {
      const index = (start + i) % count;
      if (this.#files[index]?.done) continue;
      this.#current = index;
      this.#nextFile = (index + 1) % count;
      this.#serviceLeft = fileServiceCount - 1;
      return index;
    }
    return -1;
  }

  #chooseDirection(): Direction {
    const { reads, writes, rwMixRead } = this.#job;
    if (!writes) return 'read';
    if (!reads) return 'write';
    if (this.#ios >= this.#untilChoice) {
      this.#direction = this.#prng.mix.chance(rwMixRead / 100) ? 'read' : 'write';
      this.#untilChoice = this.#ios + 1;
    }
    return this.#direction;
  }

  // Position and length of the next operation on a file; false: it has none left.
  #place(file: FileState, direction: Direction): boolean {
    const random = this.#nextOffset(file, direction);
    if (random === undefined) return false;
    const { step } = this;
    if (step.offset >= file.ioSize) return false;
    step.offset += file.offset;
    if (step.offset >= file.size) return false;
    const length = this.#nextLength(file, direction, random);
    if (length <= 0 || step.offset + length > file.size) return false;
    step.length = length;
    if (file.map !== undefined && this.#job.random) this.#mark(file, file.map);
    return step.length > 0;
  }

  // Blocks that were done already end an operation early.
  #mark(file: FileState, map: BlockMap): void {
    const { step } = this;
    const first = Math.floor((step.offset - file.offset) / this.#block);
    const wanted = Math.ceil(step.length / this.#block);
    const taken = map.take(first, wanted);
    if (taken < wanted && taken > 0) step.length = taken * this.#block;
  }

  // Offset within the job's part of the file, into `step`: true if random, undefined if none.
  #nextOffset(file: FileState, direction: Direction): boolean | undefined {
    const { random, sequencer, inARow } = this.#job;
    if (--this.#inARow <= 0) {
      this.#inARow = inARow;
      if (!random || !this.#isRandomTurn(direction)) return this.#sequential(file, direction);
      return this.#randomBlock(file) ? true : undefined;
    }
    if (sequencer === 'identical') {
      const { [direction]: start } = file.start;
      this.step.offset = start < 0 ? 0 : start - file.offset;
      return false;
    }
    const next = this.#sequential(file, direction);
    if (next !== undefined) return next;
    return this.#randomBlock(file) ? false : undefined;
  }

  #isRandomTurn(direction: Direction): boolean {
    const percent = this.#job.percentageRandom[direction];
    return percent === 100 || this.#prng.choice.below(100) < percent;
  }

  #sequential(file: FileState, direction: Direction): false | undefined {
    const { skip, timeBased, reads, writes } = this.#job;
    const { last } = file;
    const end = file.offset + file.ioSize;
    const again = timeBased || (reads && writes && (this.#total.ioSize ?? 0) > this.#total.size);
    if (last[direction] >= end && again) last[direction] = file.offset;
    if (last[direction] >= file.size) return undefined;
    if (last[direction] === file.offset && file.offset > 0 && skip < 0) {
      last[direction] = Math.min(file.size, file.ioSize);
    }
    let position = last[direction] - file.offset;
    if (position > 0 && skip !== 0) {
      position += skip;
      // As in fio, whose positions have no sign: in front of the beginning is past the end.
      if (position < 0 || position >= file.size) {
        position = skip > 0 ? file.offset : Math.min(file.size, file.ioSize) + skip;
      }
    }
    if (position < 0) return undefined;
    this.step.offset = position;
    return false;
  }

  #randomBlock(file: FileState): boolean {
    const { blocks } = this.#prng;
    const count = Math.floor(Math.min(file.ioSize, file.size) / this.#block);
    if (count === 0) return false;
    if (file.map !== undefined && file.map.left === 0) {
      // A run by time begins the file again; its map is that of the next pass.
      if (!this.#job.timeBased) return false;
      file.map.clear();
    }
    const block = this.#drawBlock(file, count, blocks);
    if (block < 0) return false;
    this.step.offset = block * this.#block;
    return true;
  }

  #drawBlock({ draw, zone, map }: FileState, count: number, prng: Prng): number {
    if (draw !== undefined) return draw();
    const part = zone?.() ?? { first: 0, count };
    if (map === undefined) return part.first + prng.below(part.count);
    const free = drawFree(map, part.first, part.count, prng);
    return free >= 0 ? free : map.nextFree(part.first);
  }

  #nextLength(file: FileState, direction: Direction, random: boolean): number {
    const { bsIsSeqRand, bsUnaligned, bs } = this.#job;
    const sizes = bs[bsIsSeqRand ? (random ? 'write' : 'read') : direction];
    if (sizes.min === sizes.max) return sizes.min;
    const room = file.offset + file.ioSize - this.step.offset;
    if (room < sizes.min) return 0;
    return drawLength(sizes, room, bsUnaligned, this.#prng.sizes);
  }
}

// A length of a range or a list that fits into `room` bytes.
function drawLength(sizes: BlockSizes, room: number, unaligned: boolean, prng: Prng): number {
  for (;;) {
    let length = sizes.min;
    if (sizes.split.length === 0) length = sizes.min + Math.floor(sizes.max * prng.float());
    else length = drawSplit(sizes, room, prng);
    if (!unaligned) length -= length % sizes.min;
    length = Math.min(length, sizes.max);
    if (length <= room) return length;
  }
}

function drawSplit({ split, min }: BlockSizes, room: number, prng: Prng): number {
  const draw = prng.float() * 100;
  let sum = 0;
  let chosen = min;
  for (const { bytes, percent } of split) {
    if (percent === 0) continue;
    chosen = bytes;
    sum += percent;
    if (draw <= sum && bytes <= room) return bytes;
  }
  return chosen <= room ? chosen : min;
}
