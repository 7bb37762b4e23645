/** What is known of one request: its figures, its slices, and its life event by event. */
import { el, visible } from './dom.js';
import { formatBytes, formatNs, requestName } from './format.js';
import { tableOf } from './table.js';
import type { TimelineDocument, Value } from './types.js';

/** The request at a position, whose slices are [from, to). */
export function lifeOf(doc: TimelineDocument, at: number, from: number, to: number): HTMLElement {
  const { requests, strings, lives, lifeColumns } = doc;
  const text = (column: readonly number[]) => visible(strings[column[at] as number] ?? '');
  const name = requestName(requests.rreq[at] as number);
  const life = lives[String(requests.uid[at])];
  const made = el(
    'div',
    {},
    el('h3', {}, `${name}: ${text(requests.kind)} of ${text(requests.file)}`),
  );
  made.append(figures(doc, at), slicesOf(doc, from, to));
  if (life === undefined) {
    const ask = `netfslab trace request ${name} --explain`;
    made.append(
      el('p', { class: 'note' }, 'The page does not have its events: ', el('code', {}, ask)),
    );
  } else {
    const table = { columns: lifeColumns, rows: life, more: 0 };
    made.append(tableOf(table, { caption: `The life of ${name}`, rows: 60 }));
  }
  return made;
}

function figures(doc: TimelineDocument, at: number): HTMLElement {
  const { requests, strings } = doc;
  const begin = requests.begin[at] as number;
  const since = (ns: number | null | undefined) => (ns == null ? 'not seen' : formatNs(ns - begin));
  const range = (): string => {
    const [start, len] = [requests.start[at] ?? null, requests.len[at] ?? null];
    if (start === null || len === null) return 'not known';
    return `${start.toString(16)}-${(start + len).toString(16)} (${formatBytes(len)})`;
  };
  const bytes = (column: readonly number[]) => formatBytes(column[at] as number);
  const error = requests.error[at] as number;
  const outcome = strings[requests.outcome[at] as number] ?? '';
  const facts: readonly (readonly [string, string])[] = [
    ['task', visible(strings[requests.task[at] as number] ?? '')],
    ['range', range()],
    ['began at', formatNs(doc.from + begin)],
    ['readers waited', since(requests.unlock[at])],
    ['lived', since(requests.end[at])],
    ['server', bytes(requests.server)],
    ['cache', bytes(requests.cache)],
    ['zeros', bytes(requests.zero)],
    ['stored', bytes(requests.stored)],
    ['outcome', error === 0 ? outcome : `${outcome}, error ${error}`],
  ];
  return el(
    'dl',
    { class: 'facts' },
    ...facts.map(([what, is]) => el('div', {}, el('dt', {}, what), el('dd', {}, is))),
  );
}

function slicesOf(doc: TimelineDocument, from: number, to: number): HTMLElement {
  const { slices, strings } = doc;
  const rows: Value[][] = [];
  for (let i = from; i < to; i++) {
    const [submit, term] = [slices.submit[i] ?? null, slices.term[i] ?? null];
    const start = slices.start[i] as number;
    const bytes = slices.bytes[i] as number;
    const took = submit === null || term === null ? null : term - submit;
    const source = strings[slices.source[i] as number] ?? '';
    const range = `${start.toString(16)}-${(start + bytes).toString(16)}`;
    rows.push([slices.index[i] as number, source, range, bytes, took, slices.error[i] as number]);
  }
  const columns = [
    { name: 'slice', doc: 'Number in the request.', unit: 'number' },
    { name: 'source', doc: 'Where it came from.', unit: 'text' },
    { name: 'range', doc: 'Range of the file, hexadecimal.', unit: 'text' },
    { name: 'bytes', doc: 'Bytes.', unit: 'bytes' },
    { name: 'took', doc: 'SUBMT to TERM.', unit: 'ns' },
    { name: 'error', doc: 'Negative error number, 0 = none.', unit: 'number' },
  ] as const;
  return tableOf({ columns, rows, more: 0 }, { caption: 'Its slices', rows: 12 });
}
