/**
 * What `fleet` knows of a capture: the figures of its analyses, a table each. They are kept in an
 * index of a folder of captures, and written beside the tables of a capture as Parquet.
 */
import { statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { checkCapture } from '../../analysis/check/check.js';
import { ANALYSES, type AnalysisName } from '../../analysis/index.js';
import type { Analysis, Column } from '../../analysis/types.js';
import type { DuckColumn } from '../../store/duckdb.js';
import type { Capture } from '../../store/types.js';
import { kernelsOf } from '../../trace/eras.js';
import { refusalOf, rowsOf } from '../trace/query.js';

/** A table of answers: its name, what it is, and its columns besides those of the capture. */
export interface AnswerTable {
  readonly name: string;
  readonly doc: string;
  readonly columns: readonly DuckColumn[];
}

/** Where a capture stands among others. */
export interface CaptureKey {
  readonly host: string;
  /** `2026-12-01`. */
  readonly day: string;
  readonly capture: string;
}

/**
 * The columns that say which capture a row is of. In a data set of Parquet they are its folders.
 */
export const KEY_COLUMNS: readonly DuckColumn[] = [
  { name: 'host', type: 'VARCHAR' },
  { name: 'day', type: 'VARCHAR' },
  { name: 'capture', type: 'VARCHAR' },
];

const ASKED = ['hits', 'sources', 'latency', 'readahead', 'dup'] as const satisfies AnalysisName[];

const CAPTURES: AnswerTable = {
  name: 'answer_capture',
  doc: 'A row for each capture.',
  columns: [
    { name: 'kernel', type: 'VARCHAR' },
    { name: 'era', type: 'VARCHAR' },
    { name: 'source', type: 'VARCHAR' },
    ...['events', 'lost_events', 'requests', 'failed_requests', 'server_bytes', 'cache_bytes'].map(
      (name): DuckColumn => ({ name, type: 'BIGINT' }),
    ),
  ],
};

const FINDINGS: AnswerTable = {
  name: 'answer_finding',
  doc: 'What trace check finds: a row for each rule that finds something, or one `(not checked)`.',
  columns: [
    { name: 'rule', type: 'VARCHAR' },
    { name: 'severity', type: 'VARCHAR' },
    { name: 'findings', type: 'BIGINT' },
  ],
};

/** Every table of answers. */
export const ANSWER_TABLES: readonly AnswerTable[] = [
  CAPTURES,
  FINDINGS,
  ...ASKED.map((name): AnswerTable => {
    const { doc, columns } = ANALYSES[name];
    return { name: `answer_${name}`, doc, columns: columns.map(duckColumn) };
  }),
];

function duckColumn({ name, unit }: Column): DuckColumn {
  if (unit === 'text') return { name, type: 'VARCHAR' };
  return { name, type: unit === 'ratio' ? 'DOUBLE' : 'BIGINT' };
}

/** Values in the order of the columns of a table of answers. */
export type AnswerRow = readonly (string | number | null)[];

/** What stands for the rules where they were not asked. */
const NOT_CHECKED: AnswerRow = ['(not checked)', 'note', null];

/**
 * The answers of a capture, by table; none of an analysis that cannot answer. The rules, which take
 * the longest, are asked up to `checked` events (default: any number).
 */
export function answersOf(capture: Capture, checked = Infinity): Map<string, AnswerRow[]> {
  const { info } = capture;
  const sums = capture.get(`SELECT count(*) AS "requests", sum("outcome" = 'failed') AS "failed",
    sum("server_bytes") AS "server", sum("cache_bytes") AS "cache"
    FROM "request" WHERE "kind" IS NOT NULL`);
  const of = (name: string) => Number(sums?.[name] ?? 0);
  const kernel = info.kernel_release ?? kernelsOf(info.era);
  const answers = new Map<string, AnswerRow[]>([
    [
      CAPTURES.name,
      [
        [
          ...[kernel, info.era, info.source, info.events, info.lost_events],
          ...[of('requests'), of('failed'), of('server'), of('cache')],
        ],
      ],
    ],
  ]);
  answers.set(FINDINGS.name, info.events > checked ? [NOT_CHECKED] : findingsOf(capture));
  for (const name of ASKED) answers.set(`answer_${name}`, answered(capture, ANALYSES[name]));
  return answers;
}

function findingsOf(capture: Capture): AnswerRow[] {
  return checkCapture(capture)
    .rules.filter(({ findings }) => findings > 0)
    .map(({ id, severity, findings }) => [id, severity, findings]);
}

function answered(capture: Capture, analysis: Analysis): AnswerRow[] {
  if (refusalOf(capture, analysis) !== null) return [];
  return Array.from(rowsOf(capture, analysis), (row) =>
    analysis.columns.map(({ name }) => {
      const value = row[name] ?? null;
      return typeof value === 'string' || typeof value === 'number' ? value : null;
    }),
  );
}

/**
 * Where a capture stands: its host is the one that is named, else the folder it lies in; its day is
 * when it was recorded, as far as it tells, else when its file was written.
 */
export function keyOf({ path, info }: Capture, host: string | null): CaptureKey {
  const at = info.epoch_ms > 0 ? info.epoch_ms : statSync(path).mtimeMs;
  return {
    host: host ?? basename(dirname(resolve(path))).replace(/^host=/, ''),
    day: new Date(at).toISOString().slice(0, 10),
    capture: basename(path, '.db'),
  };
}
