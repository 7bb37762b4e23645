/** What happened to dirty pages, by file: how they got dirty, how they were stored or lost. */
import { sqlModule } from './sql_module.js';
import type { Analysis } from './types.js';

/** One row per file, the one that stored most first. */
export const writes: Analysis = {
  name: 'writes',
  doc: 'Dirty pages by file: how they became dirty, in what runs they were stored, what was cut.',
  needs: ['afs_page_dirty', 'afs_folio_dirty', 'netfs_folio'],
  records: [['afs_page_dirty', 'afs_folio_dirty', 'netfs_folio']],
  columns: [
    {
      name: 'vnode',
      doc: 'Hashed address of the file, or its inode, as the events print it.',
      unit: 'text',
    },
    { name: 'dirtied', doc: 'Pages that a write changed; from v6.8 on folios.', unit: 'count' },
    {
      name: 'merged',
      doc: 'Writes that joined a region that was dirty already, or a streaming write.',
      unit: 'count',
    },
    { name: 'mapped', doc: 'Pages made writable through a mapping.', unit: 'count' },
    { name: 'conflicts', doc: 'Writes that met a page under writeback.', unit: 'count' },
    { name: 'stores', doc: 'Runs of pages that went to the server.', unit: 'count' },
    { name: 'stored_pages', doc: 'Pages in them.', unit: 'count' },
    { name: 'pages_per_store', doc: 'Pages of a run on average.', unit: 'ratio' },
    {
      name: 'stored_bytes',
      doc: 'Dirty bytes of these pages, not cut at the end of the file.',
      unit: 'bytes',
    },
    { name: 'laundered', doc: 'Pages written because they were to be dropped.', unit: 'count' },
    { name: 'cut', doc: 'Regions that were shortened or thrown away.', unit: 'count' },
    {
      name: 'copied_pages',
      doc: 'Pages that were read and then written to the cache only; from v6.10.',
      unit: 'count',
    },
  ],
  params: [{ name: 'limit', doc: 'At most this many files; -1 = all.', default: -1 }],
  sql: sqlModule('writes'),
};
