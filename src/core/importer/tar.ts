/**
 * Reads the members of a tar archive (ustar, with the long names of GNU and pax passed over).
 * Called by app/import/bundle.ts. Nothing is unpacked here, and no name is used as a path.
 */
import { StoreError } from '../base/errors.js';

const BLOCK = 512;
/** A regular file: `0`, or NUL in the oldest archives. */
const REGULAR = new Set(['0', '\0']);

/** A regular file in an archive. */
export interface TarMember {
  /** As written in the archive, folders included. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Its bytes in pieces, valid until the next is asked for; what is not read is passed over. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** True if data that begins with `head` is a tar archive. */
export function isTar(head: Uint8Array): boolean {
  return head.length >= BLOCK && text(head, 257, 5) === 'ustar' && checksumHolds(head);
}

/** The regular files of an archive in its order. `StoreError` if it is damaged or ends early. */
export async function* tarMembers(
  source: AsyncIterable<Uint8Array>,
  archive: string,
): AsyncGenerator<TarMember, void> {
  const bytes = new ByteReader(source, archive);
  for (;;) {
    const header = await bytes.block();
    // Two empty blocks end an archive; one is enough to know, and some lack both.
    if (header === null || header.every((byte) => byte === 0)) return;
    if (!checksumHolds(header)) throw new StoreError(archive, 'is a tar archive that is damaged');
    const size = sizeOf(header);
    const end = bytes.position + Math.ceil(size / BLOCK) * BLOCK;
    if (REGULAR.has(text(header, 156, 1) || '\0')) {
      yield { name: nameOf(header), size, chunks: () => bytes.take(size) };
    }
    for await (const _ of bytes.take(end - bytes.position)) {
      // What nobody wanted has to be passed over, and what fills the last block.
    }
  }
}

function nameOf(header: Uint8Array): string {
  const prefix = text(header, 345, 155);
  const name = text(header, 0, 100);
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Octal digits; sizes of 8 GiB and more are big-endian behind a byte of 0x80. */
function sizeOf(header: Uint8Array): number {
  if (header[124] !== 0x80) return Number.parseInt(text(header, 124, 12).trim() || '0', 8);
  return header.subarray(125, 136).reduce((value, byte) => value * 256 + byte, 0);
}

/** The sum of all bytes of a header, those of the sum itself counted as blanks. */
function checksumHolds(header: Uint8Array): boolean {
  const told = Number.parseInt(text(header, 148, 8).trim(), 8);
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : (header[i] as number);
  return sum === told;
}

/** Text up to the first NUL. */
function text(bytes: Uint8Array, at: number, length: number): string {
  const field = Buffer.from(bytes.subarray(at, at + length)).toString('utf8');
  const end = field.indexOf('\0');
  return end < 0 ? field : field.slice(0, end);
}

/** A stream of which a given number of bytes can be taken. */
class ByteReader {
  readonly #source: AsyncIterator<Uint8Array, void>;
  readonly #archive: string;
  #rest: Uint8Array = new Uint8Array(0);
  /** Bytes taken so far. */
  position = 0;

  constructor(source: AsyncIterable<Uint8Array>, archive: string) {
    this.#source = source[Symbol.asyncIterator]();
    this.#archive = archive;
  }

  /** The next block, null at the end. */
  async block(): Promise<Uint8Array | null> {
    if (this.#rest.length === 0 && !(await this.#fill())) return null;
    const pieces: Uint8Array[] = [];
    for await (const piece of this.take(BLOCK)) pieces.push(piece.slice());
    return Buffer.concat(pieces);
  }

  /** The next `size` bytes in pieces. */
  async *take(size: number): AsyncGenerator<Uint8Array, void> {
    for (let left = size; left > 0; ) {
      if (this.#rest.length === 0 && !(await this.#fill())) {
        throw new StoreError(this.#archive, 'is a tar archive that ends early');
      }
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      this.position += piece.length;
      yield piece;
    }
  }

  async #fill(): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done) return false;
    this.#rest = next.value;
    return true;
  }
}
