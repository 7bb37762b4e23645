/**
 * File names are bytes. In the program they are strings: UTF-8 where they are, and each byte that
 * is not as one of the lone surrogates U+DC80 to U+DCFF, so that every name survives the way there
 * and back (as Python's `surrogateescape`). Called by io/, server/ and fuse/.
 */

const LONE = /[\udc80-\udcff]/;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The name that these bytes are. */
export function nameOfBytes(bytes: Uint8Array): string {
  let ascii = '';
  if (bytes.length <= 32) {
    let i = 0;
    for (; i < bytes.length && (bytes[i] as number) < 128; i++)
      ascii += String.fromCharCode(bytes[i] as number);
    if (i === bytes.length) return ascii;
  }
  try {
    return decoder.decode(bytes);
  } catch {
    return escaped(bytes);
  }
}

/** The bytes of a name. */
export function bytesOfName(name: string): Buffer {
  if (!LONE.test(name)) return Buffer.from(name);
  const parts: Buffer[] = [];
  let from = 0;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    const paired = i > 0 && (name.charCodeAt(i - 1) & 0xfc00) === 0xd800;
    if (code < 0xdc80 || code > 0xdcff || paired) continue;
    parts.push(Buffer.from(name.slice(from, i)), Buffer.from([code & 0xff]));
    from = i + 1;
  }
  parts.push(Buffer.from(name.slice(from)));
  return Buffer.concat(parts);
}

/** A path as Node.js takes it: the name itself, or its bytes where they are not UTF-8. */
export function nodePath(name: string): string | Buffer {
  return LONE.test(name) ? bytesOfName(name) : name;
}

/** Bytes of a sequence that begins with `lead`, 0 if none does. */
function lengthOf(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

function escaped(bytes: Uint8Array): string {
  let name = '';
  for (let i = 0; i < bytes.length; ) {
    const length = lengthOf(bytes[i] as number);
    const part = bytes.subarray(i, i + length);
    let text: string | undefined;
    try {
      text = length > 0 && part.length === length ? decoder.decode(part) : undefined;
    } catch {}
    name += text ?? String.fromCharCode(0xdc00 | (bytes[i] as number));
    i += text === undefined ? 1 : length;
  }
  return name;
}
