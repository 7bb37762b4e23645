/**
 * A recorded workload: what every front end makes of its format, and what `replay`, `whatif` and
 * `mrc` play or count. Operations are those of the op-list language (`ops/language.ts`), in the
 * order of the recording, with what the recording says of each.
 */
import type { Op, OpenFlag, OpKind } from './ops/language.js';

/** One operation of a recording. Times are nanoseconds. */
export interface RecordedOp {
  readonly op: Op;
  /** Line of the source, from 1. */
  readonly line: number;
  /** When it began, since the start of the recording; NaN where no time was recorded. */
  readonly atNs: number;
  /** The process as recorded; 0 where the format names none. */
  readonly task: number;
  /** What the recorded call returned: bytes or another result, or a negative errno. */
  readonly result?: number | undefined;
  /** Bytes that the recording shows, from the beginning of the range; may be fewer. */
  readonly data?: Uint8Array | undefined;
  /** What was read belongs to the output of the recorded program. */
  readonly shown?: boolean | undefined;
}

/** Seed of a write that puts down what the operation before has read. */
export const COPIED = 2 ** 31;

/** What a recording holds and cannot be played, once for each kind and reason. */
export interface Unplayed {
  readonly what: string;
  readonly reason: string;
  /** Where it stands first; both from 1. */
  readonly line: number;
  readonly column: number;
  count: number;
  /** It may change what later operations find; else it reads or writes no byte of a file. */
  readonly matters: boolean;
}

/** A file that must be there before the recording is played. */
export interface NeededFile {
  readonly name: string;
  /** Bytes that the recording reads of it at least, counted from its beginning. */
  readonly size: number;
  /** Parts of its content that the recording shows. */
  readonly known: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
}

/** A recorded workload. */
export interface Recording {
  /** Name of the format. */
  readonly format: string;
  readonly ops: readonly RecordedOp[];
  readonly unplayed: readonly Unplayed[];
  readonly files: readonly NeededFile[];
  /** Directories that must be there, each behind those that it is in. */
  readonly directories: readonly string[];
  /** What was understood in a way that could be another: sentences. */
  readonly notes: readonly string[];
}

/** How names of the machine that was recorded become names beneath the server. */
export interface NameRules {
  /** Beginnings of names and what takes their place, the first that fits. */
  readonly maps: readonly (readonly [from: string, to: string])[];
  /** Real path of the served directory: names beneath it lose it. */
  readonly root: string;
}

/** What a front end is asked for. */
export interface RecordingOptions {
  readonly names: NameRules;
  /** Mappings are read from their first to their last page, or left out. */
  readonly mmap: 'touch' | 'none';
  /** Names of files for descriptors that were open before the recording began. */
  readonly descriptors: ReadonlyMap<number, string>;
  /** What a `wait` of fio's iolog version 2 counts: milliseconds as its code, or microseconds. */
  readonly waitUnit: 'ms' | 'us';
}

/** Options of a recording whose names are all relative. */
export const PLAIN_OPTIONS: RecordingOptions = {
  names: { maps: [], root: '/' },
  mmap: 'touch',
  descriptors: new Map(),
  waitUnit: 'ms',
};

/** True for the name of a file on a disk: not of a pipe, a socket, or in /proc, /sys and /dev. */
export function isPlayed(path: string): boolean {
  return !KERNEL_FILES.test(path) && !NO_FILE.test(path) && path !== '';
}

/** Directories whose files are made up by the kernel. */
const KERNEL_FILES = /^\/(proc|sys|dev)(\/|$)/;
const NO_FILE = /^(socket|pipe|anon_inode|TCP|UDP|UNIX|NETLINK|\/memfd:)/;

/** Name beneath the server of `path`; '' for the served directory itself. */
export function mapName(path: string, { maps, root }: NameRules): string {
  let name = path;
  const found = maps.find(([from]) => isBeneath(path, from));
  if (found !== undefined) name = `${found[1]}/${path.slice(found[0].length)}`;
  else if (root !== '/' && isBeneath(path, root)) name = path.slice(root.length);
  return normalised(name);
}

function isBeneath(path: string, directory: string): boolean {
  const plain = directory.endsWith('/') ? directory.slice(0, -1) : directory;
  return path.startsWith(plain) && (path.length === plain.length || path[plain.length] === '/');
}

// Without `.`, `..` and empty parts; `..` does not lead out.
function normalised(name: string): string {
  if (!/(^|\/)(\.{0,2})(\/|$)/.test(name)) return name;
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** Bytes [start, end) of a file of which something is known. */
type Ranges = Array<readonly [start: number, end: number]>;

interface FileFacts {
  /** Name that it had at first. */
  readonly name: string;
  /** End of what was read of it, bytes. */
  end: number;
  /** It was there: opened without O_CREAT, or read where nothing was written. */
  needed: boolean;
  /** End of what was written, bytes. */
  ownEnd: number;
  /** The first open makes it where it is missing. */
  creatable: boolean;
  /** Written or cut: what is read there from then on is no initial content. */
  readonly changed: Ranges;
  /** The same for all of it. */
  rewritten: boolean;
  readonly known: Array<{ readonly offset: number; readonly bytes: Uint8Array }>;
  knownBytes: number;
}

/** Most bytes of initial content kept of one file. */
const KNOWN_MAX = 256 << 20;

/** Collects what a front end finds: operations, what cannot be played, and what files need. */
export class RecordingBuilder {
  readonly ops: RecordedOp[] = [];
  readonly notes: string[] = [];
  readonly #unplayed = new Map<string, Unplayed>();
  readonly #facts: FileFacts[] = [];
  readonly #byName = new Map<string, FileFacts>();
  readonly #bySlot = new Map<number, FileFacts>();
  /** Directories that names are in, and those that the recording makes itself. */
  readonly #directories = new Set<string>();
  readonly #made = new Set<string>();
  /** Names that were opened and are directories. */
  readonly #opened = new Set<string>();
  #slots = 0;

  /** The number of the next open file. */
  nextSlot(): number {
    return this.#slots++;
  }

  /** Adds an operation and learns from it what its file must hold. */
  add(recorded: RecordedOp): void {
    this.ops.push(recorded);
    this.#learn(recorded);
  }

  /** Counts something that cannot be played. */
  refuse(what: string, reason: string, line: number, column = 1, matters = true): void {
    const key = `${what}\n${reason}`;
    const there = this.#unplayed.get(key);
    if (there !== undefined) there.count++;
    else this.#unplayed.set(key, { what, reason, line, column, count: 1, matters });
  }

  /** Adds a sentence once. */
  note(sentence: string): void {
    if (!this.notes.includes(sentence)) this.notes.push(sentence);
  }

  /** Says that a name is a directory: what was opened by it is not played. */
  directory(name: string): void {
    this.#opened.add(name);
  }

  /** Says that a file is at least that long, bytes, before anything is played. */
  expectSize(name: string, size: number): void {
    const facts = this.#factsOf(name);
    facts.end = Math.max(facts.end, size);
  }

  /** The recording. */
  build(format: string): Recording {
    const isDirectory = (name: string): boolean =>
      this.#opened.has(name) || this.#directories.has(name) || this.#made.has(name);
    const files = this.#facts
      .filter(({ name, needed }) => needed && !isDirectory(name))
      .map(({ name, end, known }) => ({ name, size: end, known }));
    const { notes } = this;
    const ops = withoutDirectories(this.ops, isDirectory);
    const directories = [...this.#directories].sort();
    return { format, ops, unplayed: [...this.#unplayed.values()], files, directories, notes };
  }

  #learn({ op, result, data }: RecordedOp): void {
    if ('path' in op) this.#needDirectory(op.path);
    if (op.kind === 'mkdir') this.#made.add(op.path);
    else if (op.kind === 'rename') {
      const moved = this.#factsOf(op.from);
      this.#byName.set(op.path, moved);
      this.#renew(op.from);
    } else if (op.kind === 'unlink') this.#renew(op.path);
    if (op.kind === 'open') {
      const has = (flag: OpenFlag): boolean => op.flags.includes(flag);
      const facts = this.#factsOf(op.path);
      this.#bySlot.set(op.slot, facts);
      if (has('trunc') || has('excl')) facts.rewritten = true;
      if (facts.rewritten || facts.needed) return;
      if (has('creat')) facts.creatable = true;
      else if (!facts.creatable) facts.needed = true;
      return;
    }
    if (!('slot' in op)) return;
    const facts = this.#bySlot.get(op.slot);
    if (facts !== undefined) learnFrom(facts, op, result, data);
  }

  // What has this name from now on is made by the recording.
  #renew(name: string): void {
    this.#byName.delete(name);
    this.#factsOf(name).rewritten = true;
  }

  #needDirectory(path: string): void {
    const parts = path.split('/').slice(0, -1);
    for (let i = 1; i <= parts.length; i++) {
      const directory = parts.slice(0, i).join('/');
      if (this.#made.has(directory)) return;
      this.#directories.add(directory);
    }
  }

  #factsOf(name: string): FileFacts {
    const there = this.#byName.get(name);
    if (there !== undefined) return there;
    const none = { end: 0, needed: false, ownEnd: 0, rewritten: false, knownBytes: 0 };
    const facts: FileFacts = { name, ...none, creatable: false, changed: [], known: [] };
    this.#facts.push(facts);
    this.#byName.set(name, facts);
    return facts;
  }
}

// A directory is opened to be listed or made durable: no byte of a file is read.
function withoutDirectories(
  ops: readonly RecordedOp[],
  isDirectory: (name: string) => boolean,
): readonly RecordedOp[] {
  const slots = new Set<number>();
  for (const { op } of ops) if (op.kind === 'open' && isDirectory(op.path)) slots.add(op.slot);
  return slots.size === 0 ? ops : ops.filter(({ op }) => !('slot' in op && slots.has(op.slot)));
}

const READS: readonly OpKind[] = ['read', 'load'];
const WRITES: readonly OpKind[] = ['write', 'store'];

function learnFrom(facts: FileFacts, op: Op, result?: number, data?: Uint8Array): void {
  if (facts.rewritten) return;
  if (op.kind === 'truncate') facts.changed.push([op.length, Number.MAX_SAFE_INTEGER]);
  if (!('offset' in op) || !('length' in op)) return;
  const offset = op.offset as number;
  const length = op.length as number;
  if (WRITES.includes(op.kind)) {
    facts.ownEnd = Math.max(facts.ownEnd, offset + length);
    addRange(facts.changed, offset, offset + length);
    return;
  }
  if (!READS.includes(op.kind)) return;
  const got = Math.min(length, result ?? length);
  // What a recording reads of a file that it may have made itself is there as soon as it got it.
  // A hole in a file that the recording may have made is no content either.
  const made = facts.creatable && !facts.needed;
  if (made && (result === undefined || offset + got <= facts.ownEnd)) return;
  const own =
    facts.changed.length > 0 &&
    facts.changed.some(([start, end]) => start < offset + got && offset < end);
  if (own || got <= 0) return;
  facts.end = Math.max(facts.end, offset + got);
  facts.needed = true;
  if (data === undefined || data.length === 0 || facts.knownBytes > KNOWN_MAX) return;
  facts.known.push({ offset, bytes: data });
  facts.knownBytes += data.length;
}

// Appends are joined, so that a log of many writes stays a few ranges.
function addRange(ranges: Ranges, start: number, end: number): void {
  const last = ranges.at(-1);
  if (last !== undefined && start <= last[1] && end >= last[0]) {
    ranges[ranges.length - 1] = [Math.min(start, last[0]), Math.max(end, last[1])];
  } else ranges.push([start, end]);
}

/** A format of recorded workloads: one file and one row of `formats/index.ts`. */
export interface FrontEnd {
  readonly name: string;
  /** What it is and what writes it. */
  readonly doc: string;
  /** True if the beginning of a file is of this format. */
  recognises(head: string): boolean;
  /** Reads it. Throws a `TraceParseError` where it is malformed beyond understanding. */
  parse(text: string, file: string, options: RecordingOptions): Recording;
}
