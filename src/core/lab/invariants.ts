/**
 * What must hold when a lab comes to rest, derived afresh from its state. A violation is a `Bug`:
 * better no result than a wrong one. Spec: BEHAVIOUR 3.13a.
 */
import { Bug } from '../base/errors.js';
import { type Folios, PG_DIRTY, PG_FSCACHE, PG_LOCKED, PG_WRITEBACK } from '../mm/folio.js';
import type { NetfsStats } from '../netfs/stats.js';
import type { Defects } from '../netfs/types.js';
import type { ServerCounters } from '../server/types.js';

/** The parts of a lab that are looked at. */
export interface Restable {
  readonly folios: Folios;
  readonly stats: NetfsStats;
  readonly server: { readonly counters: ServerCounters };
  readonly fscache: { readonly stranded: number } | undefined;
  readonly options: { readonly seed: number; readonly defects: Defects };
}

/** Throws a `Bug` that lists every violation. */
export function checkInvariants(lab: Restable): void {
  const wrong = [...statViolations(lab), ...folioViolations(lab)];
  if (wrong.length === 0) return;
  throw new Bug(`invariants violated at rest: ${wrong.join('; ')}`, { seed: lab.options.seed });
}

function* statViolations({ stats, server, fscache }: Restable): Generator<string> {
  const s = stats;
  const stranded = fscache?.stranded ?? 0;
  if (stranded > 0) yield `${stranded} objects of cookies that nobody uses`;
  for (const [left, right, what] of [
    [s.netfs_n_rh_rreq, 0, 'requests alive (rr)'],
    [s.netfs_n_rh_sreq, 0, 'slices alive (sr)'],
    [s.netfs_n_rh_download, s.netfs_n_rh_download_done, 'downloads issued (DL) and done (ds)'],
    [s.netfs_n_rh_read, s.netfs_n_rh_read_done, 'cache reads issued (RD) and done (rs)'],
    [
      s.netfs_n_rh_write,
      s.netfs_n_rh_write_done + s.netfs_n_rh_write_failed,
      'cache writes issued (WR) and ended (ws + wf)',
    ],
  ] as const) {
    if (left !== right) yield `${what}: ${left} against ${right}`;
  }
  // Every byte that counts as downloaded was sent by the server or zeroed behind a short reply.
  // Requests that failed or were repeated break the sum, not the data.
  const failed = s.netfs_n_rh_download_failed + s.netfs_n_rh_download_instead;
  const { down, cleared, direct } = s.bytes;
  const sent = server.counters.bytes - direct;
  if (failed === 0 && down !== sent + cleared) {
    yield `bytes downloaded: ${down}, sent ${sent}, zeroed ${cleared}`;
  }
}

function* folioViolations({ folios, options }: Restable): Generator<string> {
  let present = 0;
  for (const pfn of folios.all()) {
    present += folios.pagesOf(pfn);
    const name = `page ${folios.indexOf(pfn)} (frame ${pfn})`;
    if (folios.test(pfn, PG_LOCKED)) yield `${name} is locked`;
    if (folios.test(pfn, PG_DIRTY)) yield `${name} is dirty`;
    if (folios.test(pfn, PG_WRITEBACK)) yield `${name} is being written to the server`;
    if (folios.test(pfn, PG_FSCACHE)) yield `${name} is being written to the cache`;
    // v5.13 leaks a reference of a page that two stored slices share.
    if (options.defects === 'kernel') continue;
    if (folios.refsOf(pfn) !== 1) yield `${name} has ${folios.refsOf(pfn)} references`;
  }
  const used = folios.frames.count - folios.frames.free;
  if (used !== present && options.defects === 'repaired') {
    yield `${used} frames in use for ${present} pages present`;
  }
}
