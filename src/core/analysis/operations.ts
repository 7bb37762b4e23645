/** What each operation of the application caused, layer by layer. Called by `trace why --ops`. */
import { sqlModule } from './sql_module.js';
import type { Analysis } from './types.js';

/** One row per operation that caused requests, in their order. */
export const operations: Analysis = {
  name: 'operations',
  doc: 'What operations caused at each layer, and how much more than they asked for.',
  needs: ['op', 'request'],
  columns: [
    { name: 'op', doc: 'Operation: op.id.', unit: 'number' },
    { name: 'kind', doc: 'What was asked for.', unit: 'text' },
    { name: 'file', doc: 'File.', unit: 'text' },
    { name: 'offset', doc: 'File position.', unit: 'number' },
    { name: 'asked', doc: 'Bytes the application asked for or got.', unit: 'bytes' },
    { name: 'requests', doc: 'Requests it caused.', unit: 'count' },
    { name: 'requested', doc: 'Bytes of these requests.', unit: 'bytes' },
    { name: 'down', doc: 'Bytes from the server.', unit: 'bytes' },
    { name: 'read', doc: 'Bytes from the cache.', unit: 'bytes' },
    { name: 'stored', doc: 'Bytes written to the cache.', unit: 'bytes' },
    { name: 'requested_x', doc: 'Bytes requested per byte asked for.', unit: 'ratio' },
    { name: 'down_x', doc: 'Bytes downloaded per byte asked for.', unit: 'ratio' },
  ],
  params: [
    { name: 'op', doc: 'Only this operation.', default: null },
    { name: 'file', doc: 'Only operations of this file.', default: null },
  ],
  sql: sqlModule('operations'),
};
