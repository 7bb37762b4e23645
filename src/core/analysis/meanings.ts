/**
 * What the words of tracepoints mean, in a sentence, with the kernel function that says them.
 * Called by `explain` and `trace request --explain`. Words are named by the identifiers of the
 * label tables, so that one entry serves all eras; functions that have another name elsewhere are
 * in `RENAMED`.
 */
import { type Era, inEra, type PerEra } from '../trace/eras.js';
import { tracepointNamed } from '../trace/index.js';
import { labelMeaning } from './words/index.js';

/** What one word of one event means. */
export interface Meaning {
  /** One sentence without its period. */
  readonly means: string;
  /** Function that emits it; '' = several or not known. */
  readonly by: string;
}

const by =
  (fn: string) =>
  (means: string): Meaning => ({ means, by: fn });
const anywhere = by('');
const resubmit = by('netfs_rreq_perform_resubmissions');
const store = by('netfs_rreq_do_write_to_cache');
const retry = by('netfs_retry_read_subrequests');
const donated = by('netfs_consume_read_data');
const prepare = by('cachefiles_do_prepare_read');
const lookup = by('fscache_perform_lookup');
const state = by('fscache_cookie_state_machine');

/** By tracepoint, then by identifier of the main label; '' = the event whatever it says. */
export const MEANINGS: Readonly<Record<string, Readonly<Record<string, Meaning>>>> = {
  netfs_read: {
    readahead: by('netfs_readahead')('readahead asks for a window of the file'),
    readpage: by('netfs_readpage')('a reader waits for one page or folio'),
    write_begin: by('netfs_write_begin')('a write needs the rest of its page first'),
    prefetch_for_write: by('netfs_write_begin')('a write needs the rest of its folio first'),
    dio_read: by('netfs_unbuffered_read_iter')('a read past the page cache'),
    expanded: by('netfs_readahead')('the window was widened to whole granules of the cache'),
  },
  netfs_rreq: {
    assess: by('netfs_rreq_assess')('all slices have ended: what came is looked at'),
    resubmit: resubmit('some slices came short or failed, and are asked for again'),
    unlock: by('netfs_rreq_unlock_folios')('pages are unlocked: readers go on'),
    write: store('what was downloaded is being stored in the cache'),
    unmark: by('netfs_rreq_unmark_after_write')('the marks of pages being stored are taken away'),
    done: by('netfs_rreq_completed')('the work is done, references are dropped'),
    free: by('netfs_free_request')('the request is given back to memory'),
    collect: by('netfs_collect_write_results')('results of slices that ended are gathered'),
    wake_ip: anywhere('whoever waits for the request is woken'),
    wait_ip: anywhere('somebody waits for the request to end'),
    wake_queue: anywhere('the queue of the request is woken: the collector is to run'),
    set_pause: anywhere('no more slices are issued until results were gathered'),
    unpause: anywhere('slices are issued again'),
    write_done: anywhere('everything was written'),
    redirty: anywhere('writing failed: pages are marked dirty again'),
  },
  netfs_sreq: {
    added: by('netfs_queue_read')('a slice is begun with all that is left of the request'),
    prepare: by('netfs_rreq_prepare_read')('source and length of the slice are decided'),
    submit: by('netfs_rreq_submit_slice')('the slice is handed to its source'),
    terminated: by('netfs_subreq_terminated')('the source has answered'),
    download_instead: resubmit('the cache failed it: it goes to the server'),
    resubmit_short: resubmit('it came short: the rest is asked for'),
    write: store('the slice is being written to the cache'),
    write_skip: store('the cache refused to store it'),
    write_term: by('netfs_rreq_copy_terminated')('storing it has ended'),
    free: by('netfs_free_subrequest')('the slice is given back to memory'),
    progress: by('netfs_read_subreq_progress')('part of it has come'),
    io_progress: anywhere('the client says how much has come'),
    clear: anywhere('what the source did not fill is filled with zeros'),
    add_donations: donated('it takes over bytes of its neighbours that fill no folio alone'),
    donate_to_prev: donated('it gives bytes that fill no folio to the slice before'),
    donate_to_next: donated('it gives bytes that fill no folio to the slice behind'),
    retry: retry('it is asked for again'),
    short: anywhere('it came short'),
    limited: anywhere('it was cut to what the server takes at once'),
    cache_prepare: anywhere('the cache is asked whether it can take it'),
    cache_write: anywhere('it is being written to the cache'),
    abandoned: anywhere('it is given up'),
    consumed: anywhere('all of it was handed to folios'),
    discard: anywhere('it is thrown away'),
    cancel: anywhere('it was cancelled'),
  },
  netfs_failure: {
    read: anywhere('a slice could not be read'),
    copy_to_cache: by('netfs_rreq_copy_terminated')('a slice could not be stored'),
    prepare_write: store('the cache refused to store a slice'),
    short_readpage: by('netfs_readpage')('a page could not be read whole'),
    short_write_begin: by('netfs_write_begin')('the page of a write could not be read whole'),
    check_write_begin: by('netfs_write_begin')('the client refused the page of a write'),
    write: anywhere('a slice could not be written'),
  },
  cachefiles_prep_read: {
    after_eof: prepare('behind the end of the file: zeros'),
    found_hole: prepare('the cache file has a hole here'),
    found_part: prepare('a hole, then data: the slice is cut there'),
    have_data: prepare('the cache has the data'),
    no_data: prepare('the object is new or was not looked up: nothing is in it'),
    no_file: prepare('the object has no file'),
    seek_error: prepare('asking the file for data failed'),
    seek_enxio: prepare('nothing in the file from here on'),
  },
  cachefiles_coherency: {
    ok: by('cachefiles_check_auxdata')('the cache file belongs to this version of the file'),
    bad_aux: by('cachefiles_check_auxdata')('the file has changed on the server'),
    bad_cont: by('cachefiles_check_auxdata')('the content of the cache file is of another kind'),
    bad_dirt: by('cachefiles_check_auxdata')('it was being written when it was last seen'),
    bad_len: by('cachefiles_check_auxdata')('its attribute has the wrong length'),
    bad_osiz: by('cachefiles_check_auxdata')('its size is not the recorded one'),
    bad_xatt: by('cachefiles_check_auxdata')('its attribute cannot be read'),
    bad_type: by('cachefiles_check_auxdata')('its attribute is of another kind'),
    set_ok: by('cachefiles_set_object_xattr')('its version was written down'),
    set_fail: by('cachefiles_set_object_xattr')('its version could not be written down'),
  },
  fscache_cookie: {
    new_acq: by('fscache_hash_cookie')('a cookie was made'),
    get_attch: lookup('an object of the cache was attached'),
    gq_use: by('fscache_use_cookie')('queued to be looked up'),
    gq_inval: by('fscache_invalidate')('queued to be invalidated'),
    gq_endac: by('fscache_end_cookie_access')('queued because the last access has ended'),
    get_lru: by('fscache_unuse_cookie')('put on the list of unused ones'),
    put_lru: anywhere('taken off the list of unused ones'),
    lrudo: by('fscache_cookie_lru_do_one')('unused for long: it is put away'),
    lrudc: anywhere('was to be put away, but is in use again'),
    activ: lookup('active'),
    x_lru: state('its object is given up, for it was unused'),
    x_rlq: state('its object is given up, for the file is gone'),
    x_wth: state('it is withdrawn from the cache: its object is given up'),
    work: by('fscache_cookie_worker')('its state machine runs'),
    pq_work: by('fscache_cookie_worker')('its state machine has run'),
    failed: anywhere('the cache failed it'),
    discard: anywhere('thrown away'),
    collide: by('fscache_wait_on_collision')('another cookie has the same key'),
  },
  fscache_access: {
    begin_io_read: by('fscache_begin_operation')('the cache is held for reading'),
    begin_io_writ: by('fscache_begin_operation')('the cache is held for writing'),
    begin_io_resz: by('fscache_begin_operation')('the cache is held for a change of size'),
    wait_io: by('fscache_begin_operation')('waits until the object is looked up'),
    end_io: by('fscache_end_cookie_access')('the cache is let go'),
    end_io_notl: anywhere('the cache is let go: not live'),
    pin_cache: by('fscache_begin_lookup')('bound to the cache'),
    unpin_cache: anywhere('no longer bound to the cache'),
    begin_lookup: by('fscache_begin_lookup')('its object is looked for'),
    end_lookup: lookup('its object was found or made'),
    end_lookupf: lookup('looking for its object failed'),
    begin_inval: by('fscache_invalidate')('it is being invalidated'),
    end_inval: anywhere('it was invalidated'),
  },
  fscache_active: {
    use: by('__fscache_use_cookie')('somebody opened the file'),
    unuse: by('__fscache_unuse_cookie')('somebody closed the file'),
  },
  fscache_invalidate: { '': by('__fscache_invalidate')('what was stored is thrown away') },
  fscache_resize: { '': by('__fscache_resize_cookie')('the file changed its size') },
  fscache_acquire: { '': by('__fscache_acquire_cookie')('a file gets a cookie') },
  fscache_relinquish: { '': by('__fscache_relinquish_cookie')('a file gives up its cookie') },
  cachefiles_read: { '': by('cachefiles_read')('the cache file is being read') },
  cachefiles_write: { '': by('__cachefiles_write')('the cache file is being written') },
  cachefiles_lookup: { '': by('cachefiles_look_up_object')('the cache file is looked up') },
  cachefiles_tmpfile: {
    '': by('cachefiles_create_tmpfile')('a cache file is made, without a name'),
  },
  cachefiles_link: { '': by('cachefiles_commit_tmpfile')('the cache file gets its name') },
  cachefiles_io_error: { '': anywhere('reading or writing the cache file failed') },
  cachefiles_vfs_error: { '': anywhere('the filesystem of the cache failed') },
};

/** Functions that not all eras have, by the name above; '' = somebody else, or not known. */
const RENAMED: Readonly<Record<string, PerEra<string>>> = {
  netfs_readpage: { E0: 'netfs_readpage', E3: 'netfs_read_folio' },
  netfs_rreq_unlock_folios: { E0: 'netfs_rreq_unlock', E2: '', E3: 'netfs_rreq_unlock_folios' },
  netfs_rreq_perform_resubmissions: { E0: 'netfs_rreq_perform_resubmissions', E6: '' },
  netfs_rreq_do_write_to_cache: { E0: 'netfs_rreq_do_write_to_cache', E6: '' },
  netfs_rreq_unmark_after_write: { E0: 'netfs_rreq_unmark_after_write', E6: '' },
  netfs_rreq_copy_terminated: { E0: 'netfs_rreq_copy_terminated', E6: '' },
  netfs_rreq_prepare_read: { E0: 'netfs_rreq_prepare_read', E6: '' },
  netfs_rreq_submit_slice: { E0: 'netfs_rreq_submit_slice', E6: '' },
  netfs_subreq_terminated: {
    E0: 'netfs_subreq_terminated',
    E6: 'netfs_read_subreq_terminated',
  },
  netfs_rreq_assess: { E0: 'netfs_rreq_assess', E7: '' },
  netfs_rreq_completed: {
    E0: 'netfs_rreq_completed',
    E6: 'netfs_rreq_assess',
    E7: 'netfs_read_collection',
  },
  // Reads are collected from v6.14 on, too.
  netfs_collect_write_results: { E0: 'netfs_collect_write_results', E7: '' },
};

/** What the main label of an event says, whoever emits it. */
function ofTable(event: string, step: string): Meaning | undefined {
  const tables = tracepointNamed(event)?.columns.flatMap(({ symbols }) => symbols ?? []) ?? [];
  const means = tables
    .map(({ name }) => labelMeaning(name, step))
    .find((each) => each !== undefined);
  return means === undefined ? undefined : { means, by: '' };
}

/** What an event says in an era; undefined where nobody has written it down. */
export function meaningOf(event: string, step: string, era: Era): Meaning | undefined {
  const meaning = MEANINGS[event]?.[step] ?? ofTable(event, step) ?? MEANINGS[event]?.[''];
  const renamed = meaning === undefined ? undefined : RENAMED[meaning.by];
  if (meaning === undefined || renamed === undefined) return meaning;
  return { ...meaning, by: inEra(renamed, era) ?? '' };
}
