/**
 * Label tables of the netfs events about writing, folios and collecting results, all eras.
 *
 * Called by the definitions of the events. Kernel: include/trace/events/netfs.h. Rows stand in the
 * kernel's order.
 */
import { symbols } from '../symbols.js';

/** Why a write request was made. */
export const netfsWriteTraces = symbols('netfs_write_traces');

/** What happened to a folio. */
export const netfsFolioTraces = symbols('netfs_folio_traces');

/** What the collector did with a contiguous run. */
export const netfsCollectContigTraces = symbols('netfs_collect_contig_traces');

/** To whom part of a subrequest was given. */
export const netfsDonateTraces = symbols('netfs_donate_traces');

/** What happened to a folio queue. */
export const netfsFolioqTraces = symbols('netfs_folioq_traces');
