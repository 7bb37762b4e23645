/** The page of a report: unpacks the document, builds the sections, keeps the view in the link. */
import 'uplot/dist/uPlot.min.css';
import './style.css';
import { captureOf } from './capture.js';
import { el, section } from './dom.js';
import { tableOf } from './table.js';
import type { GroupBy, TimelineState } from './timeline.js';
import type { ReportDocument } from './types.js';

/** The document stands in the page as base64 of a deflated JSON text. */
async function unpack(): Promise<ReportDocument> {
  const text = document.getElementById('report')?.textContent ?? '';
  const bytes = Uint8Array.from(atob(text.trim()), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return (await new Response(stream).json()) as ReportDocument;
}

/** What the link says of the timelines: `#a=from-to,by,chosen`. */
function linked(): Map<string, Partial<TimelineState>> {
  const states = new Map<string, Partial<TimelineState>>();
  for (const part of location.hash.slice(1).split('&')) {
    const [, name, from, to, by, chosen] =
      /^(\w)=([\d.]+)-([\d.]+),(file|task|source),(-?\d+)$/.exec(part) ?? [];
    if (name === undefined) continue;
    const range = { from: Number(from), to: Number(to) };
    states.set(name, { range, by: by as GroupBy, chosen: Number(chosen) });
  }
  return states;
}

function keepInLink(states: ReadonlyMap<string, TimelineState>): void {
  const parts = [...states].map(([name, { range, by, chosen }]) => {
    return `${name}=${Math.round(range.from)}-${Math.round(range.to)},${by},${chosen}`;
  });
  history.replaceState(null, '', `#${parts.join('&')}`);
}

function build(report: ReportDocument): void {
  const states = new Map<string, TimelineState>();
  const wanted = linked();
  const two = report.captures.length > 1;
  const views = report.captures.map((each, i) => {
    const name = String.fromCharCode(97 + i);
    return {
      name,
      view: captureOf(two ? `${name}-` : '', each, (state) => {
        states.set(name, state);
        keepInLink(states);
      }),
    };
  });
  const contents = views.flatMap(({ view }) =>
    view.contents.map(([id, title]) => {
      return el('li', {}, el('a', { href: `#${id}` }, title));
    }),
  );
  const list = el('nav', { 'aria-label': 'Sections' }, el('ul', {}, ...contents));
  // A link to a section is no view: it only scrolls.
  list.addEventListener('click', (event) => {
    const link = (event.target as Element).closest('a');
    if (link === null) return;
    event.preventDefault();
    const target = document.getElementById(link.hash.slice(1));
    target?.scrollIntoView({ block: 'start' });
    target?.querySelector('h2')?.setAttribute('tabindex', '-1');
    target?.querySelector('h2')?.focus({ preventScroll: true });
  });
  const main = el('main', {});
  if (report.differences !== null) {
    const made = section('differences', 'Differences', 'What trace diff says of the two captures.');
    made.append(
      tableOf(report.differences, { caption: 'Figures that differ (trace diff)', rows: 40 }),
    );
    main.append(made);
  }
  main.append(el('div', { class: two ? 'two' : 'one' }, ...views.map(({ view }) => view.element)));
  document.body.replaceChildren(
    el('header', { class: 'top' }, el('h1', {}, 'netfslab report'), list),
    main,
    el('footer', {}, el('p', {}, report.tool)),
  );
  for (const { name, view } of views) view.timeline?.restore(wanted.get(name) ?? {});
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const { view } of views) view.timeline?.redraw();
  });
  document.documentElement.dataset.ready = 'true';
}

unpack().then(build, (error: unknown) => {
  document.body.textContent = `The report cannot be shown: ${String(error)}`;
});
