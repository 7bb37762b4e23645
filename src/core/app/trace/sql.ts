/** A user's own SQL over a capture, read-only, and the documentation of the tables. */
import { readFileSync } from 'node:fs';
import type { Column, Row, Table } from '../../analysis/types.js';
import { UsageError } from '../../base/errors.js';
import { openCapture } from '../../store/database.js';
import { schemaText } from '../../store/ddl.js';
import { ALL_TABLES } from '../../store/schema.js';
import type { Capture } from '../../store/types.js';
import { VIEWS } from '../../store/views.js';
import { findCapture } from './capture_path.js';

/**
 * The rows of a query over the capture named (default: the newest); `-` reads the query from stdin.
 * Mistakes in the query are usage errors with SQLite's message.
 */
export function runQuery(query: string | undefined, file?: string): Table {
  const sql = query === '-' ? readFileSync(0, 'utf8') : query;
  if (sql === undefined || sql.trim() === '') {
    throw new UsageError('QUERY', 'no query', "netfslab sql 'SELECT * FROM request_timing'");
  }
  const capture = openCapture(findCapture(file));
  try {
    const names = capture.columns(sql);
    const rows = walk(capture, sql);
    const first = rows.next();
    const columns = names.map((name) => columnOf(name, first.done ? undefined : first.value));
    return { capture: capture.path, columns, rows: first.done ? [] : joined(first.value, rows) };
  } catch (error) {
    capture.close();
    throw error;
  }
}

function columnOf(name: string, first: Row | undefined): Column {
  const unit = typeof first?.[name] === 'number' ? 'number' : 'text';
  return { name, doc: 'Column of the query.', unit };
}

function* walk(capture: Capture, sql: string): Generator<Row, void> {
  try {
    yield* capture.iterate(sql);
  } finally {
    capture.close();
  }
}

function* joined(first: Row, rest: Iterable<Row>): Iterable<Row> {
  yield first;
  yield* rest;
}

/** The documentation of the database as a program reads it. */
export interface SchemaDoc {
  readonly kind: 'table' | 'view';
  readonly name: string;
  readonly doc: string;
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
    readonly doc: string;
  }[];
}

/** Every table and view with its columns and what they mean. */
export function schemaDocs(): SchemaDoc[] {
  const views = VIEWS.map(({ name, doc, columns }) => ({
    kind: 'view' as const,
    name,
    doc,
    columns,
  }));
  const tables = ALL_TABLES.map(({ name, doc, columns }) => ({
    kind: 'table' as const,
    name,
    doc,
    columns,
  }));
  return [...views, ...tables];
}

/** The same as text for people, lines without newlines. */
export function schemaLines(): string[] {
  return schemaText().trimEnd().split('\n');
}
