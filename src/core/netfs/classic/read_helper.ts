/**
 * The entries of the classic helper (v5.13 to v6.11): readahead, readpage and the read before a
 * partial write become requests, which `issue.ts` slices, `collect.ts` assesses and unlocks,
 * `retry.ts` resubmits and `copy.ts` stores. The filesystem's address-space operations call the
 * entries. Kernel: fs/netfs/buffered_read.c (read_helper.c until v5.17). Spec: BEHAVIOUR 3.2-3.4.
 */
import { EIO, ENOMEM } from '../../base/errno.js';
import { PAGE_SIZE } from '../../base/range.js';
import type { AddressSpace } from '../../mm/address_space.js';
import { ReadaheadControl, readaheadFolio } from '../../mm/readahead.js';
import type { OpenFile } from '../../mm/types.js';
import { andThen, awaited, type MaybeTask, type Task } from '../../sim/wait_queue.js';
import type { Origin } from '../objects.js';
import type { ParallelDownload } from '../parallel_download.js';
import type { Requests } from '../requests.js';
import type { ReadHelper, RequestOps, SubreqTerminated } from '../types.js';
import { Collector } from './collect.js';
import type { Issuer } from './issue.js';
import { ClassicRequest, RREQ_IN_PROGRESS, RREQ_NO_UNLOCK_FOLIO } from './objects.js';
import { netfsWriteBegin } from './write.js';

/** The classic read helper of one lab. */
export class ClassicReadHelper implements ReadHelper {
  readonly #requests: Requests;
  readonly #collector: Collector;
  readonly #issuer: Issuer;
  readonly #parallel: ParallelDownload | undefined;
  readonly subreqTerminated: SubreqTerminated;

  /** `parallel`: several downloads in flight for one reader; without, as the kernel does. */
  constructor(requests: Requests, parallel?: ParallelDownload) {
    this.#requests = requests;
    this.#collector = new Collector(requests);
    this.#issuer = this.#collector.issuer;
    this.#parallel = parallel;
    this.subreqTerminated = this.#collector.subreqTerminated;
  }

  readahead(ractl: ReadaheadControl, ops: RequestOps): MaybeTask {
    if (ractl.nrPages === 0) return;
    const used = this.#parallel?.around(ops) ?? ops;
    const rreq = this.#allocate('readahead', ractl.file, ractl.mapping, used);
    if (rreq === undefined) return;
    rreq.start = ractl.position;
    rreq.len = ractl.length;
    return andThen(this.#issuer.beginCache(rreq), (refused) =>
      this.#readWindow(rreq, ractl, refused),
    );
  }

  #readWindow(rreq: ClassicRequest, ractl: ReadaheadControl, refused: number): MaybeTask {
    const requests = this.#requests;
    if (refused < 0) {
      requests.put(rreq, false, 'put_failed');
      return;
    }
    requests.stats.netfs_n_rh_readahead++;
    requests.traceRead(rreq, 'readahead', rreq.start, rreq.len);
    this.#issuer.expand(rreq, ractl);
    rreq.nrOutstanding = 1;
    return andThen(this.#issuer.submitSlices(rreq), () => {
      // The pages stay locked; only the window's references go.
      for (let pfn = readaheadFolio(ractl); pfn >= 0; pfn = readaheadFolio(ractl)) {
        ractl.mapping.folios.put(pfn);
      }
      if (--rreq.nrOutstanding === 0) return this.#collector.assess(rreq, false);
    });
  }

  *readpage(file: OpenFile, pfn: number, ops: RequestOps): Task<number> {
    const { mapping } = file;
    const { folios } = mapping;
    const requests = this.#requests;
    const rreq = this.#allocate('readpage', file, mapping, ops);
    if (rreq === undefined) {
      folios.unlock(pfn);
      return -ENOMEM;
    }
    rreq.start = folios.indexOf(pfn) * PAGE_SIZE;
    rreq.len = folios.sizeOf(pfn);
    const refused = yield* awaited(this.#issuer.beginCache(rreq));
    if (refused < 0) {
      folios.unlock(pfn);
      requests.put(rreq, false, 'put_discard');
      return refused;
    }
    requests.stats.netfs_n_rh_readpage++;
    requests.traceRead(rreq, 'readpage', rreq.start, rreq.len);
    return yield* this.#readAndWait(rreq, 'short_readpage');
  }

  writeBegin(file: OpenFile, pos: number, len: number, ops: RequestOps): Task<number> {
    return netfsWriteBegin(this.#requests, this, file, pos, len, ops);
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
    const rreq = this.#allocate('read_for_write', file, mapping, ops);
    if (rreq === undefined) return -ENOMEM;
    rreq.start = folios.indexOf(pfn) * PAGE_SIZE;
    rreq.len = folios.sizeOf(pfn);
    rreq.noUnlockFolio = folios.indexOf(pfn);
    rreq.flags |= RREQ_NO_UNLOCK_FOLIO;
    const refused = yield* awaited(this.#issuer.beginCache(rreq));
    if (refused < 0) {
      requests.put(rreq, false, 'put_failed');
      return refused;
    }
    requests.stats.netfs_n_rh_write_begin++;
    requests.traceRead(rreq, 'write_begin', pos, len);
    const ractl = new ReadaheadControl(file, mapping, undefined, folios.indexOf(pfn));
    ractl.nrPages = folios.pagesOf(pfn);
    this.#issuer.expand(rreq, ractl);
    // The pages stay locked; of the window's references only the caller's is kept.
    for (let each = readaheadFolio(ractl); each >= 0; each = readaheadFolio(ractl)) {
      if (each !== pfn) folios.put(each);
    }
    return yield* this.#readAndWait(rreq, 'short_write_begin');
  }

  #allocate(
    origin: Origin,
    file: OpenFile | undefined,
    mapping: AddressSpace,
    ops: RequestOps,
  ): ClassicRequest | undefined {
    const id = this.#requests.nextId();
    if (id === 0) return undefined;
    const rreq = new ClassicRequest(id, origin, mapping, ops);
    this.#requests.begin(rreq, file);
    return rreq;
  }

  // The synchronous entries: the caller keeps a count of its own and assesses every round itself.
  *#readAndWait(rreq: ClassicRequest, short: 'short_readpage' | 'short_write_begin'): Task<number> {
    const requests = this.#requests;
    requests.hold(rreq, 'get_hold');
    rreq.nrOutstanding = 1;
    yield* awaited(this.#issuer.submitSlices(rreq));
    do {
      while (rreq.nrOutstanding !== 1) yield rreq.changed;
      yield* awaited(this.#collector.assess(rreq, false));
    } while (rreq.has(RREQ_IN_PROGRESS));
    let error = rreq.error;
    if (error === 0 && rreq.submitted < rreq.len) {
      requests.traceFailure(rreq, undefined, 0, short);
      error = -EIO;
    }
    requests.put(rreq, false, 'put_hold');
    return error;
  }
}
