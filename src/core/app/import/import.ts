/**
 * The use case `trace import`: recognises the inputs, tells the era, reads them into one capture,
 * and says what became of every line. Called by the command.
 */
import { rmSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { StoreError } from '../../base/errors.js';
import { chooseEra, type EraChoice, type EraHints } from '../../importer/era.js';
import { type ImportCounts, ImportSink } from '../../importer/import_sink.js';
import { type Recognised, recognise } from '../../importer/index.js';
import { type OpenInput, openInput } from '../../importer/input.js';
import { type MergeSource, mergeReads } from '../../importer/merge.js';
import { textDocument } from '../../importer/paste/documents.js';
import { isTraceOnly, type Paste, partOf, readPaste } from '../../importer/paste/read_paste.js';
import type { ImportContext, Sample, Survey } from '../../importer/types.js';
import { createCapture } from '../../store/capture_writer.js';
import type { CaptureMeta } from '../../store/types.js';
import { addDescribed, eraOfKernel, kernelsOf } from '../../trace/eras.js';
import { BatchSink, MemorySink } from '../../trace/sink.js';
import type { TraceSink } from '../../trace/types.js';
import type { TraceTarget } from '../lab/trace_sink.js';
import { othersText } from '../stats/era.js';
import { readSmallText, statsOfText } from '../stats/source.js';
import { type Bundle, folderBundle, isBundle, type Moment, unpackBundle } from './bundle.js';
import { readFormats } from './kernel_files.js';
import { binaryOf } from './magic.js';
import {
  addPaste,
  contentsOf,
  kernelOf,
  nothingKnown,
  pasteEra,
  tracesOf,
  wrongDoor,
} from './paste.js';
import { parseRequests, REQUEST_EVENTS } from './request_list.js';

/** What to import. */
export interface ImportRequest {
  /** Paths of traces, or of bundles that `capture-script` made; `-` is stdin. */
  readonly files: readonly string[];
  readonly target: TraceTarget;
  readonly format?: string | undefined;
  readonly era?: string | undefined;
  readonly kernel?: string | undefined;
  /** A folder or tar with the kernel's events, as in tracefs: events/SYSTEM/EVENT/format. */
  readonly formats?: string | undefined;
  /** A file of lines `INODE PATH`, which name files. */
  readonly filesFrom?: string | undefined;
  /** Files of statistics text, which become snapshots of the capture. */
  readonly stats?: readonly string[] | undefined;
}

/** What an import tells while it lasts. */
export interface ImportWatch {
  readonly signal?: AbortSignal;
  /** Bytes done and bytes there are (0: not known). */
  progress?(done: number, total: number): void;
}

/** How one input was read. */
export interface ImportedFile {
  readonly name: string;
  readonly format: string;
  readonly evidence: string;
  readonly compression: string | null;
}

/** What became of an import. */
export interface ImportSummary {
  readonly capture: string;
  readonly files: readonly ImportedFile[];
  readonly era: EraChoice;
  readonly events: number;
  readonly counts: ImportCounts;
  /** Inputs that were more than a trace, taken apart. */
  readonly pastes: readonly Paste[];
  readonly interrupted: boolean;
  /** Milliseconds from the last line to the finished database. */
  readonly finishMs: number;
}

interface Source {
  readonly input: OpenInput;
  readonly how: Recognised;
  readonly survey: Survey;
  /** It is a part of a paste, whose other lines are accounted for. */
  readonly quiet: boolean;
}

/** Everything that was named. */
interface Gathered {
  readonly sources: Source[];
  readonly bundles: Bundle[];
  readonly pastes: Paste[];
}

/**
 * Imports. `ErrnoError` for a file that cannot be read or written, `TraceFormatError` for one that
 * no importer knows, `StoreError` when nothing in it is an event.
 */
export function importTraces(
  request: ImportRequest,
  watch: ImportWatch = {},
): Promise<ImportSummary> {
  // What is imported is still there, so nothing is kept of an import that is killed.
  const begins = (meta: CaptureMeta) => createCapture(request.target.out, meta, { spool: false });
  return importInto(request, watch, begins);
}

/** Imports a trace into memory, for a comparison without a database. Fails as `importTraces`. */
export async function importToMemory(file: string): Promise<MemorySink> {
  let memory: MemorySink | undefined;
  const target = { out: '', commandLine: '', toolVersion: '' };
  await importInto({ files: [file], target }, {}, ({ era }) => {
    memory = new MemorySink(era);
    return memory;
  });
  return memory as unknown as MemorySink;
}

async function importInto(
  request: ImportRequest,
  watch: ImportWatch,
  begins: (meta: CaptureMeta) => TraceSink,
): Promise<ImportSummary> {
  const gathered: Gathered = { sources: [], bundles: [], pastes: [] };
  const { sources, bundles } = gathered;
  try {
    for (const file of request.files) {
      const input = isFolder(file) ? null : await openInput(file);
      if (input === null || isBundle(input)) {
        bundles.push(input === null ? folderBundle(file) : await unpack(input));
        for (const { path, name } of bundles.at(-1)?.traces ?? []) {
          sources.push(await begin(await openInput(path, name), request.format));
        }
      } else if (!sources.some((each) => isSame(each.input, input))) {
        await beginAny(gathered, input, request);
      } else {
        input.close();
      }
    }
    sources.sort(byTime);
    return await importAll(gathered, request, watch, begins);
  } finally {
    for (const { input } of sources) input.close();
    for (const bundle of bundles) bundle.remove();
  }
}

function isFolder(file: string): boolean {
  return file !== '-' && (statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false);
}

async function unpack(input: OpenInput): Promise<Bundle> {
  try {
    return await unpackBundle(input);
  } finally {
    input.close();
  }
}

/** The same file named twice is read once. */
function isSame(a: OpenInput, b: OpenInput): boolean {
  return a.size > 0 && a.size === b.size && Buffer.compare(a.head, b.head) === 0;
}

/** Begins a trace as a stream, and takes anything else apart. */
async function beginAny(to: Gathered, input: OpenInput, request: ImportRequest): Promise<void> {
  const { format } = request;
  if (format !== undefined || isTraceOnly(input.head)) {
    const binary = format === undefined ? binaryOf(input) : null;
    if (binary === null) {
      to.sources.push(await begin(input, format));
      return;
    }
    input.close();
    throw binary;
  }
  const paste = await readPaste(input);
  if (paste === null) {
    to.sources.push(await begin(input, format));
    return;
  }
  input.close();
  const wrong = wrongDoor(paste, 'trace');
  if (wrong !== null) throw wrong;
  const { events, snapshots, rows, messages, damaged } = contentsOf(paste);
  if (events + snapshots + rows + messages + damaged === 0)
    throw nothingKnown(paste.name, input.head);
  to.pastes.push(paste);
  for (const trace of await tracesOf(paste)) {
    to.sources.push({ ...(await begin(trace.input, trace.format)), quiet: true });
  }
}

async function begin(input: OpenInput, format: string | undefined): Promise<Source> {
  try {
    const how = recognise(input, format);
    const survey = await how.importer.survey(input, { mail: how.mail });
    return { input, how, survey, quiet: false };
  } catch (error) {
    input.close();
    throw error;
  }
}

/** Pieces of one trace are read in the order of their times, whatever order they were named in. */
function byTime({ survey: a }: Source, { survey: b }: Source): number {
  if (a.firstNs === null || b.firstNs === null) return 0;
  return a.firstNs < b.firstNs ? -1 : a.firstNs > b.firstNs ? 1 : 0;
}

async function importAll(
  { sources, bundles, pastes }: Gathered,
  request: ImportRequest,
  watch: ImportWatch,
  begins: (meta: CaptureMeta) => TraceSink,
): Promise<ImportSummary> {
  const { target } = request;
  const surveys = sources.map(({ survey }) => survey);
  const kernels = [...surveys, ...bundles].map(({ kernel }) => kernel);
  const spoken = kernelOf(pastes);
  const named = request.kernel ?? kernels.find((kernel) => kernel !== null) ?? spoken;
  const samples = surveys.flatMap((survey) => survey.samples);
  const given = request.formats === undefined ? null : await readFormats(request.formats);
  const own = [...surveys, ...bundles].flatMap(({ formats = [] }) => formats);
  const hints = {
    era: request.era,
    kernel: request.kernel,
    named,
    formats: given ?? own,
    all: given !== null,
  };
  const era = eraOf(samples, hints, pastes);
  if (era.described !== undefined) addDescribed(era.described);
  const snapshots = statsOf(request, bundles);
  const meta = {
    source: 'import',
    era: era.era,
    workload: [
      ...new Set(
        [...sources.map(({ input }) => input), ...pastes].map(({ name }) => basename(name)),
      ),
    ].join(' '),
    kernel_release: named,
    clock: surveys.find(({ clock }) => clock !== null)?.clock ?? null,
    command_line: target.commandLine,
    tool_version: target.toolVersion,
    ...(era.described === undefined ? {} : { described: era.described }),
  } as const;
  const trace = new BatchSink(begins(meta));
  const sink = new ImportSink(trace);
  let failure: unknown = null;
  try {
    for (const entries of snapshots) sink.stats(entries);
    for (const { openFiles } of bundles) sink.openFiles(openFiles);
    if (request.filesFrom !== undefined) sink.listedFiles(readSmallText(request.filesFrom));
    await readAll(sources, sink, watch);
    addRequests(bundles, sink);
    for (const paste of [...pastes, ...bundles.map(othersOf)]) addPaste(paste, sink);
  } catch (error) {
    failure = error;
  }
  const files = sources.map(fileOf);
  try {
    sink.finish(captureMeta(sink, files, era, watch.signal?.aborted ?? false));
  } catch (error) {
    failure ??= error;
  }
  const report = await trace.close();
  // First, as it is why nothing more could be read.
  if (report.error !== null) {
    removeCapture(target.out);
    throw report.error;
  }
  if (failure !== null) {
    if (sink.counts.kept.count === 0) removeCapture(target.out);
    throw failure;
  }
  const { counts } = sink;
  if (counts.kept.count === 0 && counts.damaged.count > 0 && pastes.length === 0)
    throw nothing(target.out, sources, counts);
  const interrupted = watch.signal?.aborted ?? false;
  const { events, finishMs } = report;
  return { capture: target.out, files, era, events, counts, pastes, interrupted, finishMs };
}

/** The era by the trace; without one, by the statistics and the requests of pastes. */
function eraOf(samples: readonly Sample[], hints: EraHints, pastes: readonly Paste[]): EraChoice {
  const { era, kernel, named = null } = hints;
  const told = samples.length === 0 && era === undefined && kernel === undefined;
  const stats = told ? pasteEra(pastes) : null;
  if (stats === null) return chooseEra(samples, hints);
  const ofName = named === null ? null : eraOfKernel(named);
  const fits = ofName !== null && stats.fitting.includes(ofName);
  const chosen = fits ? { ...stats, era: ofName } : stats;
  return {
    era: chosen.era,
    kernels: kernelsOf(chosen.era),
    evidence: `by keys, origins and flags${othersText(chosen)}`,
    doubt: null,
  };
}

async function readAll(
  sources: readonly Source[],
  sink: ImportSink,
  { signal, progress }: ImportWatch,
): Promise<void> {
  const total = sources.every(({ input }) => input.size > 0)
    ? sources.reduce((sum, { input }) => sum + input.size, 0)
    : 0;
  const done = sources.map(() => 0);
  const readers = sources.map(({ input, how, quiet }, i): MergeSource => {
    const { importer, mail } = how;
    const { unit, numbers = false } = importer;
    const context: ImportContext = {
      mail,
      ...(signal === undefined ? {} : { signal }),
      progress(bytes) {
        done[i] = bytes;
        progress?.(
          done.reduce((sum, each) => sum + each, 0),
          total,
        );
      },
    };
    return {
      input,
      enter: () => sink.from({ name: input.name, unit, latin1: unit === 'line', numbers, quiet }),
      read: (from, out) => importer.read(from, out, context),
    };
  });
  if (canMerge(sources)) return mergeReads(readers, sink);
  for (const reader of readers) {
    if (signal?.aborted) return;
    reader.enter();
    await reader.read(reader.input, sink);
  }
}

/** Texts with times are put together event by event; a trace.dat has its processors merged. */
function canMerge(sources: readonly Source[]): boolean {
  const timed = ({ how, survey }: Source) =>
    how.importer.unit === 'line' && survey.firstNs !== null;
  return sources.length > 1 && sources.every(timed);
}

/** The snapshots that were named, then those of the bundles. */
function statsOf({ stats = [] }: ImportRequest, bundles: readonly Bundle[]) {
  const named = stats.map((file) => statsOfText(file, readSmallText(file)));
  const packed = bundles.flatMap((bundle) => bundle.stats);
  return [...named, ...packed.map(({ name, text }) => statsOfText(name, text))].map(
    ({ entries }) => entries,
  );
}

/** The lists of requests of the bundles, as events that `trace stuck` knows. */
function addRequests(bundles: readonly Bundle[], sink: ImportSink): void {
  for (const { requests } of bundles) {
    for (const moment of ['before', 'after'] as const satisfies readonly Moment[]) {
      const list = parseRequests(requests[moment]?.text ?? '');
      for (const { text } of list?.requests ?? []) {
        sink.aside('proc', REQUEST_EVENTS[moment], text);
      }
    }
  }
}

/** The other texts of a bundle, as a paste. */
function othersOf({ others }: Bundle): Paste {
  const parts = others.map(({ name, text }) => partOf(textDocument(name, text)));
  return { name: others[0]?.name ?? '', parts, damaged: [] };
}

function fileOf({ input, how }: Source): ImportedFile {
  const { name, compression } = input;
  return { name, format: how.importer.name, evidence: how.evidence, compression };
}

/** Columns of `capture` that are known at the end. */
function captureMeta(
  sink: ImportSink,
  files: readonly ImportedFile[],
  era: EraChoice,
  interrupted: boolean,
) {
  const { counts } = sink;
  return {
    clock_origin_ns: Number(sink.start ?? 0n),
    unparsed_lines: counts.damaged.count + counts.unknown.count,
    options: {
      files,
      era: era.evidence,
      kernels: era.kernels,
      counts,
      ...(interrupted ? { interrupted } : {}),
    },
  };
}

function nothing(out: string, sources: readonly Source[], { damaged }: ImportCounts): StoreError {
  removeCapture(out);
  const [first] = sources;
  return new StoreError(first?.input.name ?? '', `holds no event: ${damaged.first ?? ''}`);
}

function removeCapture(out: string): void {
  if (out !== '') rmSync(out, { force: true });
}
