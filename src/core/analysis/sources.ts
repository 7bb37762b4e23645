/** Where the bytes came from, in all and by file, against what the application read. */
import { sqlModule } from './sql_module.js';
import type { Analysis } from './types.js';

/** One row for the whole capture, then one per file. */
export const sources: Analysis = {
  name: 'sources',
  doc: 'Bytes by source, in all and by file: zeros, server, cache; and the amplification.',
  needs: ['request', 'request_file', 'op', 'task'],
  records: [['netfs_sreq', 'op']],
  columns: [
    {
      name: 'file',
      doc: 'File or, as asked, task; (all) = the whole capture, NULL = not known.',
      unit: 'text',
    },
    {
      name: 'app_bytes',
      doc: 'Bytes the application read; asked for, where results are not told; NULL without operations.',
      unit: 'bytes',
    },
    { name: 'zero_bytes', doc: 'Bytes filled with zeros.', unit: 'bytes' },
    { name: 'server_bytes', doc: 'Bytes from the server.', unit: 'bytes' },
    { name: 'cache_bytes', doc: 'Bytes from the cache.', unit: 'bytes' },
    { name: 'stored_bytes', doc: 'Bytes written to the cache.', unit: 'bytes' },
    { name: 'requests', doc: 'Read requests.', unit: 'count' },
    { name: 'slices', doc: 'Subrequests.', unit: 'count' },
    {
      name: 'amplification',
      doc: 'Bytes from the server per byte the application read; NULL if it read none.',
      unit: 'ratio',
    },
  ],
  params: [
    { name: 'limit', doc: 'At most this many files; -1 = all.', default: -1 },
    {
      name: 'by',
      doc: 'What is listed: file, comm (name of the task) or task (name and pid).',
      default: null,
    },
  ],
  sql: sqlModule('sources'),
};
