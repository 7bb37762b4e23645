/** The HTML report in a real browser: what stands on the page, and what one can do there. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Browser, Page } from 'playwright-core';
import { importTraces } from '../../../src/core/app/import/import.js';
import { reportDocument, writeReport } from '../../../src/core/app/report/report.js';
import { RUN_DEFAULTS, runWorkload } from '../../../src/core/app/run/run.js';
import { runAnalysis } from '../../../src/core/app/trace/query.js';
import {
  accessibilityFaults,
  hasBrowser,
  openReport,
  startBrowser,
} from '../../helpers/browser.js';
import { temporaryFolder } from '../../helpers/capture.js';
import { ROOT } from '../../helpers/source.js';

const SECTIONS = [
  ...['verdict', 'bytes', 'files', 'timeline', 'latency', 'readahead', 'concurrency', 'cookies'],
  'statistics',
];

const TRACES = {
  'warm 6.1': 'what-if/ra128-seq64k-warm.txt.gz',
  'cold 6.1': 'what-if/msize65536-fscache-seq64k-cold.txt.gz',
  'defeated readahead 6.12': 'linux-6.12/cold-sequential.txt.gz',
  'hang 7.3': 'linux-7.3/afs-hang.txt.gz',
  'CIFS reconnect': 'trace-dat/cifs-reconnect/trace.dat.gz',
  'failing cache disk 7.3': 'linux-7.3/afs-cache-error.txt.gz',
} as const;

const target = (out: string) => ({ out, commandLine: 'test', toolVersion: 'test' });

async function imported(t: ExecutionContext, trace: string): Promise<string> {
  const out = join(temporaryFolder(t), 'a.db');
  await importTraces({ files: [join(ROOT, 'traces', trace)], target: target(out) });
  return out;
}

/** A run with a cache over files of these names, each read twice. */
async function ran(t: ExecutionContext, names: readonly string[]): Promise<string> {
  const folder = temporaryFolder(t);
  const server = join(folder, 'srv');
  mkdirSync(server);
  for (const name of names) writeFileSync(join(server, name), Buffer.alloc(300_000, name));
  const out = join(folder, 'a.db');
  const lab = { server, cacheDir: join(folder, 'cache') };
  await runWorkload({ ...RUN_DEFAULTS, lab, loops: 2, trace: target(out) });
  return out;
}

let browser: Browser | undefined;
test.before(async () => {
  if (hasBrowser) browser = await startBrowser();
});
test.after.always(() => browser?.close());

/** A test that needs a browser, skipped by its name where there is none. */
const inBrowser = hasBrowser ? test : test.skip;

/** The report of a capture, opened. */
async function opened(t: ExecutionContext, capture: string, diff?: string) {
  const out = join(temporaryFolder(t), 'report.html');
  writeReport({ file: capture, diff, toolVersion: 'test' }, out);
  t.true(statSync(out).size < 5e6);
  return { out, ...(await openReport(t, browser as Browser, out)) };
}

/** The numbers of a table of the page, row by row. */
function numbersOf(page: Page, section: string, caption: string): Promise<(number | null)[][]> {
  return page.evaluate(`(() => {
    const [id, text] = ${JSON.stringify([section, caption])};
    const tables = [...document.querySelectorAll('#' + id + ' table')];
    const table = tables.find((each) => each.querySelector('caption').textContent === text);
    const value = (cell) => cell.dataset.value === undefined ? null : Number(cell.dataset.value);
    const rows = [...(table?.querySelectorAll('tbody tr') ?? [])];
    return rows.map((row) => [...row.cells].map(value));
  })()`);
}

const numeric = (capture: string, name: 'hits' | 'sources' | 'latency') => {
  const { columns, rows } = runAnalysis(name, capture);
  return [...rows].map((row) =>
    columns.map((column) => {
      const value = row[column.name];
      return typeof value === 'number' ? value : null;
    }),
  );
};

async function everyCapture(t: ExecutionContext, capture: string): Promise<void> {
  const { page, complaints } = await opened(t, capture);
  for (const id of SECTIONS) t.true(await page.isVisible(`#${id} h2`), id);
  for (const [section, caption, name] of [
    ['bytes', 'Hit rates by four denominators (trace hits)', 'hits'],
    ['bytes', 'Bytes by file and source (trace sources)', 'sources'],
    ['latency', 'Percentiles by stage (trace latency)', 'latency'],
  ] as const) {
    const shown = await numbersOf(page, section, caption);
    t.deepEqual(shown, numeric(capture, name).slice(0, Math.max(1, shown.length)), name);
  }
  t.deepEqual(await accessibilityFaults(page), []);
  const paint = await page.evaluate<number>(
    `performance.getEntriesByName('first-contentful-paint')[0].startTime`,
  );
  t.log(`first paint after ${Math.round(paint)} ms`);
  t.true(paint < 5000);
  t.deepEqual(complaints, []);
}

for (const [name, trace] of Object.entries(TRACES)) {
  inBrowser(`${name}: every section, the commands' numbers, nothing from elsewhere`, async (t) => {
    t.timeout(120_000);
    await everyCapture(t, await imported(t, trace));
  });
}

inBrowser("a run with a cache: every section, the commands' numbers", async (t) => {
  t.timeout(120_000);
  await everyCapture(t, await ran(t, ['a', 'b']));
});

const TIMELINE = '#timeline canvas';

/** Waits until what was asked for is on the canvas: it is drawn before the next frame. */
const drawnAgain = (page: Page) =>
  page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');

/** How long it takes to zoom in and draw, milliseconds. */
const ZOOM = `(async () => {
  const start = performance.now();
  document.querySelector('#timeline button[aria-label="Zoom in"]').click();
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.now() - start;
})()`;

inBrowser('search, keys, clicks and links lead to a request and back', async (t) => {
  t.timeout(120_000);
  const { out, page, complaints } = await opened(t, await imported(t, TRACES['cold 6.1']));
  await page.fill('#timeline-search', 'f');
  const name = (await page.textContent('.hits button')) ?? '';
  const request = /R=([0-9a-f]{8})/.exec(name)?.[0] ?? '';
  t.regex(request, /^R=/);
  await page.fill('#timeline-search', request.replace(/^R=0*/, 'r='));
  await page.click('.hits button');
  t.regex((await page.textContent('#timeline-life h3')) ?? '', new RegExp(request));
  t.regex((await page.textContent('#timeline-life')) ?? '', /The life of R=.*netfs_rreq/s);

  await page.focus(TIMELINE);
  const hashes = new Set<string>();
  for (const key of ['Home', '+', 'ArrowRight', '-', 'ArrowLeft']) {
    await page.keyboard.press(key);
    hashes.add(await page.evaluate<string>('location.hash'));
  }
  t.is(hashes.size, 3);
  await page.keyboard.press('Enter');
  t.true(await page.isVisible('#timeline-life h3'));

  // A link shows the same again, to the last pixel.
  await page.click('#timeline button:text("by task")');
  await drawnAgain(page);
  const hash = await page.evaluate<string>('location.hash');
  const again = await openReport(t, browser as Browser, out, hash);
  await again.page.focus(TIMELINE);
  await page.focus(TIMELINE);
  await drawnAgain(again.page);
  const drawn = (each: Page) =>
    each.evaluate<string>(`document.querySelector('${TIMELINE}').toDataURL()`);
  await Promise.all([page, again.page].map(drawnAgain));
  t.is(await again.page.evaluate('location.hash'), hash);
  t.true((await drawn(page)) === (await drawn(again.page)));
  t.deepEqual([...complaints, ...again.complaints], []);
});

inBrowser(
  'the timeline zooms by dragging and by the wheel, within a tenth of a second',
  async (t) => {
    t.timeout(120_000);
    const { page } = await opened(t, await imported(t, TRACES['defeated readahead 6.12']));
    const canvas = page.locator(TIMELINE);
    await canvas.scrollIntoViewIfNeeded();
    const box = await canvas.boundingBox();
    if (box === null) return t.fail();
    const before = await canvas.screenshot();
    await page.mouse.move(box.x + 100, box.y + 30);
    await page.mouse.down();
    await page.mouse.move(box.x + 300, box.y + 30);
    await page.mouse.up();
    await drawnAgain(page);
    const dragged = await canvas.screenshot();
    t.false(before.equals(dragged));
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, 100);
    await page.keyboard.up('Control');
    await drawnAgain(page);
    t.false(dragged.equals(await canvas.screenshot()));
    const took = await page.evaluate<number>(ZOOM);
    t.log(`a zoom took ${took.toFixed(1)} ms`);
    t.true(took < 1000);
  },
);

inBrowser('the map of a file leads to its slices, and a slice to its request', async (t) => {
  const { page, complaints } = await opened(t, await ran(t, ['a', 'b']));
  await page.click('#files .map >> nth=0');
  const canvas = page.locator('#files .details canvas');
  await canvas.scrollIntoViewIfNeeded();
  const box = await canvas.boundingBox();
  if (box === null) return t.fail();
  await page.mouse.click(box.x + box.width / 3, box.y + 28);
  t.regex((await page.textContent('#timeline-life h3')) ?? '', /^R=[0-9a-f]{8}: readahead of [ab]/);
  t.deepEqual(complaints, []);
});

inBrowser('the dark scheme is legible, too', async (t) => {
  const { page } = await opened(t, await imported(t, TRACES['cold 6.1']));
  const light = await page.locator(TIMELINE).screenshot();
  await page.emulateMedia({ colorScheme: 'dark' });
  await drawnAgain(page);
  t.deepEqual(await accessibilityFaults(page), []);
  t.false(light.equals(await page.locator(TIMELINE).screenshot()));
});

inBrowser('a finding shows its lines, and leads to its request', async (t) => {
  const { page } = await opened(t, await imported(t, TRACES['failing cache disk 7.3']));
  await page.click('#verdict details summary');
  t.regex((await page.textContent('#verdict pre')) ?? '', /^netfs_sreq: R=/);
  await page.click('#verdict details button');
  t.true(await page.isVisible('#timeline-life h3'));
});

inBrowser('two captures stand side by side, with what differs', async (t) => {
  t.timeout(120_000);
  const one = await imported(t, TRACES['cold 6.1']);
  const { page, complaints } = await opened(t, one, await imported(t, TRACES['warm 6.1']));
  t.true(await page.isVisible('#differences table'));
  for (const id of SECTIONS) {
    t.true(await page.isVisible(`#a-${id} h2`), id);
    t.true(await page.isVisible(`#b-${id} h2`), id);
  }
  t.deepEqual(await accessibilityFaults(page), []);
  t.deepEqual(complaints, []);
});

inBrowser('hostile names are text', async (t) => {
  const names = [
    '<img src=x onerror=alert(1)>',
    '"><script>alert(2)<',
    '\u202egnp.exe',
    '\u001b[31mred',
    "'; alert(3); '",
    '&lt;b&gt;',
  ];
  const { page, complaints } = await opened(t, await ran(t, names));
  const text = (await page.textContent('#bytes')) ?? '';
  t.true(text.includes('<img src=x onerror=alert(1)>'));
  t.true(text.includes('"><script>alert(2)<'));
  t.true(text.includes('\\u202egnp.exe'));
  t.true(text.includes('\\x1b[31mred'));
  t.is(await page.locator('img').count(), 0);
  await page.fill('#timeline-search', '<img');
  await page.click('.hits button');
  t.regex((await page.textContent('#timeline-life h3')) ?? '', /<img src=x/);
  t.deepEqual(complaints, []);
});

test('a report is written whole or not at all, and asks for nothing from elsewhere', async (t) => {
  const capture = await imported(t, TRACES['warm 6.1']);
  const out = join(temporaryFolder(t), 'report.html');
  const request = { file: capture, diff: undefined, toolVersion: 'test' };
  writeReport(request, out);
  const html = readFileSync(out, 'utf8');
  t.regex(html, /Content-Security-Policy" content="default-src 'none'; script-src 'sha256-/);
  t.notRegex(html, /https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  t.throws(() => writeReport(request, out), { message: /EEXIST/ });
  t.throws(() => writeReport(request, join(out, 'x.html')), { message: /ENOTDIR/ });
});

test('of a capture too large for a page, all failures and the slowest are kept', async (t) => {
  const capture = await imported(t, TRACES['defeated readahead 6.12']);
  const limits = { requests: 40, slices: 40, lives: 3 };
  const document = reportDocument({ file: capture, diff: undefined, toolVersion: '', limits });
  const timeline = document.captures[0]?.timeline;
  if (timeline == null) return t.fail();
  const { requests, total, lives, density } = timeline;
  t.true(requests.uid.length <= 40 && requests.uid.length >= 20);
  t.true(total > 100);
  t.is(Object.keys(lives).length, 3);
  const slowest = Math.max(...requests.end.map((end, i) => (end ?? 0) - (requests.begin[i] ?? 0)));
  t.true(slowest > 30e6);
  t.is(
    density.server.reduce((sum, each) => sum + each, 0),
    128,
  );
});
