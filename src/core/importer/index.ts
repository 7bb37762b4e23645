/** The registry of importers, and which of them an input is for. */
import { TraceFormatError, UsageError } from '../base/errors.js';
import { closest } from '../base/suggest.js';
import { bare } from './bare.js';
import { ftrace } from './ftrace.js';
import { cleanHead, mailDamage } from './mail.js';
import { oops } from './oops.js';
import { perf } from './perf.js';
import { report } from './report.js';
import { traceDat } from './trace_dat/trace_dat.js';
import type { Importer, Input, MailDamage } from './types.js';

/** Every importer by name. */
export const IMPORTERS = {
  'trace-dat': traceDat,
  ftrace,
  oops,
  report,
  perf,
  bare,
} as const satisfies Record<string, Importer>;

/** How an input is to be read, and why. */
export interface Recognised {
  readonly importer: Importer;
  /** In words; names what was seen. */
  readonly evidence: string;
  /** How mail has damaged the text, which is cleaned first; null = it has not. */
  readonly mail: MailDamage | null;
}

/** The importer of a name. Throws `UsageError` where there is none. */
function importerNamed(name: string): Importer {
  const found: Importer | undefined = (IMPORTERS as Record<string, Importer>)[name];
  if (found !== undefined) return found;
  const names = Object.keys(IMPORTERS);
  const near = closest(name, names);
  throw new UsageError('--format', `no format '${name}'`, near ?? `one of ${names.join(', ')}`);
}

/**
 * Finds the importer for an input by its first bytes; `format` forces one. Throws
 * `TraceFormatError` where none knows it.
 */
export function recognise(input: Input, format?: string): Recognised {
  const mail = mailDamage(input.head);
  const head = mail === null ? input.head : cleanHead(input.head, mail);
  const and = mail === null ? '' : `; damaged by mail: ${mail.evidence}`;
  if (format !== undefined) {
    return { importer: importerNamed(format), evidence: `as --format says${and}`, mail };
  }
  let best: { importer: Importer; score: number; evidence: string } | null = null;
  for (const importer of Object.values<Importer>(IMPORTERS).sort(byPriority)) {
    const sniffed = importer.sniff(head);
    if (sniffed === null || sniffed.score <= (best?.score ?? 0)) continue;
    best = { importer, ...sniffed };
  }
  if (best === null) throw new TraceFormatError(input.name, Object.keys(IMPORTERS));
  return { importer: best.importer, evidence: best.evidence + and, mail };
}

function byPriority(a: Importer, b: Importer): number {
  return b.priority - a.priority;
}
