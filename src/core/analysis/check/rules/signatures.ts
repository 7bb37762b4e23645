/**
 * Rules that know the pattern of one bug, or of a state of the cache that nobody sees from outside,
 * of kernels with streams. Called through the registry in index.ts.
 */
import { flagMask } from '../../../trace/flag_bits.js';
import { collectorEra } from '../laws.js';
import type { CheckEvent, RequestSeen, Rule, SliceSeen } from '../types.js';
import { isCollected } from './collected_slices.js';
import { everyEra } from './eras.js';
import { STUCK_NS } from './stuck_after.js';

const hex = (value: number): string => value.toString(16);

const NO_COLLECTOR = 'requests have one collector since v6.14';

const endedEarly: Rule = {
  id: 'collector-ended-early',
  severity: 'error',
  doc: 'A request is ended after its last slice was queued, has ended and was collected.',
  explanation:
    'The collector saw everything queued before the last slice was on its list. Nobody collects that slice any more: its pages stay locked, and references of the request stay.',
  known: null,
  needs: ['netfs_rreq', 'netfs_sreq'],
  sure: true,
  holds: collectorEra,
  elsewhere: NO_COLLECTOR,
  watch(_world, report) {
    const told = new WeakSet<SliceSeen>();
    return {
      slice(request, slice, event) {
        if (!isCollected(request) || !WORKS.has(event.step) || told.has(slice)) return;
        told.add(slice);
        const what = `${event.what} after the request was ended: nobody collects it`;
        report(event, what, { request, slice: event.index, with: endOf(request) });
      },
      requestRef(request, event) {
        if (event.step !== 'get_subreq' || !isCollected(request)) return;
        report(event, 'a slice is made after the request was ended', { request });
      },
    };
  },
};

/** Steps of a slice that is not collected yet. */
const WORKS = new Set([
  ...['added', 'prepare', 'submit', 'limited', 'progress', 'terminated', 'retry', 'split'],
]);

const endOf = ({ ends }: RequestSeen): readonly number[] => (ends === null ? [] : [ends.id]);

const retryDenied: Rule = {
  id: 'retry-not-made',
  severity: 'error',
  doc: 'A slice that is to be retried is tried again before its error reaches the reader.',
  explanation:
    'The client, or the cache, asked for a second try; none was made, and the reader gets the error, EAGAIN or EIO, of a file that can be read.',
  known: 'series "netfs, cifs: Fixes to retry-related code", July 2025',
  needs: ['netfs_rreq', 'netfs_sreq'],
  sure: true,
  holds: collectorEra,
  elsewhere: NO_COLLECTOR,
  watch(world, report) {
    const wants = flagMask(world.era, 'sreq', 'NEED_RETRY');
    const asked = new WeakMap<SliceSeen, CheckEvent>();
    const refsTold = world.recorded('netfs_sreq_ref');
    return {
      slice(request, slice, event) {
        const { step } = event;
        if (step === 'retry') asked.delete(slice);
        if (step === 'io_retry_needed' || step === 'need_retry') asked.set(slice, event);
        if (step === 'terminated') {
          const retry = event.error < 0 && (event.flags & wants) !== 0;
          if (retry) asked.set(slice, asked.get(slice) ?? event);
          else if (event.error === 0) asked.delete(slice);
        }
        if (step !== 'abandoned' || request.side === 'write') return;
        const since = asked.get(slice);
        if (since === undefined || event.error >= 0 || (refsTold && slice.reissues > 0)) return;
        const why = since.step === 'io_retry_needed' ? 'the transport' : 'it';
        report(
          event,
          `${why} asked for a retry, none came, and ${event.error} reaches the reader`,
          {
            request,
            slice: event.index,
            with: [since.id],
          },
        );
      },
    };
  },
};

const directHole: Rule = {
  id: 'direct-result-lost',
  severity: 'error',
  doc: 'Of direct I/O, what counts ends with the first slice that came short or failed.',
  explanation:
    'Bytes behind a short or failed part were moved all the same: a write leaves a hole with data behind it, a read returns a length that is not what came.',
  known: null,
  needs: ['netfs_sreq', 'netfs_rreq'],
  holds: collectorEra,
  elsewhere: NO_COLLECTOR,
  watch(world, report) {
    const short = flagMask(world.era, 'rreq', 'SHORT_TRANSFER');
    return {
      step(request, event) {
        if (!request.whole || !DIRECT.has(request.kind)) return;
        if (event.step !== 'complete' && event.step !== 'write_done') return;
        const slices = [...request.slices.values()].sort((a, b) => a.start - b.start);
        const first = slices.findIndex(({ transferred, len, error, reading }) => {
          return !reading && (error < 0 || transferred < len);
        });
        const at = slices[first];
        if (at === undefined) return;
        const behind = slices.slice(first + 1).find(({ transferred }) => transferred > 0);
        const where = { request, slice: at.index, with: [at.last] };
        if (behind !== undefined) {
          const how = at.error < 0 ? `failed with ${at.error}` : 'came short';
          report(
            event,
            `[${at.index}] ${how}, and [${behind.index}] behind it went through`,
            where,
          );
        } else if (event.step === 'complete' && at.error === 0 && short !== 0) {
          if ((event.flags & short) !== 0) return;
          report(event, `[${at.index}] came short, and the request does not say so`, where);
        }
      },
    };
  },
};

const DIRECT = new Set(['dio_read', 'dio_write', 'unbuffered_write']);

const neverWoken: Rule = {
  id: 'waiter-never-woken',
  severity: 'error',
  doc: 'Who waits for a request, or for its folios to be stored, is woken when it is done.',
  explanation:
    'The work is done, and the waiter sleeps on: a lost wake-up. Of PG_private_2 these are truncation, release and the next writer of the folio.',
  known: 'M. Kellermann, 2025-07-09, "the write() always gets stuck" (copy to cache, v6.15)',
  needs: ['netfs_rreq'],
  holds: collectorEra,
  elsewhere: NO_COLLECTOR,
  watch(world, report) {
    const marked = new Map<unknown, Map<number, CheckEvent>>();
    return {
      open(request) {
        const silent = world.endNs - request.last.ts >= STUCK_NS;
        if (!silent) return;
        const { seen } = request;
        if (isCollected(request) && seen.has('wait_ip') && !seen.has('waited_ip')) {
          report(request.last, 'it is done, and who waits for it (WAIT-IP) was not seen to go on', {
            request,
          });
        }
        if (request.kind !== 'copy_to_cache') return;
        const folios = [...(marked.get(request.ino)?.values() ?? [])];
        const ended = [...request.slices.values()].every(({ reading }) => !reading);
        if (folios.length === 0 || !ended || request.slices.size === 0) return;
        report(
          request.last,
          `its slices have ended, and ${folios.length} folios keep PG_private_2`,
          {
            request,
            with: folios.slice(0, 3).map(({ id }) => id),
          },
        );
      },
      step(request, event) {
        if (event.step !== 'free' || request.kind !== 'copy_to_cache' || !request.whole) return;
        const folios = [...(marked.get(request.ino)?.values() ?? [])];
        if (folios.length === 0) return;
        report(event, `freed, and ${folios.length} folios keep PG_private_2`, {
          request,
          with: folios.slice(0, 3).map(({ id }) => id),
        });
      },
      other: {
        netfs_folio(event) {
          let folios = marked.get(event.ino);
          if (event.step === 'pgpriv2_copy') {
            folios ??= new Map();
            marked.set(event.ino, folios);
            folios.set(event.index, event);
          } else if (event.step === 'end_copy' || event.step === 'cancel_copy') {
            folios?.delete(event.index);
          }
        },
      },
    };
  },
};

const overQueued: Rule = {
  id: 'cookie-overqueued',
  severity: 'warning',
  doc: 'A cookie that is queued twice is worked on afterwards.',
  explanation:
    'The cookie was on the queue already (PQ overq), so what it was queued for the second time is lost if its worker does not run again. A cookie that was thrown out of the LRU and relinquished at once stays in the hash, and the next user of the file waits for it.',
  known: null,
  needs: ['fscache_cookie'],
  holds: everyEra,
  watch(_world, report) {
    const queued = new Map<number, CheckEvent>();
    return {
      other: {
        fscache_cookie(event) {
          const cookie = Number(event.cookie);
          if (event.step === 'pq_overq') queued.set(cookie, event);
          else if (WORKED.has(event.step)) queued.delete(cookie);
        },
      },
      over() {
        for (const [cookie, event] of queued) {
          report(event, `c=${hex(cookie)} was queued twice, and no worker was seen since`);
        }
      },
    };
  },
};

/** Steps of a cookie that its worker takes. */
const WORKED = new Set(['work', 'pq_work', 'x_rlq', 'x_wth', 'lrudc', 'activ', 'put_relnq']);

const volumeDiscarded: Rule = {
  id: 'volume-discarded',
  severity: 'warning',
  doc: 'What the cache kept of a volume is still of the volume that the server has.',
  explanation:
    'The coherency data of the volume differ (VOL BAD), so everything that was cached of it is thrown away, and no reader is told. If it happens at each mount, a field of these data changes at each mount and the cache is of no use.',
  known: null,
  needs: ['cachefiles_vol_coherency'],
  sure: true,
  holds: everyEra,
  watch(_world, report) {
    const times = new Map<number, number>();
    return {
      other: {
        cachefiles_vol_coherency(event) {
          if (!event.step.startsWith('vol_bad')) return;
          const volume = Number(event.vol);
          const count = (times.get(volume) ?? 0) + 1;
          times.set(volume, count);
          const again = count === 1 ? '' : `, for the ${count}. time`;
          report(event, `V=${hex(volume)} ${event.why}: all it had cached is thrown away${again}`);
        },
      },
    };
  },
};

/** Rules that know one pattern. */
export const SIGNATURE_RULES = {
  'collector-ended-early': endedEarly,
  'retry-not-made': retryDenied,
  'direct-result-lost': directHole,
  'waiter-never-woken': neverWoken,
  'cookie-overqueued': overQueued,
  'volume-discarded': volumeDiscarded,
} as const satisfies Record<string, Rule>;
