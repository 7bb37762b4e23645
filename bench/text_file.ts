/** Text files written line by line, in large pieces. Called by the generators of traces. */
import { closeSync, openSync, writeSync } from 'node:fs';

/** A text file that is being written. */
export class TextFile {
  readonly #file: number;
  #pieces: string[] = [];

  constructor(path: string) {
    this.#file = openSync(path, 'w');
  }

  /** Adds a line, or several. */
  line(text: string): void {
    this.#pieces.push(text);
    if (this.#pieces.length >= 10_000) this.#flush();
  }

  /** Writes what is left. */
  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    if (this.#pieces.length > 0) writeSync(this.#file, `${this.#pieces.join('\n')}\n`);
    this.#pieces = [];
  }
}
