/**
 * Reads an input as a paste: a mail, an issue, a log, or any mixture of what the readers know.
 * Called by app/import/import.ts, which streams what is a trace and nothing else.
 */
import { type KernelLog, LogReader } from '../dmesg/read_log.js';
import type { Input } from '../types.js';
import { cleanLine } from './clean_line.js';
import { documentsOf, isUtf16, PASTE_MAX, type PasteDocument } from './documents.js';
import { eventIn } from './event_line.js';
import { type Segments, segmentsOf } from './segments.js';
import { statsLineOf } from './stats_text.js';
import { headingOf } from './tables.js';

/** A document and what was found in it. */
export interface PastePart extends PasteDocument {
  readonly segments: Segments;
  readonly log: KernelLog;
}

/** What an input holds. */
export interface Paste {
  readonly name: string;
  readonly parts: readonly PastePart[];
  /** Parts that could not be read, in words. */
  readonly damaged: readonly string[];
}

/** Reads all of an input as a paste; null if it is binary or too long for one. */
export async function readPaste(input: Input): Promise<Paste | null> {
  if (isBinary(input.head) || input.size > PASTE_MAX) return null;
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of input.chunks()) {
    size += piece.length;
    // What goes beyond is a stream of its own; the part that fits is told.
    if (size > PASTE_MAX) break;
    pieces.push(piece.slice());
  }
  return pasteOf(input.name, Buffer.concat(pieces));
}

function isBinary(head: Uint8Array): boolean {
  return head.subarray(0, 4096).includes(0) && !isUtf16(head);
}

/** Takes bytes apart. */
export async function pasteOf(name: string, bytes: Uint8Array): Promise<Paste> {
  const { documents, damaged } = await documentsOf(name, bytes);
  return { name, parts: documents.map(partOf), damaged };
}

/** A document with all that is found in it. */
export function partOf(document: PasteDocument): PastePart {
  const segments = segmentsOf(document.lines);
  const reader = new LogReader();
  for (const { text, where } of segments.messages) reader.add(text, where);
  return { ...document, segments, log: reader.end() };
}

/** Bytes of a head that are looked at. */
const JUDGED = 1 << 18;
const HEADING = /^(?:#|cpus=\d|version = |CPU:? ?\d|-+$|\s*\.\.\.\s*$)/;

/** True if a text begins as a trace and as nothing else, so that it can be streamed. */
export function isTraceOnly(head: Uint8Array): boolean {
  if (isBinary(head)) return true;
  const lines = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, JUDGED))
    .toString('latin1')
    .split('\n');
  if (head.length > JUDGED) lines.pop();
  let events = 0;
  let adjacent = false;
  for (const line of lines) {
    if (line.trim() === '') {
      adjacent = false;
    } else if (/^\s*["{]/.test(line)) {
      // A container of lines, which is opened first.
      return false;
    } else if (eventIn(line.slice(0, 400))?.form === 'front') {
      events++;
      adjacent = true;
    } else if (!HEADING.test(line)) {
      // Events may have several lines; whatever else stands there makes it a paste.
      if (!adjacent || isSomethingElse(line)) return false;
    }
  }
  return events > 0;
}

/** A line that goes on no event: a sentence, statistics, a table, a message. */
function isSomethingElse(line: string): boolean {
  if (/^[A-Z][a-z']+,? (?:[\w',()-]+ ){2,}[\w',()-]+[.?!:]\s*$/.test(line) || /^[>|]/.test(line))
    return true;
  const { bare, stamped } = cleanLine(line.slice(0, 400), 0);
  return stamped || statsLineOf(bare) !== null || headingOf(bare) !== null;
}
