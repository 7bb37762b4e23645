/** Runs an analysis over a capture. Called by the commands that print its table. */
import { ANALYSES, type AnalysisName } from '../analysis/index.js';
import type { Analysis, Row, Table } from '../analysis/types.js';
import { UsageError } from '../base/errors.js';
import { openCapture } from '../store/database.js';
import type { Capture } from '../store/types.js';
import { findCapture } from './capture_path.js';

/** Values of an analysis's parameters; those left out or undefined keep their default. */
export type Params = Readonly<Record<string, string | number | null | undefined>>;

/**
 * The rows of an analysis over the capture named (default: the newest). The capture is open until
 * the rows have been walked.
 */
export function runAnalysis(name: AnalysisName, file?: string, params: Params = {}): Table {
  return tableOf(openCapture(findCapture(file)), ANALYSES[name], params);
}

/** As `runAnalysis` over a capture already open, which the walk of the rows closes. */
export function tableOf(capture: Capture, analysis: Analysis, params: Params = {}): Table {
  return {
    capture: capture.path,
    columns: analysis.columns,
    rows: walk(capture, analysis, params),
  };
}

function* walk(capture: Capture, { sql, params, derive }: Analysis, set: Params): Iterable<Row> {
  const bound = Object.fromEntries(
    params.map(({ name, default: value }) => [name, set[name] ?? value]),
  );
  try {
    for (const row of capture.iterate(sql, bound)) {
      yield derive === undefined ? row : derive(row, capture.info.era);
    }
  } finally {
    capture.close();
  }
}

/** A request number as a person types it: hexadecimal as printed, with or without `R=` or `0x`. */
export function parseRequest(text: string): number {
  const digits = /^(?:R=)?(?:0x)?([0-9a-f]{1,8})$/i.exec(text.trim())?.[1];
  if (digits !== undefined) return Number.parseInt(digits, 16);
  throw new UsageError(
    'REQUEST',
    `expected a request number as printed, got '${text}'`,
    'write it in hexadecimal: 1a, 0x1a or R=0000001a',
  );
}

/** The life of a request, or of all that share its number, event by event. */
export function requestTimeline(request: string, file?: string, uid?: number): Table {
  const rreq = parseRequest(request);
  const capture = openCapture(findCapture(file));
  const known = capture.get(
    'SELECT 1 FROM "request" WHERE "rreq" = @rreq AND (@uid IS NULL OR "uid" = @uid)',
    { rreq, uid: uid ?? null },
  );
  if (known === undefined) {
    capture.close();
    const which = uid === undefined ? '' : ` with uid ${uid}`;
    throw new UsageError(
      'REQUEST',
      `no request ${rreq.toString(16)}${which} in ${capture.path}`,
      'netfslab trace requests lists them',
    );
  }
  return tableOf(capture, ANALYSES.timeline, { rreq, uid });
}
