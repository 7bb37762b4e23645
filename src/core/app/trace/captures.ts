/** Captures as a whole: which there are, with what is in them, and whether they are whole. */
import { existsSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { ANALYSES } from '../../analysis/index.js';
import type { Row, Table } from '../../analysis/types.js';
import { StoreError } from '../../base/errors.js';
import { isOlder, openCapture } from '../../store/database.js';
import { captureFolder, findCapture, listCaptures } from './capture_path.js';

const { listing } = ANALYSES;

/** The captures named, or all in the folder of captures, newest first. */
export function listCaptureTable(files: readonly string[]): Table & { readonly folder: string } {
  const folder = captureFolder();
  const paths = files.length > 0 ? files.map((file) => findCapture(file)) : listCaptures(folder);
  return {
    folder,
    capture: null,
    columns: [
      { name: 'name', doc: 'Name of the file.', unit: 'text' },
      { name: 'size', doc: 'Size of the file, bytes.', unit: 'bytes' },
      ...listing.columns,
      { name: 'path', doc: 'Path of the file.', unit: 'text' },
    ],
    rows: describeAll(paths),
  };
}

function* describeAll(paths: readonly string[]): Iterable<Row> {
  for (const path of paths) {
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    yield { name: basename(path), size, ...describe(path), path };
  }
}

/** Listing must not change anything, so nothing is finished or migrated here. */
function describe(path: string): Row {
  if (existsSync(`${path}.spool`)) return { state: 'unfinished' };
  try {
    if (isOlder(path)) return { state: 'of an older version' };
    const capture = openCapture(path);
    try {
      const { when = null, ...row } = capture.get(listing.sql) ?? {};
      return { ...row, when: when === null ? null : utc(Number(when)) };
    } finally {
      capture.close();
    }
  } catch (error) {
    if (error instanceof StoreError) return { state: 'not a capture' };
    throw error;
  }
}

/** What to know of a capture before believing it: that it is not whole; null when it is. */
export function captureCaveat(path: string): string | null {
  const capture = openCapture(path);
  const { complete, lost_events: lost } = capture.info;
  capture.close();
  if (complete === 0) return 'incomplete: the run was cut short';
  return lost === 0 ? null : `incomplete: ${lost} events were lost`;
}

/** Milliseconds since 1970 as date and time. */
function utc(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}
