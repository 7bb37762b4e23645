/** What kernels of era E10 (v7.1 - v7.2.11) print otherwise than those of E9. */
import type { EraData } from './types.js';

/** Changes that come with E10. */
export const e10 = {
  events: {
    netfs_read: [
      'R=%08x %s c=%08x ni=%llx s=%llx l=%zx sz=%llx',
      'rreq what cookie netfs_inode start len i_size',
    ],
    netfs_folio: ['i=%05llx ix=%05lx-%05lx %s', 'ino index last why'],
    cachefiles_lookup: ['o=%08x dB=%llx B=%llx e=%d', 'obj dino ino error'],
    cachefiles_mark_active: ['o=%08x B=%llx', 'obj inode'],
    cachefiles_mark_failed: ['o=%08x B=%llx', 'obj inode'],
    cachefiles_mark_inactive: ['o=%08x B=%llx', 'obj inode'],
    smb3_open_done: [
      'xid=%u sid=0x%llx tid=0x%x fid=0x%llx cr_opts=0x%x des_access=0x%x oplock=0x%x',
      'xid sid tid fid cr_opts des_access oplock',
    ],
  },
} as const satisfies EraData;
