/** Data on its way to stdout: in large pieces, waiting for a slow reader, quiet when it leaves. */

const CHUNK = 64 * 1024;

/** Writes lines, each with a newline; stops without an error when the reader has gone (EPIPE). */
export async function writeLines(
  lines: Iterable<string>,
  stream: NodeJS.WritableStream = process.stdout,
): Promise<void> {
  let pending = '';
  for (const line of lines) {
    pending += `${line}\n`;
    if (pending.length < CHUNK) continue;
    if (!(await write(stream, pending))) return;
    pending = '';
  }
  if (pending !== '') await write(stream, pending);
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
