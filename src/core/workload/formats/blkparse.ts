/**
 * Text of blkparse in its default output: `MAJ,MIN CPU SEQ SECONDS PID ACTION RWBS SECTOR + COUNT
 * [COMM]`. One action is played: what was queued (Q), or where that was filtered out, what was
 * issued (D) or completed (C). Each device becomes one file.
 */
import {
  type FrontEnd,
  type Recording,
  RecordingBuilder,
  type RecordingOptions,
} from '../recording.js';

const SECTOR = 512;
/** Actions that carry an extent, the best to play first. */
const PLAYED = ['Q', 'D', 'C'] as const;
const LINE =
  /^ *(\d+),(\d+) +(\d+) +(\d+) +(\d+\.\d+) +(\d+) +([A-Z]{1,2}) +([A-Z]+|N)?(?: +(\d+) \+ (\d+))?(?: .*)?$/;
const TOTAL =
  /^ (Reads|Writes) (Queued|Completed): *(\d+), *(\d+)KiB\s+(?:Writes (?:Queued|Completed): *(\d+), *(\d+)KiB)?/;

interface Extent {
  readonly device: string;
  readonly ns: number;
  readonly pid: number;
  readonly action: string;
  readonly rwbs: string;
  /** Bytes. */
  readonly offset: number;
  readonly length: number;
  readonly line: number;
}

function extentOf(found: RegExpExecArray, line: number): Extent {
  const [, major, minor, , , seconds = '', pid, action = '', rwbs = '', sector, count] = found;
  return {
    device: `${major}-${minor}`,
    ns: Math.round(Number(seconds) * 1e9),
    pid: Number(pid),
    action,
    rwbs,
    offset: Number(sector ?? 0) * SECTOR,
    length: Number(count ?? 0) * SECTOR,
    line,
  };
}

class BlkparseReader {
  readonly builder = new RecordingBuilder();
  readonly #extents: Extent[] = [];
  readonly #actions = new Map<string, number>();
  /** Sums of the trailer: reads and writes queued. */
  #sums: { reads: number; writes: number } | undefined;
  #inTotal = false;

  read(text: string, line: number): void {
    const found = LINE.exec(text);
    if (found !== null) {
      const extent = extentOf(found, line);
      this.#actions.set(extent.action, (this.#actions.get(extent.action) ?? 0) + 1);
      const carries = (PLAYED as readonly string[]).includes(extent.action);
      if (carries) this.#extents.push(extent);
      return;
    }
    this.#trailer(text, line);
  }

  build(): Recording {
    const action = PLAYED.find((each) => this.#actions.has(each)) ?? 'Q';
    const played = this.#extents.filter((each) => each.action === action);
    const slots = new Map<string, number>();
    // Processors are written one after the other where the text was not sorted.
    for (const extent of played.sort((a, b) => a.ns - b.ns)) this.#play(extent, slots);
    const others = [...this.#actions].filter(([each]) => each !== action);
    if (others.length > 0) {
      const text = others.map(([each, count]) => `${count} ${each}`).join(', ');
      const why = `lines of other actions tell of the same I/O: ${text}`;
      this.builder.note(`${played.length} lines of action ${action} are played; ${why}`);
    }
    this.#compareSums(played, action);
    return this.builder.build('blkparse');
  }

  #play({ device, ns, pid, rwbs, offset, length, line }: Extent, slots: Map<string, number>): void {
    const base = { line, atNs: ns, task: pid };
    let slot = slots.get(device);
    const path = `device-${device}`;
    if (slot === undefined) {
      slot = this.builder.nextSlot();
      slots.set(device, slot);
      this.builder.add({ ...base, op: { kind: 'open', slot, flags: ['rdwr'], path } });
    }
    const flush = /^F/.test(rwbs);
    if (flush) this.builder.add({ ...base, op: { kind: 'fsync', slot } });
    if (length === 0) {
      if (!flush) this.builder.refuse(rwbs || 'an empty request', 'it has no sectors', line);
      return;
    }
    this.builder.expectSize(path, offset + length);
    if (rwbs.includes('D')) this.builder.refuse('discard', 'the engine has no discard', line);
    else if (rwbs.includes('W')) {
      this.builder.add({ ...base, op: { kind: 'write', slot, offset, length, seed: 0 } });
    } else if (rwbs.includes('R')) {
      this.builder.add({ ...base, op: { kind: 'read', slot, offset, length } });
    } else if (!flush) this.builder.refuse(rwbs, 'neither a read nor a write', line);
  }

  #trailer(text: string, line: number): void {
    if (text.startsWith('Total (')) this.#inTotal = true;
    else if (/^CPU\d+ \(/.test(text)) this.#inTotal = false;
    const total = TOTAL.exec(text);
    if (total !== null) {
      if (this.#inTotal && total[2] === 'Queued') {
        this.#sums = { reads: Number(total[3]), writes: Number(total[5] ?? 0) };
      }
      return;
    }
    if (text.trim() === '' || TRAILER.test(text)) return;
    this.builder.refuse('a line', 'not of the default output of blkparse', line);
  }

  #compareSums(played: readonly Extent[], action: string): void {
    if (this.#sums === undefined || action !== 'Q') return;
    const of = (letter: string): number =>
      played.filter(({ rwbs }) => rwbs.includes(letter)).length;
    const [reads, writes] = [of('R'), of('W')];
    const agree = reads === this.#sums.reads && writes === this.#sums.writes;
    const sums = `${this.#sums.reads} reads and ${this.#sums.writes} writes queued`;
    const has = `the lines have ${reads} and ${writes}`;
    this.builder.note(
      agree ? `the sums at the end agree: ${sums}` : `the sums at the end say ${sums}, but ${has}`,
    );
  }
}

const TRAILER =
  /^(CPU\d+ \(|Total \(|Throughput \(|Events \(|Skips: | (Reads?|Writes?|Read|Write|PC|IO|Queue|Allocation|Timer|Dispatch|Unplugs|Device)\b)/;

/** Text of blkparse. */
export const blkparse: FrontEnd = {
  name: 'blkparse',
  doc: 'blkparse -i DEVICE, in its default output',
  recognises: (head) => head.split('\n', 40).some((line) => LINE.test(line)),
  parse(text: string, _file: string, _options: RecordingOptions): Recording {
    const reader = new BlkparseReader();
    for (const [i, line] of text.split('\n').entries()) reader.read(line.trimEnd(), i + 1);
    return reader.build();
  },
};
