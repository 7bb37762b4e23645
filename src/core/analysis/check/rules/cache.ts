/**
 * Rules about the cache: what it promised, what it gave, and cookies that are used when they are
 * gone. Called through the registry in index.ts.
 */
import { RangeSet } from '../../ranges.js';
import { collectorEra, lawsOf } from '../laws.js';
import type { CheckEvent, Hooks, Report, RequestSeen, Rule, SliceSeen, World } from '../types.js';
import { collectedEra, everyEra, NO_FOLIOS, sliceVerdictEra } from './eras.js';

const hex = (value: number): string => value.toString(16);

const prepRead: Rule = {
  id: 'prep-read',
  severity: 'error',
  doc: 'A slice is prepared as the cache decided for it.',
  explanation: 'The verdict of cachefiles and what the helper made of it are not the same.',
  known: null,
  needs: ['cachefiles_prep_read', 'netfs_sreq'],
  holds: (era) => sliceVerdictEra(era) || collectorEra(era),
  elsewhere: 'the cache tells neither slice nor order of its verdict in v6.8 to v6.12',
  watch(world, report) {
    if (collectorEra(world.era)) return watchVerdicts(world, report);
    const verdicts = new Map<number, CheckEvent>();
    return {
      other: {
        cachefiles_prep_read: (event) => {
          // v6.3 prints the object instead of the slice.
          if (event.rreq === null) return;
          const before = verdicts.get(event.rreq);
          if (before?.index === event.index) report(event, 'decided twice');
          verdicts.set(event.rreq, event);
        },
      },
      slice(request, slice, event) {
        if (event.step !== 'prepare' || slice.step !== 'new') return;
        const verdict = verdicts.get(event.rreq);
        verdicts.delete(event.rreq);
        if (verdict === undefined) return;
        const differs = difference(verdict, event);
        if (differs === null) return;
        report(event, `${differs} is not what the cache decided`, {
          request,
          slice: event.index,
          with: [verdict.id],
        });
      },
    };
  },
};

/** Verdicts tell the inode; the task that got one prepares the slice next. */
function watchVerdicts(world: World, report: Report): Hooks {
  const first = lawsOf(world.era)?.verdictFirst === true;
  const pending = new Map<number | null, CheckEvent>();
  const verdicts = new WeakMap<SliceSeen, CheckEvent>();
  return {
    other: {
      cachefiles_prep_read: (event) => void pending.set(event.task, event),
    },
    slice(request, slice, event) {
      const told = verdicts.get(slice);
      const where = { request, slice: event.index };
      if (told !== undefined && event.from !== 'unknown') {
        verdicts.delete(slice);
        if (SOURCES[told.from]?.includes(event.from) !== true && event.step !== 'retry') {
          const what = `${event.from}, where the cache decided ${told.from}`;
          report(event, what, { ...where, with: [told.id] });
        }
      }
      if (event.step !== 'prepare' || request.side === 'write') return;
      const verdict = pending.get(event.task);
      if (verdict === undefined) return;
      pending.delete(event.task);
      if (slice.step !== 'new' && slice.step !== 'added') return;
      verdicts.set(slice, verdict);
      if (first && event.from !== 'unknown' && request.whole && request.kind !== 'read_single') {
        report(event, 'has a source before one was chosen', { ...where, with: [verdict.id] });
      }
      if (verdict.start === event.start && verdict.len === event.len) return;
      report(event, 'its range is not what the cache decided', { ...where, with: [verdict.id] });
    },
  };
}

/** What a slice may come from by the verdict of the cache; nothing lies behind the zero point. */
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  read: ['read'],
  zero: ['zero'],
  down: ['down', 'zero'],
  invalid: ['invalid', 'down'],
};

function difference(verdict: CheckEvent, event: CheckEvent): string | null {
  if (verdict.index !== event.index) return 'its index';
  if (verdict.from !== event.from) return 'its source';
  if (verdict.start !== event.start) return 'its start';
  if (event.len > verdict.len) return 'its length';
  return verdict.flags === event.flags ? null : 'its flags';
}

const cacheShort: Rule = {
  id: 'cache-read-failed',
  severity: 'warning',
  doc: 'What the cache said it has can be read from it.',
  explanation:
    'The cache promised the data, and then a read came short or failed. The reader is served by the server, but the cache file or its disk is damaged, or data was taken away meanwhile.',
  known: 'nydus #969: "hole detected" after the data was filled in',
  needs: ['netfs_sreq'],
  sure: true,
  holds: everyEra,
  watch(_world, report) {
    return {
      slice(request, slice, event) {
        const read = slice.source === 'read' || event.from === 'read';
        if (!read || slice.step === 'new') return;
        const where = { request, slice: event.index, with: [slice.last] };
        if (event.step === 'download_instead') {
          report(event, `the cache failed with ${slice.error}; read from the server`, where);
        } else if (event.step === 'retry' && event.from === 'down' && slice.error < 0) {
          // An object that was invalidated meanwhile is no fault of the cache.
          const severity = slice.error === STALE ? 'note' : undefined;
          const what = `the cache failed with ${slice.error}; read from the server`;
          report(event, what, severity === undefined ? where : { ...where, severity });
        } else if (event.step === 'resubmit_short') {
          report(event, `the cache gave ${hex(event.transferred)} of ${hex(event.len)}`, where);
        }
      },
    };
  },
};

/** ESTALE. */
const STALE = -116;

const errorToReader: Rule = {
  id: 'cache-error-to-reader',
  severity: 'error',
  doc: 'An error of the cache does not reach the reader: the server has the data.',
  explanation:
    'A cache read failed, it was neither retried nor read from the server, and the reader gets EIO. v6.12 does this; turn the cache off or mend its disk.',
  known: 'seen with v6.12 on AFS, NFS and CIFS',
  needs: ['netfs_sreq', 'netfs_rreq'],
  holds: collectedEra,
  elsewhere: 'to v6.11 a failed cache read goes to the server, or the request has FAILED',
  watch(_world, report) {
    return {
      step(request, event) {
        if (event.step !== 'done' || request.side === 'write') return;
        for (const { source, error, index, last } of request.slices.values()) {
          if (source !== 'read' || error >= 0) continue;
          report(event, `cache read failed with ${error} and was not retried`, {
            request,
            slice: index,
            with: [last],
          });
        }
      },
    };
  },
};

const goneCookie: Rule = {
  id: 'cookie-gone-io',
  severity: 'error',
  doc: 'I/O on a cookie begins only while it is bound to its cache object.',
  explanation:
    'The cookie was discarded (LRU) or withdrawn, its object is on the way out, and somebody begins I/O on it: prepare_write meets no object and oopses.',
  known: 'D. Wysochanski, 2022-11-17: oops in cachefiles_prepare_write',
  needs: ['fscache_access', 'fscache_cookie'],
  holds: everyEra,
  watch(_world, report) {
    const gone = new Map<number, CheckEvent>();
    return {
      other: {
        fscache_access(event) {
          const cookie = event.cookie as number;
          if (event.step === 'unpin_cache') gone.set(cookie, event);
          else if (event.step === 'pin_cache' || event.step === 'begin_lookup') {
            gone.delete(cookie);
          } else if (event.step.startsWith('begin_io')) {
            const since = gone.get(cookie);
            if (since === undefined) return;
            report(event, `c=${hex(cookie)} ${event.why} after UNPIN cache`, { with: [since.id] });
          }
        },
      },
    };
  },
};

const neverRead: Rule = {
  id: 'cache-never-read',
  severity: 'note',
  doc: 'A file that is stored in the cache is read from it when it is opened again.',
  explanation:
    'The cache is only written: it costs and does not pay. NFS mounted with sync, or a file open for writing, does this.',
  known: 'knfsd FAQ: "Cache only writes, never reads, on 5.17 kernel"',
  needs: ['fscache_access', 'fscache_active'],
  holds: everyEra,
  watch(_world, report) {
    const cookies = new Map<number, { write: CheckEvent | null; opens: number; reads: number }>();
    const of = (event: CheckEvent) => {
      const cookie = event.cookie as number;
      const known = cookies.get(cookie) ?? { write: null, opens: 0, reads: 0 };
      cookies.set(cookie, known);
      return known;
    };
    return {
      other: {
        fscache_access(event) {
          if (event.step === 'begin_io_writ') of(event).write ??= event;
          if (event.step === 'begin_io_read') of(event).reads++;
        },
        fscache_active(event) {
          // Opens before the first store have nothing to read.
          if (event.step === 'use' && event.n_active === 1 && of(event).write !== null) {
            of(event).opens++;
          }
        },
      },
      over(last) {
        for (const [cookie, { write, opens, reads }] of cookies) {
          if (write === null || reads > 0 || opens < 2) continue;
          const what = `c=${hex(cookie)} stored, opened ${opens} times since, never read`;
          report(last, what, { with: [write.id] });
        }
      },
    };
  },
};

const downloadedAgain: Rule = {
  id: 'downloaded-again',
  severity: 'note',
  doc: 'With a cache, nothing is downloaded twice while it stays valid.',
  explanation:
    'The range had been downloaded for the cache and nobody invalidated it: it was not stored, not found, or a new object is not read from before it is looked up again. trace dup adds up the bytes.',
  known: 'a new object stays "no-data" until it is looked up again (v5.17 and later)',
  needs: ['netfs_read', 'netfs_sreq', 'fscache_access'],
  holds: everyEra,
  watch: watchDownloads,
};

/** What of each file was downloaded since it was last invalidated, by cookie. */
function watchDownloads(_world: World, report: Report): Hooks {
  const files = new Map<number, RangeSet>();
  const again = new Map<RequestSeen, number>();
  return {
    slice(request, slice, event) {
      if (event.step !== 'terminated' || event.from !== 'down' || event.error < 0) return;
      if (!(request.cookie > 0) || event.transferred === 0 || slice.terminated) return;
      let file = files.get(request.cookie);
      if (file === undefined) {
        file = new RangeSet();
        files.set(request.cookie, file);
      }
      const known = file.add(event.start, event.start + event.transferred);
      if (known > 0) again.set(request, (again.get(request) ?? 0) + known);
    },
    step(request, event) {
      if (event.step !== 'free') return;
      const known = again.get(request);
      again.delete(request);
      if (known === undefined) return;
      report(event, `${hex(known)} bytes of c=${hex(request.cookie)} downloaded again`, {
        request,
      });
    },
    other: {
      fscache_invalidate: (event) => void files.delete(event.cookie as number),
      fscache_relinquish: (event) => void files.delete(event.cookie as number),
      fscache_resize(event) {
        files.get(event.cookie as number)?.cut(event.new_size as number);
      },
    },
  };
}

const hungInvalidation: Rule = {
  id: 'invalidation-hangs',
  severity: 'error',
  doc: 'Who invalidates a file does not wait for folios that are to be copied to the cache.',
  explanation:
    'A task found its file changed on the server while folios waited to be copied to the cache, and was not seen again: AFS of v6.12 waits in writepages for a writeback that nobody does. Kill is of no use; unmount by force.',
  known: 'seen with v6.12 on AFS: read or stat after another client shortened the file',
  needs: ['netfs_folio', 'fscache_access', 'netfs_read'],
  holds: collectedEra,
  elsewhere: NO_FOLIOS,
  watch: watchInvalidations,
};

function watchInvalidations(world: World, report: Report): Hooks {
  const waiting = new Map<unknown, Set<number>>();
  const inodes = new Map<number, unknown>();
  const suspects: { event: CheckEvent; ino: unknown }[] = [];
  return {
    begin(_request, event) {
      if (event.event === 'netfs_read') inodes.set(event.cookie as number, event.netfs_inode);
    },
    other: {
      netfs_folio(event) {
        const folios = waiting.get(event.ino) ?? new Set();
        waiting.set(event.ino, folios);
        if (MARKS.has(event.step)) folios.add(event.index);
        else if (!['read_unlock', 'read'].includes(event.step)) folios.delete(event.index);
      },
      fscache_invalidate(event) {
        const ino = inodes.get(event.cookie as number);
        if ((waiting.get(ino)?.size ?? 0) > 0) suspects.push({ event, ino });
      },
    },
    over() {
      for (const { event, ino } of suspects) {
        const left = waiting.get(ino)?.size ?? 0;
        const later = world.capture.get(
          'SELECT 1 FROM "op" WHERE "task" = @task AND "start_ns" > @ts LIMIT 1',
          { task: event.task, ts: event.ts },
        );
        const during = world.capture.get(
          'SELECT "id" FROM "op" WHERE "task" = @task AND "start_ns" <= @ts LIMIT 1',
          { task: event.task, ts: event.ts },
        );
        if (left === 0 || later !== undefined || during === undefined) continue;
        report(event, `invalidated with ${left} folios waiting for the cache; not seen again`);
      }
    },
  };
}

/** Steps at which a folio waits for the cache. */
const MARKS = new Set(['copy_to_cache', 'sched_copy']);

/** The rules about the cache. */
export const CACHE_RULES = {
  'prep-read': prepRead,
  'cache-read-failed': cacheShort,
  'cache-error-to-reader': errorToReader,
  'cookie-gone-io': goneCookie,
  'cache-never-read': neverRead,
  'downloaded-again': downloadedAgain,
  'invalidation-hangs': hungInvalidation,
} as const satisfies Record<string, Rule>;
