/**
 * Writes small trace.dat files for the tests of the reader: either version, byte order and size of
 * a long, with any events, so that every part of a file can be there, be odd, or be missing.
 */
import { deflateSync } from 'node:zlib';

/** What a file to write looks like; everything has a default. */
export interface DatOptions {
  readonly version?: 6 | 7;
  readonly little?: boolean;
  readonly longSize?: 4 | 8;
  readonly pageSize?: number;
  /** Version 7: compress sections and pages with zlib, in chunks of this many pages. */
  readonly chunk?: number;
  /** Name of the compression in the head. */
  readonly codec?: string;
  /** Pages of each processor. */
  readonly cpus?: readonly (readonly Uint8Array[])[];
  /** Texts of event formats of the system `test`. */
  readonly formats?: readonly string[];
  /** Texts of ftrace's own formats. */
  readonly ftrace?: readonly string[];
  readonly kallsyms?: string;
  readonly printk?: string;
  readonly comms?: string;
  readonly uname?: string;
  /** Cycles to nanoseconds: mult, shift, offset. */
  readonly cycles?: readonly [number, number, bigint];
  /** Changes where a processor's data is said to be. */
  readonly place?: (cpu: number, offset: number, size: number) => readonly [number, number];
}

/** Grows bytes in one byte order. */
export class Bytes {
  readonly little: boolean;
  #parts: number[] = [];

  constructor(little: boolean) {
    this.little = little;
  }

  get length(): number {
    return this.#parts.length;
  }

  number(value: number | bigint, size: number): this {
    const bytes = Array.from({ length: size }, (_, i) =>
      Number((BigInt.asUintN(64, BigInt(value)) >> BigInt(8 * i)) & 255n),
    );
    this.#parts.push(...(this.little ? bytes : bytes.reverse()));
    return this;
  }

  text(text: string): this {
    return this.raw(new TextEncoder().encode(text));
  }

  raw(bytes: Uint8Array): this {
    for (const byte of bytes) this.#parts.push(byte);
    return this;
  }

  /** Zeros up to a multiple of `unit`. */
  align(unit: number): this {
    while (this.#parts.length % unit !== 0) this.#parts.push(0);
    return this;
  }

  /** Overwrites the 64-bit number at `at`. */
  patch(at: number, value: number): void {
    this.#parts.splice(at, 8, ...new Bytes(this.little).number(value, 8).done());
  }

  done(): Uint8Array {
    return Uint8Array.from(this.#parts);
  }
}

/** The format of an event with the four common fields, then those given as `type name:size`. */
export function formatText(id: number, name: string, fields: string, print: string): string {
  let offset = 8;
  const lines = fields
    .split(';')
    .filter(Boolean)
    .map((field) => {
      const [declaration = '', size = '4', signed = '0'] = field.trim().split(':');
      const line = `\tfield:${declaration};\toffset:${offset};\tsize:${size};\tsigned:${signed};`;
      offset += Number(size);
      return line;
    });
  const common = [
    'unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;',
    'unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;',
    'unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;',
    'int common_pid;\toffset:4;\tsize:4;\tsigned:1;',
  ].map((line) => `\tfield:${line}`);
  const body = [...common, '', ...lines].join('\n');
  return `name: ${name}\nID: ${id}\nformat:\n${body}\n\nprint fmt: ${print}\n`;
}

/** Entries of a ring-buffer page. */
export class Page {
  readonly #bytes: Bytes;
  readonly #longSize: number;
  readonly #ts: bigint;

  constructor({ little = true, longSize = 8 }: DatOptions, ts: number | bigint) {
    this.#bytes = new Bytes(little);
    this.#longSize = longSize;
    this.#ts = BigInt(ts);
  }

  /** An event `delta` after the last one; `long` gives its length in a word of its own. */
  event(delta: number, record: Uint8Array, long = false): this {
    const padded = Math.ceil(record.length / 4) * 4;
    if (long) this.#head(0, delta).number(record.length + 4, 4);
    else this.#head(padded / 4, delta);
    this.#bytes.raw(record).align(4);
    return this;
  }

  /** Type 30: adds to the time. */
  extend(ns: number): this {
    this.#head(30, ns % 2 ** 27).number(Math.floor(ns / 2 ** 27), 4);
    return this;
  }

  /** Type 31: sets the time. */
  stamp(ns: bigint): this {
    this.#head(31, Number(ns & 0x7ffffffn)).number((ns >> 27n) & 0xffffffffn, 4);
    return this;
  }

  /** Type 29: a discarded event of `bytes` bytes. */
  padding(delta: number, bytes: number): this {
    this.#head(29, delta)
      .number(bytes + 4, 4)
      .raw(new Uint8Array(bytes));
    return this;
  }

  /** Any entry, for those that make no sense. */
  entry(type: number, delta: number, word: number): this {
    this.#head(type, delta).number(word, 4);
    return this;
  }

  /** The page; `flags` go into the upper bits of its length, `missed` behind its data. */
  done(pageSize = 4096, flags = 0, missed?: number): Uint8Array {
    const data = this.#bytes.done();
    const page = new Bytes(this.#bytes.little).number(this.#ts, 8);
    page.number(BigInt(data.length) | BigInt(flags >>> 0), this.#longSize).raw(data);
    if (missed !== undefined) page.number(missed, this.#longSize);
    const bytes = new Uint8Array(pageSize);
    bytes.set(page.done().subarray(0, pageSize));
    return bytes;
  }

  #head(type: number, delta: number): Bytes {
    const word = this.#bytes.little ? type + delta * 32 : type * 2 ** 27 + delta;
    return this.#bytes.number(word, 4);
  }
}

/** A record: common fields, then the bytes given. */
export function record(
  { little = true }: DatOptions,
  id: number,
  pid: number,
  body: (bytes: Bytes) => void,
  flags = 0,
  preempt = 0,
): Uint8Array {
  const bytes = new Bytes(little).number(id, 2).number(flags, 1).number(preempt, 1).number(pid, 4);
  body(bytes);
  return bytes.done();
}

/** A whole file. */
export function datFile(options: DatOptions): Uint8Array {
  const { version = 7, little = true, longSize = 8, pageSize = 4096 } = options;
  const file = new Bytes(little).raw(Uint8Array.of(0x17, 8, 0x44)).text(`tracing${version}\0`);
  file
    .number(little ? 0 : 1, 1)
    .number(longSize, 1)
    .number(pageSize, 4);
  return version === 6 ? version6(file, options) : version7(file, options);
}

function headerInfo(bytes: Bytes, longSize: number): Bytes {
  const page =
    '\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n' +
    `\tfield: local_t commit;\toffset:8;\tsize:${longSize};\tsigned:1;\n` +
    `\tfield: char data;\toffset:${8 + longSize};\tsize:4000;\tsigned:1;\n`;
  bytes.text('header_page\0').number(page.length, 8).text(page);
  return bytes.text('header_event\0').number(4, 8).text('any\n');
}

function eventFormats(bytes: Bytes, formats: readonly string[]): Bytes {
  return formatTexts(bytes.number(1, 4).text('test\0'), formats);
}

function formatTexts(bytes: Bytes, formats: readonly string[]): Bytes {
  bytes.number(formats.length, 4);
  for (const text of formats) bytes.number(text.length, 8).text(text);
  return bytes;
}

function version6(file: Bytes, options: DatOptions): Uint8Array {
  const { longSize = 8, formats = [], kallsyms = '', printk = '', comms = '' } = options;
  eventFormats(formatTexts(headerInfo(file, longSize), options.ftrace ?? []), formats);
  file.number(kallsyms.length, 4).text(kallsyms).number(printk.length, 4).text(printk);
  file
    .number(comms.length, 8)
    .text(comms)
    .number(options.cpus?.length ?? 0, 4);
  file.text('options  \0');
  for (const [id, data] of plainOptions(options))
    file.number(id, 2).number(data.length, 4).raw(data);
  file.number(0, 2).text('flyrecord\0');
  placePages(file, options);
  return file.done();
}

function plainOptions({ little = true, uname, cycles }: DatOptions): [number, Uint8Array][] {
  const list: [number, Uint8Array][] = [];
  list.push([4, new TextEncoder().encode('local [mono] boot\0')]);
  if (uname !== undefined) list.push([5, new TextEncoder().encode(`${uname}\0`)]);
  if (cycles !== undefined) {
    const [mult, shift, offset] = cycles;
    list.push([14, new Bytes(little).number(mult, 4).number(shift, 4).number(offset, 8).done()]);
  }
  return list;
}

/** Version 6: the directory of processors, then their pages at page boundaries. */
function placePages(file: Bytes, options: DatOptions): void {
  const { cpus = [], pageSize = 4096, place } = options;
  const directory = file.length;
  file.raw(new Uint8Array(cpus.length * 16));
  for (const [cpu, pages] of cpus.entries()) {
    const offset = file.align(pageSize).length;
    writePages(file, pages, options);
    const [at, size] = place?.(cpu, offset, file.length - offset) ?? [offset, file.length - offset];
    file.patch(directory + cpu * 16, at);
    file.patch(directory + cpu * 16 + 8, size);
  }
}

function writePages(file: Bytes, pages: readonly Uint8Array[], { chunk }: DatOptions): void {
  if (chunk === undefined) {
    for (const page of pages) file.raw(page);
    return;
  }
  file.number(Math.ceil(pages.length / chunk), 4);
  for (let i = 0; i < pages.length; i += chunk) {
    const plain = Buffer.concat(pages.slice(i, i + chunk));
    const packed = deflateSync(plain);
    file.number(packed.length, 4).number(plain.length, 4).raw(packed);
  }
}

function version7(file: Bytes, options: DatOptions): Uint8Array {
  const { little = true, longSize = 8, formats = [], chunk, cpus = [], pageSize = 4096 } = options;
  file.text(`${options.codec ?? (chunk === undefined ? 'none' : 'zlib')}\0v1\0`);
  const pointer = file.length;
  file.number(0, 8);
  const section = (id: number, body: Bytes): number => {
    const at = file.length;
    const plain = body.done();
    const packed = chunk === undefined ? plain : deflateSync(plain);
    const head = chunk === undefined ? 0 : 8;
    file
      .number(id, 2)
      .number(chunk === undefined ? 0 : 1, 2)
      .number(0, 4);
    file.number(packed.length + head, 8);
    if (chunk !== undefined) file.number(packed.length, 4).number(plain.length, 4);
    file.raw(packed);
    return at;
  };
  const bytes = () => new Bytes(little);
  const counted = (text: string, size: number) => bytes().number(text.length, size).text(text);
  const parts: [option: number, offset: number][] = [
    [16, section(16, headerInfo(bytes(), longSize))],
    [17, section(17, formatTexts(bytes(), options.ftrace ?? []))],
    [18, section(18, eventFormats(bytes(), formats))],
    [19, section(19, counted(options.kallsyms ?? '', 4))],
    [20, section(20, counted(options.printk ?? '', 4))],
    [21, section(21, counted(options.comms ?? '', 8))],
  ];
  const buffer = file.length;
  file
    .number(3, 2)
    .number(chunk === undefined ? 0 : 1, 2)
    .number(0, 4)
    .number(0, 8);
  // The directory lies in the options, which follow the pages: it is written aside, then copied.
  const directory = bytes().number(buffer, 8).text('\0mono\0').number(pageSize, 4);
  directory.number(cpus.length, 4);
  for (const [cpu, pages] of cpus.entries()) {
    const offset = file.align(pageSize).length;
    writePages(file, pages, options);
    const size = file.length - offset;
    const [at, said] = options.place?.(cpu, offset, size) ?? [offset, size];
    directory.number(cpu, 4).number(at, 8).number(said, 8);
  }
  file.patch(buffer + 8, file.length - buffer - 16);
  const list = bytes();
  for (const [id, at] of parts) list.number(id, 2).number(8, 4).number(at, 8);
  for (const [id, data] of plainOptions(options))
    list.number(id, 2).number(data.length, 4).raw(data);
  const data = directory.done();
  list.number(3, 2).number(data.length, 4).raw(data).number(0, 2).number(8, 4).number(0, 8);
  file.patch(pointer, section(0, list));
  return file.done();
}
