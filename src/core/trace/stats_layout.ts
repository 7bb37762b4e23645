/**
 * The statistics text of each era as data: lines of label and keys, the variable each key prints,
 * and what it means. Called by the tracer (snapshots), `stats show` and `stats explain`.
 *
 * Kernel: fs/netfs/stats.c, fs/fscache/stats.c. `WBZ` and `sk` print the same variable; `rs` and
 * `ws` stand on two lines with two meanings: a key is known by its line's label and itself.
 */
import { ERAS, type Era, inEra, type PerEra } from './eras.js';
import { type FscacheValues, fscacheEntries, fscacheKeys } from './fscache_stats.js';
import type { StatEntry } from './record.js';
import { counter, gauge, type StatDoc } from './stat_doc.js';

export type { StatDoc } from './stat_doc.js';

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

/** The variables that came with v6.8 and later, when the helper began to write. */
const LATER_VARIABLES = {
  netfs_n_rh_read_folio: counter('Read requests for a single folio.', 'netfs_read READPAGE'),
  netfs_n_rh_read_single: counter(
    'Reads of objects that are read as a whole.',
    'netfs_read READ-SNGL',
  ),
  netfs_n_rh_dio_read: counter('Direct and unbuffered reads.', 'netfs_read DIO-READ'),
  netfs_n_rh_dio_write: counter('Direct writes.', 'netfs_write DIO-WRITE'),
  netfs_n_rh_retry_read_req: counter('Read requests tried again.', 'netfs_rreq RESUBMT'),
  netfs_n_rh_retry_read_subreq: counter('Read subrequests tried again.', 'netfs_sreq RETRY'),
  netfs_n_wh_buffered_write: counter(
    'Writes through the page cache.',
    'none: netfs_write_iter counts calls',
  ),
  netfs_n_wh_writethrough: counter('Writes sent on at once.', 'netfs_write WRITETHRU'),
  netfs_n_wh_dio_write: counter('Direct writes.', 'netfs_write DIO-WRITE'),
  netfs_n_wh_writepages: counter('Calls of writepages.', 'netfs_write WRITEBACK'),
  netfs_n_wh_copy_to_cache: counter(
    'Times data that was read is copied to the cache.',
    'netfs_write COPY2CACH',
  ),
  netfs_n_wh_upload: counter('Writes to the server begun.', 'netfs_sreq SUBMT, source UPLD'),
  netfs_n_wh_upload_done: counter('Writes to the server that ended well.', 'netfs_sreq TERM, UPLD'),
  netfs_n_wh_upload_failed: counter(
    'Writes to the server that failed.',
    'netfs_sreq TERM with an error, source UPLD',
  ),
  netfs_n_wh_write: counter('Writes to the cache begun.', 'netfs_sreq SUBMT, source WRIT'),
  netfs_n_wh_write_done: counter('Writes to the cache that ended well.', 'netfs_sreq TERM, WRIT'),
  netfs_n_wh_write_failed: counter(
    'Writes to the cache that failed.',
    'netfs_sreq TERM with an error, source WRIT',
  ),
  netfs_n_wh_retry_write_req: counter('Write requests tried again.', 'none'),
  netfs_n_wh_retry_write_subreq: counter('Write subrequests tried again.', 'netfs_sreq RETRY'),
  netfs_n_wh_wstream_conflict: counter(
    'Writes into a folio that another writer is streaming into.',
    'netfs_folio flush',
  ),
  netfs_n_wb_lock_skip: counter('Writebacks that left a locked file alone.', 'none'),
  netfs_n_wb_lock_wait: counter('Writebacks that waited for the lock of a file.', 'none'),
  netfs_n_folioq: gauge('Folio queues alive.', 'netfs_folioq'),
  netfs_n_bvecq: gauge('Bvec queues alive.', 'none'),
} as const satisfies Record<string, StatDoc>;

const VARIABLES = { ...STAT_VARIABLES, ...LATER_VARIABLES };

/** Name of a counter or gauge. */
export type StatVariable = keyof typeof VARIABLES;

/** Values: those of the read helper, and of the later variables those that are kept. */
export type StatValues = Readonly<
  Record<keyof typeof STAT_VARIABLES, number> & Partial<Record<StatVariable, number>>
>;

/** One line of the statistics text. */
export interface StatLine {
  readonly label: string;
  readonly keys: readonly (readonly [key: string, variable: StatVariable])[];
}

type Keys = StatLine['keys'];

/** Keys and the ends of their variables: `RA=readahead RP=readpage` after `netfs_n_rh_`. */
function keys(prefix: string, list: string): Keys {
  return list.split(' ').map((each) => {
    const [key, name] = each.split('=');
    return [key as string, `${prefix}${name}` as StatVariable] as const;
  });
}

const ASKED = keys('netfs_n_rh_', 'RA=readahead RP=readpage WB=write_begin');
const WBZ = keys('netfs_n_rh_', 'WBZ=write_zskip');
const ALIVE = keys('netfs_n_rh_', 'rr=rreq sr=sreq');
const ZR = keys('netfs_n_rh_', 'ZR=zero sh=short_read sk=write_zskip');
const DL = keys(
  'netfs_n_rh_',
  'DL=download ds=download_done df=download_failed di=download_instead',
);
const RD = keys('netfs_n_rh_', 'RD=read rs=read_done rf=read_failed');
const WR = keys('netfs_n_rh_', 'WR=write ws=write_done wf=write_failed');
const UL = keys('netfs_n_wh_', 'UL=upload us=upload_done uf=upload_failed');
const WH = keys('netfs_n_wh_', 'WR=write ws=write_done wf=write_failed');
const WSC = keys('netfs_n_wh_', 'wsc=wstream_conflict');
const FOQ = keys('netfs_n_', 'foq=folioq');
const BQ = keys('netfs_n_', 'bq=bvecq');
const DIO_READ = keys('netfs_n_rh_', 'DR=dio_read');
const FOLIO_READS = keys('netfs_n_rh_', 'DR=dio_read RA=readahead RF=read_folio');
const WRITE_READS = keys('netfs_n_rh_', 'WB=write_begin WBZ=write_zskip');
const SINGLE = keys('netfs_n_rh_', 'RS=read_single');
const BW = keys('netfs_n_wh_', 'BW=buffered_write');
const WT = keys('netfs_n_wh_', 'WT=writethrough');
const DW = keys('netfs_n_wh_', 'DW=dio_write WP=writepages');
const COPY = keys('netfs_n_wh_', '2C=copy_to_cache');
const RETRIES = [
  ...keys('netfs_n_rh_', 'rq=retry_read_req rs=retry_read_subreq'),
  ...keys('netfs_n_wh_', 'wq=retry_write_req ws=retry_write_subreq'),
];
const LOCK = keys('netfs_n_wb_', 'skip=lock_skip wait=lock_wait');

const lines = (label: string, ...each: readonly Keys[]): StatLine[] =>
  each.map((keys) => ({ label, keys }));

/** The lines from v6.12 on, which say what they are about; `changed` names those that differ. */
function named(changed: {
  reads: Keys;
  writes: Keys;
  retries?: Keys;
  objects: Keys;
}): readonly StatLine[] {
  return [
    { label: 'Reads', keys: changed.reads },
    { label: 'Writes', keys: changed.writes },
    { label: 'ZeroOps', keys: ZR },
    { label: 'DownOps', keys: DL },
    { label: 'CaRdOps', keys: RD },
    { label: 'UpldOps', keys: UL },
    { label: 'CaWrOps', keys: WH },
    ...(changed.retries === undefined ? [] : [{ label: 'Retries', keys: changed.retries }]),
    { label: 'Objs', keys: changed.objects },
    { label: 'WbLock', keys: LOCK },
  ];
}

const LAYOUTS: PerEra<readonly StatLine[]> = {
  E0: lines('RdHelp', [...ASKED, ...ALIVE], ZR, DL, RD, WR),
  E1: lines('RdHelp', [...ASKED, ...WBZ, ...ALIVE], ZR, DL, RD, WR),
  E4: lines(
    'Netfs',
    [...DIO_READ, ...keys('netfs_n_rh_', 'DW=dio_write'), ...ASKED, ...WBZ],
    ZR,
    DL,
    RD,
    UL,
    WH,
    [...ALIVE, ...WSC],
  ),
  E5: lines('Netfs', [...FOLIO_READS, ...WRITE_READS], [...BW, ...WT, ...DW], ZR, DL, RD, UL, WH, [
    ...ALIVE,
    ...WSC,
  ]),
  E6: named({
    reads: [...FOLIO_READS, ...WRITE_READS],
    writes: [...BW, ...WT, ...DW, ...COPY],
    objects: [...ALIVE, ...FOQ, ...WSC],
  }),
  E7: named({
    reads: [...FOLIO_READS, ...SINGLE, ...WRITE_READS],
    writes: [...BW, ...WT, ...DW, ...COPY],
    retries: RETRIES,
    objects: [...ALIVE, ...FOQ, ...WSC],
  }),
  E13: named({
    reads: [...FOLIO_READS, ...SINGLE, ...WRITE_READS],
    writes: [...BW, ...DW, ...COPY],
    retries: RETRIES,
    objects: [...ALIVE, ...BQ, ...WSC],
  }),
};

/** The lines of an era's statistics text; none where the era is not filled in. */
export function statLines(era: Era): readonly StatLine[] {
  return inEra(LAYOUTS, era) ?? [];
}

/** Whether the lines of FS-Cache stand before the helper's. */
const FSCACHE_FIRST: PerEra<boolean> = { E0: true, E4: false };

/** A snapshot in printed order; of FS-Cache's lines only what is kept. */
export function statEntries(
  era: Era,
  values: StatValues,
  fscache: FscacheValues = {},
): StatEntry[] {
  const helper = statLines(era).flatMap(({ label, keys }, line) =>
    keys.map(([key, variable]) => ({ line, label, key, value: values[variable] ?? 0 })),
  );
  const cache = fscacheEntries(era, fscache);
  const [first, second] = inEra(FSCACHE_FIRST, era) ? [cache, helper] : [helper, cache];
  const lines = (first.at(-1)?.line ?? -1) + 1;
  return [...first, ...second.map((each) => ({ ...each, line: each.line + lines }))];
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
  /** The kernel's variable; for the lines of FS-Cache `fscache`. */
  readonly variable: string;
}

/** Every key of the helper's lines of an era, in printed order, with its meaning. */
export function statKeys(era: Era): StatExplanation[] {
  return statLines(era).flatMap(({ label, keys }) =>
    keys.map(([key, variable]) => ({ label, key, variable, ...VARIABLES[variable] })),
  );
}

/** What a key means on each line of an era's statistics that has it; none where none has. */
export function keysNamed(key: string, era: Era): StatExplanation[] {
  return [...statKeys(era), ...fscacheKeys(era)].filter((each) => each.key === key);
}

/**
 * The meaning of a key of the helper's or of FS-Cache's lines, undefined if the era does not print
 * it. A key may stand on several lines; without a label the first counts.
 */
export function explainStat(era: Era, key: string, label?: string): StatExplanation | undefined {
  return [...statKeys(era), ...fscacheKeys(era)].find(
    (each) => each.key === key && (label === undefined || each.label === label),
  );
}

/** A key of any kernel, with the eras that print it. */
export interface StatOfEras extends StatExplanation {
  readonly eras: readonly Era[];
}

/** Every key of every kernel; one that means the same under the same label is there once. */
export function everyStat(eras: readonly Era[] = ERAS): readonly StatOfEras[] {
  const found = new Map<string, StatOfEras & { eras: Era[] }>();
  for (const era of eras) {
    for (const stat of [...statKeys(era), ...fscacheKeys(era)]) {
      const id = `${stat.label} ${stat.key} ${stat.variable} ${stat.doc}`;
      const known = found.get(id);
      if (known === undefined) found.set(id, { ...stat, eras: [era] });
      else known.eras.push(era);
    }
  }
  return [...found.values()];
}
