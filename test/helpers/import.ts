/** Imports texts and samples of traces/import in tests, into memory or into a capture. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { chooseEra } from '../../src/core/importer/era.js';
import { type ImportCounts, ImportSink } from '../../src/core/importer/import_sink.js';
import { recognise } from '../../src/core/importer/index.js';
import { memoryInput } from '../../src/core/importer/input.js';
import type { EventSink } from '../../src/core/importer/types.js';
import { isEra } from '../../src/core/trace/eras.js';
import { MemorySink } from '../../src/core/trace/sink.js';
import { ROOT } from './source.js';

/** What came of an import into memory. */
export interface Imported {
  readonly format: string;
  readonly evidence: string;
  readonly era: string;
  readonly counts: ImportCounts;
  readonly sink: MemorySink;
}

/** The path of a sample. */
export function samplePath(name: string): string {
  return join(ROOT, 'traces/import', name);
}

/** The text of a sample, decompressed. */
export function sampleText(name: string): string {
  const bytes = readFileSync(samplePath(name));
  return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}

/** Imports bytes into memory. */
export async function importBytes(
  bytes: string | Uint8Array,
  options: { format?: string; era?: string } = {},
): Promise<Imported> {
  const buffer = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  const input = await memoryInput('text', buffer);
  const { importer, evidence, mail } = recognise(input, options.format);
  const { samples } = await importer.survey(input, { mail });
  // To weigh the eras against each other is most of the time that a small input takes.
  const asked = options.era ?? '';
  const era = isEra(asked) ? asked : chooseEra(samples, options).era;
  const sink = new MemorySink(era);
  const importing = new ImportSink(sink);
  const { unit, numbers = false } = importer;
  importing.from({ name: 'text', unit, latin1: unit === 'line', numbers });
  await importer.read(input, importing, { mail });
  importing.finish({});
  return { format: importer.name, evidence, era, counts: importing.counts, sink };
}

/** A sink that offers importers none of its quick ways. */
export function withoutQuickWays(sink: EventSink): EventSink {
  return {
    era: sink.era,
    origin: (first) => sink.origin(first),
    event: (...event) => sink.event(...event),
    row: (...row) => sink.row(...row),
    marker: (...marker) => sink.marker(...marker),
    lost: (...lost) => sink.lost(...lost),
    damaged: (...damaged) => sink.damaged(...damaged),
    skipped: (where) => sink.skipped(where),
  };
}

/** Processor time since `before`, milliseconds: what a limit means on a machine that is busy. */
export function spentMs(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
