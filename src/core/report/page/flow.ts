/** Where the bytes that the application read came from, layer by layer, as bands. */
import { el, svg } from './dom.js';
import { formatBytes } from './format.js';
import type { TableDocument } from './types.js';

const WIDTH = 820;
const HEIGHT = 250;
const BAND = 150;

/** A layer that gave bytes: its name, its colour, and a row of what it gave. */
interface Layer {
  readonly name: string;
  readonly colour: string;
  readonly bytes: number;
}

/** The value of a column in the row whose first column is `key`; 0 if there is none. */
function valueIn(table: TableDocument, key: string, column: string): number {
  if ('cannot' in table) return 0;
  const at = table.columns.findIndex(({ name }) => name === column);
  const row = table.rows.find(([first]) => first === key);
  return Number(row?.[at] ?? 0);
}

/** The picture; null where there is nothing to draw. */
export function flowOf(hits: TableDocument, sources: TableDocument): HTMLElement | null {
  const read = (column: string) => valueIn(hits, 'bytes read', column);
  const all = (column: string) => valueIn(sources, '(all)', column);
  const app = read('total');
  const layers: readonly Layer[] =
    app > 0
      ? [
          { name: 'page cache', colour: '--memory', bytes: read('memory') + read('shared') },
          { name: 'local writes', colour: '--upload', bytes: read('written') },
          { name: 'disk cache', colour: '--cache', bytes: read('cache') },
          { name: 'server', colour: '--server', bytes: read('server') },
          { name: 'zeros', colour: '--zero', bytes: read('zero') },
        ]
      : [
          { name: 'disk cache', colour: '--cache', bytes: all('cache_bytes') },
          { name: 'server', colour: '--server', bytes: all('server_bytes') },
          { name: 'zeros', colour: '--zero', bytes: all('zero_bytes') },
        ];
  const given = layers.filter(({ bytes }) => bytes > 0);
  const total = given.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total === 0) return null;
  const who = app > 0 ? 'application' : 'requests';
  const moved = [
    ['server', all('server_bytes')],
    ['disk cache', all('cache_bytes')],
    ['stores', all('stored_bytes')],
  ] as const;
  const words = given.map(({ name, bytes }) => `${formatBytes(bytes)} from the ${name}`);
  const said = `${formatBytes(total)} for the ${who}: ${words.join(', ')}.`;
  const figure = el('figure', {}, bands(given, total, who, said));
  const devices = moved.map(([name, bytes]) => `${name} ${formatBytes(bytes)}`).join(', ');
  const amplified =
    app > 0
      ? `; the server moved ${(all('server_bytes') / app).toFixed(2)} times what was read`
      : '';
  figure.append(el('figcaption', {}, `${said} Moved by devices: ${devices}${amplified}.`));
  return figure;
}

function bands(given: readonly Layer[], total: number, who: string, said: string): SVGElement {
  const made = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': said });
  const gap = 14;
  const spread = BAND + gap * (given.length - 1);
  let left = (HEIGHT - BAND) / 2;
  let right = Math.max(4, (HEIGHT - spread) / 2);
  made.append(
    svg('rect', { x: 150, y: left, width: 10, height: BAND, class: 'app' }),
    svg('text', { x: 140, y: HEIGHT / 2 - 8, class: 'end' }, who),
    svg('text', { x: 140, y: HEIGHT / 2 + 10, class: 'end strong' }, formatBytes(total)),
  );
  for (const { name, colour, bytes } of given) {
    const height = Math.max(2, (bytes / total) * BAND);
    const [a, b] = [160, 560];
    const middle = (a + b) / 2;
    const path = [
      `M${a},${left} C${middle},${left} ${middle},${right} ${b},${right}`,
      `L${b},${right + height} C${middle},${right + height} ${middle},${left + height} ${a},${left + height} Z`,
    ].join(' ');
    made.append(
      svg('path', { d: path, class: `band ${colour.slice(2)}` }),
      svg('rect', { x: b, y: right, width: 10, height, class: `solid ${colour.slice(2)}` }),
      svg('text', { x: b + 18, y: right + height / 2 + 4 }, `${name} `, share(bytes, total)),
    );
    left += height;
    right += height + gap;
  }
  return made;
}

function share(bytes: number, total: number): SVGElement {
  const percent = `${((bytes * 100) / total).toFixed(1)} %`;
  return svg('tspan', { class: 'strong' }, `${formatBytes(bytes)}, ${percent}`);
}
