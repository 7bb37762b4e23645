/**
 * Names of objects in the cache directory: a pure function of the volume's and the cookie's key,
 * different for different keys. Plays fs/cachefiles/key.c; the encoding is our own.
 */
import { createHash } from 'node:crypto';

/** Longest name that is spelled out; file systems allow 255 bytes. */
const NAME_MAX = 200;

/**
 * One path element for a key. `D` and the key itself where it is made of letters, digits and `_-`;
 * `E` and base64url where it is not; `H` and its SHA-256 where that would be too long (the object's
 * map holds the whole key, so even a collision would be seen).
 */
export function encodeKey(key: string): string {
  if (/^[0-9A-Za-z_-]+$/.test(key) && key.length <= NAME_MAX) return `D${key}`;
  const encoded = Buffer.from(key).toString('base64url');
  if (encoded.length <= NAME_MAX) return `E${encoded}`;
  return `H${createHash('sha256').update(key).digest('hex')}`;
}

/** The fan-out directory of a key: `@` and two hex digits. */
export function fanOut(key: string): string {
  let sum = 0;
  for (const byte of Buffer.from(key)) sum = (sum + byte) & 0xff;
  return `@${sum.toString(16).padStart(2, '0')}`;
}
