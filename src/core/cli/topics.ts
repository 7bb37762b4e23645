/** Topics of `netfslab help`: pages of the manual that the package has with it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../base/errors.js';
import { closest } from '../base/suggest.js';

const DOCS = new URL('../../../../docs/', import.meta.url);

/** Every topic: what it is about, and its page. */
export const TOPICS: Readonly<Record<string, { readonly doc: string; readonly page: string }>> = {
  accounting: {
    doc: 'what is a hit, and how bytes are counted',
    page: 'reference/accounting.md',
  },
  api: { doc: 'labs and traces from a program', page: 'reference/api.md' },
  cache: { doc: 'what a reader of the disk cache may rely on', page: 'reference/cache.md' },
  commands: { doc: 'all commands, and the exit codes', page: 'reference/cli.md' },
  eras: { doc: 'kernels by what their traces print', page: 'reference/eras.md' },
  fleet: { doc: 'many captures at once', page: 'how-to/fleet.md' },
  import: { doc: 'forms of traces, mails and logs', page: 'how-to/import-a-trace.md' },
  laws: { doc: 'the rules of trace check', page: 'reference/check.md' },
  mount: { doc: 'how a mount differs from a local filesystem', page: 'reference/mount.md' },
  'op-lists': { doc: 'the language of op lists', page: 'reference/op-lists.md' },
  record: { doc: 'recording a machine', page: 'how-to/record-a-machine.md' },
  report: { doc: 'reading an HTML report', page: 'how-to/read-a-report.md' },
  shell: { doc: 'completion, manual pages, the pager', page: 'how-to/shell.md' },
  sql: { doc: 'asking a capture in SQL', page: 'how-to/ask-in-sql.md' },
  'what-if': { doc: 'other settings, miss-ratio curves', page: 'how-to/ask-what-if.md' },
  workloads: { doc: 'fio, strace, blkparse, xfs_io and fsx', page: 'how-to/play-a-workload.md' },
  writes: { doc: 'what the write side plays', page: 'reference/writes.md' },
};

/** The page of a topic, line by line. Throws `UsageError`. */
export function topicLines(topic: string): string[] {
  const found = TOPICS[topic];
  if (found === undefined) {
    const near = closest(topic, Object.keys(TOPICS));
    throw new UsageError(
      'TOPIC',
      `there is none called '${topic}'`,
      near === undefined ? 'netfslab help' : `netfslab help ${near}`,
    );
  }
  const text = readFileSync(fileURLToPath(new URL(found.page, DOCS)), 'utf8');
  // What a test does with an example is nothing to a reader.
  return text
    .trimEnd()
    .split('\n')
    .filter((line) => !/^<!-- .* -->$/.test(line));
}
