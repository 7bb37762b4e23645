/**
 * The timeline of requests and slices: lanes by file, task or source, a density of all slices above
 * them, search, and the request that is chosen.
 */
import { el, section, visible } from './dom.js';
import { colourOf, formatCount, formatNs, requestName, SOURCES, themed } from './format.js';
import { lifeOf } from './life.js';
import type { TimelineDocument } from './types.js';
import { marksOf, type Range, type Size, Zoom } from './zoom.js';

/** What the lanes are for. */
export type GroupBy = 'file' | 'task' | 'source';

/** What is seen of a timeline: what a link to it holds. */
export interface TimelineState {
  readonly range: Range;
  readonly by: GroupBy;
  /** Position of the request that is chosen; -1 = none. */
  readonly chosen: number;
}

/** A timeline on the page. */
export interface Timeline {
  readonly element: HTMLElement;
  /** Chooses a request by its uid and shows it; false if the page does not have it. */
  choose(uid: number): boolean;
  restore(state: Partial<TimelineState>): void;
  redraw(): void;
}

const AXIS = 22;
const DENSITY = 40;
const TITLE = 17;
const LANE = 13;
const LANES_MAX = 16;
const GROUPS_MAX = 60;
/** Requests that a search lists. */
const HITS = 20;

/** One group of lanes: the numbers of its bars and the lane of each. */
interface Group {
  readonly title: string;
  readonly bars: number[];
  readonly lanes: number[];
  count: number;
  top: number;
}

/** Makes the timeline; `changed` is called with what is seen. */
export function timelineOf(
  id: string,
  doc: TimelineDocument,
  changed: (state: TimelineState) => void,
): Timeline {
  return new Lanes(id, doc, changed);
}

class Lanes implements Timeline {
  readonly element: HTMLElement;
  readonly #doc: TimelineDocument;
  readonly #zoom: Zoom;
  readonly #details: HTMLElement;
  readonly #hits: HTMLElement;
  readonly #changed: (state: TimelineState) => void;
  readonly #buttons: HTMLButtonElement[] = [];
  /** First slice of each request; one more at the end. */
  readonly #firstSlice: Int32Array;
  #by: GroupBy = 'file';
  #chosen = -1;
  #groups: Group[] = [];

  constructor(id: string, doc: TimelineDocument, changed: (state: TimelineState) => void) {
    this.#doc = doc;
    this.#changed = changed;
    this.#firstSlice = firstSlices(doc);
    this.#zoom = new Zoom({
      label: 'Timeline of requests',
      whole: { from: 0, to: Math.max(1, doc.to - doc.from) },
      least: 100,
      height: () => this.#height(),
      draw: (to, size, range) => this.#draw(to, size, range),
      click: (x, y) => this.#pick(this.#hit(x, y)),
      hover: (x, y) => this.#tip(this.#hit(x, y)),
      changed: () => this.#tell(),
      enter: () => this.#pick(this.#first()),
    });
    this.#details = el('div', { class: 'details', id: `${id}-life`, 'aria-live': 'polite' });
    this.#hits = el('ul', { class: 'hits' });
    this.element = this.#build(id);
    this.#group();
  }

  choose(uid: number): boolean {
    const at = this.#doc.requests.uid.indexOf(uid);
    if (at < 0) return false;
    this.#pick(at);
    this.#show(at);
    this.element.scrollIntoView({ block: 'start' });
    return true;
  }

  restore({ range, by, chosen }: Partial<TimelineState>): void {
    if (by !== undefined) this.#setBy(by);
    if (range !== undefined) this.#zoom.show(range);
    if (chosen !== undefined && chosen >= 0) this.#pick(chosen);
  }

  redraw(): void {
    this.#zoom.redraw();
  }

  #build(id: string): HTMLElement {
    const { total, requests } = this.#doc;
    const shown = requests.uid.length;
    const some =
      shown < total
        ? ` The page holds ${formatCount(shown)} of ${formatCount(total)} requests: those that failed or were found fault with, the slowest, and one in ${Math.round(total / shown)} of the others. The density counts all slices.`
        : '';
    const made = section(
      id,
      'Timeline',
      `Each bar is a request, from its begin to its end; inside it are its slices by source. The pale part is after its readers went on; of several slices the one that ended last is underlined. Drag to zoom, Ctrl and the wheel zoom around the pointer, a click explains a request.${some}`,
    );
    const search = el('input', {
      ...{ type: 'search', id: `${id}-search`, placeholder: 'R=1a, a file or a task' },
      'aria-label': 'Search requests',
    });
    search.addEventListener('input', () => this.#search(search.value));
    const by = (['file', 'task', 'source'] as const).map((name) => {
      const pressed = String(name === this.#by);
      const button = el('button', { type: 'button', 'aria-pressed': pressed }, `by ${name}`);
      button.addEventListener('click', () => this.#setBy(name));
      this.#buttons.push(button);
      return button;
    });
    made.append(
      el('div', { class: 'tools' }, search, ...by, legend()),
      this.#hits,
      el('div', { class: 'lanes' }, this.#zoom.element),
      this.#details,
    );
    return made;
  }

  #setBy(by: GroupBy): void {
    this.#by = by;
    for (const button of this.#buttons) {
      button.setAttribute('aria-pressed', String(button.textContent === `by ${by}`));
    }
    this.#group();
    this.#tell();
    this.#zoom.redraw();
  }

  #tell(): void {
    this.#changed({ range: this.#zoom.range, by: this.#by, chosen: this.#chosen });
  }

  #pick(at: number): void {
    if (at < 0) return;
    this.#chosen = at;
    const [from, to] = [this.#firstSlice[at] as number, this.#firstSlice[at + 1] as number];
    this.#details.replaceChildren(lifeOf(this.#doc, at, from, to));
    this.#tell();
    this.#zoom.redraw();
  }

  /** Zooms to a request with as much around it. */
  #show(at: number): void {
    const from = this.#begin(at);
    const length = Math.max(1000, this.#end(at) - from);
    this.#zoom.show({ from: from - length / 2, to: from + 1.5 * length });
  }

  #begin(at: number): number {
    return this.#doc.requests.begin[at] as number;
  }

  #end(at: number): number {
    return this.#doc.requests.end[at] ?? this.#doc.to - this.#doc.from;
  }

  #search(text: string): void {
    const wanted = text.trim().toLowerCase();
    const found: number[] = [];
    const { requests, strings } = this.#doc;
    const number = /^r?=?(?:0x)?([0-9a-f]{1,8})$/.exec(wanted)?.[1];
    const rreq = number === undefined ? -1 : Number.parseInt(number, 16);
    const named = strings.map((each) => wanted !== '' && each.toLowerCase().includes(wanted));
    for (let i = 0; i < requests.uid.length && found.length < HITS; i++) {
      if (requests.rreq[i] === rreq) found.unshift(i);
      else if (named[requests.file[i] as number] || named[requests.task[i] as number])
        found.push(i);
    }
    this.#hits.replaceChildren(...found.map((at) => el('li', {}, this.#hitButton(at))));
    if (wanted !== '' && found.length === 0) this.#hits.append(el('li', {}, 'No request.'));
  }

  #hitButton(at: number): HTMLButtonElement {
    const button = el('button', { type: 'button' }, this.#name(at));
    button.addEventListener('click', () => {
      this.#pick(at);
      this.#show(at);
    });
    return button;
  }

  #name(at: number): string {
    const { requests, strings } = this.#doc;
    const text = (column: readonly number[]) => visible(strings[column[at] as number] ?? '');
    return `${requestName(requests.rreq[at] as number)} ${text(requests.kind)} ${text(requests.file)} ${text(requests.task)}`;
  }

  #tip(at: number): string | null {
    if (at < 0) return null;
    const { outcome } = this.#doc.requests;
    const how = this.#doc.strings[outcome[at] as number];
    return `${this.#name(at)}, ${formatNs(this.#end(at) - this.#begin(at))}, ${how}`;
  }

  /** Sorts what is drawn into groups and lanes, so that no two bars of a lane overlap. */
  #group(): void {
    const { requests, slices, strings } = this.#doc;
    const groups = new Map<string, Group>();
    const bySource = this.#by === 'source';
    const column = this.#by === 'task' ? requests.task : requests.file;
    const count = bySource ? slices.index.length : requests.uid.length;
    const ends = new Map<Group, number[]>();
    const order = [...Array(count).keys()];
    if (bySource) order.sort((a, b) => (slices.submit[a] ?? 0) - (slices.submit[b] ?? 0));
    for (const at of order) {
      const key = strings[(bySource ? slices.source : column)[at] as number] ?? '';
      let group = groups.get(key);
      if (group === undefined) {
        group = { title: titleOf(key, bySource), bars: [], lanes: [], count: 0, top: 0 };
        groups.set(key, group);
        ends.set(group, []);
      }
      const [from, to] = bySource ? this.#sliceSpan(at) : [this.#begin(at), this.#end(at)];
      const free = ends.get(group) as number[];
      let lane = free.findIndex((end) => end <= from);
      if (lane < 0) lane = Math.min(free.length, LANES_MAX - 1);
      free[lane] = Math.max(to, free[lane] ?? 0);
      group.bars.push(at);
      group.lanes.push(lane);
      group.count = Math.max(group.count, lane + 1);
    }
    const largest = [...groups.values()].sort((a, b) => b.bars.length - a.bars.length);
    this.#groups = largest.slice(0, GROUPS_MAX);
    let top = AXIS + DENSITY;
    for (const group of this.#groups) {
      group.top = top;
      top += TITLE + group.count * LANE;
    }
  }

  #sliceSpan(at: number): [number, number] {
    const { slices } = this.#doc;
    const from = slices.submit[at] ?? slices.term[at] ?? 0;
    return [from, slices.term[at] ?? this.#doc.to - this.#doc.from];
  }

  #height(): number {
    const last = this.#groups.at(-1);
    return last === undefined ? AXIS + DENSITY : last.top + TITLE + last.count * LANE + 4;
  }

  #draw(to: CanvasRenderingContext2D, size: Size, range: Range): void {
    to.fillStyle = themed('--canvas');
    to.fillRect(0, 0, size.width, size.height);
    to.font = '11px system-ui, sans-serif';
    to.textBaseline = 'middle';
    const place = (ns: number) => ((ns - range.from) * size.width) / (range.to - range.from);
    this.#drawAxis(to, size, range, place);
    this.#drawDensity(to, size, range);
    for (const group of this.#groups) this.#drawGroup(to, group, size, place);
  }

  #drawAxis(
    to: CanvasRenderingContext2D,
    size: Size,
    range: Range,
    place: (ns: number) => number,
  ): void {
    const { from } = this.#doc;
    const absolute = { from: range.from + from, to: range.to + from };
    for (const at of marksOf(absolute, Math.max(2, size.width / 110))) {
      to.fillStyle = themed('--grid');
      to.fillRect(place(at - from), 0, 1, size.height);
      to.fillStyle = themed('--text');
      to.fillText(formatNs(at), place(at - from) + 4, AXIS / 2);
    }
  }

  /** How many slices were submitted, by source, over all of the capture. */
  #drawDensity(to: CanvasRenderingContext2D, size: Size, range: Range): void {
    const { server, cache, zero, other } = this.#doc.density;
    const stretches = server.length;
    const whole = this.#doc.to - this.#doc.from + 1;
    const layers = [
      [server, '--server'],
      [cache, '--cache'],
      [zero, '--zero'],
      [other, '--other'],
    ] as const;
    const first = Math.max(0, Math.floor((range.from * stretches) / whole));
    const last = Math.min(stretches - 1, Math.ceil((range.to * stretches) / whole));
    let most = 1;
    const sum = (i: number) => layers.reduce((all, [counts]) => all + (counts[i] ?? 0), 0);
    for (let i = first; i <= last; i++) most = Math.max(most, sum(i));
    const scale = size.width / (range.to - range.from);
    for (let i = first; i <= last; i++) {
      const x = ((i * whole) / stretches - range.from) * scale;
      const width = Math.max(1, (whole / stretches) * scale);
      let bottom = AXIS + DENSITY - 3;
      for (const [counts, colour] of layers) {
        const height = ((counts[i] ?? 0) / most) * (DENSITY - 6);
        if (height === 0) continue;
        to.fillStyle = themed(colour);
        to.fillRect(x, bottom - height, width, height);
        bottom -= height;
      }
    }
  }

  #drawGroup(
    to: CanvasRenderingContext2D,
    group: Group,
    size: Size,
    place: (ns: number) => number,
  ): void {
    to.fillStyle = themed('--band');
    to.fillRect(0, group.top, size.width, TITLE - 2);
    to.fillStyle = themed('--text');
    to.fillText(visible(group.title), 4, group.top + TITLE / 2 - 1);
    const slices = this.#by === 'source';
    const colours = new Map(this.#doc.strings.map((name, i) => [i, colourOf(name)]));
    for (let i = 0; i < group.bars.length; i++) {
      const at = group.bars[i] as number;
      const y = group.top + TITLE + (group.lanes[i] as number) * LANE;
      if (slices) this.#drawSlice(to, at, y + 2, LANE - 4, size, place, colours);
      else this.#drawRequest(to, at, y, size, place, colours);
    }
  }

  #drawRequest(
    to: CanvasRenderingContext2D,
    at: number,
    y: number,
    size: Size,
    place: (ns: number) => number,
    colours: ReadonlyMap<number, string>,
  ): void {
    const [left, right] = [place(this.#begin(at)), place(this.#end(at))];
    if (right < 0 || left > size.width) return;
    const { unlock, outcome } = this.#doc.requests;
    const on = unlock[at] ?? null;
    const middle = on === null ? right : place(on);
    to.fillStyle = themed('--bar-after');
    to.fillRect(left, y + 1, Math.max(1, right - left), LANE - 3);
    to.fillStyle = themed('--bar');
    to.fillRect(left, y + 1, Math.max(1, middle - left), LANE - 3);
    const last = this.#firstSlice[at + 1] as number;
    for (let i = this.#firstSlice[at] as number; i < last; i++) {
      this.#drawSlice(to, i, y + 3, LANE - 7, size, place, colours);
    }
    this.#drawCritical(to, at, y, place);
    if (this.#doc.strings[outcome[at] as number] !== 'ok') {
      to.strokeStyle = themed('--bad');
      to.lineWidth = 1.5;
      to.strokeRect(left, y + 1, Math.max(2, right - left), LANE - 3);
    }
    if (at === this.#chosen) {
      to.strokeStyle = themed('--text');
      to.lineWidth = 2;
      to.strokeRect(left - 2, y - 1, Math.max(5, right - left + 4), LANE + 1);
    }
  }

  /** Underlines the slice of a request that ended last: what everybody waited for. */
  #drawCritical(
    to: CanvasRenderingContext2D,
    at: number,
    y: number,
    place: (ns: number) => number,
  ): void {
    const { term } = this.#doc.slices;
    const [from, end] = [this.#firstSlice[at] as number, this.#firstSlice[at + 1] as number];
    if (end - from < 2) return;
    let last = from;
    for (let i = from; i < end; i++) if ((term[i] ?? -1) > (term[last] ?? -1)) last = i;
    const [begin, over] = this.#sliceSpan(last);
    to.fillStyle = themed('--text');
    to.fillRect(place(begin), y + LANE - 3, Math.max(1, place(over) - place(begin)), 1.5);
  }

  #drawSlice(
    to: CanvasRenderingContext2D,
    at: number,
    y: number,
    height: number,
    size: Size,
    place: (ns: number) => number,
    colours: ReadonlyMap<number, string>,
  ): void {
    const [from, end] = this.#sliceSpan(at);
    const [left, right] = [place(from), place(end)];
    if (right < 0 || left > size.width) return;
    to.fillStyle = colours.get(this.#doc.slices.source[at] as number) ?? '';
    to.fillRect(left, y, Math.max(1, right - left), height);
    const [write, wterm] = [this.#doc.slices.write[at] ?? null, this.#doc.slices.wterm[at] ?? null];
    if (write === null) return;
    const stored = place(wterm ?? write);
    to.fillStyle = themed('--store');
    to.fillRect(place(write), y + height - 2, Math.max(1, stored - place(write)), 2);
  }

  /** The request under a place of the canvas; -1 = none. */
  #hit(x: number, y: number): number {
    const near = 3;
    const { from, to } = this.#zoom.range;
    const width = Math.max(1, this.#zoom.canvas.clientWidth);
    const place = (ns: number) => ((ns - from) * width) / (to - from);
    const group = this.#groups.findLast((each) => y >= each.top + TITLE);
    if (group === undefined) return -1;
    const lane = Math.floor((y - group.top - TITLE) / LANE);
    for (let i = group.bars.length - 1; i >= 0; i--) {
      if (group.lanes[i] !== lane) continue;
      const at = group.bars[i] as number;
      const slice = this.#by === 'source';
      const [begin, end] = slice ? this.#sliceSpan(at) : [this.#begin(at), this.#end(at)];
      if (place(begin) - near > x || place(end) + near < x) continue;
      return slice ? (this.#doc.slices.request[at] as number) : at;
    }
    return -1;
  }

  /** The chosen request, or else the first that is seen. */
  #first(): number {
    const { from, to } = this.#zoom.range;
    const seen = (at: number) => this.#begin(at) <= to && this.#end(at) >= from;
    if (this.#chosen >= 0 && seen(this.#chosen)) return this.#chosen;
    return this.#doc.requests.uid.findIndex((_, at) => seen(at));
  }
}

/** Slices stand in the order of their requests. */
function firstSlices({ requests, slices }: TimelineDocument): Int32Array {
  const first = new Int32Array(requests.uid.length + 1);
  let at = 0;
  for (let i = 0; i < requests.uid.length; i++) {
    first[i] = at;
    while (slices.request[at] === i) at++;
  }
  first[requests.uid.length] = at;
  return first;
}

function titleOf(key: string, bySource: boolean): string {
  if (!bySource) return key;
  return key in SOURCES ? SOURCES[key as keyof typeof SOURCES].name : key || 'source not known';
}

/** What the colours mean. */
function legend(): HTMLElement {
  const entries = Object.values(SOURCES).map(({ name, colour }) => {
    const mark = el('span', { class: `mark ${colour.slice(2)}`, 'aria-hidden': 'true' });
    return el('span', {}, mark, ` ${name}`);
  });
  return el('span', { class: 'legend' }, ...entries);
}
