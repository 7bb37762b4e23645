/** One capture on the page: its sections in the order in which a person asks. */
import { concurrencyOf, heatOf, readaheadOf } from './charts.js';
import { el, section, visible } from './dom.js';
import { flowOf } from './flow.js';
import { formatCount, formatNs } from './format.js';
import { mapsOf } from './maps.js';
import { tableOf } from './table.js';
import { type Timeline, type TimelineState, timelineOf } from './timeline.js';
import type { CaptureDocument, FindingDocument } from './types.js';

/** A capture on the page. */
export interface CaptureView {
  readonly element: HTMLElement;
  /** Id and title of each section. */
  readonly contents: readonly (readonly [id: string, title: string])[];
  readonly timeline: Timeline | null;
}

/** Builds a capture's sections; ids begin with `prefix`. */
export function captureOf(
  prefix: string,
  doc: CaptureDocument,
  changed: (state: TimelineState) => void,
): CaptureView {
  const timeline =
    doc.timeline === null ? null : timelineOf(`${prefix}timeline`, doc.timeline, changed);
  const choose = (uid: number): void => {
    timeline?.choose(uid);
  };
  const sections = [
    verdict(prefix, doc, choose),
    bytes(prefix, doc),
    mapsOf(`${prefix}files`, doc.maps, doc.unmapped, doc.timeline, choose),
    timeline?.element ?? noTimeline(`${prefix}timeline`, doc),
    latency(prefix, doc),
    readahead(prefix, doc),
    concurrency(prefix, doc),
    cookies(prefix, doc),
    statistics(prefix, doc),
  ];
  if (prefix !== '') {
    for (const each of sections) each.querySelector('h2')?.append(` (${prefix.slice(0, 1)})`);
  }
  const contents = sections.map(
    (each) => [each.id, each.querySelector('h2')?.textContent ?? ''] as const,
  );
  return { element: el('article', {}, head(doc), ...sections), contents, timeline };
}

function head(doc: CaptureDocument): HTMLElement {
  const { kernel, era, events, lost, span, profile, name } = doc;
  const parts = [
    profile === null ? `kernel ${kernel} (${era})` : `run of the engine, ${profile} (${era})`,
    `${formatCount(events)} events`,
    span === null ? 'no times' : formatNs(span),
    `${formatCount(lost)} lost`,
  ];
  return el(
    'header',
    { class: 'capture' },
    el('p', { class: 'file' }, visible(name)),
    el('p', {}, parts.join(', ')),
  );
}

function verdict(prefix: string, doc: CaptureDocument, choose: (uid: number) => void): HTMLElement {
  const { findings, rules, notable, missing } = doc;
  const bad = findings.filter(({ severity }) => severity !== 'note').length;
  const law =
    rules === null
      ? 'The rules were not applied: the capture is large. netfslab trace check applies them.'
      : `${rules.checked} of ${rules.of} rules could be applied.`;
  const said = bad > 0 ? `${bad} findings.` : 'Nothing breaks the laws of this kernel.';
  const made = section(`${prefix}verdict`, 'Verdict', rules === null ? law : `${said} ${law}`);
  if (bad > 0) made.querySelector('p')?.classList.add('bad');
  const items = notable.map(({ says, ask }) =>
    el('li', {}, visible(says), ' ', el('code', {}, ask)),
  );
  if (items.length > 0) made.append(el('ol', { class: 'notable' }, ...items));
  for (const each of missing) {
    made.append(el('p', { class: 'cannot' }, `Cannot tell ${visible(each)}`));
  }
  const byRule = new Map<string, FindingDocument[]>();
  for (const each of findings) {
    const same = byRule.get(each.rule);
    if (same === undefined) byRule.set(each.rule, [each]);
    else same.push(each);
  }
  made.append(...[...byRule.values()].map((each) => findingsOf(each, choose)));
  return made;
}

/** What one rule found: the law, then each case with the lines that prove it. */
function findingsOf(all: readonly FindingDocument[], choose: (uid: number) => void): HTMLElement {
  const { severity, rule, law } = all[0] as FindingDocument;
  const count = all.length === 1 ? '1 finding' : `${all.length} findings`;
  const made = el(
    'details',
    { class: `finding ${severity}` },
    el('summary', {}, `${severity}: ${rule}, ${count}`),
    el('p', {}, law),
  );
  for (const { message, lines, uid } of all) {
    made.append(el('p', {}, visible(message)));
    const props = { tabindex: 0, role: 'group', 'aria-label': `Lines of the trace: ${message}` };
    made.append(el('pre', props, lines.map(visible).join('\n')));
    if (uid === null) continue;
    const button = el('button', { type: 'button' }, 'Show the request');
    button.addEventListener('click', () => choose(uid));
    made.append(button);
  }
  return made;
}

function bytes(prefix: string, { tables }: CaptureDocument): HTMLElement {
  const made = section(
    `${prefix}bytes`,
    'Where the bytes came from',
    'From the application down: what the page cache had, what the disk cache had, and what the server had to send.',
  );
  const flow = flowOf(tables.hits, tables.sources);
  if (flow !== null) made.append(flow);
  made.append(
    tableOf(tables.hits, { caption: 'Hit rates by four denominators (trace hits)' }),
    tableOf(tables.sources, { caption: 'Bytes by file and source (trace sources)', rows: 12 }),
    tableOf(tables.dup, { caption: 'Downloaded more than once (trace dup)', rows: 12 }),
  );
  return made;
}

function noTimeline(id: string, doc: CaptureDocument): HTMLElement {
  const why = doc.span === null ? 'The events have no times.' : 'The capture has no requests.';
  return section(id, 'Timeline', why);
}

function latency(prefix: string, { heat, tables }: CaptureDocument): HTMLElement {
  const made = section(
    `${prefix}latency`,
    'Latency',
    'io: a slice from submission to its end. wait: a request until its readers go on. life: until it is freed.',
  );
  if (heat !== null) made.append(heatOf(heat));
  made.append(tableOf(tables.latency, { caption: 'Percentiles by stage (trace latency)' }));
  return made;
}

function readahead(prefix: string, { tables }: CaptureDocument): HTMLElement {
  const made = section(
    `${prefix}readahead`,
    'Readahead',
    'Windows that were asked for ahead of the reader, and what of them was used.',
  );
  const bars = readaheadOf(tables.readahead, tables.sources);
  if (bars !== null) made.append(bars);
  made.append(tableOf(tables.readahead, { caption: 'Windows by file (trace readahead)' }));
  return made;
}

function concurrency(prefix: string, { tables }: CaptureDocument): HTMLElement {
  const made = section(
    `${prefix}concurrency`,
    'Concurrency',
    'Slices in flight at a time. One at a time means that each round trip is paid in full.',
  );
  const plot = concurrencyOf(tables.concurrency);
  if (plot !== null) made.append(plot);
  made.append(
    tableOf(tables.concurrency, {
      caption: 'In flight by stretch of time (trace concurrency)',
      without: ['picture'],
      rows: 10,
    }),
  );
  return made;
}

function cookies(prefix: string, { tables }: CaptureDocument): HTMLElement {
  const made = section(
    `${prefix}cookies`,
    'Cookies',
    'What happened to the cache of each file: looked up, used, invalidated, withdrawn.',
  );
  made.append(tableOf(tables.cookies, { caption: "The cookies' life (trace cookies)", rows: 15 }));
  return made;
}

function statistics(prefix: string, { tables }: CaptureDocument): HTMLElement {
  const made = section(
    `${prefix}statistics`,
    'Statistics',
    'What the kernel counted, against what its events say.',
  );
  made.append(tableOf(tables.reconcile, { caption: 'Counters (stats reconcile)', rows: 15 }));
  return made;
}
