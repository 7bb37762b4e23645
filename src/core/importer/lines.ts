/**
 * Cuts bytes into lines. Called by text.ts. A line is a Latin-1 string, which costs nothing to make
 * and keeps every byte; `utf8` makes text of it.
 */

/** Longest line that is looked at, bytes; the rest of a longer one is left out. */
export const LINE_MAX = 1 << 16;

/** Takes a line without its line ending; `cut` = it was longer than LINE_MAX. */
export type LineHandler = (line: string, cut: boolean) => void;

/** Splits a stream of pieces. */
export class LineSplitter {
  readonly #handle: LineHandler;
  /** The line that is not complete yet, at most LINE_MAX long. */
  #pending = '';
  #cut = false;

  constructor(handle: LineHandler) {
    this.#handle = handle;
  }

  /** True in the middle of a line. */
  get pending(): boolean {
    return this.#pending !== '';
  }

  /** Takes a piece and hands over the lines that end in it. */
  feed(piece: Uint8Array): void {
    const text = Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('latin1');
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      if (this.#pending === '' && end - from <= LINE_MAX) {
        this.#handle(withoutReturn(text, from, end), false);
      } else {
        this.#extend(text, from, end);
        this.#flush();
      }
      from = end + 1;
    }
    if (from < text.length) this.#extend(text, from, text.length);
  }

  /** Hands over a last line that has no line ending. */
  end(): void {
    if (this.#pending !== '') this.#flush();
  }

  #extend(text: string, from: number, to: number): void {
    const room = LINE_MAX - this.#pending.length;
    this.#cut ||= to - from > room;
    this.#pending += text.slice(from, Math.min(to, from + room));
  }

  #flush(): void {
    const line = this.#pending;
    const cut = this.#cut;
    this.#pending = '';
    this.#cut = false;
    this.#handle(withoutReturn(line, 0, line.length), cut);
  }
}

function withoutReturn(text: string, from: number, to: number): string {
  return text.slice(from, text.charCodeAt(to - 1) === 13 && to > from ? to - 1 : to);
}

/** The text of a Latin-1 string that holds UTF-8, as a string that does not keep its line alive. */
export function utf8(line: string): string {
  return Buffer.from(line, 'latin1').toString('utf8');
}
