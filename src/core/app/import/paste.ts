/**
 * From a paste to a capture: its trace as inputs of the importers, its statistics as snapshots, its
 * tables and messages as events of the systems `proc` and `dmesg`. Called by `trace import` and
 * `stats import`, which also point to the command that an input is for.
 */
import { StoreError } from '../../base/errors.js';
import type { ImportSink } from '../../importer/import_sink.js';
import { memoryInput, type OpenInput } from '../../importer/input.js';
import type { Paste, PastePart } from '../../importer/paste/read_paste.js';
import type { PlacedEvent, PlacedLine } from '../../importer/paste/segments.js';
import type { ProcTable } from '../../importer/paste/tables.js';
import { frontEndOf } from '../../workload/formats/index.js';
import { isFsxText } from '../../workload/fsx_log.js';
import { erasOfStats, newestFitting, type StatsEra } from '../stats/era.js';
import { listOf, REQUEST_EVENTS, type RequestLine } from './request_list.js';

/** A trace within a paste, for an importer. */
export interface PasteTrace {
  readonly input: OpenInput;
  /** Form that is forced; undefined = by content. */
  readonly format: string | undefined;
}

/** Lines of a kernel log that are kept in a capture. */
const MESSAGES_MAX = 100_000;

/** The traces of a paste. Lines keep their numbers; whatever is no event is an empty line. */
export async function tracesOf(paste: Paste): Promise<PasteTrace[]> {
  const traces: PasteTrace[] = [];
  for (const { name, segments } of paste.parts) {
    for (const form of ['front', 'bare'] as const) {
      const events = segments.events.filter((each) => each.form === form);
      if (events.length === 0) continue;
      const input = await memoryInput(name, Buffer.from(traceText(events)));
      traces.push({ input, format: form === 'bare' ? 'bare' : undefined });
    }
  }
  return traces;
}

function traceText(events: readonly PlacedEvent[]): string {
  const lines: string[] = [];
  for (const { text, where } of events) {
    while (lines.length < where - 1) lines.push('');
    lines.push(...text.split('\n'));
  }
  return `${lines.join('\n')}\n`;
}

/** Events of the system `proc` that hold rows of a table. */
const EVENTS: Readonly<Record<ProcTable, string>> = {
  requests: REQUEST_EVENTS.after,
  caches: 'fscache_caches',
  volumes: 'fscache_volumes',
  cookies: 'fscache_cookies',
  objects: 'fscache_objects',
  nfs_volumes: 'nfs_volumes',
};

/** Puts what is no trace into a capture. */
export function addPaste({ parts }: Paste, sink: ImportSink): void {
  for (const { name, segments } of parts) {
    sink.from({ name, unit: 'line', latin1: false, numbers: false });
    for (const { entries } of segments.stats) sink.stats(entries);
    for (const [table, rows] of segments.tables) {
      const starts = segments.tableStarts.get(table) ?? [];
      const last = starts.length > 1 ? (starts.at(-1) as number) : 0;
      for (const { text, where } of rows) {
        const early = table === 'requests' && where < last;
        sink.aside('proc', early ? REQUEST_EVENTS.before : EVENTS[table], text);
      }
    }
    for (const lines of segments.mounts) {
      for (const { text } of lines) sink.aside('proc', 'mountstats', text);
    }
    for (const { text } of segments.messages.slice(0, MESSAGES_MAX)) {
      sink.aside('dmesg', 'message', text);
    }
    for (const { text, where } of segments.damaged) sink.damaged(where, text);
    for (const { text, where } of segments.repeats) sink.repeated(where, text);
    sink.skip(segments.proseLines, name, firstProse(segments.account));
  }
}

function firstProse(account: PastePart['segments']['account']): number {
  return account.find(({ kind }) => kind === 'prose')?.first ?? 1;
}

/** The era that statistics and lists of requests tell, null if there are none. */
export function pasteEra(pastes: readonly Paste[]): StatsEra | null {
  const lists = pastes.flatMap(({ parts }) =>
    parts.flatMap(({ segments }) => segments.stats.map(({ entries }) => erasOfStats(entries))),
  );
  const requests = pastes.flatMap(({ parts }) =>
    parts.flatMap(({ segments, lines }) => {
      const rows = segments.tables.get('requests');
      return rows === undefined ? [] : [listOf(textsOf(rows), lines.join('\n')).eras];
    }),
  );
  const all = [...lists, ...requests];
  return all.length === 0 ? null : newestFitting(all);
}

const textsOf = (lines: readonly PlacedLine[]) => lines.map(({ text }) => text);

/** The requests that pastes list, in their order. */
export function requestsOf(pastes: readonly Paste[]): RequestLine[] {
  return pastes.flatMap(({ parts }) =>
    parts.flatMap(({ segments }) => [
      ...listOf(textsOf(segments.tables.get('requests') ?? []), '').requests,
    ]),
  );
}

/** A kernel that a log or the prose names; null = none, or several. */
export function kernelOf(pastes: readonly Paste[]): string | null {
  const parts = pastes.flatMap(({ parts: all }) => all);
  const logged = new Set(parts.flatMap(({ log }) => log.kernels));
  if (logged.size > 0) return logged.size === 1 ? ([...logged][0] as string) : null;
  const named = new Set(parts.flatMap(({ segments }) => segments.kernel ?? []));
  return named.size === 1 ? ([...named][0] as string) : null;
}

/** What a paste holds, for the decision what to do with it. */
export interface Contents {
  readonly events: number;
  readonly snapshots: number;
  /** Rows of tables and lines of mounts. */
  readonly rows: number;
  /** Things that its kernel messages say. */
  readonly messages: number;
  readonly prose: number;
  readonly damaged: number;
}

/** Counts what a paste holds. */
export function contentsOf({ parts }: Paste): Contents {
  const sum = (of: (part: PastePart) => number) => parts.reduce((all, part) => all + of(part), 0);
  return {
    events: sum(({ segments }) => segments.events.length),
    snapshots: sum(({ segments }) => segments.stats.length),
    rows: sum(({ segments }) => segments.tables.size + segments.mounts.length),
    messages: sum(({ log }) => log.items.length),
    prose: sum(({ segments }) => segments.proseLines),
    damaged: sum(({ segments }) => segments.damaged.length),
  };
}

/** A path as a shell takes it. */
function shellWord(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** The error for an input of one kind only, which another command is for; null if there is none. */
export function wrongDoor(paste: Paste, door: 'trace' | 'stats' | 'log'): StoreError | null {
  const { events, snapshots, rows, messages, prose, damaged } = contentsOf(paste);
  const file = paste.name === 'stdin' ? '-' : shellWord(paste.name);
  const point = (what: string, command: string) =>
    new StoreError(paste.name, `these are ${what}: netfslab ${command}`);
  const kinds = [events > 0, snapshots + rows > 0, messages > 0].filter(Boolean).length;
  if (kinds > 1 || damaged > 0) return null;
  const mail = prose > 0 || paste.parts.some(({ undone }) => undone.includes('MIME'));
  if (door === 'trace') {
    if (mail || events > 0) return null;
    if (messages > 0) return point('kernel messages', `explain --dmesg ${file}`);
    if (snapshots > 0 && rows === 0) return point('statistics', `stats import ${file}`);
    return null;
  }
  if (door === 'stats') {
    if (snapshots + rows > 0) return null;
    if (messages > 0) return point('kernel messages', `explain --dmesg ${file}`);
    return events > 0 ? point('events of a trace', `trace import ${file}`) : null;
  }
  if (messages > 0) return null;
  if (events > 0) return point('events of a trace', `trace import ${file}`);
  return snapshots + rows > 0 ? point('statistics', `stats import ${file}`) : null;
}

/** The error for an input in which nothing is known; `head` is its beginning. */
export function nothingKnown(name: string, head: Uint8Array): StoreError {
  const text = new TextDecoder().decode(head);
  const recorded = isFsxText(text) ? 'fsx' : frontEndOf(text)?.name;
  const file = name === 'stdin' ? '-' : shellWord(name);
  return new StoreError(name, 'holds nothing that is known', {
    hint:
      recorded === undefined
        ? 'netfslab takes traces (ftrace, trace-cmd, perf script, trace.dat), copies of /proc/fs/netfs/* and /proc/fs/fscache/*, mountstats and kernel logs, in a mail or as they are'
        : `it looks like a recorded workload (${recorded}): netfslab replay ${file}`,
  });
}
