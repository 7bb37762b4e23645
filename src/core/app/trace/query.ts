/** Runs an analysis over a capture. Called by the commands that print its table. */
import { doubtOf } from '../../analysis/doubt.js';
import { ANALYSES, type AnalysisName } from '../../analysis/index.js';
import { requestStory, STORY_COLUMNS } from '../../analysis/request_story.js';
import { spanOf } from '../../analysis/span.js';
import type { Analysis, Bound, Column, FirstRows, Row, Table } from '../../analysis/types.js';
import { StoreError, UsageError } from '../../base/errors.js';
import { openCapture } from '../../store/database.js';
import type { Capture } from '../../store/types.js';
import { findCapture } from './capture_path.js';

export type { AnalysisName } from '../../analysis/index.js';

/** Values of an analysis's parameters; those left out or undefined keep their default. */
export type Params = Readonly<Record<string, string | number | null | undefined>>;

/**
 * The rows of an analysis over the capture named (default: the newest). The capture is open until
 * the rows have been walked.
 */
export function runAnalysis(name: AnalysisName, file?: string, params: Params = {}): Table {
  const analysis: Analysis = ANALYSES[name];
  return tableOf(demand(openCapture(findCapture(file)), analysis), analysis, params);
}

/**
 * The SQL of an analysis, as `--explain-sql` prints it: what stands for the tables that the capture
 * named does not fill, what is asked first, then the statement.
 */
export function statementOf(name: AnalysisName, file?: string): string {
  const { sql, context, needs }: Analysis = ANALYSES[name];
  const capture = openCapture(findCapture(file));
  try {
    const before = context === undefined ? [] : [`${context};`];
    return [...capture.stands(needs).map((each) => `${each};`), ...before, `${sql};`].join('\n');
  } finally {
    capture.close();
  }
}

/** As `runAnalysis` over a capture already open, which the walk of the rows closes. */
export function tableOf(capture: Capture, analysis: Analysis, params: Params = {}): Table {
  return {
    capture: capture.path,
    columns: analysis.columns,
    rows: {
      *[Symbol.iterator]() {
        try {
          yield* rowsOf(capture, analysis, params);
        } finally {
          capture.close();
        }
      },
      ...(analysis.gather === undefined && {
        first(count) {
          try {
            return firstRows(capture, analysis, params, count);
          } finally {
            capture.close();
          }
        },
      }),
    },
  };
}

/** The rows of an analysis over a capture that stays open. */
export function* rowsOf(capture: Capture, analysis: Analysis, set: Params = {}): Iterable<Row> {
  const { sql, gather } = analysis;
  const given = boundOf(analysis, set);
  const gathering = gather?.(given);
  if (gathering !== undefined) {
    capture.each(sql, (row) => gathering.take(row), given);
    yield* gathering.rows();
  } else yield* derived(capture, analysis, capture.iterate(sql, given));
}

/** The begin of it, and how many rows follow. SQLite sorts out a few rows much faster than all. */
function firstRows(capture: Capture, analysis: Analysis, set: Params, count: number): FirstRows {
  const given = boundOf(analysis, set);
  const found = capture.all(`SELECT * FROM (${analysis.sql}\n) LIMIT ${count}`, given);
  const rows = [...derived(capture, analysis, found)];
  if (rows.length < count) return { rows, more: 0 };
  const all = capture.get(`SELECT count(*) AS "n" FROM (${analysis.sql}\n)`, given);
  return { rows, more: Number(all?.n) - rows.length };
}

function* derived(
  capture: Capture,
  { derive, context, columns }: Analysis,
  rows: Iterable<Row>,
): Iterable<Row> {
  const known = context === undefined ? [] : capture.iterate(context);
  const turned = derive?.(capture.info.era, known);
  const times = columns.filter(({ unit }) => unit === 'ns' || unit === 'time');
  const none = times.length === 0 || spanOf(capture).timed ? null : noTimes(times);
  for (const row of rows) {
    const made = turned === undefined ? row : turned(row);
    yield none === null ? made : { ...made, ...none };
  }
}

/** Order is no time: these columns are empty where no event has one. */
function noTimes(columns: readonly Column[]): Row {
  return Object.fromEntries(columns.map(({ name }) => [name, null]));
}

function boundOf({ params }: Analysis, set: Params): Bound {
  return Object.fromEntries(params.map(({ name, default: value }) => [name, set[name] ?? value]));
}

/**
 * Why a capture cannot answer; null if it can. An analysis needs at least one row in one of the
 * tables of each of its groups. A run records all there is, so nothing recorded is an answer there.
 */
export function refusalOf(
  capture: Capture,
  { name, records = [], timed, needs }: Analysis,
): StoreError | null {
  const refused = (why: string, hint: string) =>
    new StoreError(capture.path, `cannot answer trace ${name}: ${why}`, { hint });
  const doubt = doubtOf(capture, needs);
  if (doubt !== null) return refused(doubt, 'netfslab trace events prints the events as they are');
  if (timed === true && !spanOf(capture).timed) {
    return refused(
      'its events have no times',
      'paste the lines with their times, or record them: netfslab capture-script --slow',
    );
  }
  if (capture.info.source === 'run') return null;
  for (const group of records) {
    const some = group.some((table) => capture.get(`SELECT 1 FROM "${table}" LIMIT 1`));
    if (some) continue;
    const none = `no ${group.join(' or ')} (none happened, or none were recorded)`;
    return refused(none, `record ${group.join(', ')}: netfslab capture-script --slow`);
  }
  return null;
}

/** The capture, if it can answer; else it is closed. Throws `StoreError`. */
export function demand(capture: Capture, analysis: Analysis): Capture {
  const refusal = refusalOf(capture, analysis);
  if (refusal === null) return capture;
  capture.close();
  throw refusal;
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
    'SELECT 1 FROM "request" WHERE "rreq" = @rreq AND (@uid IS NULL OR "request_uid" = @uid)',
    { rreq, uid: uid ?? null },
  );
  if (known === undefined) {
    capture.close();
    throw noRequest(rreq, uid, capture.path);
  }
  return tableOf(capture, ANALYSES.timeline, { rreq, uid });
}

/** A request told in sentences, with the events of its cookie, cache object and transport. */
export function requestTold(request: string, file?: string, uid?: number): Table {
  const rreq = parseRequest(request);
  const capture = openCapture(findCapture(file));
  try {
    const rows = capture.all(
      'SELECT * FROM "request" WHERE "rreq" = @rreq AND (@uid IS NULL OR "request_uid" = @uid)',
      { rreq, uid: uid ?? null },
    );
    if (rows.length === 0) throw noRequest(rreq, uid, capture.path);
    const told = rows.flatMap((row) => requestStory(capture, row));
    return { capture: capture.path, columns: STORY_COLUMNS, rows: told };
  } finally {
    capture.close();
  }
}

function noRequest(rreq: number, uid: number | undefined, path: string): UsageError {
  const which = uid === undefined ? '' : ` with uid ${uid}`;
  return new UsageError(
    'REQUEST',
    `no request ${rreq.toString(16)}${which} in ${path}`,
    'netfslab trace requests lists them',
  );
}
