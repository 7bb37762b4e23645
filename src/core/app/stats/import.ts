/**
 * The use case `stats import`: copies of the statistics, of the tables of /proc and of mountstats
 * into a capture of their own, however they were pasted.
 */
import type { Table } from '../../analysis/types.js';
import { UsageError } from '../../base/errors.js';
import { type ImportCounts, ImportSink } from '../../importer/import_sink.js';
import { openInput } from '../../importer/input.js';
import { type Paste, readPaste } from '../../importer/paste/read_paste.js';
import { writeCapture } from '../../store/capture_writer.js';
import { ERAS, type Era, isEra } from '../../trace/eras.js';
import {
  addPaste,
  contentsOf,
  nothingKnown,
  pasteEra,
  requestsOf,
  wrongDoor,
} from '../import/paste.js';
import { requestTable } from '../import/request_list.js';
import type { TraceTarget } from '../lab/trace_sink.js';
import { newestFitting, statsEraText } from './era.js';

/** What was imported. */
export interface StatsImport {
  readonly capture: string;
  readonly era: Era;
  /** The era in words, with the others that fit. */
  readonly eraText: string;
  readonly snapshots: number;
  /** Lines and values of the snapshots. */
  readonly statLines: number;
  /** Requests of copies of /proc/fs/netfs/requests, with their flags by name. */
  readonly requests: Table;
  readonly pastes: readonly Paste[];
  readonly counts: ImportCounts;
}

/** Imports copies of statistics and of tables. */
export async function importStats(
  files: readonly string[],
  target: TraceTarget,
  asked?: string,
): Promise<StatsImport> {
  if (asked !== undefined && !isEra(asked)) {
    throw new UsageError('--era', `no era '${asked}'`, `one of ${ERAS.join(', ')}`);
  }
  const pastes: Paste[] = [];
  for (const file of files) pastes.push(await pasteOfFile(file));
  const told = pasteEra(pastes) ?? newestFitting([]);
  const era = asked ?? told.era;
  const trace = writeCapture(target.out, {
    source: 'import',
    era,
    workload: files.join(' '),
    command_line: target.commandLine,
    tool_version: target.toolVersion,
  });
  const sink = new ImportSink(trace);
  for (const paste of pastes) addPaste(paste, sink);
  trace.finish();
  const stats = pastes.flatMap(({ parts }) => parts.flatMap(({ segments }) => segments.stats));
  return {
    capture: target.out,
    era,
    eraText: asked === undefined ? statsEraText(told) : `era ${era}, as --era says`,
    snapshots: stats.length,
    statLines: stats.reduce((sum, { entries }) => sum + (entries.at(-1)?.line ?? -1) + 1, 0),
    requests: requestTable(target.out, requestsOf(pastes), era),
    pastes,
    counts: sink.counts,
  };
}

/** Reads a file that is not a trace. */
async function pasteOfFile(file: string): Promise<Paste> {
  const input = await openInput(file);
  try {
    const paste = await readPaste(input);
    if (paste === null) throw nothingKnown(input.name, input.head);
    const wrong = wrongDoor(paste, 'stats');
    if (wrong !== null) throw wrong;
    const { snapshots, rows } = contentsOf(paste);
    if (snapshots + rows === 0) throw nothingKnown(input.name, input.head);
    return paste;
  } finally {
    input.close();
  }
}
