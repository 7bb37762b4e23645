/** Charts that are not timelines: the heat map of latencies, what was in flight, readahead. */
import uPlot from 'uplot';
import { el, svg, visible } from './dom.js';
import { formatBytes, formatCount, formatNs, themed } from './format.js';
import type { HeatDocument, TableDocument } from './types.js';

const CELL = 8;
const ROW = 14;
const SIDE = 84;

/** Time against duration, darker where there are more slices. */
export function heatOf(heat: HeatDocument): HTMLElement {
  const powers = heat.cells.map(([, power]) => power);
  const [least, most] = [Math.min(...powers), Math.max(...powers)];
  const peak = Math.max(...heat.cells.map(([, , count]) => count));
  const height = (most - least + 1) * ROW;
  const width = SIDE + heat.width * CELL;
  const slices = heat.cells.reduce((sum, [, , count]) => sum + count, 0);
  const said = `${formatCount(slices)} slices by time and duration, from ${formatNs(2 ** (least - 1))} to ${formatNs(2 ** most)}`;
  const made = svg('svg', {
    ...{ viewBox: `0 0 ${width} ${height + 20}`, role: 'img', 'aria-label': said, class: 'heat' },
  });
  for (let power = least; power <= most; power++) {
    const y = (most - power) * ROW;
    made.append(
      svg('text', { x: SIDE - 6, y: y + 11, class: 'end' }, `to ${formatNs(2 ** power)}`),
    );
  }
  for (const [bin, power, count] of heat.cells) {
    const depth = Math.log(count + 1) / Math.log(peak + 1);
    const place = {
      x: SIDE + bin * CELL,
      y: (most - power) * ROW,
      width: CELL - 1,
      height: ROW - 1,
    };
    const rect = svg('rect', {
      ...place,
      class: 'cell',
      opacity: (0.15 + 0.85 * depth).toFixed(2),
    });
    rect.append(svg('title', {}, `${formatCount(count)} slices of up to ${formatNs(2 ** power)}`));
    made.append(rect);
  }
  for (const share of [0, 0.5, 1]) {
    const x = SIDE + share * heat.width * CELL;
    const at = heat.from + share * (heat.to - heat.from);
    const side = ['start', 'middle', 'end'][share * 2] as string;
    made.append(svg('text', { x, y: height + 15, class: side }, formatNs(at)));
  }
  return el('figure', {}, made, el('figcaption', {}, said));
}

/** What was in flight over time, from server and cache. */
export function concurrencyOf(table: TableDocument): HTMLElement | null {
  if ('cannot' in table || table.rows.length < 2) return null;
  const column = (name: string) => {
    const at = table.columns.findIndex((each) => each.name === name);
    return table.rows.map((row) => Number(row[at]));
  };
  const [server, cache] = [column('server_max'), column('cache_max')];
  const peaks = `at most ${Math.max(...server)} from the server and ${Math.max(...cache)} from the cache`;
  const said = `Slices in flight over time: ${peaks}.`;
  const holder = el('div', { class: 'plot', role: 'img', 'aria-label': said });
  const series = (label: string, colour: string, fill?: string): uPlot.Series => ({
    ...{ label, stroke: themed(colour), width: 1.5, points: { show: false } },
    ...(fill !== undefined && { fill }),
    paths: uPlot.paths.stepped?.({ align: 1 }),
  });
  const axis = { stroke: themed('--text'), grid: { stroke: themed('--grid'), width: 1 } };
  const plot = new uPlot(
    {
      ...{ width: 760, height: 220, legend: { live: true } },
      scales: { x: { time: false }, y: { range: (_, __, max) => [0, Math.max(1, max) * 1.1] } },
      axes: [
        { ...axis, values: (_, marks) => marks.map((ns) => formatNs(ns)) },
        { ...axis, label: 'slices in flight' },
      ],
      series: [
        { label: 'at', value: (_, ns) => (ns == null ? '-' : formatNs(ns)) },
        series('server', '--server', `${themed('--server')}33`),
        series('disk cache', '--cache', `${themed('--cache')}33`),
      ],
    },
    [column('at'), server, cache],
    holder,
  );
  const fit = () => plot.setSize({ width: Math.max(300, holder.clientWidth), height: 220 });
  new ResizeObserver(fit).observe(holder);
  return el('figure', {}, holder, el('figcaption', {}, said));
}

/** What was read ahead of each file and never used. */
export function readaheadOf(readahead: TableDocument, sources: TableDocument): HTMLElement | null {
  if ('cannot' in readahead || 'cannot' in sources) return null;
  const at = (table: { columns: readonly { name: string }[] }, name: string) =>
    table.columns.findIndex((each) => each.name === name);
  const got = new Map(
    sources.rows.map((row) => [
      row[0],
      ['zero_bytes', 'server_bytes', 'cache_bytes'].reduce(
        (sum, name) => sum + Number(row[at(sources, name)] ?? 0),
        0,
      ),
    ]),
  );
  const rows = readahead.rows.slice(0, 20).flatMap((row) => {
    const file = String(row[at(readahead, 'file')]);
    const all = got.get(file) ?? 0;
    const unused = row[at(readahead, 'unused')];
    return all === 0 || typeof unused !== 'number' ? [] : [{ file, all, unused }];
  });
  if (rows.length === 0) return null;
  const list = el('ul', { class: 'bars' });
  for (const { file, all, unused } of rows) {
    const part = Math.min(1, unused / all);
    const said = `${formatBytes(all - unused)} used, ${formatBytes(unused)} not used`;
    const meter = svg('svg', {
      viewBox: '0 0 100 10',
      preserveAspectRatio: 'none',
      'aria-hidden': true,
    });
    meter.append(
      svg('rect', { x: 0, y: 0, width: 100 * (1 - part), height: 10, class: 'solid memory' }),
      svg('rect', { x: 100 * (1 - part), y: 0, width: 100 * part, height: 10, class: 'solid bad' }),
    );
    list.append(
      el('li', {}, el('span', { class: 'name' }, visible(file)), meter, el('span', {}, said)),
    );
  }
  return list;
}
