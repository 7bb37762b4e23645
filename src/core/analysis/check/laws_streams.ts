/**
 * What kernels with one collector per request do (v6.14 and later), as data: a submitter issues
 * slices, a collector takes them off their streams in order, and either may be any task.
 *
 * Read from the sources of v6.18, v7.0 and v7.3 and held against captures of v6.18 and v7.3; what
 * v6.14 and v6.15 do otherwise is from their sources alone. Called by laws.ts.
 */
import type { Laws, Order, SideLaws } from './laws.js';

/** The ways in which a slice of a read comes to its end. */
const READ_ENDS = ['hit_eof', 'need_clear', 'need_retry', 'partial_read', 'short', 'terminated'];
/** What clients of CIFS tell of a slice before it ends. */
const CLIENT_TELLS = [
  ...['io_progress', 'io_bad', 'io_malformed', 'io_unknown', 'io_req_submitted', 'io_retry_needed'],
];
const UNDER_WAY = ['progress', ...CLIENT_TELLS, ...READ_ENDS, 'retry', 'fail', 'cancel'];
const CLIENT_NEXT = Object.fromEntries(CLIENT_TELLS.map((step) => [step, UNDER_WAY]));

/** Steps of a request that its submitter tells, or whoever ends a slice, at any time. */
const BESIDE_THE_COLLECTOR = [
  ...['set_pause', 'wake_queue', 'wait_pause', 'waited_pause', 'wait_ip', 'waited_ip', 'recollect'],
  ...['wait_queue', 'woke_queue', 'ra_put_ref', 'wait_put_ra_refs', 'waited_put_ra_refs'],
];

/** What the collector may do after it looked at slices. */
const PASS = ['collect', 'set_abandon', 'unpause', 'wait_quiesce', 'waited_quiesce'];

const READ_REQUESTS: Order = {
  begun: ['collect', 'free'],
  collect: [...PASS, 'complete'],
  set_abandon: [...PASS, 'complete'],
  unpause: [...PASS, 'complete'],
  wait_quiesce: ['wait_quiesce', 'waited_quiesce'],
  waited_quiesce: ['resubmit'],
  resubmit: ['collect', 'set_abandon', 'unpause', 'complete'],
  complete: ['ki_complete', 'dirty', 'wake_ip'],
  ki_complete: ['dirty', 'wake_ip'],
  dirty: ['wake_ip'],
  wake_ip: ['done'],
  done: ['end_copy_to_cache', 'free'],
  end_copy_to_cache: ['free'],
};

const READ_SLICES: Order = {
  new: ['added', 'prepare', 'limited', 'submit', ...UNDER_WAY],
  added: ['prepare', 'limited', 'submit', ...UNDER_WAY],
  prepare: ['prepare', 'limited', 'submit', ...UNDER_WAY],
  limited: ['submit', ...UNDER_WAY],
  submit: UNDER_WAY,
  progress: UNDER_WAY,
  ...CLIENT_NEXT,
  hit_eof: ['terminated'],
  need_clear: ['terminated'],
  need_retry: ['terminated'],
  partial_read: ['terminated'],
  short: ['terminated'],
  cancel: ['terminated'],
  // A retry that negotiates nothing says nothing but GET RESUBMT.
  terminated: [
    ...['clear', 'consumed', 'abandoned', 'superfluous', 'retry', 'reprep_failed', 'submit'],
    ...UNDER_WAY,
  ],
  retry: ['retry', 'prepare', 'limited', 'reprep_failed', 'superfluous', 'submit', ...UNDER_WAY],
  reprep_failed: ['abandoned', 'clear', 'terminated'],
  superfluous: ['free'],
  clear: ['consumed', 'abandoned'],
  consumed: ['free'],
  abandoned: ['free'],
  free: [],
};

const PASSING_WRITE: Order = {
  begun: ['collect', 'free'],
  collect: ['collect', 'unpause', 'wait_quiesce', 'waited_quiesce', 'write_done'],
  unpause: ['collect', 'unpause', 'wait_quiesce', 'waited_quiesce', 'write_done'],
  wait_quiesce: ['wait_quiesce', 'waited_quiesce'],
  waited_quiesce: [
    ...['wait_quiesce', 'waited_quiesce', 'resubmit', 'collect', 'unpause', 'write_done'],
  ],
  write_done: ['wake_ip'],
  wake_ip: ['ki_complete', 'free'],
  ki_complete: ['free'],
};

/**
 * Direct and unbuffered writes of v7.0 and later: one slice at a time, and no collector. Where few
 * events tell the kernel, one of v6.16 to v6.19 can be taken for one of these: its passes pass.
 */
const SERIAL_WRITE: Order = {
  ...PASSING_WRITE,
  begun: ['wait_quiesce', 'waited_quiesce', 'intr', 'write_done', 'free', 'collect'],
  wait_quiesce: ['wait_quiesce', 'waited_quiesce'],
  waited_quiesce: ['wait_quiesce', 'waited_quiesce', 'intr', 'write_done', 'collect', 'unpause'],
  intr: ['write_done'],
};

const WRITE_ENDS = [...CLIENT_TELLS, 'cache_prepare', 'cache_write', 'terminated', 'retry', 'fail'];

const WRITE_SLICES: Order = {
  new: ['prepare', 'split', 'retry'],
  prepare: ['prep_failed', 'submit', 'fail', 'discard'],
  prep_failed: ['submit', 'terminated', 'discard'],
  submit: WRITE_ENDS,
  cache_prepare: ['cache_write', 'terminated', 'cache_nowrite'],
  cache_write: ['terminated', 'cache_nowrite'],
  ...Object.fromEntries(CLIENT_TELLS.map((step) => [step, WRITE_ENDS])),
  fail: ['terminated'],
  terminated: ['free', 'retry', 'submit', 'discard', 'cache_nowrite'],
  retry: ['split', 'retry', 'prepare', 'prep_failed', 'cancel', 'submit', 'discard'],
  split: ['retry', 'submit'],
  discard: ['free'],
  cache_nowrite: ['free', 'retry', 'terminated', 'discard'],
  free: [],
};

const READ: SideLaws = {
  requests: READ_REQUESTS,
  slices: READ_SLICES,
  floating: BESIDE_THE_COLLECTOR,
  settled: ['complete', 'wake_ip', 'done', 'free'],
  collected: ['complete'],
  changing: ['IN_PROGRESS', 'PAUSE', 'RETRYING', 'FOLIO_COPY_TO_CACHE', 'NEED_PUT_RA_REFS'],
  sticky: ['ALL_QUEUED', 'FAILED', 'SHORT_TRANSFER', 'CANCEL_CACHING'],
  inProgress: ['collect', 'set_abandon', 'unpause', 'resubmit', 'complete', 'ki_complete', 'dirty'],
  ended: ['wake_ip', 'done', 'waited_ip', 'end_copy_to_cache', 'free'],
  queued: ['complete'],
};

const WRITE: SideLaws = {
  requests: PASSING_WRITE,
  slices: WRITE_SLICES,
  floating: BESIDE_THE_COLLECTOR,
  settled: ['write_done', 'wake_ip', 'free'],
  collected: ['write_done'],
  changing: ['IN_PROGRESS', 'PAUSE', 'RETRYING'],
  sticky: ['ALL_QUEUED', 'UPLOAD_TO_SERVER'],
  inProgress: ['collect', 'unpause', 'write_done'],
  ended: ['wake_ip', 'waited_ip', 'ki_complete', 'free'],
  queued: ['write_done'],
};

/** v6.16 to v6.19. */
export const COLLECTOR: Laws = {
  slicing: 'streams',
  sliceRefs: 2,
  requestRefs: null,
  drops: {
    put_work_ip: ['wake_ip', 'done', 'end_copy_to_cache', 'ki_complete', 'free'],
    put_complete: ['wake_ip', 'ki_complete', 'free'],
  },
  failure: 'before',
  marksShort: false,
  stores: false,
  quietRetry: false,
  marksAtSubmission: false,
  clearsFirst: true,
  verdictFirst: true,
  adds: ['dio_read', 'read_single'],
  read: READ,
  write: WRITE,
  serial: null,
};

/**
 * v6.14 and v6.15: the request is woken before its flag is cleared, references of works are
 * counted, and slices that were collected are told as discarded.
 */
export const FIRST_COLLECTOR: Laws = {
  ...COLLECTOR,
  drops: {},
  clearsFirst: false,
  verdictFirst: false,
  adds: [],
  read: {
    ...READ,
    requests: {
      ...READ_REQUESTS,
      begun: ['collect', 'complete', 'free'],
      collect: [...PASS, 'resubmit', 'complete'],
      set_abandon: [...PASS, 'resubmit', 'complete'],
      unpause: [...PASS, 'resubmit', 'complete'],
    },
    slices: {
      ...READ_SLICES,
      terminated: [...(READ_SLICES.terminated as readonly string[]), 'discard', 'free'],
      clear: ['consumed', 'abandoned', 'discard', 'free'],
      discard: ['free'],
    },
    inProgress: READ.inProgress.filter((step) => step !== 'dirty'),
    ended: ['done', 'free'],
  },
  write: {
    ...WRITE,
    ended: ['free'],
    inProgress: ['collect', 'write_done'],
  },
};

/** v7.0 to v7.2.11: a client that asks for a retry has not failed; direct writes go one by one. */
export const SERIAL_WRITES: Laws = {
  ...COLLECTOR,
  quietRetry: true,
  adds: [],
  serial: {
    ...WRITE,
    requests: SERIAL_WRITE,
    // Nobody collects: what failed is put at the end.
    collected: [],
    inProgress: ['write_done', 'waited_quiesce'],
    ended: ['wake_ip', 'ki_complete', 'free'],
    queued: [],
  },
};

/** v7.2.12 and later: a window is loaded whole, and folios are marked when a slice is submitted. */
export const BULK_LOADING: Laws = { ...SERIAL_WRITES, marksAtSubmission: true };
