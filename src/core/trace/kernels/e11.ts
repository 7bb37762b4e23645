/** What kernels of era E11 (v7.2.12 and later v7.2) print otherwise than those of E10. */
import type { EraData } from './types.js';

/** Changes that come with E11. */
export const e11 = {
  events: { netfs_read_progress_at: ['R=%08x cln=%zx prg=%zx', 'rreq cleaned_to progress_at'] },
  labels: {
    netfs_rreq_traces: {
      ra_put_ref: ['RA-PUT ', 'ki_complete'],
      wait_put_ra_refs: ['WAIT-P-RA', 'wait_pause'],
      waited_put_ra_refs: ['DONE-P-RA', 'waited_pause'],
    },
    netfs_folio_traces: {
      copy_to_cache: null,
      mark_copy: ['mark-copy', 'kill_s'],
      not_under_wback: ['!wback', 'not_locked'],
      pgpriv2_copy: ['pgpriv2-copy', 'not_under_wback'],
      sched_copy: ['sched-copy', 'redirtied'],
    },
  },
  flags: { rreq: { 10: 'CANCEL_CACHING', 17: 'NEED_PUT_RA_REFS' } },
} as const satisfies EraData;
