/**
 * Compares two traces event by event, as docs/explanation/conformance.md says: what the kernel
 * guarantees has to be the same, what it leaves open may differ. Called by `conform` and `trace
 * diff --structure`.
 */
import { align } from './align.js';
import { sectionOf } from './events.js';
import { compareCourses } from './order.js';
import type {
  Comparison,
  Divergence,
  Part,
  RequestEvent,
  RequestStructure,
  Share,
  Structure,
} from './types.js';

/** Differences that are listed; the others are counted. */
const DIVERGENCES_MAX = 50;

/** Collects differences. Other parts of a comparison (results, files) add to the same findings. */
export class Findings {
  readonly divergences: Divergence[] = [];
  differences = 0;
  readonly parts: Partial<Record<Part, Share>> = {};

  /** Notes a difference. */
  add(part: Part, where: string, left: string | null, right: string | null, section = '3'): void {
    this.differences++;
    if (this.divergences.length < DIVERGENCES_MAX) {
      this.divergences.push({ part, where, left, right, section });
    }
  }

  /** Compares two lists in order and notes how much of them is the same. */
  lists(part: Part, where: string, left: readonly string[], right: readonly string[]): Share {
    let identical = 0;
    const pairs = align(left, right);
    for (const [l, r] of pairs) {
      if (l >= 0 && r >= 0 && left[l] === right[r]) {
        identical++;
        continue;
      }
      const a = l < 0 ? null : (left[l] as string);
      const b = r < 0 ? null : (right[r] as string);
      this.add(part, where, a, b, sectionOf(a ?? b));
    }
    return this.score(part, { identical, all: pairs.length });
  }

  /** Compares two multisets. True if they are the same. */
  counts(
    part: Part,
    where: string,
    left: ReadonlyMap<string, number>,
    right: ReadonlyMap<string, number>,
  ): boolean {
    let same = true;
    for (const key of new Set([...left.keys(), ...right.keys()])) {
      const a = left.get(key) ?? 0;
      const b = right.get(key) ?? 0;
      if (a === b) continue;
      same = false;
      this.add(part, where, `${key} x${a}`, `${key} x${b}`, sectionOf(key));
    }
    return same;
  }

  /** Adds to the score of a part. */
  score(part: Part, { identical, all }: Share): Share {
    const before = this.parts[part] ?? { identical: 0, all: 0 };
    this.parts[part] = { identical: before.identical + identical, all: before.all + all };
    return { identical, all };
  }
}

/** Compares two traces; `left` is what is expected. What differs is added to `findings`. */
export function compareStructures(
  left: Structure,
  right: Structure,
  findings = new Findings(),
): Comparison {
  const requests = new RequestComparison(findings);
  const io = { identical: 0, all: 0 };
  for (const where of ['task', 'worker', 'irq'] as const) {
    const share = findings.lists(
      'd-cache',
      `cache I/O of no request, ${where}`,
      left.io[where],
      right.io[where],
    );
    io.identical += share.identical;
    io.all += share.all;
  }
  requests.compareAll(left, right);
  compareLanes(left, right, requests, findings);
  compareRefs(left, right, findings);
  compareStats(left, right, findings);
  return {
    requests: requests.requests,
    events: {
      identical: requests.events.identical + io.identical,
      all: requests.events.all + io.all,
    },
    refs: requests.refs,
    reordered: requests.reordered,
    parts: findings.parts,
    divergences: findings.divergences,
    differences: findings.differences,
  };
}

class RequestComparison {
  readonly requests = { identical: 0, all: 0 };
  readonly events = { identical: 0, all: 0 };
  readonly refs = { identical: 0, all: 0 };
  reordered = 0;
  /** Identical requests: number on the right by number on the left, counted from 1. */
  readonly partners = new Map<number, number>();
  readonly #findings: Findings;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  compareAll({ requests: left }: Structure, { requests: right }: Structure): void {
    const findings = this.#findings;
    const asked = { identical: 0, all: 0 };
    for (const [l, r] of align(left.map(asks), right.map(asks))) {
      const a = left[l];
      const b = right[r];
      asked.all++;
      this.requests.all++;
      this.refs.all++;
      if (a !== undefined && b !== undefined && asks(a) === asks(b)) {
        asked.identical++;
        this.#compareOne(a, b, l, r);
        continue;
      }
      this.events.all += a?.events.length ?? b?.events.length ?? 0;
      const where = nameOf(a ?? (b as RequestStructure), Math.max(l, r));
      const what = a ?? b;
      findings.add(
        'b-requests',
        where,
        a ? asks(a) : null,
        b ? asks(b) : null,
        sectionOf(what?.read ?? null),
      );
    }
    findings.score('b-requests', asked);
    for (const part of ['c-request', 'd-cache'] as const) findings.score(part, this.requests);
    findings.score('e-refs', this.refs);
  }

  #compareOne(a: RequestStructure, b: RequestStructure, l: number, r: number): void {
    const findings = this.#findings;
    const verdict = compareCourses(a.events, b.events);
    const { length } = a.events;
    this.events.all += Math.max(length, b.events.length);
    const where = nameOf(a, l);
    if (findings.counts('e-refs', where, a.refs, b.refs)) this.refs.identical++;
    if (verdict.same) {
      this.requests.identical++;
      this.events.identical += length;
      this.partners.set(l + 1, r + 1);
      if (verdict.reordered) this.reordered++;
      return;
    }
    const pairs = align(a.events.map(textOf), b.events.map(textOf));
    this.events.identical += pairs.filter(([x, y]) => x >= 0 && y >= 0).length;
    const left = a.events[verdict.at];
    const right = b.events[verdict.at];
    const { part } = (left ?? right) as RequestEvent;
    const section = sectionOf((left ?? right)?.text ?? null);
    findings.add(
      part,
      `${where}, event ${verdict.at + 1}`,
      left?.text ?? null,
      right?.text ?? null,
      section,
    );
  }
}

// The course of each task of the application across requests. Requests that differ have been told,
// and what ran elsewhere on the other side (whoever ends last assesses) has no place in it.
function compareLanes(
  left: Structure,
  right: Structure,
  { partners }: RequestComparison,
  findings: Findings,
): void {
  const back = new Map([...partners].map(([l, r]) => [r, l]));
  partners.set(0, 0);
  back.set(0, 0);
  for (let i = 0; i < Math.max(left.lanes.length, right.lanes.length); i++) {
    const a = laneTexts(left.lanes[i], (n) => (partners.has(n) ? n : undefined));
    const b = laneTexts(right.lanes[i], (n) => back.get(n));
    const [x, y] = [common(a, b), common(b, a)];
    const at = x.findIndex((text, k) => text !== y[k]);
    if (at < 0) continue;
    findings.add(
      'b-requests',
      `task ${i + 1}, its order`,
      x[at] ?? null,
      y[at] ?? null,
      '3.2, 3.5',
    );
    findings.score('b-requests', { identical: 0, all: 1 });
  }
}

function laneTexts(
  lane: Structure['lanes'][number] = [],
  number: (request: number) => number | undefined,
): string[] {
  return lane.flatMap(({ request, text }) => {
    const mapped = number(request);
    return mapped === undefined ? [] : [`request ${mapped}: ${text}`];
  });
}

// Those of `texts` that `others` has too, as often as it has them.
function common(texts: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const text of others) left.set(text, (left.get(text) ?? 0) + 1);
  return texts.filter((text) => {
    const n = left.get(text) ?? 0;
    left.set(text, n - 1);
    return n > 0;
  });
}

function compareRefs(left: Structure, right: Structure, findings: Findings): void {
  const identical = findings.counts('e-refs', 'cache objects', left.refs, right.refs);
  findings.score('e-refs', { identical: Number(identical), all: 1 });
  for (const [side, { badRefs }] of [
    ['left', left],
    ['right', right],
  ] as const) {
    for (const bad of badRefs) {
      const text = `ref ${bad}`;
      const [a, b] = side === 'left' ? [text, null] : [null, text];
      findings.add('e-refs', `count on the ${side}`, a, b, '6.2');
    }
    if (badRefs.length > 0) findings.score('e-refs', { identical: 0, all: 1 });
  }
}

function compareStats(left: Structure, right: Structure, findings: Findings): void {
  if (left.stats === null || right.stats === null) return;
  const texts = (stats: NonNullable<Structure['stats']>): Map<string, number> =>
    new Map(stats.map(({ label, key, value }) => [`${label.trim()} ${key}`, value]));
  const a = texts(left.stats);
  const b = texts(right.stats);
  let identical = 0;
  let all = 0;
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    const [x, y] = [a.get(key), b.get(key)];
    // What one side does not keep can only be missed once it has moved.
    if ((x ?? y) === 0 && (x === undefined || y === undefined)) continue;
    all++;
    if (x === y) identical++;
    else findings.add('f-stats', 'statistics', signed(key, x), signed(key, y), '1.10, 6.4');
  }
  findings.score('f-stats', { identical, all });
}

function signed(key: string, change: number | undefined): string | null {
  if (change === undefined) return null;
  return `${key} ${change < 0 ? '' : '+'}${change}`;
}

function textOf({ text }: RequestEvent): string {
  return text;
}

// What makes two requests the same one: what was asked, on behalf of which operation.
function asks({ op, read }: RequestStructure): string {
  return `${op === 0 ? 'no op' : `op ${op}`}: ${read === '' ? 'began before the trace' : read}`;
}

function nameOf({ rreq }: RequestStructure, index: number): string {
  return `request ${index + 1} (R=${rreq.toString(16).padStart(8, '0')})`;
}
