/** Reads the kernel log in a file, or in a mail. Called by `explain --dmesg`. */
import { type KernelLog, LogReader } from '../../importer/dmesg/read_log.js';
import { openInput } from '../../importer/input.js';
import { LineSplitter, utf8 } from '../../importer/lines.js';
import { PASTE_MAX } from '../../importer/paste/documents.js';
import { readPaste } from '../../importer/paste/read_paste.js';
import type { Input } from '../../importer/types.js';
import { binaryOf } from './magic.js';
import { nothingKnown, wrongDoor } from './paste.js';

/** The log in a file, `-` for stdin. `StoreError` if there is no message in it that is known. */
export async function kernelLogOf(file: string): Promise<KernelLog> {
  const input = await openInput(file);
  try {
    if (input.size > PASTE_MAX) return await streamed(input);
    const paste = await readPaste(input);
    if (paste === null) throw binaryOf(input) ?? nothingKnown(input.name, input.head);
    const wrong = wrongDoor(paste, 'log');
    if (wrong !== null) throw wrong;
    const [first, ...others] = paste.parts.map(({ log }) => log);
    if (first === undefined || paste.parts.every(({ log }) => log.items.length === 0)) {
      throw nothingKnown(input.name, input.head);
    }
    return others.reduce(joined, first);
  } finally {
    input.close();
  }
}

/** A log that is too long to be taken apart is read line by line. */
async function streamed(input: Input): Promise<KernelLog> {
  const reader = new LogReader();
  let where = 0;
  const splitter = new LineSplitter((line) => reader.add(utf8(line), ++where));
  for await (const piece of input.chunks()) splitter.feed(piece);
  splitter.end();
  return reader.end();
}

function joined(a: KernelLog, b: KernelLog): KernelLog {
  return {
    ...a,
    items: [...a.items, ...b.items],
    kernels: [...new Set([...a.kernels, ...b.kernels])],
    told: a.told + b.told,
    foreign: a.foreign + b.foreign,
  };
}
