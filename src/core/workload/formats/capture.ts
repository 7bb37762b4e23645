/**
 * The operations of a capture as a recording: rows of its table `op`, or the markers of a program
 * that wrote each operation into the trace in front of it. Rows are read by `app/`.
 */
import { parseOp } from '../ops/language.js';
import {
  isPlayed,
  mapName,
  type Recording,
  RecordingBuilder,
  type RecordingOptions,
} from '../recording.js';

/** One row of `op`. */
export interface OpRow {
  readonly id: number;
  /** Task that did it; 0: not known. */
  readonly task: number;
  readonly kind: string;
  readonly file: string;
  /** Bytes; NaN where the operation has none. */
  readonly offset: number;
  readonly len: number;
  readonly result: number;
  readonly startNs: number;
}

/** A text that the application wrote into the trace. */
export interface MarkerRow {
  readonly text: string;
  readonly ns: number;
}

const MARKER = /^kcap op=(\d+) (.+)$/;

/** The recording that markers tell of; undefined where there are none of that form. */
export function recordingOfMarkers(
  markers: Iterable<MarkerRow>,
  file: string,
): Recording | undefined {
  const builder = new RecordingBuilder();
  let first = Number.NaN;
  for (const { text, ns } of markers) {
    const found = MARKER.exec(text.trim());
    if (found === null) continue;
    if (Number.isNaN(first)) first = ns;
    const line = Number(found[1]) + 1;
    builder.add({ op: parseOp(found[2] as string, file, line), line, atNs: ns - first, task: 0 });
  }
  return builder.ops.length === 0 ? undefined : builder.build('capture');
}

const OPENED = ['open', 'close'];

/**
 * The recording of the rows: each file is opened when it is used first. Names that a recording of
 * system calls has are those of the machine, and are mapped.
 */
export function recordingOfRows(
  rows: readonly OpRow[],
  { names, mmap }: RecordingOptions,
): Recording {
  const builder = new RecordingBuilder();
  const written = new Set(rows.filter(({ kind }) => kind === 'write').map(({ file }) => file));
  // Directories and links are opened, too: a file is what is read or written.
  const used = new Set(rows.filter(({ kind }) => !OPENED.includes(kind)).map(({ file }) => file));
  const slots = new Map<string, number>();
  const [first] = rows;
  for (const row of rows) {
    const { id, task, kind, file, offset, len, result } = row;
    const base = { line: id, task, atNs: row.startNs - (first as OpRow).startNs };
    if (file === '') {
      builder.refuse(kind, 'the capture does not tell its file', id);
      continue;
    }
    if (file.startsWith('/') && OPENED.includes(kind) && !used.has(file)) continue;
    if (!isPlayed(file)) {
      builder.refuse(kind, 'no file on a disk (pipes, sockets, /proc, /sys, /dev)', id, 1, false);
      continue;
    }
    let slot = slots.get(file);
    if (slot === undefined) {
      slot = builder.nextSlot();
      slots.set(file, slot);
      const flags = written.has(file) ? (['rdwr', 'creat'] as const) : (['rdonly'] as const);
      builder.add({ ...base, op: { kind: 'open', slot, flags, path: mapName(file, names) } });
    }
    const range = { slot, offset, length: len };
    const counted = Number.isSafeInteger(offset) && Number.isSafeInteger(len) && offset >= 0;
    if (kind === 'open' || kind === 'close') continue;
    if (kind === 'read' && counted) builder.add({ ...base, op: { kind, ...range }, result });
    else if (kind === 'write' && counted) {
      builder.add({ ...base, op: { kind, ...range, seed: id }, result });
    } else if (kind === 'mmap' && counted && mmap === 'touch') {
      builder.note('mappings are read from first to last page (--mmap none leaves them out)');
      builder.add({ ...base, op: { kind: 'load', ...range } });
    } else if (kind === 'fsync') builder.add({ ...base, op: { kind, slot } });
    else builder.refuse(kind, 'the capture does not tell enough to do it again', id);
  }
  return builder.build('capture');
}
