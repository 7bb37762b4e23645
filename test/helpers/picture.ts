/**
 * Makes the picture of README.md: the report of a run on the virtual clock, as a browser draws it.
 * Called by `npm run picture`; needs chromium.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeReport } from '../../src/core/app/report/report.js';
import { RUN_DEFAULTS, runWorkload } from '../../src/core/app/run/run.js';
import { startBrowser } from './browser.js';
import { ROOT } from './source.js';

const FILES = {
  'src/main.c': 700_000,
  'src/util.c': 300_000,
  'lib/libnet.a': 3_000_000,
  data: 2e6,
};

const folder = mkdtempSync(join(tmpdir(), 'netfslab-picture-'));
try {
  const server = join(folder, 'srv');
  for (const [name, size] of Object.entries(FILES)) {
    mkdirSync(join(server, name, '..'), { recursive: true });
    writeFileSync(join(server, name), Buffer.alloc(size, name));
  }
  const lab = { server, cacheDir: join(folder, 'cache'), latencyNs: 400_000 };
  await runWorkload({ ...RUN_DEFAULTS, lab, files: ['src/*', 'lib/*'] });
  const out = join(folder, 'build.db');
  await runWorkload({
    ...RUN_DEFAULTS,
    ...{ lab, loops: 2, numjobs: 3, bs: 65_536 },
    trace: { out, commandLine: 'run', toolVersion: '0.1.0' },
  });
  const html = join(folder, 'build.html');
  writeReport({ file: out, diff: undefined, toolVersion: '0.1.0' }, html);
  const browser = await startBrowser();
  const page = await browser.newPage({ viewport: { width: 1180, height: 780 } });
  await page.goto(pathToFileURL(html).href);
  await page.waitForFunction('document.documentElement.dataset.ready === "true"');
  await page.click('#files .map');
  await page.evaluate('document.getElementById("files").scrollIntoView()');
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(ROOT, 'docs/report.png') });
  await browser.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
