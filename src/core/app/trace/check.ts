/**
 * The use case `trace check`: the rules over a capture, as tables, text and a stable JSON shape.
 * Called by the command.
 */
import { checkCapture, type RuleResult } from '../../analysis/check/check.js';
import { RULES } from '../../analysis/check/index.js';
import type { Finding, Rule } from '../../analysis/check/types.js';
import type { Column, Row, Table } from '../../analysis/types.js';
import { UsageError } from '../../base/errors.js';
import { closest } from '../../base/suggest.js';
import { formatCount } from '../../base/units.js';
import { openCapture } from '../../store/database.js';
import { ERA_KERNELS, ERAS } from '../../trace/eras.js';
import { findCapture } from './capture_path.js';

/** What `trace check --json` gives. Fields are added, never renamed, within a version. */
export interface CheckReport {
  readonly version: 1;
  readonly capture: string;
  readonly era: string;
  readonly lost_events: number;
  readonly rules: readonly RuleResult[];
  readonly findings: readonly Finding[];
}

/** Findings of one rule that the text shows. */
const SHOWN = 10;

/** Checks the capture named (default: the newest) by the rules named (default: all). */
export function runCheck(file?: string, rules?: readonly string[]): CheckReport {
  const only = rules === undefined || rules.length === 0 ? undefined : rules.map(knownRule);
  const capture = openCapture(findCapture(file));
  try {
    const { era, lost_events } = capture.info;
    const result = checkCapture(capture, only);
    return { version: 1, capture: capture.path, era, lost_events, ...result };
  } finally {
    capture.close();
  }
}

function knownRule(name: string): string {
  if (name in RULES) return name;
  const near = closest(name, Object.keys(RULES));
  const hint = near === undefined ? 'netfslab trace check --list' : `did you mean ${near}?`;
  throw new UsageError('--rule', `no rule is called ${name}`, hint);
}

/** True if there is anything worse than a note. */
export function isBad({ findings }: CheckReport): boolean {
  return findings.some(({ severity }) => severity !== 'note');
}

const FINDING_COLUMNS: readonly Column[] = [
  { name: 'rule', doc: 'Rule; trace check --list explains it.', unit: 'text' },
  { name: 'severity', doc: 'error, warning or note.', unit: 'text' },
  { name: 'request', doc: 'Number of the request as printed.', unit: 'text' },
  { name: 'slice', doc: 'Subrequest; NULL = the request as a whole.', unit: 'number' },
  { name: 'ts', doc: 'Since the start of the capture, nanoseconds.', unit: 'time' },
  { name: 'events', doc: 'The events that show it: id of the event tables.', unit: 'text' },
  { name: 'message', doc: 'What is wrong.', unit: 'text' },
];

/** The findings as a table. */
export function findingsTable({ capture, findings }: CheckReport): Table {
  const rows = findings.map((finding) => ({ ...finding, events: finding.events.join(' ') }));
  return { capture, columns: FINDING_COLUMNS, rows };
}

/** The report for people. */
export function* checkLines(report: CheckReport): Iterable<string> {
  const { rules, findings } = report;
  const checked = rules.filter(({ state }) => state === 'checked');
  for (const { id, findings: count } of rules.filter((rule) => rule.findings > 0)) {
    yield* ruleLines(id, count, findings);
  }
  yield* undecided(rules, 'cannot tell');
  yield* undecided(rules, 'not in this era');
  const found = checked.reduce((sum, rule) => sum + rule.findings, 0);
  const all = `${checked.length} of ${rules.length} rules checked`;
  yield found === 0 ? `${all}, nothing found` : `${all}, ${formatCount(found)} findings`;
}

function* ruleLines(id: string, count: number, findings: readonly Finding[]): Iterable<string> {
  const rule: Rule = RULES[id as keyof typeof RULES];
  const mine = findings.filter((finding) => finding.rule === id);
  yield `${mine[0]?.severity ?? rule.severity} ${id}: ${rule.doc}`;
  for (const { request, slice, events, message } of mine.slice(0, SHOWN)) {
    const place = request === null ? '' : `R=${request}${slice === null ? '' : `[${slice}]`} `;
    yield `  ${place}${message} (event ${events.join(', ')})`;
  }
  if (count > SHOWN) yield `  and ${formatCount(count - SHOWN)} more; --csv lists them`;
  yield `  ${rule.explanation}`;
  if (rule.known !== null) yield `  known: ${rule.known}`;
  yield '';
}

function* undecided(rules: readonly RuleResult[], state: string): Iterable<string> {
  const reasons = new Map<string, string[]>();
  for (const { id, reason, state: is } of rules) {
    if (is !== state) continue;
    reasons.set(reason ?? '', [...(reasons.get(reason ?? '') ?? []), id]);
  }
  for (const [reason, ids] of reasons) yield `${state} (${reason}): ${ids.join(' ')}`;
}

const RULE_COLUMNS: readonly Column[] = [
  { name: 'rule', doc: 'Name of the rule.', unit: 'text' },
  { name: 'severity', doc: 'error, warning or note.', unit: 'text' },
  { name: 'says', doc: 'What must hold.', unit: 'text' },
  { name: 'explanation', doc: 'What a violation means.', unit: 'text' },
  { name: 'known', doc: 'Where a known bug of the kind was told or fixed.', unit: 'text' },
  { name: 'needs', doc: 'Events that must be recorded.', unit: 'text' },
  { name: 'elsewhere', doc: 'Why it does not hold where it does not.', unit: 'text' },
];

/** Every rule with its documentation. */
export function rulesTable(): Table {
  const rows: Row[] = Object.values(RULES).map((rule: Rule) => ({
    rule: rule.id,
    severity: rule.severity,
    says: rule.doc,
    explanation: rule.explanation,
    known: rule.known,
    needs: rule.needs.join(' '),
    elsewhere: rule.elsewhere ?? null,
  }));
  return { capture: null, columns: RULE_COLUMNS, rows };
}

/** The same as text for people. */
export function* ruleListLines(): Iterable<string> {
  for (const rule of Object.values(RULES) as readonly Rule[]) {
    yield `${rule.id} (${rule.severity}): ${rule.doc}`;
    yield `  ${rule.explanation}`;
    if (rule.known !== null) yield `  known: ${rule.known}`;
    yield `  needs ${rule.needs.join(', ')}`;
    const eras = ERAS.filter((era) => !rule.holds(era)).map((era) => ERA_KERNELS[era]);
    if (eras.length > 0) yield `  not for ${eras.join(', ')}: ${rule.elsewhere}`;
  }
}
