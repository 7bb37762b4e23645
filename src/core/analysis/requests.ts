/** Read requests one by one: newest or slowest first, by kind, file and outcome. */
import { sqlModule } from './sql_module.js';
import type { Analysis } from './types.js';

/** One row per request. */
export const requests: Analysis = {
  name: 'requests',
  doc: 'Read requests: what was asked, where the bytes came from, how long readers waited.',
  needs: ['request_timing'],
  records: [['netfs_read', 'netfs_rreq', 'netfs_sreq']],
  columns: [
    { name: 'R', doc: 'Number of the request as printed, hexadecimal.', unit: 'text' },
    { name: 'request_uid', doc: 'Number of the request in this capture.', unit: 'number' },
    { name: 'kind', doc: 'readahead, readpage or write_begin.', unit: 'text' },
    { name: 'file', doc: 'File of the operation that caused it.', unit: 'text' },
    { name: 'start', doc: 'Position in the file, bytes.', unit: 'number' },
    { name: 'len', doc: 'Length, bytes.', unit: 'bytes' },
    { name: 'slices', doc: 'Subrequests.', unit: 'count' },
    { name: 'zero_bytes', doc: 'Bytes filled with zeros.', unit: 'bytes' },
    { name: 'server_bytes', doc: 'Bytes from the server.', unit: 'bytes' },
    { name: 'cache_bytes', doc: 'Bytes from the cache.', unit: 'bytes' },
    { name: 'begin_ns', doc: 'Begin, nanoseconds since the start of the capture.', unit: 'time' },
    { name: 'wait_ns', doc: 'Begin to UNLOCK, nanoseconds: what readers wait.', unit: 'ns' },
    { name: 'life_ns', doc: 'Begin to FREE, nanoseconds.', unit: 'ns' },
    { name: 'error', doc: 'Negative error number, 0 = none.', unit: 'number' },
    { name: 'outcome', doc: 'ok, failed, or open when the end was not seen.', unit: 'text' },
  ],
  params: [
    { name: 'kind', doc: 'Only this kind.', default: null },
    { name: 'file', doc: 'Only requests of this file.', default: null },
    { name: 'outcome', doc: 'Only this outcome: ok, failed or open.', default: null },
    { name: 'slowest', doc: '1 = longest wait first, 0 = newest first.', default: 0 },
    { name: 'limit', doc: 'At most this many rows; -1 = all.', default: -1 },
  ],
  sql: sqlModule('requests'),
};
