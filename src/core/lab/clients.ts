/**
 * The network filesystem clients that profiles name, one row each: how a lab makes them and the
 * cookies they hold of a cache.
 */
import { assert } from '../base/assert.js';
import { PAGE_SHIFT, PAGE_SIZE, roundDown, roundUp } from '../base/range.js';
import { CachefilesBackend } from '../cachefiles/interface.js';
import { keepsInodes, NinepClient } from '../fs/9p.js';
import { AfsClient } from '../fs/afs/client.js';
import type { CookieFsParts } from '../fs/cookie_fs.js';
import type { ClientOptions, NetworkFs } from '../fs/types.js';
import { Fscache } from '../fscache/registry.js';
import type { BackingDevice } from '../mm/readahead.js';
import { ClassicReadHelper } from '../netfs/classic/read_helper.js';
import { ParallelDownload } from '../netfs/parallel_download.js';
import { Requests } from '../netfs/requests.js';
import type { ReadHelper } from '../netfs/types.js';
import type { Profile } from '../profile/types.js';
import { Transport } from '../server/transport.js';
import type { Server } from '../server/types.js';
import { NullSink } from '../trace/sink.js';
import { Tracer } from '../trace/tracer.js';
import type { Lab } from './lab.js';

/** The volume that a server is in a cache. */
export function cacheVolume({ root }: Server): string {
  return `dir,${root}`;
}

/** Every client. */
export const CLIENTS: Readonly<Record<Profile['client'], (lab: Lab) => NetworkFs>> = {
  afs: makeAfs,
  '9p': makeNinep,
};

/** What readahead is told of the mount. A transport's messages bound the window. */
export function readaheadDevice({ options, profile, server, tracer }: Lab): BackingDevice {
  const pagesOf = (kib: number): number => (kib * 1024) >> PAGE_SHIFT;
  const { msize, readAheadKb } = options;
  const { cacheMode } = options;
  const ioPages =
    profile.client === '9p' && cacheMode !== 'none'
      ? new Transport(server, msize, tracer).maxData >> PAGE_SHIFT
      : cacheMode === 'none'
        ? 0
        : pagesOf(profile.readAheadKb);
  // As through sysfs, read_ahead_kb sets the window and leaves the largest I/O as it was.
  return { raPages: readAheadKb === undefined ? ioPages : pagesOf(readAheadKb), ioPages };
}

function makeRequests({ options, profile, tracer, stats, scheduler }: Lab): Requests {
  const { defects, failAllocation, obtained } = options;
  const behaviour = profile.netfs;
  return new Requests({ tracer, stats, scheduler, behaviour, defects, failAllocation, obtained });
}

function makeHelper(requests: Requests, { options, profile, clock }: Lab): ReadHelper {
  const { streams, readAheadKb, pageCache } = options;
  const unit = roundUp((readAheadKb ?? profile.readAheadKb) * 1024, PAGE_SIZE);
  if (streams === 1 || unit === 0) return new ClassicReadHelper(requests);
  const limit = roundDown(pageCache / 4, unit);
  const parallel = new ParallelDownload({ count: streams, unit, limit }, clock);
  return new ClassicReadHelper(requests, parallel);
}

function makeAfs(lab: Lab): NetworkFs {
  const { options, profile, server, scheduler, folios, tracer, writeback, health, freezer } = lab;
  const { defects, clock, streams, rsize, stripeUnit, cacheWrites } = options;
  const behaviour = profile.afs;
  assert(behaviour !== undefined, 'a profile with AFS does not say how its AFS behaves');
  const requests = makeRequests(lab);
  const common = cookieParts(lab, requests);
  const inside = clock === 'virtual' && streams === 1 ? 'sync' : 'async';
  const fixed = profile.fixed.completion?.is as ClientOptions['completion'] | undefined;
  const choices: ClientOptions = {
    rsize,
    stripeUnit,
    cacheWrites,
    clearTail: options.clearTail ?? true,
    completion: options.completion ?? fixed ?? inside,
  };
  const own = { server, scheduler, folios, tracer, writeback, health, freezer, defects };
  const { helper } = common;
  return new AfsClient(common, { ...own, requests, helper, options: choices, behaviour });
}

function makeNinep(lab: Lab): NetworkFs {
  const { options, server, tracer, folios, writeback } = lab;
  const requests = makeRequests(lab);
  const { defects, cacheMode } = options;
  const kept = cookieParts(lab, requests);
  // Other modes have no cookies: those of their inodes are no part of FS-Cache and not told of.
  const parts = keepsInodes(cacheMode) ? kept : { ...kept, fscache: untold(lab) };
  const { helper } = parts;
  const transport = new Transport(server, options.msize, tracer);
  const writing = { folios, requests, helper, writeback, transport, defects };
  return new NinepClient(parts, writing, cacheMode);
}

function cookieParts(lab: Lab, requests: Requests): CookieFsParts {
  const { server, scheduler, folios, cachefiles, profile, options } = lab;
  // Kernels whose cookies have no events are played without cookies where there is no cache.
  const uncached = cachefiles === undefined && !profile.fscache.events;
  return {
    server,
    helper: makeHelper(requests, lab),
    scheduler,
    folios,
    fscache: uncached ? untold(lab) : makeFscache(lab),
    volume: cacheVolume(server),
    uncached,
    inodesMax: options.inodes,
    share: options.cache,
  };
}

function makeFscache(lab: Lab): Fscache {
  const { profile, scheduler, cachefiles } = lab;
  const eventsOf = (kept: boolean): Tracer => (kept ? lab.tracer : silentTracer(lab));
  const backend =
    cachefiles && new CachefilesBackend(cachefiles, eventsOf(profile.cachefiles.events));
  lab.fscache = new Fscache(profile.fscache, scheduler, eventsOf(profile.fscache.events), backend);
  return lab.fscache;
}

// Cookies of a mount that has none in the kernel.
function untold(lab: Lab): Fscache {
  return new Fscache(lab.profile.fscache, lab.scheduler, silentTracer(lab), undefined);
}

// Takes the events of what has none in the kernel being played.
function silentTracer({ profile, clock, scheduler }: Lab): Tracer {
  const tracer = new Tracer({ sink: new NullSink(profile.era), clock, contexts: scheduler });
  tracer.enabled = false;
  return tracer;
}
