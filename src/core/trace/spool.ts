/**
 * The spool: the records of a capture as they came, in a file beside the database until that is
 * finished. From it a database is made also when the run was killed. Called by store/.
 *
 * The file is a line of JSON, padded to whole blocks, and then words, little endian.
 */
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { errnoFromNode } from '../base/errno.js';
import { ErrnoError, StoreError } from '../base/errors.js';
import { roundUp } from '../base/range.js';

/** The words start at a multiple of this. */
const BLOCK = 4096;

const MAGIC = 'netfslab spool';
/** Rises with every change of the records. */
const VERSION = 1;

/** What a spool says of itself. */
export interface SpoolHeader {
  /** What the row of `capture` begins with. */
  readonly meta: Readonly<Record<string, unknown>>;
  /** Process that writes it, and when that started, so that a number used again is noticed. */
  readonly pid: number;
  readonly started: string;
  /** The writer has given up; the process may still live. */
  readonly released: 0 | 1;
}

/** The spool of a database. */
export function spoolPath(database: string): string {
  return `${database}.spool`;
}

/** True for the path of a spool. */
export function isSpool(path: string): boolean {
  return path.endsWith('.spool');
}

/** When process `pid` started, as the kernel counts it; '' if it is dead or that cannot be told. */
export function processStart(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // 1234 (a name) S ...: the name may hold anything, so count from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie still answers to signals.
    return fields[0] === 'Z' ? '' : (fields[19] ?? '');
  } catch {
    return '';
  }
}

/** True while the process that writes a spool is alive. */
export function isBeingWritten({ pid, started, released }: SpoolHeader): boolean {
  if (released) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return processStart(pid) === started;
}

function headerBytes(header: SpoolHeader): Buffer {
  const line = `${JSON.stringify({ magic: MAGIC, version: VERSION, ...header })}\n`;
  const bytes = Buffer.alloc(roundUp(Buffer.byteLength(line), BLOCK));
  bytes.write(line);
  return bytes;
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

/** Makes the spool of a new capture; EEXIST if there is one. */
export function createSpool(path: string, meta: SpoolHeader['meta']): SpoolHeader {
  const { pid } = process;
  const header = { meta, pid, started: processStart(pid), released: 0 } as const;
  const bytes = headerBytes(header);
  try {
    const fd = openSync(path, 'wx');
    writeAll(fd, bytes, 0);
    closeSync(fd);
  } catch (error) {
    throw new ErrnoError(errnoFromNode(error), 'open', path, { cause: error });
  }
  return header;
}

/** Appends words to a spool. Errors are Node's own. */
export class SpoolWriter {
  readonly #fd: number;
  readonly #header: SpoolHeader;
  #position: number;

  constructor(path: string, header: SpoolHeader) {
    this.#fd = openSync(path, 'r+');
    this.#header = header;
    this.#position = headerBytes(header).length;
  }

  /** Writes the first `count` words. */
  append(words: Float64Array, count: number): void {
    const bytes = new Uint8Array(words.buffer, words.byteOffset, 8 * count);
    writeAll(this.#fd, bytes, this.#position);
    this.#position += bytes.length;
  }

  /** Says that nothing more will come, though the process lives. Takes no room on the disk. */
  release(): void {
    writeAll(this.#fd, headerBytes({ ...this.#header, released: 1 }), 0);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Reads a spool, also while it is written. */
export class SpoolReader {
  readonly header: SpoolHeader;
  readonly #fd: number;
  #position: number;

  /** `StoreError` if it is no spool or one of another version. */
  constructor(path: string) {
    this.#fd = openSync(path, 'r');
    const line = firstLine(this.#fd);
    this.header = parseHeader(line, path);
    this.#position = roundUp(Buffer.byteLength(line) + 1, BLOCK);
  }

  /** Fills `words` with what comes next; returns how many words came. */
  read(words: Float64Array): number {
    const bytes = new Uint8Array(words.buffer, words.byteOffset, 8 * words.length);
    const count = Math.floor(readSync(this.#fd, bytes, 0, bytes.length, this.#position) / 8);
    this.#position += 8 * count;
    return count;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function firstLine(fd: number): string {
  const blocks: Buffer[] = [];
  for (;;) {
    const block = Buffer.alloc(BLOCK);
    const length = readSync(fd, block, 0, BLOCK, BLOCK * blocks.length);
    const end = block.subarray(0, length).indexOf('\n');
    blocks.push(block.subarray(0, end < 0 ? length : end));
    if (end >= 0 || length < BLOCK) return Buffer.concat(blocks).toString();
  }
}

function parseHeader(line: string, path: string): SpoolHeader {
  let json: (SpoolHeader & { magic?: string; version?: number }) | null = null;
  try {
    json = JSON.parse(line);
  } catch {
    // Not JSON: not ours.
  }
  if (json?.magic !== MAGIC) {
    throw new StoreError(path, 'is not a spool of netfslab', { hint: 'move it away' });
  }
  if (json.version !== VERSION) {
    const versions = `version ${json.version}, this program reads ${VERSION}`;
    throw new StoreError(path, `is a spool of ${versions}`, {
      hint: 'open the database with the netfslab that recorded it',
    });
  }
  return json;
}
