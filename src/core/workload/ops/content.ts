/**
 * The bytes that op lists work with: what a file holds at first, what a write puts there. Called
 * by the player and by whoever lays out the files of a scenario. Both rules are those of the
 * program that made the captures, so that md5s can be compared.
 */
import { createHash } from 'node:crypto';

/** The first `size` bytes that a label stands for: SHAKE128 of `kcap:LABEL`. */
export function labelledContent(label: string, size: number): Buffer {
  if (size === 0) return Buffer.alloc(0);
  return createHash('shake128', { outputLength: size }).update(`kcap:${label}`).digest();
}

/** What a write of `length` bytes at `position` with that seed puts into the file. */
export function writtenContent(position: number, length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) {
    const p = position + i;
    // The sum stays below 2^53, and only its last eight bits count.
    bytes[i] = (p * 131 + seed * 17 + Math.floor(p / 256) * 7 + Math.floor(p / 4096) * 13) % 256;
  }
  return bytes;
}
