/**
 * Writes a trace.dat, version 7, uncompressed, of ring-buffer pages that were recorded and the
 * texts that explain them. Called by `session.ts`; trace-cmd and KernelShark read it as well. The
 * layout is that of trace-cmd.dat.v7(5).
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';

/** The pages of one processor. */
export interface CpuPages {
  readonly cpu: number;
  /** A file that holds nothing else. */
  readonly path: string;
}

/** What a trace.dat is made of. */
export interface TraceDatParts {
  /** Bytes of a ring-buffer page. */
  readonly pageSize: number;
  /** Texts of `events/header_page` and `events/header_event`. */
  readonly headerPage: string;
  readonly headerEvent: string;
  /** Format files by system. */
  readonly formats: ReadonlyMap<string, readonly string[]>;
  /** `printk_formats` and `saved_cmdlines` as they stand. */
  readonly printk: string;
  readonly cmdlines: string;
  readonly uname: string;
  readonly clock: string;
  /** Ring buffers; the first is unnamed. */
  readonly buffers: readonly { readonly name: string; readonly cpus: readonly CpuPages[] }[];
}

/** Sections and options by their numbers. */
const ID = {
  options: 0,
  buffer: 3,
  clock: 4,
  uname: 5,
  header: 16,
  ftrace: 17,
  events: 18,
  kallsyms: 19,
  printk: 20,
  cmdlines: 21,
} as const;

const COPY_BYTES = 1 << 20;

/** Writes the file at `path`, which must not exist. Throws as `node:fs` does. */
export function writeTraceDat(path: string, parts: TraceDatParts): void {
  const fd = openSync(path, 'wx', 0o600);
  try {
    new Writer(fd).write(parts);
  } finally {
    closeSync(fd);
  }
}

class Writer {
  readonly #fd: number;
  #at = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(parts: TraceDatParts): void {
    const { pageSize, formats, printk, cmdlines, headerPage, headerEvent } = parts;
    this.#put(Buffer.from([0x17, 0x08, 0x44]), 'tracing7\0');
    this.#put(u8(endianness() === 'LE' ? 0 : 1), u8(8), u32(pageSize), 'none\0\0');
    const pointer = this.#at;
    this.#put(u64(0));
    const { ftrace = [], ...systems } = Object.fromEntries(formats);
    const options: Buffer[] = [];
    const section = (id: number, ...body: Piece[]) =>
      options.push(option(id, this.#section(id, body)));
    section(
      ID.header,
      'header_page\0',
      counted(headerPage),
      'header_event\0',
      counted(headerEvent),
    );
    section(ID.ftrace, u32(ftrace.length), ...ftrace.map(counted));
    const events = Object.entries(systems).map(([system, texts]) =>
      join([`${system}\0`, u32(texts.length), ...texts.map(counted)]),
    );
    section(ID.events, u32(events.length), ...events);
    section(ID.kallsyms, u32(0));
    section(ID.printk, u32(Buffer.byteLength(printk)), printk);
    section(ID.cmdlines, counted(cmdlines));
    for (const buffer of parts.buffers) options.push(this.#buffer(buffer, parts));
    options.push(plain(ID.uname, `${parts.uname}\0`), plain(ID.clock, `[${parts.clock}]\0`));
    options.push(plain(0, u64(0)));
    const at = this.#section(ID.options, options);
    writeSync(this.#fd, u64(at), 0, 8, pointer);
  }

  /** Writes the pages of a buffer; returns the option that leads to them. */
  #buffer({ name, cpus }: TraceDatParts['buffers'][number], parts: TraceDatParts): Buffer {
    const { pageSize, clock } = parts;
    const start = this.#head(ID.buffer);
    const directory = cpus.map(({ cpu, path }) => {
      this.#put(Buffer.alloc((pageSize - (this.#at % pageSize)) % pageSize));
      const offset = this.#at;
      this.#copy(path);
      return join([u32(cpu), u64(offset), u64(this.#at - offset)]);
    });
    this.#close(start);
    const list = [u64(start), `${name}\0`, `${clock}\0`, u32(pageSize), u32(cpus.length)];
    return plain(ID.buffer, ...list, ...directory);
  }

  /** Writes a section; returns where it starts. */
  #section(id: number, body: readonly Piece[]): number {
    const start = this.#head(id);
    this.#put(...body);
    this.#close(start);
    return start;
  }

  #head(id: number): number {
    const start = this.#at;
    this.#put(u16(id), u16(0), u32(0), u64(0));
    return start;
  }

  #close(start: number): void {
    writeSync(this.#fd, u64(this.#at - start - 16), 0, 8, start + 8);
  }

  #put(...pieces: readonly Piece[]): void {
    const bytes = join(pieces);
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#fd, bytes, done, bytes.length - done, this.#at + done);
    }
    this.#at += bytes.length;
  }

  #copy(path: string): void {
    const from = openSync(path, 'r');
    try {
      const chunk = Buffer.allocUnsafe(Math.min(COPY_BYTES, Math.max(1, fstatSync(from).size)));
      for (;;) {
        const length = readSync(from, chunk, 0, chunk.length, null);
        if (length === 0) return;
        this.#put(chunk.subarray(0, length));
      }
    } finally {
      closeSync(from);
    }
  }
}

type Piece = Buffer | string;

function join(pieces: readonly Piece[]): Buffer {
  return Buffer.concat(pieces.map((each) => (typeof each === 'string' ? Buffer.from(each) : each)));
}

/** A text after its length in 64 bits. */
function counted(text: string): Buffer {
  return join([u64(Buffer.byteLength(text)), text]);
}

function plain(id: number, ...pieces: readonly Piece[]): Buffer {
  const data = join(pieces);
  return join([u16(id), u32(data.length), data]);
}

function option(id: number, at: number): Buffer {
  return plain(id, u64(at));
}

const LITTLE = endianness() === 'LE';

function u8(value: number): Buffer {
  return Buffer.from([value]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  if (LITTLE) bytes.writeUInt16LE(value);
  else bytes.writeUInt16BE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  if (LITTLE) bytes.writeUInt32LE(value);
  else bytes.writeUInt32BE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  if (LITTLE) bytes.writeBigUInt64LE(BigInt(value));
  else bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
