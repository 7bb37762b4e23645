/**
 * How long the stages of requests take, as percentiles by kind and source. The percentiles of the
 * whole capture stand in a table; those of a file are made of its requests.
 */
import { sqlModule } from './sql_module.js';
import type { Analysis, Column } from './types.js';

const percentile = (name: string, doc: string): Column => ({ name, doc, unit: 'ns' });

/** One row per stage, kind and source. */
export const latency: Analysis = {
  name: 'latency',
  doc: 'How long each stage takes: I/O of a slice, wait of a reader, life of a request.',
  needs: ['request', 'request_file', 'subrequest', 'latency', 'op', 'task'],
  records: [['netfs_sreq', 'netfs_rreq']],
  timed: true,
  columns: [
    {
      name: 'stage',
      doc: 'io: SUBMT to TERM of a slice; wait: begin to UNLOCK; life: begin to FREE.',
      unit: 'text',
    },
    { name: 'kind', doc: 'readahead, readpage or write_begin.', unit: 'text' },
    { name: 'source', doc: 'ZERO, DOWN, READ, or mixed for a request of several.', unit: 'text' },
    { name: 'count', doc: 'Slices or requests that went through the stage.', unit: 'count' },
    percentile('min', 'Shortest, nanoseconds.'),
    percentile('p50', 'Median, nanoseconds.'),
    percentile('p90', '90th percentile, nanoseconds.'),
    percentile('p99', '99th percentile, nanoseconds.'),
    percentile('max', 'Longest, nanoseconds.'),
  ],
  params: [
    { name: 'kind', doc: 'Only this kind.', default: null },
    { name: 'file', doc: 'Only requests of this file.', default: null },
    { name: 'comm', doc: 'Only requests of tasks of this name.', default: null },
  ],
  sql: sqlModule('latency'),
};
