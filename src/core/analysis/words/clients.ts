/**
 * What each label of the network filesystems' events means, in a sentence: by label table, then by
 * identifier. Called by words/index.ts.
 */
import type { Sentences } from './types.js';

/** Sentences for the tables of 9p, AFS, NFS, CIFS and Ceph. */
export const CLIENT_WORDS: Readonly<Record<string, Sentences>> = {
  P9_FID_REFTYPE: {
    create: 'the fid is made',
    get: 'a reference to the fid is taken',
    put: 'a reference to the fid is dropped',
    destroy: 'the fid is destroyed: clunked or removed',
  },
  afs_call_traces: {
    alloc: 'the call is made',
    async_abort: 'the asynchronous call was aborted',
    async_kill: 'the asynchronous call is killed',
    free: 'the call is freed',
    get: 'a reference to the call is taken',
    put: 'a reference to the call is dropped',
    wake: 'whoever waits for the call is woken',
    work: 'the call is queued to a worker',
  },
  afs_rotate_traces: {
    aborted: 'the server aborted the call: the abort code decides what comes next',
    busy_sleep: 'the server or volume is busy: the client waits and tries again',
    check_vol_status: 'the status of the volume is checked',
    failed: 'the operation fails',
    iter: 'the next attempt begins',
    iterate_addr: 'the next address of the server is tried',
    next_server: 'the next server is tried',
    no_more_servers: 'every server was tried',
    nomem: 'memory is short',
    probe_error: 'probing the server failed',
    probe_fileserver: 'the server is probed',
    probe_none: 'no server answers probes',
    probe_response: 'a probe was answered',
    probe_superseded: 'the answer to the probe came too late to matter',
    restart: 'the choice of a server starts over',
    retry_server: 'the same server is tried again',
    selected_server: 'a server was chosen',
    stale_lock: 'the lock on the file is stale',
    start: 'the operation begins to look for a server',
    stop: 'the operation is to stop',
    stopped: 'the operation has stopped',
  },
  nfs_stable: {
    unstable: 'the server may still lose the data: a COMMIT is needed',
    data_sync: 'the data are safe, the metadata may not be',
    file_sync: 'data and metadata are safe',
  },
  smb3_rw_credits_traces: {
    read_call_adjust: 'a read call gives back credits that it does not need',
    write_call_adjust: 'a write call gives back credits that it does not need',
    free_subreq: 'a slice that is freed gives back its credits',
    read_issue_adjust: 'issuing a read adjusts its credits to its length',
    write_issue_adjust: 'issuing a write adjusts its credits to its length',
    no_adjust_up: 'the slice needs more credits than it has: it is not enlarged',
    old_session: 'the credits belong to a session that is gone',
    read_response_add: 'the reply to a read grants credits',
    read_response_clear: 'the credits of a read are cleared after its reply',
    read_resubmit: 'a read that is sent again gets credits',
    read_submit: 'a read gets its credits',
    write_prepare: 'a write gets its credits',
    write_response_add: 'the reply to a write grants credits',
    write_response_clear: 'the credits of a write are cleared after its reply',
    zero_in_flight: 'no message is in flight although credits are out',
  },
  ceph_mdsc_suspend_reasons: {
    no_mdsmap: 'the client has no map of metadata servers yet',
    no_active_mds: 'no metadata server is active',
    rejected: 'the metadata server rejected the session',
    session: 'the session with the metadata server is not open',
  },
};
