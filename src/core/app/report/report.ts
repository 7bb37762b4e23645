/**
 * The use case `trace report`: one HTML file about a capture, or about two side by side. The file
 * needs nothing from anywhere: code, style and numbers are in it, and its policy forbids the rest.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { deflateSync } from 'node:zlib';
import { errnoFromNode } from '../../base/errno.js';
import { ErrnoError } from '../../base/errors.js';
import type { ReportDocument, TableDocument } from '../../report/page/types.js';
import { compareCaptures, comparisonTable } from '../trace/compare.js';
import { captureDocument, tableDocument } from './document.js';
import type { PageLimits } from './timeline.js';

/** What a report is made of. */
export interface ReportRequest {
  /** The capture; default: the newest. */
  readonly file: string | undefined;
  /** Another one to show beside it. */
  readonly diff: string | undefined;
  readonly toolVersion: string;
  readonly limits?: PageLimits;
}

/** The numbers of a report. */
export function reportDocument({ file, diff, toolVersion, limits }: ReportRequest): ReportDocument {
  const first = captureDocument(file, limits);
  const tool = `Made by netfslab ${toolVersion}. Numbers are those of its commands.`;
  if (diff === undefined) return { version: 1, tool, captures: [first], differences: null };
  const second = captureDocument(diff, limits);
  const differences = differing(first.name, second.name);
  return { version: 1, tool, captures: [first, second], differences };
}

function differing(left: string, right: string): TableDocument {
  return tableDocument(() =>
    comparisonTable(compareCaptures(left, right).filter((each) => each.left !== each.right)),
  );
}

const page = (name: string): string =>
  readFileSync(new URL(`../../report/page/${name}`, import.meta.url), 'utf8');

const hashOf = (text: string): string =>
  `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

/** The page as HTML. */
function reportPage(report: ReportDocument): string {
  // A script ends at the first such mark, even within a string.
  const script = page('page.js').replaceAll('</script', '<\\/script');
  const style = page('page.css');
  const policy = `default-src 'none'; script-src ${hashOf(script)}; style-src ${hashOf(style)}; base-uri 'none'; form-action 'none'`;
  const names = report.captures.map(({ name }) => basename(name)).join(' and ');
  const data = deflateSync(JSON.stringify(report), { level: 9 }).toString('base64');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(names)}: netfslab report</title>
<style>${style}</style>
</head>
<body>
<noscript><p>This report is drawn by a script that it holds. Allow scripts to see it.</p></noscript>
<script type="text/plain" id="report">${data}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** Writes a report to a new file, which has its name only when it is whole. Throws `ErrnoError`. */
export function writeReport(request: ReportRequest, out: string): ReportDocument {
  if (existsSync(out)) {
    throw new ErrnoError('EEXIST', 'open', out, { hint: 'name another file with --out' });
  }
  const report = reportDocument(request);
  const part = `${out}.part`;
  try {
    writeFileSync(part, reportPage(report), { flush: true });
    renameSync(part, out);
  } catch (error) {
    rmSync(part, { force: true });
    throw new ErrnoError(errnoFromNode(error), 'open', out, { cause: error });
  }
  return report;
}
