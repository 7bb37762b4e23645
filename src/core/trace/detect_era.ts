/**
 * Tells the era of a trace from its events: those eras are possible that print an event exactly as
 * it stands there. Called by the importers.
 *
 * No marks are written down here: formats and label tables decide. An era whose formats fit fewer
 * events is out; among the rest, those that know most of the words are kept, as stable kernels have
 * words of later eras.
 */
import { ERAS, type Era } from './eras.js';
import { tracepointNamed } from './index.js';
import type { AnyTracepoint } from './tracepoint.js';

/** Lines of one event that are looked at; what tells eras apart comes early. */
const LINES_PER_EVENT = 2000;

/** The systems whose texts are known for every era. */
const SYSTEMS: readonly string[] = ['netfs', 'fscache', 'cachefiles'];

/** What is known about the era of a trace. */
export interface EraEvidence {
  /** The eras that are possible, oldest first; all of them if no event tells. */
  readonly eras: readonly Era[];
  /** Events that together rule out the other eras, one sentence each. */
  readonly reasons: readonly string[];
  /** Events looked at. */
  readonly events: number;
  /** Of these, events that the first of the eras does not print so. */
  readonly misfits: number;
}

/** How well an event fits an era: 0 not, 1 with words the era does not know, 2 entirely. */
type Fit = 0 | 1 | 2;

/** The eras of a trace, given names and texts of events in any order. */
export function detectEra(samples: Iterable<readonly [event: string, text: string]>): EraEvidence {
  const looked = new Map<string, number>();
  const fits = ERAS.map(() => 0);
  const words = ERAS.map(() => 0);
  const marks = new Map<string, Mark>();
  let events = 0;
  for (const [event, text] of samples) {
    const tracepoint = tracepointNamed(event);
    const count = (looked.get(event) ?? 0) + 1;
    if (tracepoint === undefined || !SYSTEMS.includes(tracepoint.system)) continue;
    if (count > LINES_PER_EVENT) continue;
    const each = ERAS.map((era) => fitness(tracepoint, text, era));
    const best = Math.max(...each);
    if (best === 0) continue;
    looked.set(event, count);
    events++;
    for (const [i, value] of each.entries()) {
      if (value > 0) fits[i] = (fits[i] as number) + 1;
      if (value === 2) words[i] = (words[i] as number) + 1;
    }
    const eras = ERAS.filter((_, i) => each[i] === best);
    const key = `${event} ${eras.join()}`;
    if (!marks.has(key)) marks.set(key, { eras, example: `${event}: ${text}` });
  }
  const most = Math.max(...fits);
  const fitting = ERAS.map((_, i) => i).filter((i) => fits[i] === most);
  const known = Math.max(...fitting.map((i) => words[i] as number));
  const eras = fitting.filter((i) => words[i] === known).map((i) => ERAS[i] as Era);
  return { eras, reasons: reasons([...marks.values()]), events, misfits: events - most };
}

/** An event as some eras print it. */
interface Mark {
  readonly eras: readonly Era[];
  readonly example: string;
}

/** The fewest marks, roughly: the narrowest first, then those that rule out more. */
function reasons(marks: readonly Mark[]): string[] {
  const out = new Set<Era>();
  const found: string[] = [];
  for (const { eras, example } of [...marks].sort((a, b) => a.eras.length - b.eras.length)) {
    const ruled = ERAS.filter((era) => !eras.includes(era) && !out.has(era));
    if (ruled.length === 0) continue;
    for (const era of ruled) out.add(era);
    found.push(`only ${spans(eras)} print ${example}`);
  }
  return found;
}

function fitness(tracepoint: AnyTracepoint, text: string, era: Era): Fit {
  const row = tracepoint.parse(text, era);
  if (row === null || tracepoint.print(row, era) !== text) return 0;
  const known = tracepoint.columns.every(({ symbols }, i) => {
    const value = row[i];
    return symbols === null || typeof value !== 'string' || symbols.find(era, value) !== undefined;
  });
  return known ? 2 : 1;
}

/** Eras as spans: `E0-E2 and E4`. */
function spans(eras: readonly Era[]): string {
  const parts: Era[][] = [];
  for (const era of eras) {
    const part = parts.at(-1);
    const last = part?.at(-1);
    if (last !== undefined && ERAS.indexOf(era) === ERAS.indexOf(last) + 1) part?.push(era);
    else parts.push([era]);
  }
  return parts
    .map((part) => (part.length === 1 ? part[0] : `${part[0]}-${part.at(-1)}`))
    .join(' and ');
}
