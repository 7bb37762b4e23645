/**
 * The container: head, sections and options of a trace.dat, versions 6 and 7, down to where the
 * pages of each processor lie. Called by trace_dat.ts. The layout is the one that trace-cmd's
 * manual pages trace-cmd.dat.v6(5) and trace-cmd.dat.v7(5) describe.
 *
 * A part that cannot be read is told to `problem` and left out; only a head or a set of event
 * formats that cannot be read is thrown.
 */

import {
  type ByteSource,
  Cursor,
  type Layout,
  memorySource,
  TraceDatError,
  textOf,
} from './bytes.js';
import { type Codec, codecNamed, unpack } from './codec.js';
import { type FormatText, formatId, parseFields } from './format.js';
import { findCpus } from './recover.js';

/** Where the pages of one processor lie in the file. */
export interface CpuData {
  readonly cpu: number;
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly size: number;
}

/** One trace instance. */
export interface TraceBuffer {
  /** '' for the top instance. */
  readonly name: string;
  readonly clock: string | null;
  /** Bytes of a ring-buffer page. */
  readonly pageSize: number;
  readonly cpus: readonly CpuData[];
  /** How its pages are compressed, null if they are not. */
  readonly codec: Codec | null;
}

/** What a trace.dat says besides its events. */
export interface TraceDatFile extends Layout {
  readonly version: 6 | 7;
  readonly source: ByteSource;
  /** Where the parts of a ring-buffer page's head are. */
  readonly page: PageLayout;
  /** The event formats by the `common_type` of their records. */
  readonly formats: ReadonlyMap<number, FormatText>;
  /** Names of tasks by pid. */
  readonly comms: ReadonlyMap<number, string>;
  /** `/proc/kallsyms` as it stands, '' where it is not in the file. */
  readonly kallsyms: string;
  /** Format strings of trace_printk as they stand: `0xaddress : "text"` per line. */
  readonly printk: string;
  readonly uname: string | null;
  readonly clock: string | null;
  /** To turn cycles into nanoseconds, null where the clock counts nanoseconds. */
  readonly cycles: CycleClock | null;
  readonly buffers: readonly TraceBuffer[];
}

/** Nanoseconds are `cycles * mult >> shift`, plus `offset`. */
export interface CycleClock {
  readonly mult: bigint;
  readonly shift: bigint;
  readonly offset: bigint;
}

/** Offsets in bytes of what a ring-buffer page starts with. */
export interface PageLayout {
  readonly commit: number;
  /** 4 or 8: the size of the kernel's long. */
  readonly commitSize: number;
  readonly data: number;
}

/** Hears of a part that could not be read; `offset` is in bytes from the start of the file. */
export type Problem = (offset: number, what: string) => void;

type Draft = { pageSize: number } & { -readonly [K in keyof TraceDatFile]: TraceDatFile[K] } & {
  formats: Map<number, FormatText>;
  comms: Map<number, string>;
  buffers: TraceBuffer[];
};

const MAGIC = Uint8Array.from([0x17, 0x08, 0x44, ...new TextEncoder().encode('tracing')]);
const MAX_PAGE = 1 << 24;
/** A processor's number has 12 bits in a record. */
const MAX_CPUS = 4096;
const MAX_EVENTS = 65536;
const MAX_FORMAT = 1 << 20;
/** kallsyms of a large kernel is half of this. */
const MAX_SECTION = 32 << 20;
const MAX_NAMES = 4 << 20;
const MAX_COMM = 256;
const MAX_TASKS = 1 << 20;
/** Sections and options of options; trace-cmd writes one section of about ten. */
const MAX_OPTION_SECTIONS = 64;
const MAX_SECTIONS = 1024;
const MAX_OPTIONS = 10000;
const MAX_OPTIONS_SIZE = 4 << 20;

/** Options of version 7 that are read here; 3 to 5 are in version 6 as well. */
const OPTION = {
  done: 0,
  buffer: 3,
  clock: 4,
  uname: 5,
  cycles: 14,
  header: 16,
  ftrace: 17,
  events: 18,
  kallsyms: 19,
  printk: 20,
  cmdlines: 21,
  text: 22,
} as const;

/** Sections of version 7 that options of the same number lead to. */
const SECTIONS: Readonly<Record<number, (section: Cursor, draft: Draft) => void>> = {
  [OPTION.header]: readHeaderInfo,
  [OPTION.ftrace]: readFtraceFormats,
  [OPTION.events]: readEventFormats,
  [OPTION.kallsyms]: readKallsyms,
  [OPTION.printk]: readPrintk,
  [OPTION.cmdlines]: readCmdlines,
};

/** True for the first bytes of a trace.dat of any version. */
export function isTraceDat(head: Uint8Array): boolean {
  return MAGIC.every((byte, i) => head[i] === byte);
}

/** Reads everything but the events. Throws TraceDatError where nothing of use can be read. */
export function openTraceDat(source: ByteSource, problem: Problem): TraceDatFile {
  const cursor = new Cursor(source);
  if (!isTraceDat(cursor.bytes(Math.min(MAGIC.length, source.size), 'the head'))) {
    throw cursor.error('not a trace.dat: it does not start with 17 08 44 "tracing"', 0);
  }
  const version = cursor.cstring(8, 'the version');
  if (version !== '6' && version !== '7') {
    throw cursor.error(`version '${version}' of trace.dat is not known, 6 and 7 are`, MAGIC.length);
  }
  const draft = readLayout(cursor, source, version === '6' ? 6 : 7);
  if (version === '6') readVersion6(cursor, draft, problem);
  else readVersion7(cursor, draft, problem);
  if (draft.formats.size === 0) throw cursor.error('no event format could be read', 0);
  return draft;
}

function readLayout(cursor: Cursor, source: ByteSource, version: 6 | 7): Draft {
  const endian = cursor.u8('the byte order');
  if (endian > 1) throw cursor.error(`byte order ${endian}, expected 0 or 1`, cursor.at - 1);
  const longSize = cursor.u8('the size of a long');
  if (longSize !== 4 && longSize !== 8) {
    throw cursor.error(`a long of ${longSize} bytes, expected 4 or 8`, cursor.at - 1);
  }
  cursor.little = endian === 0;
  const pageSize = cursor.u32('the page size');
  checkPageSize(cursor, pageSize);
  return {
    version,
    source,
    pageSize,
    little: cursor.little,
    longSize,
    page: { commit: 8, commitSize: longSize, data: 8 + longSize },
    formats: new Map(),
    comms: new Map(),
    kallsyms: '',
    printk: '',
    uname: null,
    clock: null,
    cycles: null,
    buffers: [],
  };
}

function checkPageSize(cursor: Cursor, pageSize: number): void {
  if (pageSize < 64 || pageSize > MAX_PAGE) {
    throw cursor.error(`a page of ${pageSize} bytes, expected 64 to ${MAX_PAGE}`, cursor.at - 4);
  }
}

function readVersion6(cursor: Cursor, draft: Draft, problem: Problem): void {
  readHeaderInfo(cursor, draft);
  readFtraceFormats(cursor, draft);
  readEventFormats(cursor, draft);
  const { pageSize } = draft;
  attempt(problem, () => {
    readKallsyms(cursor, draft);
    readPrintk(cursor, draft);
    readCmdlines(cursor, draft);
    const cpus = cursor.u32('the number of processors');
    let kind = fixedText(cursor, 10);
    if (kind === 'options') {
      readOptions6(cursor, draft);
      kind = fixedText(cursor, 10);
    }
    if (kind !== 'flyrecord') throw cursor.error(unsupported(kind), cursor.at - 10);
    if (cpus > MAX_CPUS) throw cursor.error(`${cpus} processors, at most ${MAX_CPUS} are read`);
    const data: CpuData[] = [];
    const buffer = { name: '', clock: draft.clock, pageSize, cpus: data, codec: null };
    draft.buffers.push(buffer);
    for (let cpu = 0; cpu < cpus; cpu++) data.push(readCpu(cursor, cpu));
  });
}

function unsupported(kind: string): string {
  if (kind !== 'latency') return `expected 'flyrecord', got ${JSON.stringify(kind)}`;
  return "it holds a latency trace as text: import what 'trace-cmd report' prints of it";
}

function fixedText(cursor: Cursor, length: number): string {
  return textOf(cursor.bytes(length, 'a heading')).trim();
}

function readOptions6(cursor: Cursor, draft: Draft): void {
  for (;;) {
    const id = cursor.u16('an option');
    if (id === OPTION.done) return;
    const bytes = cursor.bytes(cursor.u32('the size of an option'), 'an option');
    readPlainOption(id, bytes, draft);
  }
}

/** Options whose data is all there is to them. */
function readPlainOption(id: number, bytes: Uint8Array, draft: Draft): void {
  if (id === OPTION.uname) draft.uname = textOf(bytes);
  if (id === OPTION.clock) {
    // What tracefs says: all the clocks, the one in use in brackets.
    const text = textOf(bytes).trim();
    draft.clock = /\[(\S+)\]/.exec(text)?.[1] ?? text;
  }
  if (id === OPTION.cycles && bytes.length >= 16) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
    const mult = BigInt(view.getUint32(0, draft.little));
    const shift = BigInt(view.getUint32(4, draft.little) & 63);
    draft.cycles = { mult, shift, offset: view.getBigUint64(8, draft.little) };
  }
}

function readVersion7(cursor: Cursor, draft: Draft, problem: Problem): void {
  const name = cursor.cstring(64, 'the name of the compression');
  cursor.cstring(64, 'the version of the compression');
  const codec = name === 'none' ? null : codecNamed(name);
  if (codec === undefined) throw cursor.error(`compression '${name}' is not known`);
  let next = cursor.u64('the offset of the options');
  const options: [id: number, data: Cursor][] = [];
  const seen = new Set<number>();
  while (next !== 0) {
    const offset = next;
    if (seen.has(offset) || seen.size >= MAX_OPTION_SECTIONS) {
      problem(offset, 'the options lead back to themselves or never end');
      break;
    }
    seen.add(offset);
    next = 0;
    attempt(problem, () => {
      const section = openSection(draft, offset, 0, codec, MAX_OPTIONS_SIZE);
      next = collectOptions(section, options);
    });
  }
  const done = new Set<number>();
  for (const [id, data] of options) {
    // A part of which there is one is read once, however many options lead to it.
    if (id >= OPTION.header && id <= OPTION.cmdlines && done.has(id)) continue;
    done.add(id);
    attempt(problem, () => readOption7(id, data, draft, codec));
  }
  if (draft.buffers.length === 0 || draft.formats.size === 0) {
    attempt(problem, () => recoverSections(draft, cursor.at, codec, problem));
  }
  const clock = draft.clock;
  draft.clock = draft.buffers.find((buffer) => buffer.clock !== null)?.clock ?? clock;
}

/**
 * A file that was cut off has lost the options that say where its parts are. Sections lie one after
 * the other from `at` on, so what the options did not lead to is read from there.
 */
function recoverSections(draft: Draft, at: number, codec: Codec | null, problem: Problem): void {
  const formats = draft.formats.size === 0;
  const buffers = draft.buffers.length === 0;
  const head = new Cursor(draft.source, at);
  head.little = draft.little;
  for (let left = MAX_SECTIONS; left > 0 && head.left > 0; left--) {
    const offset = head.at;
    const id = head.u16('the head of a section');
    const packed = (head.u16('the head of a section') & 1) !== 0;
    head.u32('the head of a section');
    const end = head.u64('the size of a section') + head.at;
    const part = SECTIONS[id];
    if (id === OPTION.buffer && buffers) {
      problem(offset, 'the list of processors is lost: they are looked for, and numbered anew');
      recoverBuffer(draft, head, end, packed ? codec : null);
    } else if (formats && part !== undefined) {
      attempt(problem, () => part(openSection(draft, offset, id, codec), draft));
    }
    head.at = end;
  }
}

function recoverBuffer(draft: Draft, data: Cursor, end: number, codec: Codec | null): void {
  const { pageSize, source } = draft;
  const cpus = findCpus(data, Math.min(end, source.size), pageSize, codec !== null);
  draft.buffers.push({ name: '', clock: null, pageSize, cpus, codec });
}

function collectOptions(section: Cursor, options: [number, Cursor][]): number {
  while (section.left > 0) {
    if (options.length >= MAX_OPTIONS) throw section.error(`more than ${MAX_OPTIONS} options`);
    const id = section.u16('an option');
    const size = section.u32('the size of an option');
    const at = section.at;
    const bytes = section.bytes(size, 'an option').slice();
    const data = new Cursor(memorySource(section.source.name, bytes), 0, section.position(at));
    data.little = section.little;
    if (id === OPTION.done) return size >= 8 ? data.u64('the offset of more options') : 0;
    options.push([id, data]);
  }
  return 0;
}

function readOption7(id: number, data: Cursor, draft: Draft, codec: Codec | null): void {
  const open = (section: number) =>
    openSection(draft, data.u64('the offset of a section'), section, codec);
  const part = SECTIONS[id];
  if (part !== undefined) part(open(id), draft);
  else if (id === OPTION.buffer) readBuffer(data, draft, codec);
  else if (id === OPTION.text) throw data.error(unsupported('latency'));
  else readPlainOption(id, data.bytes(data.left, 'an option'), draft);
}

/** A cursor over the section at `offset`, unpacked if need be. */
function openSection(
  draft: Draft,
  offset: number,
  id: number,
  codec: Codec | null,
  limit = MAX_SECTION,
): Cursor {
  const { source } = draft;
  const head = new Cursor(source, offset);
  head.little = draft.little;
  if (offset > source.size) throw head.error('a section starts behind the end of the file');
  const found = head.u16('the head of a section');
  if (found !== id) throw head.error(`section ${found}, expected ${id}`, offset);
  const packed = (head.u16('the head of a section') & 1) !== 0;
  head.u32('the head of a section');
  const size = head.u64('the size of a section');
  let bytes: Uint8Array;
  let base = head.at;
  if (packed) {
    if (codec === null) throw head.error('a compressed section, but no compression', offset);
    bytes = unpack(head, codec, limit, 'a section');
  } else {
    // A section that claims more than there is may still hold what is needed.
    const length = Math.min(size, head.left, limit);
    base = head.at;
    bytes = head.bytes(length, 'a section').slice();
  }
  const cursor = new Cursor(memorySource(source.name, bytes), 0, base);
  cursor.little = draft.little;
  return cursor;
}

function readBuffer(data: Cursor, draft: Draft, codec: Codec | null): void {
  const section = new Cursor(draft.source, data.u64('the offset of a buffer'));
  section.little = draft.little;
  const packed = section.left >= 4 && (section.bytes(4, 'a buffer')[draft.little ? 2 : 3]! & 1) > 0;
  const name = data.cstring(4096, 'the name of a buffer');
  const clock = data.cstring(256, 'the clock of a buffer');
  const pageSize = data.u32('the page size of a buffer');
  checkPageSize(data, pageSize);
  const count = data.u32('the number of processors');
  const cpus: CpuData[] = [];
  draft.buffers.push({ name, clock, pageSize, cpus, codec: packed ? codec : null });
  for (let i = 0; i < count; i++) cpus.push(readCpu(data, data.u32('a processor')));
}

function readCpu(cursor: Cursor, cpu: number): CpuData {
  if (cpu >= MAX_CPUS) throw cursor.error(`processor ${cpu}, at most ${MAX_CPUS} are read`);
  const offset = cursor.u64("the offset of a processor's data");
  return { cpu, offset, size: cursor.u64("the size of a processor's data") };
}

function readHeaderInfo(cursor: Cursor, draft: Draft): void {
  const page = labelled(cursor, 'header_page');
  labelled(cursor, 'header_event');
  const fields = new Map(parseFields(page).map((field) => [field.name, field]));
  const commit = fields.get('commit');
  const data = fields.get('data');
  if (commit === undefined || data === undefined) return;
  if (commit.size !== 4 && commit.size !== 8) {
    throw cursor.error(`header_page has a commit of ${commit.size} bytes, expected 4 or 8`);
  }
  if (commit.offset > 64 || data.offset > 128 || data.offset < commit.offset + commit.size) {
    throw cursor.error('header_page is not the head of a ring-buffer page');
  }
  draft.page = { commit: commit.offset, commitSize: commit.size, data: data.offset };
  draft.longSize = commit.size;
}

function labelled(cursor: Cursor, label: string): string {
  const at = cursor.at;
  const found = fixedText(cursor, label.length + 1);
  if (found !== label) {
    throw cursor.error(`expected '${label}', got ${JSON.stringify(found)}`, at);
  }
  return textOf(cursor.bytes(limited(cursor, cursor.u64(label), MAX_FORMAT, label), label));
}

function readFtraceFormats(cursor: Cursor, draft: Draft): void {
  const count = limited(cursor, cursor.u32('the number of formats'), MAX_EVENTS, 'formats');
  for (let i = 0; i < count; i++) readFormat(cursor, draft, 'ftrace');
}

function readEventFormats(cursor: Cursor, draft: Draft): void {
  const systems = limited(cursor, cursor.u32('the number of systems'), MAX_EVENTS, 'systems');
  for (let i = 0; i < systems; i++) {
    const system = cursor.cstring(256, 'the name of a system');
    const events = limited(cursor, cursor.u32('the number of events'), MAX_EVENTS, 'events');
    for (let j = 0; j < events; j++) readFormat(cursor, draft, system);
  }
}

function readFormat(cursor: Cursor, draft: Draft, system: string): void {
  const size = limited(cursor, cursor.u64('an event format'), MAX_FORMAT, 'an event format');
  const text = textOf(cursor.bytes(size, 'an event format'));
  const id = formatId(text);
  if (id !== null) draft.formats.set(id, { system, text });
}

function readKallsyms(cursor: Cursor, draft: Draft): void {
  const size = limited(cursor, cursor.u32('kallsyms'), MAX_SECTION, 'kallsyms');
  draft.kallsyms = textOf(cursor.bytes(size, 'kallsyms'));
}

function readPrintk(cursor: Cursor, draft: Draft): void {
  const size = limited(cursor, cursor.u32('printk formats'), MAX_NAMES, 'printk formats');
  draft.printk = textOf(cursor.bytes(size, 'printk formats'));
}

function readCmdlines(cursor: Cursor, draft: Draft): void {
  const size = limited(cursor, cursor.u64('the names of tasks'), MAX_NAMES, 'names of tasks');
  const text = textOf(cursor.bytes(size, 'the names of tasks'));
  // A name may hold spaces: `25 my task`.
  for (const [, pid, comm = ''] of text.matchAll(/^(\d{1,9}) (.*)$/gm)) {
    if (draft.comms.size >= MAX_TASKS) break;
    draft.comms.set(Number(pid), comm.slice(0, MAX_COMM));
  }
}

function limited(cursor: Cursor, value: number, limit: number, what: string): number {
  if (value > limit) throw cursor.error(`${value} for ${what}, at most ${limit} is read`);
  return value;
}

/** Does a part; what it throws of this file becomes a problem. */
function attempt(problem: Problem, part: () => void): void {
  try {
    part();
  } catch (error) {
    if (!(error instanceof TraceDatError)) throw error;
    problem(error.offset, error.problem);
  }
}
