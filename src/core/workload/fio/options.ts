/**
 * Every option of fio: those that are played, those that mean nothing here, and those that would
 * change what is read or written and are refused. One table; `job.ts` reads the values.
 */

/** Other spellings, and what they stand for. */
export const ALIASES: Readonly<Record<string, string>> = {
  readwrite: 'rw',
  blocksize: 'bs',
  blocksize_range: 'bsrange',
  blocksize_unaligned: 'bs_unaligned',
  blockalign: 'ba',
  io_limit: 'io_size',
  nr_files: 'nrfiles',
  iomem: 'mem',
  timeout: 'runtime',
  start_delay: 'startdelay',
  rate_iops_max: 'rate_iops',
  ratemin: 'rate_min',
  ratecycle: 'rate_cycle',
  hint: 'write_hint',
  rw_seq: 'rw_sequencer',
  fadvise: 'fadvise_hint',
  wait_for_previous: 'stonewall',
  bwavg: 'bwavgtime',
  iodepth_batch_submit: 'iodepth_batch',
  iodepth_batch_complete: 'iodepth_batch_complete_min',
  mem_align: 'iomem_align',
  openfile: 'openfiles',
  loops_count: 'loops',
  pattern: 'verify_pattern',
  file_size: 'filesize',
  number_of_ios: 'number_ios',
};

/** Options that `job.ts` reads. */
export const PLAYED = [
  ...['name', 'description', 'wait_for', 'filename', 'directory', 'filename_format', 'rw', 'bs'],
  ...['ba', 'bsrange', 'bssplit', 'bs_unaligned', 'bs_is_seq_rand', 'randrepeat', 'randseed'],
  ...['allrandrepeat', 'norandommap', 'rw_sequencer', 'ioengine', 'iodepth', 'size', 'io_size'],
  ...['filesize', 'offset', 'offset_increment', 'number_ios', 'random_distribution', 'loops'],
  ...['percentage_random', 'nrfiles', 'file_service_type', 'fadvise_hint', 'fsync', 'fdatasync'],
  ...['direct', 'buffered', 'overwrite', 'numjobs', 'startdelay', 'runtime', 'time_based'],
  ...['ramp_time', 'verify', 'do_verify', 'verify_pattern', 'write_iolog', 'read_iolog'],
  ...['replay_no_stall', 'replay_time_scale', 'rwmixread', 'rwmixwrite', 'thinktime'],
  ...['thinktime_blocks', 'rate', 'rate_iops', 'invalidate', 'sync', 'create_on_open', 'pre_read'],
  ...['end_fsync', 'fsync_on_close', 'stonewall', 'new_group', 'group_reporting', 'exitall'],
  ...['kb_base', 'create_only', 'verify_fatal'],
] as const;

/** Options without effect here, and why. */
export const IGNORED: Readonly<Record<string, string>> = reasons({
  'how fio itself works': [
    ...['thread', 'create_serialize', 'create_fsync', 'fallocate', 'mem', 'iomem_align', 'nice'],
    ...['prio', 'prioclass', 'cpumask', 'cpus_allowed', 'cpus_allowed_policy', 'numa_cpu_nodes'],
    ...['numa_mem_policy', 'clocksource', 'gtod_cpu', 'lockmem', 'hugepage-size', 'uid', 'gid'],
    ...['cgroup', 'cgroup_nodelete', 'cgroup_weight', 'profile', 'ioscheduler', 'lockfile'],
    ...['allow_mounted_write', 'allow_file_create', 'unique_filename', 'opendir', 'error_dump'],
    ...['verify_async', 'verify_async_cpus', 'random_generator', 'softrandommap', 'openfiles'],
    ...['experimental_verify', 'verify_state_load', 'verify_state_save', 'exitall_on_error'],
    ...['write_hint', 'serialize_overlap', 'io_submit_mode', 'thinktime_spin', 'unlink'],
    ...['unlink_each_loop', 'read_iolog_chunked', 'job_max_open_zones', 'exec_prerun'],
    ...['exec_postrun', 'offset_align', 'verify_dump', 'verify_fatal_dump', 'thinktime_iotime'],
    ...['ignore_error', 'continue_on_error', 'write_barrier', 'zone_reset_threshold'],
    ...['zone_reset_frequency', 'ignore_zone_limits', 'read_beyond_wp', 'max_open_zones'],
  ],
  'how an engine of fio submits': [
    ...['iodepth_batch', 'iodepth_batch_complete_min', 'iodepth_batch_complete_max'],
    ...['iodepth_low', 'hipri', 'hipri_percentage', 'fixedbufs', 'registerfiles', 'nonvectored'],
    ...['sqthread_poll', 'sqthread_poll_cpu', 'uncached', 'nowait', 'force_async', 'cmdprio'],
    ...['cmdprio_percentage', 'cmdprio_class', 'userspace_reap', 'libaio_vectored', 'cmd_type'],
    ...['writefua', 'readfua', 'aio_fsync', 'threads', 'interval', 'cmdprio_bssplit', 'thp'],
  ],
  'what is written as content': [
    ...['zero_buffers', 'refill_buffers', 'scramble_buffers', 'buffer_pattern', 'dedupe_mode'],
    ...['buffer_compress_percentage', 'buffer_compress_chunk', 'dedupe_percentage'],
    ...['dedupe_working_set_percentage', 'dedupe_global'],
  ],
  'what fio reports': [
    ...['per_job_logs', 'write_bw_log', 'bwavgtime', 'write_lat_log', 'write_iops_log', 'stats'],
    ...['iopsavgtime', 'log_entries', 'log_avg_msec', 'log_hist_msec', 'log_hist_coarseness'],
    ...['write_hist_log', 'log_max_value', 'log_offset', 'log_prio', 'log_compression'],
    ...['log_compression_cpus', 'log_store_compressed', 'log_unix_epoch', 'log_alternate_epoch'],
    ...['log_alternate_epoch_clock_id', 'block_error_percentiles', 'clat_percentiles'],
    ...['lat_percentiles', 'slat_percentiles', 'percentile_list', 'significant_figures'],
    ...['disk_util', 'gtod_reduce', 'disable_lat', 'disable_clat', 'disable_slat', 'unit_base'],
    ...['disable_bw_measurement', 'unified_rw_reporting', 'rate_ignore_thinktime'],
    ...['log_window_value', 'log_issue_time', 'disable_bw'],
  ],
});

/** Options that would change what is read or written and cannot be played. */
export const REFUSED: Readonly<Record<string, string>> = reasons({
  'it decides how long jobs run': [
    ...['flow_id', 'flow', 'flow_sleep', 'flow_watermark', 'steadystate', 'steadystate_duration'],
    ...['steadystate_ramp_time', 'ss', 'ss_dur', 'ss_ramp', 'ss_interval', 'exit_what'],
    ...['latency_target', 'latency_window', 'latency_percentile', 'latency_run', 'max_latency'],
    ...['rate_min', 'rate_iops_min', 'rate_cycle'],
  ],
  'it decides when operations are sent or written back': [
    ...['rate_process', 'thinktime_blocks_type', 'sync_file_range'],
  ],
  'fio 3.33 has it no longer': ['rwmixcycle'],
  'only newer versions of fio have it': ['random_sequence_stride', 'sprandom', 'spr_num_regions'],
  'it decides which bytes are read or written': [
    ...['zonemode', 'zonesize', 'zonecapacity', 'zonerange', 'zoneskip', 'fill_device'],
    ...['file_append', 'trim_percentage', 'trim_verify_zero', 'trim_backlog', 'fill_fs'],
    ...['trim_backlog_batch', 'replay_redirect', 'replay_scale', 'replay_align', 'replay_skip'],
    ...['merge_blktrace_file', 'merge_blktrace_scalars', 'merge_blktrace_iters', 'num_range'],
    ...['verify_only', 'verify_backlog', 'verify_backlog_batch', 'verify_offset', 'fdp'],
    ...['verify_interval', 'atomic'],
  ],
});

/** Values with which a refused option changes nothing: fio's defaults. 0 is one of each. */
const OFF: Readonly<Record<string, string>> = {
  ...{ zonemode: 'none', rate_process: 'linear', thinktime_blocks_type: 'complete' },
  ...{ replay_scale: '1', num_range: '1' },
};

/** True if a refused option has a value with which it does nothing. */
export function isOff(name: string, value: string | undefined): boolean {
  return value !== undefined && (/^0+$/.test(value) || OFF[name] === value);
}

function reasons(groups: Readonly<Record<string, readonly string[]>>): Record<string, string> {
  const entries = Object.entries(groups).flatMap(([reason, names]) =>
    names.map((name) => [name, reason] as const),
  );
  return Object.fromEntries(entries);
}

/** Engines of fio that read and write files, and how many operations they keep in flight. */
export const ENGINES: Readonly<Record<string, 'one' | 'many' | 'mapping'>> = {
  ...{ sync: 'one', psync: 'one', vsync: 'one', pvsync: 'one', pvsync2: 'one', mmap: 'mapping' },
  ...{ splice: 'one' },
  ...{ libaio: 'many', posixaio: 'many', io_uring: 'many', windowsaio: 'many', solarisaio: 'many' },
};
