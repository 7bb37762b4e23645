/**
 * Label tables of the netfs events about writing, folios and collecting results, all eras.
 *
 * Called by the definitions of the events. Kernel: include/trace/events/netfs.h. Rows stand in the
 * kernel's order.
 */
import { symbols } from '../symbols.js';

/** Why a write request was made. */
export const netfsWriteTraces = symbols('netfs_write_traces', [
  ['copy_to_cache', { E5: 'COPY2CACH' }],
  ['dio_write', { E4: 'DIO-WRITE' }],
  ['launder', { E4: 'LAUNDER  ', E5: null }],
  ['unbuffered_write', { E4: 'UNB-WRITE' }],
  ['writeback', { E4: 'WRITEBACK' }],
  ['writeback_single', { E8: 'WB-SINGLE' }],
  ['writethrough', { E4: 'WRITETHRU', E13: null }],
]);

/** What happened to a folio. */
export const netfsFolioTraces = symbols('netfs_folio_traces', [
  ['is_uptodate', { E4: 'mod-uptodate' }],
  ['just_prefetch', { E4: 'mod-prefetch' }],
  ['whole_folio_modify', { E4: 'mod-whole-f' }],
  ['whole_folio_modify_efault', { E9: 'mod-whole-f!' }],
  ['whole_folio_modify_filled', { E9: 'mod-whole-f+' }],
  ['whole_folio_modify_filled_efault', { E9: 'mod-whole-f+!' }],
  ['modify_and_clear', { E4: 'mod-n-clear' }],
  ['modify_and_clear_rm_finfo', { E9: 'mod-n-clear+' }],
  ['streaming_write', { E4: 'mod-streamw' }],
  ['streaming_write_cont', { E4: 'mod-streamw+' }],
  ['flush_content', { E4: 'flush' }],
  ['streaming_filled_page', { E4: 'mod-streamw-f' }],
  ['streaming_cont_filled_page', { E4: 'mod-streamw-f+' }],
  ['abandon', { E6: 'abandon' }],
  ['alloc_buffer', { E7: 'alloc-buf', E13: null }],
  ['cancel_copy', { E5: 'cancel-copy' }],
  ['cancel_store', { E6: 'cancel-store' }],
  ['clear', { E4: 'clear', E13: null }],
  ['clear_cc', { E5: 'clear-cc', E13: null }],
  ['clear_s', { E4: 'clear-s', E5: null }],
  ['clear_g', { E4: 'clear-g', E13: null }],
  ['clear_s', { E5: 'clear-s', E13: null }],
  ['copy_to_cache', { E4: 'copy', E5: 'mark-copy', E11: null }],
  ['end_copy', { E4: 'end-copy' }],
  ['endwb', { E13: 'endwb' }],
  ['endwb_cc', { E13: 'endwb-cc' }],
  ['endwb_g', { E13: 'endwb-g' }],
  ['endwb_s', { E13: 'endwb-s' }],
  ['filled_gaps', { E4: 'filled-gaps' }],
  ['invalidate_all', { E9: 'inval-all' }],
  ['invalidate_front', { E9: 'inval-front' }],
  ['invalidate_middle', { E9: 'inval-mid' }],
  ['invalidate_tail', { E9: 'inval-tail' }],
  ['kill', { E4: 'kill' }],
  ['kill_cc', { E5: 'kill-cc' }],
  ['kill_g', { E5: 'kill-g' }],
  ['kill_s', { E5: 'kill-s' }],
  ['mark_copy', { E11: 'mark-copy' }],
  ['launder', { E4: 'launder', E5: null }],
  ['mkwrite', { E4: 'mkwrite' }],
  ['mkwrite_plus', { E4: 'mkwrite+' }],
  ['not_under_wback', { E5: '!wback', E11: null }],
  ['not_locked', { E7: '!locked' }],
  ['not_under_wback', { E11: '!wback' }],
  ['pgpriv2_copy', { E11: 'pgpriv2-copy' }],
  ['put', { E6: 'put', E13: null }],
  ['read', { E6: 'read' }],
  ['read_done', { E6: 'read-done' }],
  ['read_gaps', { E4: 'read-gaps' }],
  ['read_unlock', { E6: 'read-unlock' }],
  ['redirty', { E4: 'redirty', E5: null }],
  ['redirtied', { E4: 'redirtied' }],
  ['sched_copy', { E11: 'sched-copy' }],
  ['store', { E4: 'store' }],
  ['store_copy', { E5: 'store-copy' }],
  ['store_plus', { E4: 'store+' }],
  ['wthru', { E4: 'wthru', E13: null }],
  ['wthru_plus', { E4: 'wthru+', E13: null }],
]);

/** What the collector did with a contiguous run. */
export const netfsCollectContigTraces = symbols('netfs_collect_contig_traces', [
  ['collect', { E5: 'Collect' }],
  ['jump', { E5: '-->JUMP-->' }],
  ['unlock', { E5: 'Unlock' }],
]);

/** To whom part of a subrequest was given. */
export const netfsDonateTraces = symbols('netfs_donate_traces', [
  ['tail_to_prev', { E6: 'tail-to-prev' }],
  ['to_prev', { E6: 'to-prev' }],
  ['to_next', { E6: 'to-next' }],
  ['to_deferred_next', { E6: 'defer-next' }],
]);

/** What happened to a folio queue. */
export const netfsFolioqTraces = symbols('netfs_folioq_traces', [
  ['alloc_buffer', { E7: 'alloc-buf', E13: null }],
  ['clear', { E7: 'clear', E13: null }],
  ['delete', { E7: 'delete', E13: null }],
  ['make_space', { E7: 'make-space', E13: null }],
  ['rollbuf_init', { E7: 'roll-init', E13: null }],
  ['read_progress', { E7: 'r-progress', E13: null }],
]);
