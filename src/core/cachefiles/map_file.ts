/**
 * A content map on disk: a journal beside its data file, to which a checkpoint appends the chunks
 * that changed. Called by the checkpointer, by the look-up of objects and by those who look at a
 * cache from outside.
 *
 *   magic | batch | batch | ...
 *   batch: length, CRC-32C of the batch before it and this one, number of the bind, header, chunks
 *   chunk: number, words of its bitmap, checksums, the words, a CRC-32C per block that is present
 *
 * All numbers have 32 bits, little-endian. A header (JSON) says whose map it is from then on; of a
 * chunk the last state counts. A batch is read whole or not at all, and nothing behind one that is
 * torn. What a crash left behind the end is never taken for a batch, as the CRC of each covers the
 * one before it and the bind that wrote it.
 */
import { crc32c } from '@node-rs/crc32';
import type { Backing } from '../io/types.js';
import { type ChunkState, ContentMap } from './content_map.js';

const MAGIC = Buffer.from('netfslab map 2\n\0', 'latin1');
const PREFIX = 8;
/** A map is written anew when it is longer than twice what it says, and than this. */
const REWRITE_BYTES = 64 << 10;
/** Bytes of a chunk besides its words and checksums, and of a batch besides header and chunks. */
const CHUNK_BYTES = 12;
const BATCH_BYTES = PREFIX + 8;
/** Most bytes of a header besides the names in it. */
const HEADER_BYTES = 256;

/** What the object must be for its map to be believed. */
export interface MapIdentity {
  readonly volume: string;
  readonly key: string;
  readonly aux: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Tells this data file from every other that has had or will have its name. */
  readonly incarnation: string;
}

const IDENTITY = ['volume', 'key', 'aux', 'size', 'incarnation'] as const;

/** What the header of a map says. */
export interface MapHeader extends MapIdentity {
  /** What people call the file. */
  readonly name: string;
  readonly granule: number;
}

/** A map that was read, and where it ends. */
export interface ReadMap {
  readonly header: MapHeader;
  readonly map: ContentMap;
  /** Bytes up to the end of the last whole batch, and the CRC of that one. */
  readonly bytes: number;
  readonly crc: number;
}

/** True if a header is that of the object. */
export function isMapOf(header: MapIdentity, identity: MapIdentity): boolean {
  return IDENTITY.every((field) => header[field] === identity[field]);
}

/** Most bytes that a whole map has on disk; `names` is the length of the names in its header. */
export function mapBytes(map: ContentMap, names: number): number {
  // JSON may take six characters for one.
  const fixed = MAGIC.length + BATCH_BYTES + HEADER_BYTES + 6 * names;
  return fixed + map.chunkCount * (CHUNK_BYTES + 128) + 4 * map.present;
}

/** The whole map in the journal `data`, undefined if there is none, with `granule` if given. */
export function readMap(data: Buffer, granule?: number): ReadMap | undefined {
  if (!data.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  let at = MAGIC.length;
  let crc = crc32c(MAGIC);
  let header: MapHeader | undefined;
  let map: ContentMap | undefined;
  while (at + BATCH_BYTES <= data.length) {
    const end = at + PREFIX + data.readUInt32LE(at);
    if (end > data.length) break;
    const body = data.subarray(at + PREFIX, end);
    const sum = crc32c(body, crc);
    if (sum !== data.readUInt32LE(at + 4)) break;
    const headerEnd = 8 + body.readUInt32LE(4);
    if (headerEnd > 8) header = JSON.parse(body.toString('utf8', 8, headerEnd)) as MapHeader;
    if (header === undefined) break;
    map ??= new ContentMap(granule ?? header.granule);
    loadChunks(map, body, headerEnd);
    crc = sum;
    at = end;
  }
  return header && map && { header, map, bytes: at, crc };
}

function loadChunks(map: ContentMap, body: Buffer, from: number): void {
  for (let at = from; at + CHUNK_BYTES <= body.length; ) {
    const words = new Uint32Array(body.readUInt32LE(at + 4));
    const sums = new Uint32Array(body.readUInt32LE(at + 8));
    const chunk = body.readUInt32LE(at);
    at += CHUNK_BYTES;
    for (const array of [words, sums]) {
      // Bytes, because the numbers need not lie at a multiple of four.
      new Uint8Array(array.buffer).set(body.subarray(at, at + array.byteLength));
      at += array.byteLength;
    }
    map.load({ chunk, words, sums });
  }
}

function batch(bind: number, header: string, chunks: readonly ChunkState[], crc: number): Buffer {
  const text = Buffer.from(header);
  const sizes = chunks.map(({ words, sums }) => CHUNK_BYTES + words.byteLength + sums.byteLength);
  const data = Buffer.alloc(sizes.reduce((sum, size) => sum + size, BATCH_BYTES + text.length));
  data.writeUInt32LE(data.length - PREFIX, 0);
  data.writeUInt32LE(bind, PREFIX);
  data.writeUInt32LE(text.length, PREFIX + 4);
  text.copy(data, BATCH_BYTES);
  let at = BATCH_BYTES + text.length;
  for (const { chunk, words, sums } of chunks) {
    data.writeUInt32LE(chunk, at);
    data.writeUInt32LE(words.length, at + 4);
    data.writeUInt32LE(sums.length, at + 8);
    at += CHUNK_BYTES;
    for (const array of [words, sums]) {
      data.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
      at += array.byteLength;
    }
  }
  data.writeUInt32LE(crc32c(data.subarray(PREFIX), crc), 4);
  return data;
}

/** The journal of one map, to be appended to. */
export class MapFile {
  readonly #backing: Backing;
  readonly #bind: number;
  #path: string;
  #bytes: number;
  #crc: number;
  /** The header that it has. */
  #header = '';

  /** Of the file at `path`, as it was read, or a new one. `bind` is the number of the bind. */
  constructor(backing: Backing, path: string, bind: number, found?: ReadMap) {
    this.#backing = backing;
    this.#path = path;
    this.#bind = bind;
    this.#bytes = found?.bytes ?? 0;
    this.#crc = found?.crc ?? crc32c(MAGIC);
    if (found !== undefined) this.#header = headerText(found.header);
  }

  get path(): string {
    return this.#path;
  }

  /** True if nothing has been written to it. */
  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /** True if most of it is of the past. */
  needsRewrite(map: ContentMap): boolean {
    return this.#bytes > REWRITE_BYTES + 2 * mapBytes(map, this.#header.length);
  }

  /** Appends a batch; 0 or a negative errno, and then it is as it was. */
  append(header: MapHeader, chunks: readonly ChunkState[]): number {
    const text = headerText(header);
    const data = batch(this.#bind, text === this.#header ? '' : text, chunks, this.#crc);
    const first = this.isEmpty;
    const error = this.#backing.writeAt(
      this.#path,
      first ? Buffer.concat([MAGIC, data]) : data,
      this.#bytes,
    );
    if (error < 0) return error;
    this.#bytes += data.length + (first ? MAGIC.length : 0);
    this.#crc = data.readUInt32LE(4);
    this.#header = text;
    return 0;
  }

  /** Appends that nothing of these chunks is believed. */
  unpublish(chunks: readonly number[]): number {
    const nothing = new Uint32Array(0);
    const states = chunks.map((chunk) => ({ chunk, words: nothing, sums: nothing }));
    return this.append(JSON.parse(this.#header) as MapHeader, states);
  }

  /** Takes the place of the file at `path`: 0 or a negative errno. */
  rename(path: string): number {
    const error = this.#backing.rename(this.#path, path);
    if (error === 0) this.#path = path;
    return error;
  }
}

function headerText({ volume, key, aux, size, incarnation, name, granule }: MapHeader): string {
  return JSON.stringify({ volume, key, aux, size, incarnation, name, granule });
}
