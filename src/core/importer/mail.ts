/**
 * Undoes what mail does to a trace: quoted-printable, `>` quotes, cuts shown as `...`. Lines that
 * were wrapped are joined in text.ts, which knows when an event is complete.
 */
import { LineSplitter } from './lines.js';
import type { MailDamage } from './types.js';

/** Lines of the head that are judged. */
const JUDGED = 2000;

function linesOf(head: Uint8Array): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  splitter.feed(head.subarray(0, 1 << 18));
  splitter.end();
  return lines.slice(0, JUDGED);
}

/** Says what mail has done to the text that begins with `head`, null if nothing. */
export function mailDamage(head: Uint8Array): MailDamage | null {
  // A binary file is no mail, whatever it looks like.
  if (head.subarray(0, 4096).includes(0)) return null;
  const lines = linesOf(head);
  const encoded = lines.some((line) => line.includes('=3D'));
  const quoted = lines.filter((line) => /^\s*>/.test(line)).length;
  const wrapped = lines.filter((line, i) => isCutOff(line) && isRest(lines[i + 1] ?? '')).length;
  const found = [
    encoded ? 'quoted-printable' : '',
    quoted * 2 > lines.length ? 'quoted with >' : '',
    wrapped > 0 ? 'wrapped lines' : '',
  ].filter((each) => each !== '');
  return found.length === 0 ? null : { encoded, evidence: found.join(', ') };
}

/** An event's name at the end of the line: its text was wrapped to the next. */
function isCutOff(line: string): boolean {
  return /\b(?:netfs|fscache|cachefiles|9p|afs)_\w+:\s*$/.test(line);
}

function isRest(line: string): boolean {
  return /^(?:> ?)*[RcVonib]=/.test(line);
}

/** The head as it was before the mail. */
export function cleanHead(head: Uint8Array, damage: MailDamage): Uint8Array {
  const lines: string[] = [];
  const cleaner = new MailCleaner(damage, (line) => lines.push(line));
  for (const line of linesOf(head)) cleaner.feed(line);
  cleaner.end();
  return Buffer.from(lines.join('\n'), 'latin1');
}

/** Cleans lines one after the other. */
export class MailCleaner {
  readonly #encoded: boolean;
  readonly #handle: (line: string) => void;
  #soft = '';

  constructor({ encoded }: MailDamage, handle: (line: string) => void) {
    this.#encoded = encoded;
    this.#handle = handle;
  }

  /** Takes a line; hands it on cleaned, once its soft line breaks have been undone. */
  feed(line: string): void {
    const plain = line.replace(/^(?: ?>)+ ?/, '');
    // Unencoded text has = in front of hexadecimal digits too (f=20), so only where it is encoded.
    if (!this.#encoded) {
      this.#handle(plain);
      return;
    }
    if (plain.endsWith('=') && this.#soft.length < 4096) {
      this.#soft += plain.slice(0, -1);
      return;
    }
    const whole = this.#soft + plain;
    this.#soft = '';
    this.#handle(
      whole.replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      ),
    );
  }

  /** Hands on what is left. */
  end(): void {
    if (this.#soft !== '') this.feed('');
  }
}
