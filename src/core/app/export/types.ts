/** What a format of `trace export` is; `app/export/index.ts` lists them all. */
import type { Table } from '../../analysis/types.js';
import type { Capture } from '../../store/types.js';

/** How a capture is exported; what a format does not know it refuses before anything is written. */
export interface ExportOptions {
  /** Names the bits of flag words. */
  readonly decode: boolean;
  /** Name of the machine that was traced, null = the folder that the capture lies in. */
  readonly host: string | null;
}

/** What every format tells of itself. */
interface Named {
  /** One line for the help: what it is, and for which tool. */
  readonly doc: string;
  /** Options that change what it writes. */
  readonly options: readonly (keyof ExportOptions)[];
  /** True if it has nothing but durations, so that a capture without times is refused. */
  readonly timed?: boolean;
}

/** A format of text lines; printed unless `--out` names a file. */
export interface TextExporter extends Named {
  readonly kind: 'text';
  /** Lines without newlines. */
  lines(capture: Capture, options: ExportOptions): Iterable<string>;
  /** The same as a table, for `--json`. */
  table?(capture: Capture, options: ExportOptions): Table;
}

/** A binary format; written to `--out`, or to a pipe. */
export interface BytesExporter extends Named {
  readonly kind: 'bytes';
  /** Pieces of any size, each valid until the next is asked for. */
  bytes(capture: Capture, options: ExportOptions): Iterable<Uint8Array>;
}

/** A format that makes a file or a folder of its own and needs `--out`. */
export interface PathExporter extends Named {
  readonly kind: 'path';
  /** Makes `out`, which does not exist; what it leaves after a failure is removed by the caller. */
  write(capture: Capture, out: string, options: ExportOptions): Promise<void>;
  /** Moves what was made into a folder that is there. Throws `ErrnoError` EEXIST. */
  adds?(made: string, out: string): void;
}

/** One row of the registry. */
export type Exporter = TextExporter | BytesExporter | PathExporter;

/** Takes the messages of a report format: all rows are printed, so there is nothing to say. */
export function noMessages(): void {}
