/**
 * The rows of `request` and `subrequest`, value by value in the order of their columns: there are
 * millions, so no column is asked for by its name. Called by writer.ts; a test compares with the
 * schema.
 */
import type { RequestRow, SubrequestRow } from '../trace/reducer.js';
import type { RowBuffer } from './row_buffer.js';
import { TABLES } from './schema.js';
import type { RowForm } from './table_rows.js';
import type { SqlValue } from './types.js';

const REQUEST_COLUMNS = TABLES.request.columns.map(({ name }) => name) as (keyof RequestRow)[];

/** Requests by their number in the capture, which come in the order of their ends. */
export const REQUESTS: RowForm<RequestRow> = {
  number: (row) => row.request_uid,
  put: putRequest,
  values: (row) => REQUEST_COLUMNS.map((name) => row[name]),
};

/** Subrequests; `source` gives the text of the word of a source. */
export function subrequests(source: (word: number) => string | null): RowForm<SubrequestRow> {
  const put = (row: SubrequestRow, to: RowBuffer): void =>
    putSubrequest(row, source(row.first_source), source(row.source), to);
  return { number: null, put, values: () => [] as SqlValue[] };
}

function putRequest(row: RequestRow, to: RowBuffer): void {
  to.begin(TABLES.request.columns.length);
  // Its request_uid is the number of the row.
  to.absent();
  to.number(row.rreq);
  to.value(row.kind);
  to.value(row.side);
  to.number(row.direct);
  to.nullable(row.op);
  to.nullable(row.task);
  to.nullable(row.cookie);
  to.nullable(row.netfs_inode);
  to.nullable(row.start);
  to.nullable(row.len);
  to.nullable(row.expanded_start);
  to.nullable(row.expanded_len);
  to.nullable(row.begin_ns);
  to.nullable(row.expanded_ns);
  to.nullable(row.submit_ns);
  to.nullable(row.term_ns);
  to.nullable(row.assess_ns);
  to.nullable(row.unlock_ns);
  to.nullable(row.write_ns);
  to.nullable(row.done_ns);
  to.nullable(row.free_ns);
  to.number(row.slices);
  to.number(row.zero_bytes);
  to.number(row.server_bytes);
  to.number(row.cache_bytes);
  to.number(row.stored_bytes);
  to.number(row.short_reads);
  to.number(row.cache_fallbacks);
  to.number(row.refused_stores);
  to.number(row.failed_slices);
  to.number(row.failed);
  to.number(row.error);
  to.nullable(row.flags);
  to.value(row.outcome);
  to.close();
}

function putSubrequest(
  row: SubrequestRow,
  firstSource: string | null,
  source: string | null,
  to: RowBuffer,
): void {
  to.begin(TABLES.subrequest.columns.length);
  to.number(row.request_uid);
  to.number(row.index);
  to.value(firstSource);
  to.value(source);
  to.number(row.start);
  to.number(row.len);
  to.number(row.final_len);
  to.number(row.transferred);
  to.number(row.error);
  to.number(row.flags);
  to.nullable(row.prep_ns);
  to.nullable(row.submit_ns);
  to.nullable(row.term_ns);
  to.nullable(row.write_ns);
  to.nullable(row.wterm_ns);
  to.nullable(row.free_ns);
  to.number(row.short_reads);
  to.number(row.cache_fallbacks);
  to.number(row.stored);
  to.number(row.store_refused);
  to.number(row.cache_bytes_kept);
  to.value(row.verdict);
  to.close();
}
