/** Data on its way to stdout: in large pieces, waiting for a slow reader, quiet when it leaves. */
import { type Pager, startPager } from './pager.js';

const CHUNK = 64 * 1024;

/** What a terminal would obey: a capture may hold names and texts that somebody made up for it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is meant.
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

const spelled = (char: string) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;

/**
 * Writes lines, each with a newline; stops without an error when the reader has gone (EPIPE). A
 * terminal gets control characters spelled out, and a pager if it is too small for the lines; a
 * file or a pipe gets the lines as they are.
 */
export async function writeLines(
  lines: Iterable<string>,
  stream: NodeJS.WritableStream = process.stdout,
): Promise<void> {
  const terminal = 'isTTY' in stream && stream.isTTY === true;
  const rows = terminal && 'rows' in stream ? Number(stream.rows) : 0;
  let pager: Pager | null = null;
  let to = stream;
  let count = 0;
  let pending = '';
  for (const line of lines) {
    pending += `${terminal ? line.replaceAll(CONTROLS, spelled) : line}\n`;
    // A short output stays on the terminal as it is; a long one is seen from its begin.
    if (pager === null && rows > 0 && ++count === rows) {
      pager = await startPager();
      if (pager !== null) to = pager.stdin;
    }
    const hold = pager === null && count < rows;
    if (hold || pending.length < CHUNK) continue;
    if (!(await write(to, pending))) break;
    pending = '';
  }
  if (pending !== '') await write(to, pending);
  await pager?.end();
}

/** Writes text or bytes, waiting for a slow reader; false when the reader has gone (EPIPE). */
export function write(stream: NodeJS.WritableStream, text: string | Uint8Array): Promise<boolean> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => {
      if (error === null || error === undefined) resolve(true);
      else if ('code' in error && error.code === 'EPIPE') resolve(false);
      // Anything else is told by the listener of cli/main.ts, which ends the program.
      else if (stream !== process.stdout) reject(error);
    });
  });
}
