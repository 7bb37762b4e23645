/**
 * The numbers of a report: those that `trace summary`, `check`, `hits`, `sources` and the others
 * give, by the same functions.
 */
import { checkCapture } from '../../analysis/check/check.js';
import { RULES, type RuleId } from '../../analysis/check/index.js';
import type { Finding } from '../../analysis/check/types.js';
import { ANALYSES } from '../../analysis/index.js';
import { spanOf } from '../../analysis/span.js';
import type { Column, Table } from '../../analysis/types.js';
import { StoreError, UsageError } from '../../base/errors.js';
import { jsonRow } from '../../report/cell.js';
import type {
  CaptureDocument,
  FindingDocument,
  HeatDocument,
  TableDocument,
  TableName,
} from '../../report/page/types.js';
import { openCapture } from '../../store/database.js';
import type { Capture } from '../../store/types.js';
import { kernelsOf } from '../../trace/eras.js';
import { reconcile } from '../stats/reconcile.js';
import { findCapture } from '../trace/capture_path.js';
import { type AnalysisName, type Params, runAnalysis } from '../trace/query.js';
import { CHECKED_EVENTS, summarise } from '../trace/summary.js';
import { fileMaps } from './file_maps.js';
import { PAGE_LIMITS, type PageLimits, timelineOf } from './timeline.js';

/** Rows of a table that a page holds. */
const ROWS = 500;
/** Findings with their lines, and lines of one. */
const FINDINGS = 50;
const LINES = 12;
/** Stretches of time of the heat map and of the concurrency. */
const HEAT_WIDTH = 96;
const CONCURRENCY_BINS = 200;

/** The document of the capture named; default: the newest. */
export function captureDocument(
  file: string | undefined,
  limits: PageLimits = PAGE_LIMITS,
): CaptureDocument {
  const path = findCapture(file);
  const summary = summarise(path);
  const capture = openCapture(path);
  try {
    const { info } = capture;
    const { timed } = spanOf(capture);
    const checked = info.events > CHECKED_EVENTS ? null : checkCapture(capture);
    const findings = (checked?.findings ?? []).slice(0, FINDINGS);
    const uids = findings.map((each) => uidOf(capture, each));
    return {
      name: capture.path,
      kernel: summary.kernel ?? summary.kernels ?? kernelsOf(info.era),
      ...{ era: info.era, source: info.source, profile: info.profile, events: info.events },
      ...{ lost: info.lost_events, span: summary.span_ns },
      rules:
        checked === null
          ? null
          : {
              checked: checked.rules.filter(({ state }) => state === 'checked').length,
              of: checked.rules.length,
            },
      missing: summary.missing,
      notable: summary.notable.map(({ says, ask }) => ({ says, ask })),
      findings: findings.map((each, i) => findingDocument(capture, each, uids[i] ?? null)),
      tables: tablesOf(path),
      heat: timed ? heatOf(capture) : null,
      ...fileMaps(capture),
      timeline: timed
        ? timelineOf(capture, new Set(uids.filter((uid) => uid !== null)), limits)
        : null,
    };
  } finally {
    capture.close();
  }
}

/** The request of a finding, as far as it is known. */
function uidOf(capture: Capture, { request, ts }: Finding): number | null {
  if (request === null) return null;
  const rreq = Number.parseInt(request, 16);
  const row = capture.get(
    `SELECT "request_uid" AS "uid" FROM "request" WHERE "rreq" = @rreq
     ORDER BY coalesce("begin_ns", 0) <= @ts DESC, "begin_ns" DESC LIMIT 1`,
    { rreq, ts },
  );
  return row === undefined ? null : Number(row.uid);
}

function findingDocument(capture: Capture, each: Finding, uid: number | null): FindingDocument {
  const lines = capture.all(
    `SELECT "event", "text" FROM "events" WHERE "id" IN (SELECT "value" FROM json_each(@ids))
     ORDER BY "id"`,
    { ids: JSON.stringify(each.events.slice(-LINES)) },
  );
  return {
    ...{ rule: each.rule, severity: each.severity, message: each.message, uid },
    law: RULES[each.rule as RuleId].explanation,
    lines: lines.map(({ event, text }) => `${event}: ${text}`),
  };
}

const QUESTIONS: readonly (readonly [TableName & AnalysisName, Params])[] = [
  ['hits', {}],
  ['sources', {}],
  ['latency', {}],
  ['readahead', {}],
  ['concurrency', { bins: CONCURRENCY_BINS }],
  ['dup', {}],
  ['cookies', {}],
];

function tablesOf(path: string): Record<TableName, TableDocument> {
  const tables = QUESTIONS.map(([name, params]) => [
    name,
    tableDocument(() => runAnalysis(name, path, params)),
  ]);
  const all = [...tables, ['reconcile', tableDocument(() => reconcile(path))]];
  return Object.fromEntries(all) as Record<TableName, TableDocument>;
}

/** The table that `ask` gives, or why it cannot. */
export function tableDocument(ask: () => Table): TableDocument {
  try {
    const { columns, rows } = ask();
    const kept = [];
    let more = 0;
    for (const row of rows) {
      if (kept.length < ROWS) kept.push(Object.values(jsonRow(columns, row)));
      else more++;
    }
    return { columns: columns.map(plain), rows: kept, more };
  } catch (error) {
    if (error instanceof StoreError || error instanceof UsageError)
      // A person who reads the page gave no argument.
      return { cannot: error.message.replace(/^(?:FILE|CAPTURE): /, '') };
    throw error;
  }
}

const plain = ({ name, doc, unit }: Column): Column => ({ name, doc, unit });

function heatOf(capture: Capture): HeatDocument | null {
  const { sql } = ANALYSES.heat;
  const span = capture.get(`SELECT min("submit_ns") AS "from", max("submit_ns") AS "to"
    FROM "subrequest" WHERE "term_ns" >= "submit_ns"`);
  if (span === undefined || span.from === null) return null;
  const cells = capture
    .all(sql, { source: null, width: HEAT_WIDTH })
    .map(({ bin, power, n }) => [Number(bin), Number(power), Number(n)] as const);
  return { from: Number(span.from), to: Number(span.to), width: HEAT_WIDTH, cells };
}
