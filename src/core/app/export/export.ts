/**
 * Writes a whole capture in the format asked for; anonymised if asked for. Called by
 * `trace export`; the formats are in `app/export/index.ts`.
 */
import { createWriteStream, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isTimed } from '../../analysis/span.js';
import type { Table } from '../../analysis/types.js';
import { errnoFromNode } from '../../base/errno.js';
import { ErrnoError, StoreError, UsageError } from '../../base/errors.js';
import { anonymiseCapture } from '../../store/anonymise.js';
import { openCapture } from '../../store/database.js';
import type { Capture } from '../../store/types.js';
import { findCapture } from '../trace/capture_path.js';
import { EXPORTERS, type ExportFormat } from './index.js';
import type { Exporter, ExportOptions } from './types.js';

/** Characters of lines that are written at a time. */
const CHUNK = 256 << 10;

/** A capture being exported: itself, or an anonymised copy that is removed in the end. */
export class Export {
  /** Path of the capture that was named. */
  readonly named: string;
  readonly #capture: Capture;
  readonly #exporter: Exporter;
  readonly #options: ExportOptions;
  readonly #remove: () => void;

  /**
   * Opens the capture named (default: the newest). `UsageError` for options the format does not
   * have; `StoreError` if the capture cannot be exported in it.
   */
  constructor(
    file: string | undefined,
    format: ExportFormat,
    options: Partial<ExportOptions>,
    anonymise = false,
  ) {
    this.#exporter = EXPORTERS[format];
    this.#options = { decode: false, host: null, ...options };
    refuseOptions(format, this.#exporter, this.#options);
    this.named = findCapture(file);
    const folder = anonymise ? mkdtempSync(join(tmpdir(), 'netfslab-')) : null;
    this.#remove = () => {
      if (folder !== null) rmSync(folder, { recursive: true, force: true });
    };
    try {
      this.#capture = openCapture(folder === null ? this.named : anonymised(this.named, folder));
      if (this.#exporter.timed === true && !isTimed(this.#capture)) {
        throw new StoreError(
          this.named,
          `cannot be exported as ${format}: its events have no times`,
        );
      }
    } catch (error) {
      this.#remove();
      throw error;
    }
  }

  /** True if the format can be printed instead of written to a file; binary ones to a pipe. */
  get prints(): 'lines' | 'bytes' | null {
    const { kind } = this.#exporter;
    if (kind === 'path') return null;
    return kind === 'text' ? 'lines' : 'bytes';
  }

  /** Lines without newlines; none of formats that are no text. */
  lines(): Iterable<string> {
    const each = this.#exporter;
    return each.kind === 'text' ? each.lines(this.#capture, this.#options) : [];
  }

  /** The bytes of a binary format; none of others. */
  bytes(): Iterable<Uint8Array> {
    const each = this.#exporter;
    return each.kind === 'bytes' ? each.bytes(this.#capture, this.#options) : [];
  }

  /** The events as a table, null for formats that print no events. */
  table(): Table | null {
    const each = this.#exporter;
    return each.kind === 'text' ? (each.table?.(this.#capture, this.#options) ?? null) : null;
  }

  /** Writes a new file or folder, which has its name only when it is whole. Throws `ErrnoError`. */
  async write(out: string): Promise<void> {
    const each = this.#exporter;
    const adds = each.kind === 'path' && existsSync(out) ? each.adds : undefined;
    if (existsSync(out) && adds === undefined) throw new ErrnoError('EEXIST', 'open', out);
    const part = `${out}.part`;
    try {
      await this.#write(part);
      if (adds === undefined) renameSync(part, out);
      else {
        adds(part, out);
        rmSync(part, { recursive: true });
      }
    } catch (error) {
      rmSync(part, { recursive: true, force: true });
      // A fault of ours or of the capture is no fault of the file that is written.
      if (!isSystemError(error)) throw error;
      throw new ErrnoError(errnoFromNode(error), 'open', out, { cause: error });
    }
  }

  async #write(part: string): Promise<void> {
    const each = this.#exporter;
    if (each.kind === 'path') return each.write(this.#capture, part, this.#options);
    const pieces = each.kind === 'text' ? joined(this.lines()) : this.bytes();
    await pipeline(Readable.from(pieces, { objectMode: true }), createWriteStream(part));
  }

  /** Closes the capture and removes the copy. */
  close(): void {
    this.#capture.close();
    this.#remove();
  }
}

/** True for errors of Node's system calls, which have no path that a person would know. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && !(error instanceof ErrnoError) && 'syscall' in error;
}

function anonymised(capture: string, folder: string): string {
  const path = join(folder, 'anonymous.db');
  anonymiseCapture(capture, path);
  return path;
}

function refuseOptions(format: string, { options }: Exporter, given: ExportOptions): void {
  for (const name of ['decode', 'host'] as const) {
    if (!given[name] || options.includes(name)) continue;
    const which = Object.entries(EXPORTERS).filter(([, each]) =>
      each.options.includes(name as never),
    );
    throw new UsageError(
      `--${name}`,
      `has no effect on --format ${format}`,
      `it goes with --format ${which.map(([each]) => each).join(', ')}`,
    );
  }
}

function* joined(lines: Iterable<string>): Iterable<string> {
  let text = '';
  for (const line of lines) {
    text += `${line}\n`;
    if (text.length < CHUNK) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}
