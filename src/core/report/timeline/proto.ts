/**
 * Writes messages of Protocol Buffers into one growing buffer. Lengths of nested messages are
 * written behind them as varints of four bytes, which decoders accept and which need no copy.
 */

/** Bytes of a length that is filled in later. */
const LENGTH = 4;
const TWO_32 = 2 ** 32;

/** A buffer of messages. Field numbers are below 2^11. */
export class ProtoWriter {
  #bytes = Buffer.allocUnsafe(1 << 16);
  /** Bytes written. */
  length = 0;

  /** The bytes written so far, which are then no longer here. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.length);
    this.#bytes = Buffer.allocUnsafe(Math.max(1 << 16, this.length));
    this.length = 0;
    return taken;
  }

  /** Begins a nested message; gives what `close` needs. */
  open(field: number): number {
    this.#room(8);
    this.#small(field * 8 + 2);
    this.length += LENGTH;
    return this.length;
  }

  /** Ends a nested message, shorter than 2^28 bytes. */
  close(from: number): void {
    const size = this.length - from;
    for (let i = 0; i < LENGTH; i++) {
      const more = i < LENGTH - 1 ? 0x80 : 0;
      this.#bytes[from - LENGTH + i] = ((size >>> (7 * i)) & 0x7f) | more;
    }
  }

  /** An integer of a size up to 2^53; a negative one as int64. */
  int(field: number, value: number): void {
    this.#room(16);
    this.#small(field * 8);
    this.#varint(value);
  }

  /** An unsigned integer below 2^53 as fixed64. */
  fixed64(field: number, value: number): void {
    this.#room(16);
    this.#small(field * 8 + 1);
    this.length = this.#bytes.writeUInt32LE(value % TWO_32, this.length);
    this.length = this.#bytes.writeUInt32LE(Math.floor(value / TWO_32), this.length);
  }

  /** A double. */
  double(field: number, value: number): void {
    this.#room(16);
    this.#small(field * 8 + 1);
    this.length = this.#bytes.writeDoubleLE(value, this.length);
  }

  /** A text as UTF-8; what is half a surrogate pair becomes U+FFFD. */
  text(field: number, text: string): void {
    this.#room(16 + 3 * text.length);
    this.#small(field * 8 + 2);
    const at = this.length;
    // Short ASCII, as most texts are, takes one byte of length.
    if (text.length < 0x80 && this.#ascii(at + 1, text)) {
      this.#bytes[at] = text.length;
      this.length = at + 1 + text.length;
      return;
    }
    this.length += LENGTH;
    this.length += this.#bytes.write(text, this.length, 'utf8');
    this.close(at + LENGTH);
  }

  #ascii(at: number, text: string): boolean {
    const bytes = this.#bytes;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      bytes[at + i] = code;
    }
    return true;
  }

  #small(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.length++] = rest;
  }

  #varint(value: number): void {
    if (value < 0) {
      this.#negative(value);
      return;
    }
    let rest = value;
    while (rest >= 0x80000000) {
      this.#bytes[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#small(rest);
  }

  #negative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 0x80n) {
      this.#bytes[this.length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.length++] = Number(rest);
  }

  #room(bytes: number): void {
    if (this.length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * this.#bytes.length + bytes);
    larger.set(this.#bytes.subarray(0, this.length));
    this.#bytes = larger;
  }
}
