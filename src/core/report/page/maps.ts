/** The map of each file: which bytes came from where; one of them in detail, down to a request. */
import { el, section, visible } from './dom.js';
import { colourOf, formatBytes, requestName, themed } from './format.js';
import type { FileMapDocument, TimelineDocument } from './types.js';
import { byteMarksOf, type Range, type Size, Zoom } from './zoom.js';

const ROW = 22;
const COLOURS = ['', '--zero', '--server', '--cache', '--both'];
const DETAIL = 74;

/** The maps; `choose` explains a request. */
export function mapsOf(
  id: string,
  maps: readonly FileMapDocument[],
  unmapped: number,
  timeline: TimelineDocument | null,
  choose: (uid: number) => void,
): HTMLElement {
  const made = section(
    id,
    'Files',
    'Each row is a file from its first byte to the last that was got, coloured by where the bytes came from last. Choose a file to see its slices, and click a slice for its request.',
  );
  if (maps.length === 0) {
    made.append(el('p', { class: 'none' }, 'No slice got any bytes.'));
    return made;
  }
  const detail = el('div', { class: 'details' });
  const list = el('div', { class: 'maps' });
  for (const map of maps) {
    const row = el('button', { type: 'button', class: 'map' });
    const strip = el('canvas', { width: map.cells.length, height: 1, 'aria-hidden': 'true' });
    row.append(
      el('span', { class: 'name' }, visible(map.file)),
      strip,
      el('span', { class: 'size' }, formatBytes(map.size)),
    );
    drawStrip(strip, map.cells);
    row.addEventListener('click', () => {
      for (const each of list.children) each.removeAttribute('aria-current');
      row.setAttribute('aria-current', 'true');
      detail.replaceChildren(timeline === null ? noDetail() : detailOf(map, timeline, choose));
    });
    list.append(row);
  }
  made.append(list);
  if (unmapped > 0) made.append(el('p', { class: 'note' }, `${unmapped} more files got less.`));
  made.append(detail);
  return made;
}

const noDetail = (): HTMLElement => el('p', { class: 'note' }, 'The trace has no times.');

function drawStrip(canvas: HTMLCanvasElement, cells: string): void {
  const to = canvas.getContext('2d');
  if (to === null) return;
  for (let i = 0; i < cells.length; i++) {
    const colour = COLOURS[Number(cells[i])];
    if (colour === undefined || colour === '') continue;
    to.fillStyle = themed(colour);
    to.fillRect(i, 0, 1, 1);
  }
}

/** The slices of a file by position, as far as the page has them. */
function detailOf(
  map: FileMapDocument,
  doc: TimelineDocument,
  choose: (uid: number) => void,
): HTMLElement {
  const { requests, slices, strings } = doc;
  const mine = slices.request.flatMap((request, i) => {
    return strings[requests.file[request] as number] === map.file ? [i] : [];
  });
  mine.sort((a, b) => (slices.start[a] as number) - (slices.start[b] as number));
  const depth = depthOf(
    mine,
    (i) => slices.start[i] as number,
    (i) => slices.bytes[i] as number,
  );
  const rows = Math.max(1, ...depth.map((each) => each + 1));
  const rowHeight = Math.max(3, Math.min(ROW, (DETAIL * 3) / rows));
  const hit = (x: number, y: number): number => {
    const at = zoom.at(x);
    const row = Math.floor((y - ROW) / rowHeight);
    return mine.findIndex((i, n) => {
      const start = slices.start[i] as number;
      return depth[n] === row && at >= start && at < start + (slices.bytes[i] as number);
    });
  };
  const zoom: Zoom = new Zoom({
    label: `Slices of ${visible(map.file)} by position`,
    whole: { from: 0, to: Math.max(1, map.size) },
    least: 64,
    height: () => ROW + rows * rowHeight + 4,
    draw: (to, size, range) => {
      drawPositions(to, size, range);
      const place = (byte: number) => ((byte - range.from) * size.width) / (range.to - range.from);
      for (const [n, i] of mine.entries()) {
        const start = slices.start[i] as number;
        const [left, right] = [place(start), place(start + (slices.bytes[i] as number))];
        if (right < 0 || left > size.width) continue;
        to.fillStyle = colourOf(strings[slices.source[i] as number] ?? '');
        const top = ROW + (depth[n] as number) * rowHeight;
        to.fillRect(left, top, Math.max(1, right - left - 1), rowHeight - 1);
      }
    },
    hover: (x, y) => {
      const i = mine[hit(x, y)];
      if (i === undefined) return null;
      const start = slices.start[i] as number;
      const rreq = requests.rreq[slices.request[i] as number] as number;
      const end = start + (slices.bytes[i] as number);
      return `${requestName(rreq)}[${slices.index[i]}] ${start.toString(16)}-${end.toString(16)}`;
    },
    click: (x, y) => {
      const i = mine[hit(x, y)];
      if (i !== undefined) choose(requests.uid[slices.request[i] as number] as number);
    },
    enter: () => {
      const i = mine.find((each) => (slices.start[each] as number) >= zoom.range.from);
      if (i !== undefined) choose(requests.uid[slices.request[i] as number] as number);
    },
  });
  return el('div', {}, el('h3', {}, visible(map.file)), zoom.element);
}

function drawPositions(to: CanvasRenderingContext2D, size: Size, range: Range): void {
  to.fillStyle = themed('--canvas');
  to.fillRect(0, 0, size.width, size.height);
  to.font = '11px system-ui, sans-serif';
  to.textBaseline = 'middle';
  for (const at of byteMarksOf(range, Math.max(2, size.width / 110))) {
    const x = ((at - range.from) * size.width) / (range.to - range.from);
    to.fillStyle = themed('--grid');
    to.fillRect(x, 0, 1, size.height);
    to.fillStyle = themed('--text');
    to.fillText(formatBytes(at), x + 4, ROW / 2);
  }
}

/** Rows for slices that overlap, at most 20; `order` is by start. */
function depthOf(
  order: readonly number[],
  start: (i: number) => number,
  bytes: (i: number) => number,
): number[] {
  const ends: number[] = [];
  return order.map((i) => {
    let row = ends.findIndex((end) => end <= start(i));
    if (row < 0) row = Math.min(ends.length, 19);
    ends[row] = Math.max(ends[row] ?? 0, start(i) + bytes(i));
    return row;
  });
}
