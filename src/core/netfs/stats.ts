/**
 * The helper's counters, named as the kernel's variables are (BEHAVIOUR 1.10), and the byte counts
 * that no kernel keeps. Plays fs/netfs/stats.c; the text of /proc is laid out by
 * `trace/stats_layout.ts`.
 */
import type { StatValues } from '../trace/stats_layout.js';

/** Counters since the lab was opened; `rreq` and `sreq` are gauges of what is alive now. */
export class NetfsStats implements StatValues {
  netfs_n_rh_readahead = 0;
  netfs_n_rh_readpage = 0;
  netfs_n_rh_write_begin = 0;
  netfs_n_rh_write_zskip = 0;
  netfs_n_rh_rreq = 0;
  netfs_n_rh_sreq = 0;
  netfs_n_rh_zero = 0;
  netfs_n_rh_short_read = 0;
  netfs_n_rh_download = 0;
  netfs_n_rh_download_done = 0;
  netfs_n_rh_download_failed = 0;
  netfs_n_rh_download_instead = 0;
  netfs_n_rh_read = 0;
  netfs_n_rh_read_done = 0;
  netfs_n_rh_read_failed = 0;
  netfs_n_rh_write = 0;
  netfs_n_rh_write_done = 0;
  netfs_n_rh_write_failed = 0;
  /**
   * Bytes obtained by requests, by the source of their slices; bytes of these that were zeroed
   * behind a short reply; bytes stored in the cache, and bytes of files that it refused or failed
   * to store; bytes of direct reads, which are no requests. Not part of any kernel's text.
   */
  readonly bytes = { zero: 0, down: 0, read: 0, cleared: 0, stored: 0, unstored: 0, direct: 0 };
}
