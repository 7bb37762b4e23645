/**
 * The lines that FS-Cache adds to the statistics text: before the helper's up to v6.7, behind them
 * from v6.8 on. Called by the layouts of the statistics text.
 *
 * Kernel: fs/fscache/stats.c. Which lines a key stands on is told by its label; where a label has
 * several lines, keys are listed in printed order.
 */
import { type Era, inEra, type PerEra } from './eras.js';
import type { StatEntry } from './record.js';
import * as doc from './stat_doc.js';

const counter = (text: string) => doc.counter(text, 'fscache events');
const gauge = (text: string) => doc.gauge(text, 'fscache events', '');

type Line = readonly [label: string, keys: Readonly<Record<string, doc.StatDoc>>];

/** Up to v5.16. */
const OLD: readonly Line[] = [
  [
    'Cookies',
    {
      idx: counter('Index cookies.'),
      dat: counter('Data cookies.'),
      spc: counter('Special cookies.'),
    },
  ],
  [
    'Objects',
    {
      alc: counter('Objects allocated.'),
      nal: counter('Objects not allocated.'),
      avl: counter('Objects that became available.'),
      ded: counter('Objects that died.'),
    },
  ],
  [
    'ChkAux',
    {
      non: counter('Objects found without auxiliary data.'),
      ok: counter('Objects whose auxiliary data was right.'),
      upd: counter('Objects whose auxiliary data had to be updated.'),
      obs: counter('Objects found out of date.'),
    },
  ],
  [
    'Pages',
    {
      mrk: counter('Pages marked as cached.'),
      unc: counter('Pages no longer cached.'),
    },
  ],
  [
    'Acquire',
    {
      n: counter('Cookies asked for.'),
      nul: counter('Of these, without a parent.'),
      noc: counter('Of these, without a cache.'),
      ok: counter('Cookies given.'),
      nbf: counter('Cookies refused.'),
      oom: counter('Cookies not given for want of memory.'),
    },
  ],
  [
    'Lookups',
    {
      n: counter('Lookups of objects.'),
      neg: counter('Of these, not found.'),
      pos: counter('Of these, found.'),
      crt: counter('Objects made.'),
      tmo: counter('Lookups that took too long.'),
    },
  ],
  [
    'Invals',
    {
      n: counter('Invalidations of cookies.'),
      run: counter('Invalidations carried out.'),
    },
  ],
  [
    'Updates',
    {
      n: counter("Updates of a cookie's data."),
      nul: counter('Of these, without a cookie.'),
      run: counter('Updates carried out.'),
    },
  ],
  [
    'Relinqs',
    {
      n: counter('Cookies given back.'),
      nul: counter('Of these, without a cookie.'),
      wcr: counter('Of these, that waited for the end of a lookup.'),
      rtr: counter('Of these, with their data thrown away.'),
    },
  ],
  [
    'AttrChg',
    {
      n: counter('Changes of attributes.'),
      ok: counter('Of these, queued.'),
      nbf: counter('Of these, refused.'),
      oom: counter('Of these, not done for want of memory.'),
      run: counter('Changes carried out.'),
    },
  ],
  [
    'Allocs',
    {
      n: counter('Pages to allocate.'),
      ok: counter('Of these, allocated.'),
      wt: counter('Of these, that waited for a lookup.'),
      nbf: counter('Of these, refused.'),
      int: counter('Of these, interrupted.'),
      ops: counter('Allocations submitted.'),
      owt: counter('Allocations that waited.'),
      abt: counter('Allocations aborted.'),
    },
  ],
  [
    'Retrvls',
    {
      n: counter('Reads asked for.'),
      ok: counter('Of these, begun.'),
      wt: counter('Of these, that waited for a lookup.'),
      nod: counter('Of these, without data.'),
      nbf: counter('Of these, refused.'),
      int: counter('Of these, interrupted.'),
      oom: counter('Of these, not done for want of memory.'),
      ops: counter('Reads submitted.'),
      owt: counter('Reads that waited.'),
      abt: counter('Reads aborted.'),
    },
  ],
  [
    'Stores',
    {
      n: counter('Pages to store.'),
      ok: counter('Of these, accepted.'),
      agn: counter('Of these, already waiting.'),
      nbf: counter('Of these, refused.'),
      oom: counter('Of these, not done for want of memory.'),
      ops: counter('Stores submitted.'),
      run: counter('Stores carried out.'),
      pgs: counter('Pages stored.'),
      rxd: counter('Pages no longer to be stored.'),
      olm: counter('Stores beyond the limit.'),
    },
  ],
  [
    'VmScan',
    {
      nos: counter('Pages that were not waiting to be stored.'),
      gon: counter('Pages that were gone.'),
      bsy: counter('Pages that were busy.'),
      can: counter('Stores cancelled.'),
      wt: counter('Waits for a page to be stored before it could be released.'),
    },
  ],
  [
    'Ops',
    {
      pend: counter('Operations that had to wait.'),
      run: counter('Operations run.'),
      enq: counter('Operations queued.'),
      can: counter('Operations cancelled.'),
      rej: counter('Operations rejected.'),
      ini: counter('Operations begun.'),
      dfr: counter('Operations whose release was put off.'),
      rel: counter('Operations released.'),
      gc: counter('Operations collected.'),
    },
  ],
  [
    'CacheOp',
    {
      alo: gauge('Allocations of objects in progress.'),
      luo: gauge('Lookups in progress.'),
      luc: gauge('Ends of lookups in progress.'),
      gro: gauge('Grabs of objects in progress.'),
      inv: gauge('Invalidations in progress.'),
      upo: gauge('Updates in progress.'),
      dro: gauge('Drops in progress.'),
      pto: gauge('Puts in progress.'),
      atc: gauge('Changes of attributes in progress.'),
      syn: gauge('Syncs in progress.'),
      rap: gauge('Reads of a page in progress.'),
      ras: gauge('Reads of pages in progress.'),
      alp: gauge('Allocations of a page in progress.'),
      als: gauge('Allocations of pages in progress.'),
      wrp: gauge('Writes of a page in progress.'),
      ucp: gauge('Pages uncached in progress.'),
      dsp: gauge('Pages dissociated in progress.'),
    },
  ],
  [
    'CacheEv',
    {
      nsp: counter('Objects without space.'),
      stl: counter('Objects out of date.'),
      rtr: counter('Objects retired.'),
      cul: counter('Objects culled.'),
    },
  ],
];

/** From v5.17 on. `mis` from v6.12 on. */
const NEW: readonly Line[] = [
  [
    'Cookies',
    {
      n: gauge('Cookies alive.'),
      v: gauge('Volumes alive.'),
      vcol: counter("Volumes whose key collided with another's."),
      voom: counter('Volumes not made for want of memory.'),
    },
  ],
  [
    'Acquire',
    {
      n: counter('Cookies asked for.'),
      ok: counter('Cookies given.'),
      oom: counter('Cookies not given for want of memory.'),
    },
  ],
  [
    'LRU',
    {
      n: gauge('Cookies not in use whose cache object is kept open.'),
      exp: counter('Of these, expired ones.'),
      rmv: counter('Of these, ones used again.'),
      drp: counter('Of these, ones dropped.'),
      at: gauge('Jiffies until the next expiry, 0 if none is due; may be negative.'),
    },
  ],
  [
    'Invals',
    {
      n: counter('Invalidations of cookies.'),
    },
  ],
  [
    'Updates',
    {
      n: counter("Updates of a cookie's data."),
      rsz: counter('Changes of size.'),
      rsn: counter('Changes of size that changed nothing.'),
    },
  ],
  [
    'Relinqs',
    {
      n: counter('Cookies given back.'),
      rtr: counter('Of these, with their data thrown away.'),
      drop: counter('Cookies freed.'),
    },
  ],
  [
    'NoSpace',
    {
      nwr: counter('Writes refused for want of space.'),
      ncr: counter('Files not made for want of space.'),
      cull: counter('Objects culled.'),
    },
  ],
  [
    'IO',
    {
      rd: counter('Reads of the cache.'),
      wr: counter('Writes of the cache.'),
      mis: counter('Direct I/O to the cache that was not aligned.'),
    },
  ],
];

/** v5.17 to v6.11 did not count I/O that is not aligned. */
const WITHOUT_MIS: readonly Line[] = NEW.map(
  ([label, { mis, ...keys }]): Line => [
    label,
    label === 'IO' || mis === undefined ? keys : { ...keys, mis },
  ],
);

const LINES: PerEra<readonly Line[]> = { E0: OLD, E2: WITHOUT_MIS, E6: NEW };

/** Every key of FS-Cache's lines in an era, in printed order. */
export function fscacheKeys(
  era: Era,
): (doc.StatDoc & { label: string; key: string; variable: string })[] {
  return (inEra(LINES, era) ?? []).flatMap(([label, keys]) =>
    Object.entries(keys).map(([key, each]) => ({ label, key, variable: 'fscache', ...each })),
  );
}

/** Values of the counters that are kept, by `label.key` (`Acquire.n`). */
export type FscacheValues = Readonly<Record<string, number>>;

/** A snapshot of what is kept, in printed order; keys and lines that are not kept are left out. */
export function fscacheEntries(era: Era, values: FscacheValues): StatEntry[] {
  const kept = (inEra(LINES, era) ?? [])
    .map(([label, keys]) =>
      Object.keys(keys)
        .filter((key) => values[`${label}.${key}`] !== undefined)
        .map((key) => ({ label, key, value: values[`${label}.${key}`] as number })),
    )
    .filter((keys) => keys.length > 0);
  return kept.flatMap((keys, line) => keys.map((each) => ({ line, ...each })));
}

/**
 * What an era prints and a snapshot lacks: `Label` for a whole line, `Label key key` for keys of a
 * line of which others are there.
 */
export function fscacheMissing(era: Era, entries: readonly StatEntry[]): string[] {
  return (inEra(LINES, era) ?? []).flatMap(([label, keys]) => {
    const here = new Set(entries.filter((each) => each.label === label).map(({ key }) => key));
    const missing = Object.keys(keys).filter((key) => !here.has(key));
    if (missing.length === 0) return [];
    return [here.size === 0 ? label : `${label} ${missing.join(' ')}`];
  });
}
