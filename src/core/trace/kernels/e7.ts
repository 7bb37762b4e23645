/** What kernels of era E7 (v6.14 - v6.15) print otherwise than those of E6. */
import type { EraData } from './types.js';

/** Changes that come with E7. */
export const e7 = {
  events: {
    netfs_sreq: [
      'R=%08x[%x] %s %s f=%02x s=%llx %zx/%zx s=%u e=%d',
      'rreq index source what flags start transferred len slot error',
    ],
    netfs_progress: null,
    netfs_donate: null,
    netfs_folioq: ['R=%08x fq=%x %s', 'rreq fq trace'],
    netfs_truncate: [
      'ni=%x isz=%llx rsz=%llx zp=%llx to=%llx',
      'ino i_size remote_i_size zero_point to',
    ],
    cachefiles_coherency: [
      'o=%08x %s B=%llx c=%u aux=%llx dsk=%llx',
      'obj why ino content aux disk_aux',
    ],
  },
  labels: {
    netfs_read_traces: { read_single: ['READ-SNGL', 'read_gaps'] },
    netfs_rreq_origins: { read_single: ['R1', 'read_gaps'], writeback_single: ['W1', 'writeback'] },
    netfs_rreq_traces: {
      complete: ['COMPLET', 'collect'],
      dirty: ['DIRTY  ', 'complete'],
      set_abandon: ['S-ABNDN', 'resubmit'],
      wait_queue: ['WAIT-Q ', 'wait_pause'],
      wake_queue: ['WAKE-Q ', 'wake_ip'],
      woke_queue: ['WOKE-Q ', 'wake_queue'],
    },
    netfs_sreq_traces: {
      cache_nowrite: ['CA-NW', 'added'],
      cache_prepare: ['CA-PR', 'cache_nowrite'],
      cache_write: ['CA-WR', 'cache_prepare'],
      cancel: ['CANCL', 'cache_write'],
      need_clear: ['N-CLR', 'limited'],
      partial_read: ['PARTR', 'need_clear'],
      need_retry: ['ND-RT', 'partial_read'],
      superfluous: ['SPRFL', 'submit'],
      wait_for: ['_WAIT', 'terminated'],
    },
    netfs_sreq_ref_traces: { put_abandon: ['PUT ABANDON', 'new'] },
    netfs_folio_traces: {
      whole_folio_modify_efault: null,
      whole_folio_modify_filled: null,
      whole_folio_modify_filled_efault: null,
      modify_and_clear_rm_finfo: null,
      invalidate_all: null,
      invalidate_front: null,
      invalidate_middle: null,
      invalidate_tail: null,
      alloc_buffer: ['alloc-buf', 'abandon'],
      not_locked: ['!locked', 'not_under_wback'],
    },
    netfs_folioq_traces: {
      alloc_buffer: 'alloc-buf',
      clear: 'clear',
      delete: 'delete',
      make_space: 'make-space',
      rollbuf_init: 'roll-init',
      read_progress: 'r-progress',
    },
  },
  flags: {
    rreq: { 0: 'OFFLOAD_COLLECTION', 1: null, 6: 'FOLIO_COPY_TO_CACHE', 14: 'RETRYING' },
    sreq: { 4: 'MADE_PROGRESS', 10: 'FAILED', 11: null },
  },
} as const satisfies EraData;
