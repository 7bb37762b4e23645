/** A real browser for tests of pages: Debian's chromium, or another that CHROMIUM names. */
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { ExecutionContext } from 'ava';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** True where there is one. */
export const hasBrowser = existsSync(EXECUTABLE);

/** Starts it, without a window. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox'] });
}

/** A page, with what it should not have done: messages of its console, requests to elsewhere. */
export interface Opened {
  readonly page: Page;
  readonly complaints: string[];
}

/** Opens a report as a person does, from a file, and waits until it is drawn. */
export async function openReport(
  t: ExecutionContext,
  browser: Browser,
  file: string,
  hash = '',
): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  t.teardown(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => complaints.push(`dialog: ${dialog.message()}`));
  const url = pathToFileURL(file).href;
  page.on('request', (request) => {
    if (request.url().split('#')[0] !== url) complaints.push(`request: ${request.url()}`);
  });
  await page.goto(`${url}${hash}`);
  await page.waitForFunction('document.documentElement.dataset.ready === "true"');
  return { page, complaints };
}

/** What axe-core finds fault with. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    type Result = { violations: { id: string; nodes: { html: string }[] }[] };
    const inPage = globalThis as unknown as { axe: { run(): Promise<Result> } };
    const { violations } = await inPage.axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  });
}
