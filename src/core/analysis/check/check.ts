/**
 * Runs the rules over a capture. Called by app/trace/check.ts and the tests; what it gives is the
 * stable shape of `trace check --json`.
 */
import type { Capture } from '../../store/types.js';
import type { Era } from '../../trace/eras.js';
import { isTimed } from '../span.js';
import { RULES } from './index.js';
import { collectorEra } from './laws.js';
import { eventStream, tracepointNamed } from './stream.js';
import type { CheckEvent, Finding, Report, Rule, Where } from './types.js';
import { REQUEST_EVENTS, type Strange, Walk } from './walk.js';
import { Walked } from './world.js';

/** Findings of one rule that are kept; the rest is counted. */
const FINDINGS_MAX = 1000;

/** What became of a rule. */
export interface RuleResult {
  readonly id: string;
  readonly severity: string;
  /** `cannot tell`: events are missing that it depends on. */
  readonly state: 'checked' | 'cannot tell' | 'not in this era';
  /** Why it cannot tell. */
  readonly reason: string | null;
  /** Violations, those that are not listed included. */
  readonly findings: number;
}

/** The result of a check. */
export interface CheckResult {
  readonly rules: readonly RuleResult[];
  /** In the order of the trace. */
  readonly findings: readonly Finding[];
}

/** The events of these names in the order of the trace. */
export type EventSource = (capture: Capture, names: readonly string[]) => Iterable<CheckEvent>;

/**
 * Checks a capture by the rules named, in the order of the registry. Tests put other events in the
 * place of those of the capture.
 */
export function checkCapture(
  capture: Capture,
  only: readonly string[] = Object.keys(RULES),
  source: EventSource = (from, names) => eventStream(from, names),
): CheckResult {
  const names = new Set(only);
  const present = presentEvents(capture);
  const world = new Walked(capture, present, endOf(capture, present));
  const rules: Rule[] = Object.values(RULES).filter(({ id }) => names.has(id));
  const states = new Map(rules.map((rule) => [rule, stateOf(rule, world)]));
  const findings: Finding[] = [];
  const counts = new Map<string, number>();
  const checked = rules.filter((rule) => states.get(rule)?.state === 'checked');
  const hooks = checked.map((rule) => rule.watch(world, reporter(rule, findings, counts)));
  const others = hooks.flatMap(({ other }) => Object.keys(other ?? {}));
  const events = [...new Set([...REQUEST_EVENTS, ...others])].filter((name) => present.has(name));
  const walk = new Walk(world, hooks);
  walk.run(source(capture, events));
  for (const rule of checked) doubt(rule, walk.strange, { states, findings, counts });
  findings.sort((a, b) => a.ts - b.ts || (a.events[0] ?? 0) - (b.events[0] ?? 0));
  const results = rules.map((rule) => ({
    id: rule.id,
    severity: rule.severity,
    ...(states.get(rule) as Pick<RuleResult, 'state' | 'reason'>),
    findings: counts.get(rule.id) ?? 0,
  }));
  return { rules: results, findings };
}

function reporter(rule: Rule, findings: Finding[], counts: Map<string, number>): Report {
  return (at: CheckEvent, message: string, where: Where = {}) => {
    const count = (counts.get(rule.id) ?? 0) + 1;
    counts.set(rule.id, count);
    if (count > FINDINGS_MAX) return;
    const rreq = where.request?.rreq ?? (at.rreq as number | undefined);
    findings.push({
      rule: rule.id,
      severity: where.severity ?? rule.severity,
      request: rreq === undefined ? null : rreq.toString(16).padStart(8, '0'),
      slice: where.slice ?? null,
      events: [...new Set([...(where.with ?? []), at.id])],
      ts: at.ts,
      message,
    });
  };
}

interface Results {
  readonly states: Map<Rule, Pick<RuleResult, 'state' | 'reason'>>;
  readonly findings: Finding[];
  readonly counts: Map<string, number>;
}

/**
 * Takes back what a rule found where words are that no table has: they may mean what is missing. If
 * nothing is left, the rule cannot tell.
 */
function doubt(rule: Rule, strange: ReadonlyMap<string, Strange>, results: Results): void {
  if (strange.size === 0) return;
  const { states, findings, counts } = results;
  const mine = findings.filter((finding) => finding.rule === rule.id);
  const doubted = [...strange].filter(([event]) => rule.needs.includes(event));
  const requests = new Set([...strange.values()].flatMap((each) => [...each.requests]));
  const certain = mine.filter(({ request }) => {
    return request === null ? doubted.length === 0 : !requests.has(Number.parseInt(request, 16));
  });
  if (certain.length === mine.length && (mine.length > 0 || doubted.length === 0)) return;
  const dropped = new Set(mine.filter((finding) => !certain.includes(finding)));
  findings.splice(0, findings.length, ...findings.filter((finding) => !dropped.has(finding)));
  counts.set(rule.id, certain.length);
  if (certain.length > 0) return;
  const words = [...strange].map(([event, { words: of }]) => `${[...of].join(' ')} (${event})`);
  states.set(rule, {
    state: 'cannot tell',
    reason: `words that no table has: ${words.join(', ')}`,
  });
}

function stateOf(rule: Rule, world: Walked): Pick<RuleResult, 'state' | 'reason'> {
  const { info } = world.capture;
  if (!rule.holds(info.era)) {
    return { state: 'not in this era', reason: rule.elsewhere ?? `not for ${info.era}` };
  }
  const absent = neededBy(rule, info.era).filter((event) => !world.recorded(event));
  if (absent.length > 0) return { state: 'cannot tell', reason: `record ${absent.join(', ')}` };
  if (rule.sure === true) return { state: 'checked', reason: null };
  if (world.excerpt) {
    return { state: 'cannot tell', reason: 'pasted without times: lines may be missing' };
  }
  if (info.lost_events > 0) {
    return { state: 'cannot tell', reason: `${info.lost_events} events were lost` };
  }
  if (!isTimed(world.capture)) {
    return { state: 'cannot tell', reason: 'lines without times may have been left out' };
  }
  return { state: 'checked', reason: null };
}

/** The events without which a rule cannot be decided in an era. */
function neededBy(rule: Rule, era: Era): readonly string[] {
  const { needs, collectorNeeds = [] } = rule;
  return collectorEra(era) ? [...needs, ...collectorNeeds] : needs;
}

/** The events that the capture has at least one of. */
function presentEvents(capture: Capture): Set<string> {
  const wanted = new Set<string>(REQUEST_EVENTS);
  for (const rule of Object.values(RULES)) {
    for (const name of neededBy(rule, capture.info.era)) wanted.add(name);
  }
  for (const name of ALSO_READ) wanted.add(name);
  const some = (name: string) =>
    capture.get(`SELECT 1 FROM "${tracepointNamed(name).name}" LIMIT 1`) !== undefined;
  return new Set([...wanted].filter(some));
}

/** Events that rules look at without depending on them. */
const ALSO_READ = [
  ...['netfs_progress', 'netfs_collect_folio', 'fscache_invalidate', 'fscache_relinquish'],
  ...['fscache_resize', 'netfs_collect_sreq', 'netfs_collect_state'],
];

/** The last moment of a capture, nanoseconds, as far as these tables and the markers tell. */
export function endOf(capture: Capture, present: ReadonlySet<string>): number {
  const each = [...present, 'marker', 'other_event'].map(
    (name) => `SELECT "ts" FROM (SELECT "ts" FROM "${name}" ORDER BY "id" DESC LIMIT 1)`,
  );
  return Number(capture.get(`SELECT max("ts") AS "end" FROM (${each.join(' UNION ALL ')})`)?.end);
}
