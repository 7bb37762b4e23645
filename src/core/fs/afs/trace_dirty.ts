/** Emits the tracepoint of a dirty page, afs_page_dirty or from v5.18 on afs_folio_dirty. */
import { PG_PRIVATE } from '../../mm/folio.js';
import type { Inode } from '../../mm/types.js';
import { afsFolioDirty, afsPageDirty } from '../../trace/events/afs.js';
import type { Tracer } from '../../trace/tracer.js';
import { regionOf } from './dirty_region.js';

const NO_REGION = { from: 0, to: 0, mapped: false };

/** The name of the `number`-th vnode, in the form of the kernel's hashed addresses. */
export function traceNameOf(number: number): string {
  const hash = Math.imul(number, 0x9e3779b1) >>> 0;
  return hash.toString(16).padStart(16, '0');
}

/** Something happens to a page with a dirty region; `why` is the word that the kernel prints. */
export function tracePageDirty(
  tracer: Tracer,
  vnode: Inode & { readonly traceName: string },
  pfn: number,
  why: string,
): void {
  if (!tracer.enabled) return;
  const { folios } = vnode.mapping;
  const { from, to, mapped } = folios.test(pfn, PG_PRIVATE) ? regionOf(folios, pfn) : NO_REGION;
  const values = [
    tracer.string(vnode.traceName),
    folios.indexOf(pfn),
    tracer.string(why),
    from,
    to,
    tracer.string(mapped ? ' M' : ''),
  ] as const;
  afsPageDirty.emit(tracer, ...values);
  afsFolioDirty.emit(tracer, ...values);
}
