/**
 * The network-filesystem read helper: turns readahead and readpage into a request, slices it
 * between server, cache and zero-fill, assesses the outcome, resubmits what can be resubmitted,
 * unlocks the pages and has the rest stored. Plays fs/netfs/read_helper.c; the filesystem's
 * address-space operations call the entries, its operations call `subreqTerminated`. Spec:
 * BEHAVIOUR section 3.
 */
import { EINTR, EIO, ENODATA, ENOMEM, ERESTARTSYS, ESTALE } from '../base/errno.js';
import { PAGE_SIZE } from '../base/range.js';
import { IovIter } from '../mm/iov_iter.js';
import { ReadaheadControl, readaheadExpand, readaheadFolio } from '../mm/readahead.js';
import type { OpenFile } from '../mm/types.js';
import { andThen, finish, isTask, type Sleepy, type Task } from '../sim/wait_queue.js';
import {
  type ReadRequest,
  RREQ_FAILED,
  RREQ_IN_PROGRESS,
  RREQ_INCOMPLETE_IO,
  RREQ_NO_UNLOCK_PAGE,
  RREQ_WRITE_TO_CACHE,
  SREQ_CLEAR_TAIL,
  SREQ_NO_PROGRESS,
  SREQ_SEEK_DATA_READ,
  SREQ_SHORT_READ,
  SREQ_WRITE_TO_CACHE,
  type Subrequest,
} from './objects.js';
import type { Requests, SliceRef } from './requests.js';
import { storeToCache } from './store.js';
import type { Streams } from './streams.js';
import {
  DOWNLOAD_FROM_SERVER,
  FILL_WITH_ZEROES,
  INVALID_READ,
  READ_FROM_CACHE,
  type RequestOps,
  type Source,
} from './types.js';
import { unlockPages } from './unlock.js';

const goOn = (): boolean => true;

/** The read helper of one lab. */
export class ReadHelper {
  readonly #requests: Requests;
  readonly #streams: Streams | undefined;

  /** `streams`: several operations in flight for one reader; without, as the kernel does. */
  constructor(requests: Requests, streams?: Streams) {
    this.#requests = requests;
    this.#streams = streams;
  }

  /** ->readahead: reads the window. Reports no error; pages that failed are not uptodate. */
  readahead(ractl: ReadaheadControl, ops: RequestOps): Sleepy {
    if (ractl.nrPages === 0) return;
    const used = this.#streams?.around(ops) ?? ops;
    const rreq = this.#requests.allocate('readahead', ractl.file, ractl.mapping, used);
    if (rreq === undefined) return;
    rreq.start = ractl.position;
    rreq.len = ractl.length;
    return andThen(this.#beginCache(rreq), (refused) => this.#readWindow(rreq, ractl, refused));
  }

  #readWindow(rreq: ReadRequest, ractl: ReadaheadControl, refused: number): Sleepy {
    const requests = this.#requests;
    if (refused < 0) {
      requests.put(rreq, false, 'put_failed');
      return;
    }
    requests.stats.netfs_n_rh_readahead++;
    requests.traceRead(rreq, 'readahead', rreq.start, rreq.len);
    this.#expand(rreq, ractl);
    rreq.nrRdOps = 1;
    return andThen(this.#submitSlices(rreq), () => {
      // The pages stay locked; only the window's references go.
      for (let pfn = readaheadFolio(ractl); pfn >= 0; pfn = readaheadFolio(ractl)) {
        ractl.mapping.folios.put(pfn);
      }
      if (--rreq.nrRdOps === 0) return this.#assess(rreq, false);
    });
  }

  /** ->readpage: reads one locked folio and unlocks it. 0 or a negative errno. */
  *readpage(file: OpenFile, pfn: number, ops: RequestOps): Task<number> {
    const { mapping } = file;
    const { folios } = mapping;
    const requests = this.#requests;
    const rreq = requests.allocate('readpage', file, mapping, ops);
    if (rreq === undefined) {
      folios.unlock(pfn);
      return -ENOMEM;
    }
    rreq.start = folios.indexOf(pfn) * PAGE_SIZE;
    rreq.len = folios.sizeOf(pfn);
    const refused = yield* finish(this.#beginCache(rreq));
    if (refused < 0) {
      folios.unlock(pfn);
      requests.put(rreq, false, 'put_discard');
      return refused;
    }
    requests.stats.netfs_n_rh_readpage++;
    requests.traceRead(rreq, 'readpage', rreq.start, rreq.len);
    return yield* this.#readAndWait(rreq, 'short_readpage');
  }

  /**
   * The read in ->write_begin: fills one locked folio, which stays locked, for a write of
   * [pos, pos + len) to it. 0 or a negative errno.
   */
  *readForWrite(
    file: OpenFile,
    pfn: number,
    pos: number,
    len: number,
    ops: RequestOps,
  ): Task<number> {
    const { mapping } = file;
    const { folios } = mapping;
    const requests = this.#requests;
    const rreq = requests.allocate('read_for_write', file, mapping, ops);
    if (rreq === undefined) return -ENOMEM;
    rreq.start = folios.indexOf(pfn) * PAGE_SIZE;
    rreq.len = folios.sizeOf(pfn);
    rreq.noUnlockPage = folios.indexOf(pfn);
    rreq.flags |= RREQ_NO_UNLOCK_PAGE;
    const refused = yield* finish(this.#beginCache(rreq));
    if (refused < 0) {
      requests.put(rreq, false, 'put_failed');
      return refused;
    }
    requests.stats.netfs_n_rh_write_begin++;
    requests.traceRead(rreq, 'write_begin', pos, len);
    const ractl = new ReadaheadControl(file, mapping, undefined, folios.indexOf(pfn));
    ractl.nrPages = folios.pagesOf(pfn);
    this.#expand(rreq, ractl);
    // The pages stay locked; of the window's references only the caller's is kept.
    for (let each = readaheadFolio(ractl); each >= 0; each = readaheadFolio(ractl)) {
      if (each !== pfn) folios.put(each);
    }
    return yield* this.#readAndWait(rreq, 'short_write_begin');
  }

  /**
   * An I/O of a slice has ended with `result` bytes (at least 0) or a negative errno. `wasAsync`
   * says that it was not inside the call that issued it.
   */
  readonly subreqTerminated = (subreq: Subrequest, result: number, wasAsync: boolean): void => {
    const requests = this.#requests;
    const { rreq } = subreq;
    if (subreq.source === READ_FROM_CACHE) requests.stats.netfs_n_rh_read_done++;
    else if (subreq.source === DOWNLOAD_FROM_SERVER) requests.stats.netfs_n_rh_download_done++;
    if (result < 0) {
      subreq.error = result;
      requests.traceFailure(rreq, subreq, result, 'read');
      this.#sliceFailed(subreq);
    } else {
      this.#sliceTransferred(subreq, result);
    }
    requests.traceSlice(subreq, 'terminated');
    const left = --rreq.nrRdOps;
    if (left === 0) this.#requestTerminated(rreq, wasAsync);
    else if (left === 1) rreq.changed.wakeAll();
    requests.putSlice(subreq, wasAsync, 'put_terminated');
  };

  // Soft errors (no cache, no object) give 0: the request runs without a cache.
  #beginCache(rreq: ReadRequest): Sleepy<number> {
    if (rreq.ops.beginCacheOperation === undefined) return 0;
    return andThen(rreq.ops.beginCacheOperation(rreq), (error) =>
      error === -ENOMEM || error === -EINTR || error === -ERESTARTSYS ? error : 0,
    );
  }

  // Lets the cache and the filesystem grow the window; the request then covers what was reached.
  #expand(rreq: ReadRequest, ractl: ReadaheadControl): void {
    const range = { start: rreq.start, len: rreq.len };
    rreq.cache.ops?.expandReadahead?.(rreq.cache, range, rreq.iSize);
    rreq.ops.expandReadahead?.(rreq, range);
    if (range.start === ractl.position && range.len === ractl.length) return;
    readaheadExpand(ractl, range.start, range.len);
    rreq.start = ractl.position;
    rreq.len = ractl.length;
    this.#requests.traceRead(rreq, 'expanded', rreq.start, rreq.len);
  }

  // The synchronous entries: the caller keeps a count of its own and assesses every round itself.
  *#readAndWait(rreq: ReadRequest, short: 'short_readpage' | 'short_write_begin'): Task<number> {
    const requests = this.#requests;
    requests.hold(rreq, 'get_hold');
    rreq.nrRdOps = 1;
    yield* finish(this.#submitSlices(rreq));
    do {
      while (rreq.nrRdOps !== 1) yield rreq.changed;
      yield* finish(this.#assess(rreq, false));
    } while (rreq.has(RREQ_IN_PROGRESS));
    let error = rreq.error;
    if (error === 0 && rreq.submitted < rreq.len) {
      requests.traceFailure(rreq, undefined, 0, short);
      error = -EIO;
    }
    requests.put(rreq, false, 'put_hold');
    return error;
  }

  #submitSlices(rreq: ReadRequest): Sleepy {
    do {
      const more = this.#submitSlice(rreq);
      if (isTask(more)) return this.#submitOthers(rreq, more);
      if (!more) return;
    } while (rreq.submitted < rreq.len);
  }

  *#submitOthers(rreq: ReadRequest, slice: Task<boolean>): Task {
    const more = yield* slice;
    if (more && rreq.submitted < rreq.len) yield* finish(this.#submitSlices(rreq));
  }

  // Cuts the next slice off the request and issues it; false ends the slicing.
  #submitSlice(rreq: ReadRequest): Sleepy<boolean> {
    const subreq = this.#requests.allocateSlice(rreq);
    if (subreq === undefined) return false;
    return andThen(this.#chooseSource(subreq), (source) => this.#submit(subreq, source));
  }

  #submit(subreq: Subrequest, source: Source): Sleepy<boolean> {
    const requests = this.#requests;
    const { rreq } = subreq;
    subreq.source = this.#confirm(subreq, source);
    requests.traceSlice(subreq, 'prepare');
    if (subreq.source === INVALID_READ) {
      // The kernel leaves the error at 0 here, and the pages would be taken for read.
      if (requests.repaired && subreq.error === 0) {
        subreq.error = -EIO;
        rreq.flags |= RREQ_FAILED;
      }
      rreq.error = subreq.error;
      requests.putSlice(subreq, false, 'put_failed');
      return false;
    }
    rreq.nrRdOps++;
    rreq.submitted += subreq.len;
    requests.traceSlice(subreq, 'submit');
    return andThen(this.#issue(subreq), goOn);
  }

  #chooseSource(subreq: Subrequest): Sleepy<Source> {
    const { rreq } = subreq;
    if (rreq.cache.ops !== undefined) return rreq.cache.ops.prepareRead(subreq, rreq.iSize);
    return subreq.start >= rreq.iSize ? FILL_WITH_ZEROES : DOWNLOAD_FROM_SERVER;
  }

  // What the source becomes: a download ends with the file, and may be refused.
  #confirm(subreq: Subrequest, source: Source): Source {
    const { rreq } = subreq;
    if (source === DOWNLOAD_FROM_SERVER) {
      // A cache may choose the server for a slice beyond the end of the file; there is nothing
      // there.
      if (this.#requests.repaired && subreq.start >= rreq.iSize) return FILL_WITH_ZEROES;
      subreq.len = Math.min(subreq.len, rreq.iSize - subreq.start);
      if (rreq.ops.clampLength?.(subreq) === false) return INVALID_READ;
    }
    return subreq.len <= 0 && source !== INVALID_READ ? INVALID_READ : source;
  }

  #issue(subreq: Subrequest): Sleepy {
    const { stats } = this.#requests;
    if (subreq.source === FILL_WITH_ZEROES) {
      stats.netfs_n_rh_zero++;
      subreq.flags |= SREQ_CLEAR_TAIL;
      this.subreqTerminated(subreq, 0, false);
    } else if (subreq.source === DOWNLOAD_FROM_SERVER) {
      return this.#issueToServer(subreq);
    } else {
      this.#issueToCache(subreq, false);
    }
  }

  #issueToServer(subreq: Subrequest): Sleepy {
    this.#requests.stats.netfs_n_rh_download++;
    return subreq.rreq.ops.issueOp(subreq);
  }

  #issueToCache(subreq: Subrequest, seekData: boolean): void {
    const { rreq } = subreq;
    this.#requests.stats.netfs_n_rh_read++;
    const from = subreq.start + subreq.transferred;
    const iter = new IovIter(rreq.mapping, from, subreq.len - subreq.transferred);
    // v5.13 asks for the slice's start even when part of it has been transferred.
    const position = this.#requests.repaired ? from : subreq.start;
    rreq.cache.ops?.read(rreq.cache, position, iter, seekData, (result, wasAsync) =>
      this.subreqTerminated(subreq, result, wasAsync),
    );
  }

  #sliceTransferred(subreq: Subrequest, result: number): void {
    const { rreq } = subreq;
    // A reply that claims more than was asked is cut down.
    subreq.transferred += Math.min(result, subreq.len - subreq.transferred);
    subreq.error = 0;
    if (subreq.transferred < subreq.len && subreq.has(SREQ_CLEAR_TAIL)) this.#clearTail(subreq);
    if (subreq.transferred === subreq.len) {
      subreq.flags &= ~SREQ_NO_PROGRESS;
      if (subreq.has(SREQ_WRITE_TO_CACHE)) rreq.flags |= RREQ_WRITE_TO_CACHE;
      return;
    }
    if (result > 0) {
      subreq.flags &= ~SREQ_NO_PROGRESS;
    } else if (subreq.has(SREQ_NO_PROGRESS)) {
      subreq.error = -ENODATA;
      this.#sliceFailed(subreq);
      return;
    } else {
      subreq.flags |= SREQ_NO_PROGRESS;
    }
    subreq.flags |= SREQ_SHORT_READ;
    rreq.flags |= RREQ_INCOMPLETE_IO;
  }

  #clearTail(subreq: Subrequest): void {
    const from = subreq.start + subreq.transferred;
    const left = subreq.len - subreq.transferred;
    new IovIter(subreq.rreq.mapping, from, left).zero(left);
    if (subreq.source === DOWNLOAD_FROM_SERVER) this.#requests.stats.bytes.cleared += left;
    subreq.transferred = subreq.len;
  }

  #sliceFailed(subreq: Subrequest): void {
    const { rreq } = subreq;
    if (subreq.source === READ_FROM_CACHE) {
      this.#requests.stats.netfs_n_rh_read_failed++;
      rreq.flags |= RREQ_INCOMPLETE_IO;
    } else {
      this.#requests.stats.netfs_n_rh_download_failed++;
      rreq.flags |= RREQ_FAILED;
      rreq.error = subreq.error;
    }
  }

  // The last read has ended outside the submitter. Resubmission may sleep, so it is a worker's job.
  #requestTerminated(rreq: ReadRequest, wasAsync: boolean): void {
    const requests = this.#requests;
    if (rreq.has(RREQ_INCOMPLETE_IO) && wasAsync) {
      requests.queueWork(() => finish(this.#assess(rreq, false)));
      return;
    }
    const rest = this.#assess(rreq, wasAsync);
    if (isTask(rest)) requests.scheduler.startHere(rest);
  }

  #assess(rreq: ReadRequest, wasAsync: boolean): Sleepy {
    this.#requests.traceRequest(rreq, 'assess');
    return this.#isDecided(rreq) ? this.#finish(rreq, wasAsync) : this.#tryAgain(rreq, wasAsync);
  }

  // Nothing is to be asked again.
  #isDecided(rreq: ReadRequest): boolean {
    this.#checkStillValid(rreq);
    return rreq.has(RREQ_FAILED) || !rreq.has(RREQ_INCOMPLETE_IO);
  }

  *#tryAgain(rreq: ReadRequest, wasAsync: boolean): Task {
    while (yield* this.#resubmit(rreq)) {
      if (!this.#isDecided(rreq)) continue;
      yield* finish(this.#finish(rreq, wasAsync));
      return;
    }
  }

  #finish(rreq: ReadRequest, wasAsync: boolean): Sleepy {
    const requests = this.#requests;
    unlockPages(requests, rreq);
    requests.accountBytes(rreq);
    rreq.flags &= ~RREQ_IN_PROGRESS;
    rreq.changed.wakeAll();
    const onWorker = wasAsync || requests.behaviour.storesOnWorker;
    if (!rreq.has(RREQ_WRITE_TO_CACHE)) requests.complete(rreq, wasAsync);
    else if (onWorker) requests.queueWork(() => storeToCache(requests, rreq));
    else return storeToCache(requests, rreq);
  }

  #checkStillValid(rreq: ReadRequest): void {
    if (rreq.ops.isStillValid === undefined || rreq.ops.isStillValid(rreq)) return;
    for (const subreq of rreq.subrequests) {
      if (subreq.source !== READ_FROM_CACHE) continue;
      subreq.error = -ESTALE;
      // The kernel leaves this, asks the server for nothing and keeps the stale data.
      if (this.#requests.repaired) subreq.transferred = 0;
      rreq.flags |= RREQ_INCOMPLETE_IO;
    }
  }

  // True if every resubmission has ended already, so that the caller must assess another round.
  *#resubmit(rreq: ReadRequest): Task<boolean> {
    const requests = this.#requests;
    requests.traceRequest(rreq, 'resubmit');
    rreq.nrRdOps++;
    rreq.flags &= ~RREQ_INCOMPLETE_IO;
    for (const subreq of rreq.subrequests) {
      if (subreq.error !== 0) {
        if (subreq.source !== READ_FROM_CACHE) break;
        subreq.source = DOWNLOAD_FROM_SERVER;
        subreq.error = 0;
        requests.stats.netfs_n_rh_download_instead++;
        requests.traceSlice(subreq, 'download_instead');
        this.#hold(subreq, 'get_resubmit');
        yield* this.#reissueToServer(subreq);
      } else if (subreq.has(SREQ_SHORT_READ)) {
        subreq.flags &= ~SREQ_SHORT_READ;
        subreq.flags |= SREQ_SEEK_DATA_READ;
        requests.stats.netfs_n_rh_short_read++;
        requests.traceSlice(subreq, 'resubmit_short');
        this.#hold(subreq, 'get_short_read');
        if (subreq.source === READ_FROM_CACHE) this.#issueToCache(subreq, true);
        else yield* this.#reissueToServer(subreq);
      }
    }
    if (--rreq.nrRdOps === 0) return true;
    rreq.changed.wakeAll();
    return false;
  }

  #hold(subreq: Subrequest, why: SliceRef): void {
    this.#requests.holdSlice(subreq, why);
    subreq.rreq.nrRdOps++;
  }

  // A slice that came from the cache may reach beyond the end of the file, where the server has
  // nothing to send: repaired, that part is zeroed instead of being asked for until the request
  // fails.
  *#reissueToServer(subreq: Subrequest): Task {
    const { rreq } = subreq;
    if (this.#requests.repaired && subreq.start + subreq.transferred >= rreq.iSize) {
      this.#requests.stats.netfs_n_rh_download++;
      subreq.flags |= SREQ_CLEAR_TAIL;
      this.subreqTerminated(subreq, 0, false);
      return;
    }
    yield* finish(this.#issueToServer(subreq));
  }
}
