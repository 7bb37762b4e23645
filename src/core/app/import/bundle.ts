/**
 * Unpacks the bundle that `capture-script` packs: the trace into a temporary file, as it may be
 * large and is read more than once, the small texts into memory. Called by app/import/import.ts.
 */
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { StoreError } from '../../base/errors.js';
import { isTar, type TarMember, tarMembers } from '../../importer/tar.js';
import type { FormatText } from '../../importer/trace_dat/format.js';
import type { Input } from '../../importer/types.js';
import { formatOf, formatSystem, formatsBelow } from './kernel_files.js';

/** A text of a bundle. */
export interface BundleText {
  /** For messages: the bundle and the member. */
  readonly name: string;
  readonly text: string;
}

/** What a bundle holds. */
export interface Bundle {
  readonly traces: readonly { readonly name: string; readonly path: string }[];
  /** Copies of the statistics, before and after; those that are empty are left out. */
  readonly stats: readonly BundleText[];
  /** Copies of /proc/fs/netfs/requests before and after the trace, null = none. */
  readonly requests: Readonly<Record<Moment, BundleText | null>>;
  /** Tables of FS-Cache, mountstats, stacks and kernel messages, as copied last. */
  readonly others: readonly BundleText[];
  /** Open files of processes when it began; '' = not told. */
  readonly openFiles: string;
  /** Release of the kernel, null = not told. */
  readonly kernel: string | null;
  /** The kernel's format files, as far as they were packed. */
  readonly formats: readonly FormatText[];
  /** Removes the temporary files. */
  remove(): void;
}

/** When a copy was taken. */
export type Moment = 'before' | 'after';

/** Most bytes of a text that is kept in memory. */
const TEXT_MAX = 16 << 20;
const TRACE = /^trace(\.txt|\.dat)?$/;
const TEXT =
  /^(kernel|open-files|dmesg|mountstats|stacks|(stats|requests|cookies|volumes|caches)\.(before|after))$/;

/** True if an input is a bundle. */
export function isBundle({ head }: Input): boolean {
  return isTar(head);
}

/** A bundle that is a folder already: unpacked, or just recorded. `StoreError` without a trace. */
export function folderBundle(folder: string): Bundle {
  const traces: Bundle['traces'][number][] = [];
  const texts = new Map<string, BundleText>();
  for (const base of readdirSync(folder).sort()) {
    const path = join(folder, base);
    if (TRACE.test(base)) traces.push({ name: path, path });
    else if (TEXT.test(base)) texts.set(base, { name: path, text: readFileSync(path, 'utf8') });
  }
  return bundleOf(folder, traces, texts, formatsBelow(folder), () => {});
}

/** Unpacks a bundle. `StoreError` if it is damaged or holds no trace; remove it in the end. */
export async function unpackBundle(input: Input): Promise<Bundle> {
  const folder = mkdtempSync(join(tmpdir(), 'netfslab-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const traces: Bundle['traces'][number][] = [];
    const texts = new Map<string, BundleText>();
    const formats: FormatText[] = [];
    for await (const member of tarMembers(input.chunks(), input.name)) {
      const base = basename(member.name);
      const name = `${input.name}:${base}`;
      // Members never name what is written, so none can leave the folder.
      const path = join(folder, String(traces.length));
      if (TRACE.test(base)) {
        await copy(member, path);
        traces.push({ name, path });
      } else if (formatSystem(member.name) !== null) {
        const format = await formatOf(member, input.name);
        if (format !== null) formats.push(format);
      } else if (TEXT.test(base) && member.size > 0) {
        texts.set(base, { name, text: await textOf(member, name) });
      }
    }
    return bundleOf(input.name, traces, texts, formats, remove);
  } catch (error) {
    remove();
    throw error;
  }
}

function bundleOf(
  name: string,
  traces: Bundle['traces'],
  texts: ReadonlyMap<string, BundleText>,
  formats: readonly FormatText[],
  remove: () => void,
): Bundle {
  if (traces.length === 0) throw noTrace(name);
  const stats = ['stats.before', 'stats.after'].flatMap((each) => texts.get(each) ?? []);
  const before = texts.get('requests.before') ?? null;
  const after = texts.get('requests.after') ?? null;
  const openFiles = texts.get('open-files')?.text ?? '';
  const kernel = texts.get('kernel')?.text.trim() || null;
  const named = ['caches', 'volumes', 'cookies'].map((each) => `${each}.after`);
  const others = [...named, 'mountstats', 'stacks', 'dmesg'].flatMap(
    (each) => texts.get(each) ?? [],
  );
  return { traces, stats, requests: { before, after }, others, openFiles, kernel, formats, remove };
}

async function copy(member: TarMember, path: string): Promise<void> {
  const file = openSync(path, 'wx', 0o600);
  try {
    for await (const chunk of member.chunks()) {
      for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
    }
  } finally {
    closeSync(file);
  }
}

async function textOf(member: TarMember, name: string): Promise<string> {
  if (member.size > TEXT_MAX) throw new StoreError(name, 'is too long for what its name says');
  const pieces: Uint8Array[] = [];
  for await (const chunk of member.chunks()) pieces.push(chunk.slice());
  return Buffer.concat(pieces).toString('utf8');
}

function noTrace(name: string): StoreError {
  return new StoreError(name, 'is a tar archive without a trace', {
    hint: 'a bundle of capture-script holds trace.txt; unpack others, and name their traces',
  });
}
