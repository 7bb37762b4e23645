/**
 * The statistics as OpenMetrics text, for Prometheus and what reads its format: names that say what
 * is counted, the kernel's own label and key as labels, help from the sentences of `explain`.
 * Source: the OpenMetrics specification 1.0, "Text format". Called by `stats export`.
 */
import { UsageError } from '../../base/errors.js';
import { openCapture } from '../../store/database.js';
import { type Era, kernelsOf } from '../../trace/eras.js';
import { explainStat } from '../../trace/stats_layout.js';
import { findCapture } from '../trace/capture_path.js';
import { type StatsSource, statsOfCapture, statsOfText, statsSource } from './source.js';
import { mountStats } from './stats.js';

/** Names of the read helper's variables; those left out are named by their label and key. */
const NAMES: Readonly<Record<string, string>> = {
  netfs_n_rh_readahead: 'netfs_readahead_requests',
  netfs_n_rh_readpage: 'netfs_page_requests',
  netfs_n_rh_read_folio: 'netfs_folio_requests',
  netfs_n_rh_read_single: 'netfs_single_object_requests',
  netfs_n_rh_write_begin: 'netfs_write_begin_requests',
  netfs_n_rh_write_zskip: 'netfs_write_begin_skipped',
  netfs_n_rh_dio_read: 'netfs_direct_reads',
  netfs_n_rh_dio_write: 'netfs_direct_writes',
  netfs_n_wh_dio_write: 'netfs_direct_writes',
  netfs_n_rh_rreq: 'netfs_requests_in_flight',
  netfs_n_rh_sreq: 'netfs_subrequests_in_flight',
  netfs_n_rh_zero: 'netfs_zero_fills',
  netfs_n_rh_short_read: 'netfs_short_reads',
  netfs_n_rh_download: 'netfs_downloads',
  netfs_n_rh_download_done: 'netfs_downloads_done',
  netfs_n_rh_download_failed: 'netfs_downloads_failed',
  netfs_n_rh_download_instead: 'netfs_downloads_instead_of_cache',
  netfs_n_rh_read: 'netfs_cache_reads',
  netfs_n_rh_read_done: 'netfs_cache_reads_done',
  netfs_n_rh_read_failed: 'netfs_cache_reads_failed',
  netfs_n_rh_write: 'netfs_cache_stores',
  netfs_n_rh_write_done: 'netfs_cache_stores_done',
  netfs_n_rh_write_failed: 'netfs_cache_stores_failed',
  netfs_n_wh_write: 'netfs_cache_stores',
  netfs_n_wh_write_done: 'netfs_cache_stores_done',
  netfs_n_wh_write_failed: 'netfs_cache_stores_failed',
  netfs_n_wh_upload: 'netfs_uploads',
  netfs_n_wh_upload_done: 'netfs_uploads_done',
  netfs_n_wh_upload_failed: 'netfs_uploads_failed',
  netfs_n_wh_buffered_write: 'netfs_buffered_writes',
  netfs_n_wh_writethrough: 'netfs_writethrough_writes',
  netfs_n_wh_writepages: 'netfs_writepages_calls',
  netfs_n_wh_copy_to_cache: 'netfs_copies_to_cache',
  netfs_n_wh_wstream_conflict: 'netfs_streaming_write_conflicts',
  netfs_n_folioq: 'netfs_folio_queues_in_use',
  netfs_n_bvecq: 'netfs_bvec_queues_in_use',
  netfs_n_wb_lock_skip: 'netfs_writeback_lock_skips',
  netfs_n_wb_lock_wait: 'netfs_writeback_lock_waits',
  netfs_n_rh_retry_read_req: 'netfs_read_requests_retried',
  netfs_n_rh_retry_read_subreq: 'netfs_read_subrequests_retried',
  netfs_n_wh_retry_write_req: 'netfs_write_requests_retried',
  netfs_n_wh_retry_write_subreq: 'netfs_write_subrequests_retried',
};

/** The formats of `stats export`. */
export const STATS_FORMATS = ['openmetrics'] as const;

/** What is exported: a live mount, a text or capture that is named, else the newest capture. */
export function exportedStats(file?: string, mount?: string): StatsSource {
  if (mount !== undefined) return statsOfText(mount, mountStats(mount).join('\n'));
  if (file !== undefined && !file.endsWith('.db')) return statsSource(file);
  const capture = openCapture(findCapture(file));
  try {
    return statsOfCapture(capture);
  } finally {
    capture.close();
  }
}

/** The text, line by line; `# EOF` ends it. Throws `UsageError` where two keys have one name. */
export function* openMetrics({ entries, era }: StatsSource): Iterable<string> {
  yield '# TYPE netfs_kernel info';
  yield '# HELP netfs_kernel The kernel whose layout the statistics have.';
  yield `netfs_kernel_info{era="${era}",kernels="${escaped(kernelsOf(era))}"} 1`;
  const families = new Map<string, { head: string[]; samples: string[] }>();
  const seen = new Set<string>();
  for (const { label, key, value } of entries) {
    const told = explainStat(era, key, label);
    const variable = told?.variable ?? '';
    // One variable that is printed twice is one metric.
    if (variable !== '' && variable in NAMES && seen.has(variable)) continue;
    seen.add(variable);
    const name = NAMES[variable] ?? nameOf(label, key);
    const type = told?.kind ?? 'unknown';
    const labels = `{label="${escaped(label)}",key="${escaped(key)}"}`;
    const sample = `${name}${type === 'counter' ? '_total' : ''}${labels} ${value}`;
    const family = families.get(name);
    if (family === undefined) {
      const head = [`# TYPE ${name} ${type}`, `# HELP ${name} ${escaped(helpOf(era, told?.doc))}`];
      families.set(name, { head, samples: [sample] });
    } else if (family.head[0]?.endsWith(` ${type}`)) family.samples.push(sample);
    else throw new UsageError('statistics', `${name} is a counter and a gauge`);
  }
  for (const { head, samples } of families.values()) {
    yield* head;
    yield* samples;
  }
  yield '# EOF';
}

const helpOf = (era: Era, doc: string | undefined): string =>
  doc ?? `Not known of ${kernelsOf(era)}.`;

/** `fscache_lookups_crt` of `Lookups: crt=`. */
function nameOf(label: string, key: string): string {
  return `fscache_${label}_${key}`.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_');
}

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
