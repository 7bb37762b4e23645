/** A table of a command, as the page shows it. */
import { el, visible } from './dom.js';
import { cell } from './format.js';
import type { TableDocument } from './types.js';

/** What a table of the page may leave out or add. */
export interface TableOptions {
  readonly caption: string;
  /** Columns that are not shown. */
  readonly without?: readonly string[];
  /** Rows that are shown at first. */
  readonly rows?: number;
}

const ROWS = 25;

/** The table, with a button for the rows that are not shown at first. */
export function tableOf(table: TableDocument, options: TableOptions): HTMLElement {
  const { caption } = options;
  if ('cannot' in table) {
    return el('p', { class: 'cannot' }, `${caption}: cannot tell, ${visible(table.cannot)}.`);
  }
  if (table.rows.length === 0) return el('p', { class: 'none' }, `${caption}: none.`);
  const shown = table.columns.flatMap((column, i) =>
    options.without?.includes(column.name) === true ? [] : [{ column, i }],
  );
  const head = shown.map(({ column }) =>
    el('th', { scope: 'col', title: column.doc, class: classOf(column.unit) }, label(column.name)),
  );
  const body = el('tbody');
  const add = (from: number, to: number): void => {
    for (const row of table.rows.slice(from, to)) {
      const cells = shown.map(({ column, i }) => {
        const value = row[i] ?? null;
        const data = typeof value === 'number' ? value : undefined;
        return el('td', { class: classOf(column.unit), 'data-value': data }, cell(value, column));
      });
      body.append(el('tr', {}, ...cells));
    }
  };
  const most = options.rows ?? ROWS;
  add(0, most);
  const made = el(
    'table',
    {},
    el('caption', {}, caption),
    el('thead', {}, el('tr', {}, ...head)),
    body,
  );
  const scroll = { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': caption };
  const box = el('div', {}, el('div', scroll, made));
  if (table.rows.length > most)
    box.append(moreButton(table.rows.length - most, () => add(most, Number.POSITIVE_INFINITY)));
  if (table.more > 0) {
    box.append(el('p', { class: 'note' }, `${table.more} more rows: the command lists them.`));
  }
  return box;
}

function moreButton(count: number, show: () => void): HTMLButtonElement {
  const button = el('button', { type: 'button' }, `Show ${count} more rows`);
  button.addEventListener('click', () => {
    show();
    button.remove();
  });
  return button;
}

const classOf = (unit: string): string => (unit === 'text' ? 'text' : 'number');
const label = (name: string): string => name.replaceAll('_', ' ');
