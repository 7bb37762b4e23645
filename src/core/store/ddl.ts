/**
 * The statements that make a capture database, with its documentation in them and in the table
 * `_doc`, and the text of `sql --schema`. Called by writer.ts, migrate.ts and app/trace/sql.ts.
 */
import { ERA_KERNELS, type Era } from '../trace/eras.js';
import { ALL_TABLES, type Column, quoted, type Table, type View } from './schema.js';
import { VIEWS } from './views.js';

/** The statement that makes a table; SQLite keeps it with its comments. */
export function tableSql({ name, doc, columns, key }: Table): string {
  const lines = columns.map((column, i) => {
    const primary = key.length === 1 && key[0] === column.name ? ' PRIMARY KEY' : '';
    const comma = i < columns.length - 1 ? ',' : '';
    return `  ${quoted(column.name)} ${column.type}${primary}${comma} -- ${column.doc}`;
  });
  return `CREATE TABLE ${quoted(name)} ( -- ${doc}\n${lines.join('\n')}\n)`;
}

/** The statement that makes a view for a capture of an era that has the tables in `filled`. */
export function viewSql(view: View, era: Era, filled: ReadonlySet<string>): string {
  const { name, doc, columns } = view;
  const lines = columns.map(
    (column, i) => `  ${quoted(column.name)}${i < columns.length - 1 ? ',' : ''} -- ${column.doc}`,
  );
  return `CREATE VIEW ${quoted(name)} ( -- ${doc}\n${lines.join('\n')}\n) AS\n${view.sql(era, filled)}`;
}

/** The statements that make the indexes of tables, for when the rows are in. */
export function indexStatements(tables: readonly Table[]): string[] {
  return tables.flatMap(({ name, key, indexes }) => [
    // The rows of a table lie in the order of a key that is one number.
    ...(key.length > 1 ? [indexSql('UNIQUE INDEX', name, key)] : []),
    ...indexes.map((columns) => indexSql('INDEX', name, columns)),
  ]);
}

function indexSql(kind: string, table: string, columns: readonly string[]): string {
  const name = quoted(`${table}_${columns.join('_')}`);
  return `CREATE ${kind} ${name} ON ${quoted(table)} (${columns.map(quoted).join(', ')})`;
}

/** The rows of `_doc` for a capture with these tables. */
export function docRows(tables: readonly Table[]): (string | null)[][] {
  const rows = (kind: string, { name, doc, columns }: Table | View): (string | null)[][] => [
    [name, null, kind, doc],
    ...columns.map((column: Column) => [name, column.name, column.type || null, column.doc]),
  ];
  const byName = tables.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return [
    ...VIEWS.flatMap((each) => rows('view', each)),
    ...byName.flatMap((each) => rows('table', each)),
  ];
}

/** The documentation of every table, view and column, for people. */
export function schemaText(): string {
  const eras = Object.entries(ERA_KERNELS).map(([era, kernels]) => `  ${era}  ${kernels}`);
  const part = (kind: string, { name, doc, columns }: Table | View): string => {
    const named = Math.max(...columns.map((column) => column.name.length)) + 2;
    const typed = Math.max(...columns.map((column) => column.type.length && 9));
    const rows = columns.map(
      (column) => `  ${column.name.padEnd(named)}${column.type.padEnd(typed)}${column.doc}`,
    );
    return [`${kind} ${name}: ${doc}`, ...rows].join('\n');
  };
  return [
    ...VIEWS.map((view) => part('view', view)),
    ...ALL_TABLES.map((table) => part('table', table)),
    ['eras', ...eras].join('\n'),
  ]
    .map((section) => `${section}\n`)
    .join('\n');
}
