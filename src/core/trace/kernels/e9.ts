/** What kernels of era E9 (v7.0) print otherwise than those of E8. */
import type { EraData } from './types.js';

/** Changes that come with E9. */
export const e9 = {
  events: {
    netfs_collect_stream: ['R=%08x[%x:] cto=%llx ito=%llx', 'wreq stream collected_to issued_to'],
  },
  labels: {
    netfs_rreq_traces: { intr: ['INTR   ', 'free'] },
    netfs_sreq_ref_traces: { see_failed: 'SEE FAILED ' },
    netfs_folio_traces: {
      whole_folio_modify_efault: ['mod-whole-f!', 'whole_folio_modify'],
      whole_folio_modify_filled: ['mod-whole-f+', 'whole_folio_modify_efault'],
      whole_folio_modify_filled_efault: ['mod-whole-f+!', 'whole_folio_modify_filled'],
      modify_and_clear_rm_finfo: ['mod-n-clear+', 'modify_and_clear'],
      invalidate_all: ['inval-all', 'filled_gaps'],
      invalidate_front: ['inval-front', 'invalidate_all'],
      invalidate_middle: ['inval-mid', 'invalidate_front'],
      invalidate_tail: ['inval-tail', 'invalidate_middle'],
    },
  },
} as const satisfies EraData;
