/** What kernels of era E12 (v7.3) print otherwise than those of E11. */
import type { EraData } from './types.js';

/** Changes that come with E12. */
export const e12 = {
  events: {
    cachefiles_ondemand_open: null,
    cachefiles_ondemand_copen: null,
    cachefiles_ondemand_close: null,
    cachefiles_ondemand_read: null,
    cachefiles_ondemand_cread: null,
    cachefiles_ondemand_fd_write: null,
    cachefiles_ondemand_fd_release: null,
  },
  labels: {
    cachefiles_obj_ref_traces: {
      get_ondemand_fd: null,
      put_ondemand_fd: null,
      get_read_req: null,
      put_read_req: null,
    },
  },
  flags: { sreq: { 5: null } },
} as const satisfies EraData;
