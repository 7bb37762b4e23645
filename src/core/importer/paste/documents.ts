/**
 * Takes a mail, an issue or a page apart into documents of plain lines: MIME with its attachments,
 * quoted-printable, base64, HTML, JSON of an issue tracker. Called by app/import/paste.ts.
 */
import PostalMime from 'postal-mime';
import { compressionOf, DamagedData, decompressed } from '../decompress.js';
import { decodeEntities, htmlText, isHtml } from './html.js';

/** A text with lines, after all that mail did to it is undone. */
export interface PasteDocument {
  /** For messages: the input, and which part of it. */
  readonly name: string;
  /** Lines without line ends. */
  readonly lines: readonly string[];
  /** What was undone, in words: `base64`, `HTML`, `gzip`. */
  readonly undone: readonly string[];
}

/** What an input holds. */
export interface Documents {
  readonly documents: readonly PasteDocument[];
  /** Parts that could not be read, in words. */
  readonly damaged: readonly string[];
}

/** Most bytes of a text that is read as a paste. */
export const PASTE_MAX = 64 << 20;
/** Most documents of one input, and how deep they may be packed into each other. */
const DOCUMENTS_MAX = 256;
const DEPTH_MAX = 4;

interface Work {
  readonly documents: PasteDocument[];
  readonly damaged: string[];
  /** Bytes that may still be made. */
  room: number;
}

/** True for UTF-16 with its mark, which some shells write. */
export function isUtf16(head: Uint8Array): boolean {
  return (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
}

function withoutUtf16(bytes: Uint8Array): Uint8Array {
  if (!isUtf16(bytes)) return bytes;
  const label = bytes[0] === 0xff ? 'utf-16le' : 'utf-16be';
  return Buffer.from(new TextDecoder(label).decode(bytes));
}

/** Takes an input apart. */
export async function documentsOf(name: string, bytes: Uint8Array): Promise<Documents> {
  const work: Work = { documents: [], damaged: [], room: 4 * PASTE_MAX };
  for (const [i, message] of messagesOf(withoutUtf16(bytes)).entries()) {
    await take(work, i === 0 ? name : `${name} (message ${i + 1})`, message, [], 0);
  }
  return work;
}

/** The mails of a mailbox; anything else is one. */
function messagesOf(bytes: Uint8Array): Uint8Array[] {
  const head = latin1(bytes.subarray(0, 200));
  if (!/^From \S+(?:@| at )\S* .*\d{4}\r?\n/.test(head)) return [bytes];
  const text = latin1(bytes);
  const starts = [...text.matchAll(/^From \S+(?:@| at )\S* .*\d{4}\r?\n(?=[\w-]+: )/gm)];
  return starts
    .slice(0, DOCUMENTS_MAX)
    .map(({ index }, i) =>
      bytes.subarray(text.indexOf('\n', index) + 1, starts[i + 1]?.index ?? bytes.length),
    );
}

async function take(
  work: Work,
  name: string,
  bytes: Uint8Array,
  undone: readonly string[],
  depth: number,
): Promise<void> {
  work.room -= bytes.length;
  if (work.room < 0 || work.documents.length >= DOCUMENTS_MAX) {
    if (work.damaged.length < 8) work.damaged.push(`${name}: too much in one input`);
    return;
  }
  if (isMail(bytes) && depth < DEPTH_MAX) {
    const taken = await takeMail(work, name, bytes, undone, depth);
    if (taken) return;
  }
  takeText(work, name, Buffer.from(bytes).toString('utf8'), undone);
}

const HEADER = /^(?:[\w-]+:[ \t].*\r?\n(?:[ \t]+\S.*\r?\n)*)+\r?\n/;

/** True for a message with MIME headers; plain headers need nothing undone. */
function isMail(bytes: Uint8Array): boolean {
  const head = latin1(bytes.subarray(0, 1 << 16));
  const headers = HEADER.exec(head)?.[0] ?? head.slice(0, 4096);
  if (
    !/^(?:From|Subject|Date|Received|Message-I[dD]|To|MIME-Version|Return-Path): /m.test(headers)
  ) {
    return false;
  }
  if (!/^[\w-]+:/.test(head)) return false;
  return /^(?:Content-Transfer-Encoding: *(?:base64|quoted-printable)|Content-Type: *(?:multipart|text\/html|message)|Content-Type:[^\n]*charset=(?!"?(?:utf-8|us-ascii)))/im.test(
    headers,
  );
}

async function takeMail(
  work: Work,
  name: string,
  bytes: Uint8Array,
  undone: readonly string[],
  depth: number,
): Promise<boolean> {
  let mail: Awaited<ReturnType<typeof PostalMime.parse>>;
  try {
    mail = await PostalMime.parse(bytes, {
      attachmentEncoding: 'arraybuffer',
      maxNestingDepth: 16,
      rfc822Attachments: true,
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    work.damaged.push(`${name}: MIME: ${why}`);
    return false;
  }
  const before = work.documents.length;
  const how = [...undone, 'MIME'];
  const { text = '', html, attachments } = mail;
  if (text.trim() !== '') takeText(work, name, text, how);
  else if (html !== undefined) takeText(work, name, html, how);
  for (const [i, { filename, content, mimeType }] of attachments.slice(0, 64).entries()) {
    const part = `${name}:${filename ?? `part ${i + 1}`}`;
    const data =
      typeof content === 'string' ? Buffer.from(content) : new Uint8Array(content as ArrayBuffer);
    await takeAttachment(work, part, data, mimeType, how, depth);
  }
  return work.documents.length > before;
}

async function takeAttachment(
  work: Work,
  name: string,
  data: Uint8Array,
  mimeType: string,
  undone: readonly string[],
  depth: number,
): Promise<void> {
  const compression = compressionOf(data);
  if (compression === null) {
    if (data.subarray(0, 4096).includes(0)) work.damaged.push(`${name}: binary (${mimeType})`);
    else await take(work, name, data, undone, depth + 1);
    return;
  }
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const piece of decompressed(once(data), compression)) {
      size += piece.length;
      if (size > PASTE_MAX) throw new DamagedData(`more than ${PASTE_MAX} bytes`);
      pieces.push(piece.slice());
    }
  } catch (error) {
    if (!(error instanceof DamagedData)) throw error;
    work.damaged.push(`${name}: ${error.message}`);
  }
  const plain = Buffer.concat(pieces);
  if (plain.subarray(0, 4096).includes(0)) work.damaged.push(`${name}: binary`);
  else if (plain.length > 0) await take(work, name, plain, [...undone, compression], depth + 1);
}

async function* once(data: Uint8Array): AsyncGenerator<Uint8Array> {
  yield data;
}

/** Takes a text, out of the HTML or JSON it may be in. */
function takeText(work: Work, name: string, text: string, undone: readonly string[]): void {
  work.documents.push(textDocument(name, text, undone));
}

/** A text that is no mail as a document. */
export function textDocument(
  name: string,
  text: string,
  undone: readonly string[] = [],
): PasteDocument {
  const how = [...undone];
  let plain = text.replaceAll('\0', '');
  const inside = textsOfJson(plain);
  if (inside !== null) {
    how.push('JSON');
    plain = inside;
  }
  const packed = base64Text(plain);
  if (packed !== null) {
    how.push('base64');
    plain = packed;
  }
  if (isHtml(plain)) {
    how.push('HTML');
    plain = htmlText(plain);
  } else if (/&(?:lt|gt|amp|quot|nbsp|#\d+|#x[0-9a-f]+);/i.test(plain)) {
    how.push('HTML escapes');
    plain = decodeEntities(plain);
  }
  let lines = plain.split(/\r\n|\n|\r/);
  if (isQuotedPrintable(lines)) {
    how.push('quoted-printable');
    lines = quotedPrintable(lines);
  }
  return { name, lines: lines.map(tidied), undone: how };
}

/** What a word processor or a terminal made of characters. */
function tidied(line: string): string {
  const { length } = line;
  for (let i = 0; i < length; i++) {
    const code = line.charCodeAt(i);
    if (code > 126 || (code < 32 && code !== 9)) return ascii(line);
  }
  return line;
}

const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*[A-Za-z]`, 'g');

function ascii(line: string): string {
  return line
    .replaceAll(COLOURS, '')
    .replaceAll(/[\u00a0\u2007\u202f]/g, ' ')
    .replaceAll(/[\u200b\u2060\ufeff]/g, '')
    .replaceAll(/[\u2018\u2019]/g, "'")
    .replaceAll(/[\u201c\u201d]/g, '"');
}

/** All longer texts of JSON that an issue tracker gives, null if it is none. */
function textsOfJson(text: string): string | null {
  const start = text.trimStart();
  if (!/^[[{]/.test(start)) return null;
  // Lines of their own are a log, which is opened line by line.
  if (/^\{.*\}\r?\n\s*\{/.test(start.slice(0, 1 << 16))) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(start);
  } catch {
    return null;
  }
  const texts: string[] = [];
  const walk = (value: unknown, depth: number): void => {
    if (typeof value === 'string') {
      if (value.length > 40 || value.includes('\n')) texts.push(value);
    } else if (typeof value === 'object' && value !== null && depth < 12) {
      for (const each of Object.values(value)) walk(each, depth + 1);
    }
  };
  walk(parsed, 0);
  return texts.some((each) => each.includes('\n')) ? texts.join('\n\n') : null;
}

/** The text of base64 that was pasted as it is, null if it is none. */
function base64Text(text: string): string | null {
  const body = text.trim();
  if (body.length < 120 || !/^[A-Za-z0-9+/=\r\n]+$/.test(body)) return null;
  const lines = body.split(/\r?\n/);
  if (
    lines.some(
      (line) => line.length > 0 && line.length !== lines[0]?.length && line !== lines.at(-1),
    )
  ) {
    return null;
  }
  const decoded = Buffer.from(body, 'base64').toString('utf8');
  return decoded.includes('\ufffd') || !decoded.includes('\n') ? null : decoded;
}

/** Quoted-printable shows in `=3D`, which nothing else prints. */
function isQuotedPrintable(lines: readonly string[]): boolean {
  return lines.some(
    (line) =>
      line.includes('=3D') ||
      line.includes('=20\n') ||
      /=[89A-F][0-9A-F]=[89AB][0-9A-F]/.test(line),
  );
}

/** Quoted-printable undone; lines keep their numbers, those joined to another are empty. */
function quotedPrintable(lines: readonly string[]): string[] {
  const out: string[] = [];
  let soft = '';
  let first = -1;
  for (const line of lines) {
    out.push('');
    const at = first < 0 ? out.length - 1 : first;
    // Quote marks before a soft break belong to the mail, not to the line.
    const plain = first < 0 ? line : line.replace(/^(?: ?>)+ ?/, '');
    if (plain.endsWith('=') && soft.length < 8192) {
      soft += plain.slice(0, -1);
      first = at;
      continue;
    }
    out[at] = decodeQuoted(soft + plain);
    soft = '';
    first = -1;
  }
  if (soft !== '' && first >= 0) out[first] = decodeQuoted(soft);
  return out;
}

function decodeQuoted(line: string): string {
  if (!line.includes('=')) return line;
  const bytes = line.replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all that is one byte
  return /^[\x00-\xff]*$/.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
