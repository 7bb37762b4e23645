/**
 * The statistics text of each era as data: lines of label and keys, the variable each key prints,
 * and what it means. Called by the tracer (snapshots), `stats show` and `stats explain`.
 *
 * Kernel: fs/netfs/stats.c. `WBZ` and `sk` print the same variable.
 */
import { type Era, inEra, type PerEra } from './eras.js';
import type { StatEntry } from './record.js';

/** A counter only rises; a gauge counts objects alive and is back at 0 at rest. */
export type StatKind = 'counter' | 'gauge';

/** What one variable counts. */
export interface StatDoc {
  readonly kind: StatKind;
  readonly doc: string;
  /** The tracepoints that happen when it changes, or why none does. */
  readonly events: string;
  /** What holds at rest, '' if nothing does. */
  readonly healthy: string;
}

const counter = (doc: string, events: string, healthy = ''): StatDoc => ({
  kind: 'counter',
  doc,
  events,
  healthy,
});

const gauge = (doc: string, events: string): StatDoc => ({
  kind: 'gauge',
  doc,
  events,
  healthy: '0 when no request is in flight',
});

/** The variables of the read helper, by the kernel's names. */
export const STAT_VARIABLES = {
  netfs_n_rh_readahead: counter(
    'Read requests begun by readahead.',
    'netfs_read READAHEAD',
    'RA + RP + WB = requests',
  ),
  netfs_n_rh_readpage: counter(
    'Read requests for a single page, made synchronously.',
    'netfs_read READPAGE',
    'RA + RP + WB = requests',
  ),
  netfs_n_rh_write_begin: counter(
    'Read requests made because a write needs the rest of its page.',
    'netfs_read WRITEBEGN',
    'RA + RP + WB = requests',
  ),
  netfs_n_rh_write_zskip: counter(
    'Writes that did not have to read their page first. Printed twice, as WBZ and as sk.',
    'none: no request is made',
  ),
  netfs_n_rh_rreq: gauge('Requests alive.', 'netfs_read to netfs_rreq FREE'),
  netfs_n_rh_sreq: gauge('Subrequests alive.', 'netfs_sreq PREP to netfs_sreq FREE'),
  netfs_n_rh_zero: counter('Subrequests satisfied with zeros.', 'netfs_sreq SUBMT, source ZERO'),
  netfs_n_rh_short_read: counter('Short reads asked for again.', 'netfs_sreq SHORT'),
  netfs_n_rh_download: counter(
    'Reads sent to the server, repeated ones included.',
    'netfs_sreq SUBMT, SHORT or RDOWN, source DOWN',
    'DL = ds',
  ),
  netfs_n_rh_download_done: counter(
    'Reads from the server that ended, whatever became of them.',
    'netfs_sreq TERM, source DOWN',
    'DL = ds',
  ),
  netfs_n_rh_download_failed: counter(
    'Reads that were not from the cache and failed.',
    'netfs_sreq TERM with an error, source DOWN',
  ),
  netfs_n_rh_download_instead: counter(
    'Failed cache reads that were sent to the server instead.',
    'netfs_sreq RDOWN',
    'rf = di unless a request failed',
  ),
  netfs_n_rh_read: counter(
    'Reads sent to the cache, repeated ones included.',
    'netfs_sreq SUBMT or SHORT, source READ',
    'RD = rs',
  ),
  netfs_n_rh_read_done: counter(
    'Reads from the cache that ended, whatever became of them.',
    'netfs_sreq TERM, source READ',
    'RD = rs',
  ),
  netfs_n_rh_read_failed: counter(
    'Reads from the cache that failed.',
    'netfs_sreq TERM with an error, source READ',
    'rf = di unless a request failed',
  ),
  netfs_n_rh_write: counter('Writes to the cache begun.', 'netfs_sreq WRITE', 'WR = ws + wf'),
  netfs_n_rh_write_done: counter(
    'Writes to the cache that ended well.',
    'netfs_sreq WTERM without netfs_failure copy-to-cache',
    'WR = ws + wf',
  ),
  netfs_n_rh_write_failed: counter(
    'Writes to the cache that failed.',
    'netfs_failure copy-to-cache',
    'WR = ws + wf',
  ),
} as const satisfies Record<string, StatDoc>;

/** Name of a counter or gauge. */
export type StatVariable = keyof typeof STAT_VARIABLES;

/** Every counter's value. */
export type StatValues = Readonly<Record<StatVariable, number>>;

/** One line of the statistics text. */
export interface StatLine {
  readonly label: string;
  readonly keys: readonly (readonly [key: string, variable: StatVariable])[];
}

const SH: StatLine = {
  label: 'RdHelp',
  keys: [
    ['ZR', 'netfs_n_rh_zero'],
    ['sh', 'netfs_n_rh_short_read'],
    ['sk', 'netfs_n_rh_write_zskip'],
  ],
};
const DL: StatLine = {
  label: 'RdHelp',
  keys: [
    ['DL', 'netfs_n_rh_download'],
    ['ds', 'netfs_n_rh_download_done'],
    ['df', 'netfs_n_rh_download_failed'],
    ['di', 'netfs_n_rh_download_instead'],
  ],
};
const RD: StatLine = {
  label: 'RdHelp',
  keys: [
    ['RD', 'netfs_n_rh_read'],
    ['rs', 'netfs_n_rh_read_done'],
    ['rf', 'netfs_n_rh_read_failed'],
  ],
};
const WR: StatLine = {
  label: 'RdHelp',
  keys: [
    ['WR', 'netfs_n_rh_write'],
    ['ws', 'netfs_n_rh_write_done'],
    ['wf', 'netfs_n_rh_write_failed'],
  ],
};
const ASKED = [
  ['RA', 'netfs_n_rh_readahead'],
  ['RP', 'netfs_n_rh_readpage'],
  ['WB', 'netfs_n_rh_write_begin'],
] as const;
const ALIVE = [
  ['rr', 'netfs_n_rh_rreq'],
  ['sr', 'netfs_n_rh_sreq'],
] as const;

const LAYOUTS: PerEra<readonly StatLine[]> = {
  E0: [{ label: 'RdHelp', keys: [...ASKED, ...ALIVE] }, SH, DL, RD, WR],
  E1: [
    { label: 'RdHelp', keys: [...ASKED, ['WBZ', 'netfs_n_rh_write_zskip'], ...ALIVE] },
    SH,
    DL,
    RD,
    WR,
  ],
  E4: null,
};

/** The lines of an era's statistics text; none where the era is not filled in. */
export function statLines(era: Era): readonly StatLine[] {
  return inEra(LAYOUTS, era) ?? [];
}

/** A snapshot in printed order. */
export function statEntries(era: Era, values: StatValues): StatEntry[] {
  return statLines(era).flatMap(({ label, keys }, line) =>
    keys.map(([key, variable]) => ({ line, label, key, value: values[variable] })),
  );
}

/** The statistics text, lines ended by newlines, exactly as /proc shows it. */
export function printStats(entries: readonly StatEntry[]): string {
  const lines: string[] = [];
  for (const { line, label, key, value } of entries) {
    lines[line] = `${lines[line] ?? `${label.padEnd(7)}:`} ${key}=${value}`;
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** Reads statistics text; lines that are not `label: key=value ...` are left out. */
export function parseStats(text: string): StatEntry[] {
  const entries: StatEntry[] = [];
  for (const [line, content] of text.split('\n').entries()) {
    // "RdHelp : RA=12 RP=0 WB=0 WBZ=0 rr=0 sr=0"
    const match = /^(\S+) *:((?: [\w]+=-?\d+)+)$/.exec(content);
    if (match === null) continue;
    for (const pair of (match[2] as string).trim().split(' ')) {
      const [key = '', value] = pair.split('=');
      entries.push({ line, label: match[1] as string, key, value: Number(value) });
    }
  }
  return entries;
}

/** What a key of the statistics means. */
export interface StatExplanation extends StatDoc {
  readonly label: string;
  readonly key: string;
  readonly variable: StatVariable;
}

/** Every key of an era, in printed order, with its meaning. */
export function statKeys(era: Era): StatExplanation[] {
  return statLines(era).flatMap(({ label, keys }) =>
    keys.map(([key, variable]) => ({ label, key, variable, ...STAT_VARIABLES[variable] })),
  );
}

/** The meaning of a key, undefined if the era does not print it. */
export function explainStat(era: Era, key: string): StatExplanation | undefined {
  return statKeys(era).find((each) => each.key === key);
}
