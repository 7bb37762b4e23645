/**
 * Prints a whole capture back, packs it as a bundle, or copies it; anonymised if asked for. Called
 * by `trace export`.
 */
import { constants, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Column, Table } from '../analysis/types.js';
import { errnoFromNode } from '../base/errno.js';
import { ErrnoError } from '../base/errors.js';
import { anonymiseCapture } from '../store/anonymise.js';
import { openCapture } from '../store/database.js';
import { VIEWS } from '../store/schema.js';
import type { Capture } from '../store/types.js';
import type { Era } from '../trace/eras.js';
import { tracepointNamed } from '../trace/index.js';
import { writeBundle } from './bundle_write.js';
import { findCapture } from './capture_path.js';

/** Units of the columns that are numbers. */
const UNITS: Readonly<Record<string, Column['unit']>> = {
  id: 'number',
  ts: 'time',
  task: 'number',
  pid: 'number',
  cpu: 'number',
};

/**
 * Every event of the capture named (default: the newest) as rows of the view `events`; `decode`
 * names flag bits behind each flag word of the text.
 */
export function exportTable(file?: string, decode = false): Table {
  const capture = openCapture(findCapture(file));
  const view = VIEWS.find(({ name }) => name === 'events');
  const columns = (view?.columns ?? []).map(({ name, doc }) => ({
    name,
    doc,
    unit: UNITS[name] ?? ('text' as const),
  }));
  return { capture: capture.path, columns, rows: rowsOf(capture, decode) };
}

function* rowsOf(capture: Capture, decode: boolean): Table['rows'] {
  const { era } = capture.info;
  try {
    for (const row of capture.iterate('SELECT * FROM "events" ORDER BY "id"')) {
      const { event, text } = row;
      yield decode ? { ...row, text: decoded(String(event), String(text), era) } : row;
    }
  } finally {
    capture.close();
  }
}

/** A capture to export: itself, or an anonymised copy that is removed in the end. */
export interface Exported {
  /** The capture that was named. */
  readonly capture: string;
  /** The file to read. */
  readonly path: string;
  remove(): void;
}

/** Begins the export of the capture named (default: the newest). */
export function exported(file: string | undefined, anonymise: boolean): Exported {
  const capture = findCapture(file);
  if (!anonymise) return { capture, path: capture, remove: () => undefined };
  const folder = mkdtempSync(join(tmpdir(), 'netfslab-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const path = join(folder, 'anonymous.db');
  try {
    anonymiseCapture(capture, path);
  } catch (error) {
    remove();
    throw error;
  }
  return { capture, path, remove };
}

/** Writes what is exported to a new file: a bundle or a database. Throws `ErrnoError`. */
export async function exportFile(
  { path }: Exported,
  format: 'bundle' | 'db',
  out: string,
): Promise<void> {
  // Opened in both cases: a capture that a killed run has left is finished by it.
  const capture = openCapture(path);
  try {
    if (format === 'bundle') await writeBundle(capture, out);
    else copyFileSync(path, out, constants.COPYFILE_EXCL);
  } catch (error) {
    const failure = error instanceof ErrnoError ? error : outError(error, out);
    if (failure.code !== 'EEXIST') rmSync(out, { force: true });
    throw failure;
  } finally {
    capture.close();
  }
}

function outError(error: unknown, out: string): ErrnoError {
  return new ErrnoError(errnoFromNode(error), 'open', out, { cause: error });
}

/** The text of an event with its flag bits by name; other events as they are. */
function decoded(event: string, text: string, era: Era): string {
  const tracepoint = tracepointNamed(event, era);
  if (tracepoint === undefined || !tracepoint.columns.some(({ flags }) => flags !== null)) {
    return text;
  }
  const row = tracepoint.format(era) === null ? null : tracepoint.parse(text, era);
  return row === null ? text : tracepoint.decode(row, era);
}
