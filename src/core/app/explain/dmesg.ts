/**
 * The use case `explain --dmesg`: what a kernel log says about netfs and its caches, for people and
 * as rows. Called by the command and by the account of a paste.
 */
import type { Column, Row } from '../../analysis/types.js';
import { formatCount } from '../../base/units.js';
import type { KernelLog, LogItem } from '../../importer/dmesg/read_log.js';

/** Columns of the rows. */
export const DMESG_COLUMNS: readonly Column[] = [
  {
    name: 'kind',
    doc: 'benign, look, harmful, unknown, or detail of the row before.',
    unit: 'text',
  },
  { name: 'line', doc: 'First line of the input that says it.', unit: 'number' },
  { name: 'name', doc: 'The message, without what loggers put in front.', unit: 'text' },
  { name: 'means', doc: 'What it means.', unit: 'text' },
  { name: 'cause', doc: 'What usually causes it.', unit: 'text' },
  { name: 'next', doc: 'What to look at next.', unit: 'text' },
  { name: 'times', doc: 'How often it is there.', unit: 'count' },
  { name: 'kernels', doc: 'Kernels that print it; NULL = all.', unit: 'text' },
];

/** The items of a log as rows, details behind the item they belong to. */
export function dmesgRows({ items }: KernelLog): Row[] {
  return items.flatMap((item): Row[] => [
    {
      kind: item.weight,
      line: item.first,
      name: item.title,
      means: item.means,
      cause: item.cause || null,
      next: item.next || null,
      times: item.times,
      kernels: item.kernels,
    },
    ...item.details.map(
      ({ name, means }): Row => ({
        kind: 'detail',
        line: item.first,
        name,
        means,
        cause: null,
        next: null,
        times: null,
        kernels: null,
      }),
    ),
  ]);
}

/** The same for people. */
export function* dmesgLines(log: KernelLog): Iterable<string> {
  for (const item of log.items) yield* itemLines(item);
  yield* tasksLine(log);
  yield* kernelLine(log);
}

function* itemLines(item: LogItem): Iterable<string> {
  const { weight, title, means, cause, next, kernels, times, first, details } = item;
  const often = times > 1 ? `, ${formatCount(times)} times` : '';
  yield `${weight} ${title}  [line ${first}${often}${kernels === null ? '' : `; ${kernels}`}]`;
  yield `  ${means}`;
  if (cause !== '') yield `  usual cause: ${cause}`;
  if (next !== '') yield `  next: ${next}`;
  for (const { name, means: says } of details) yield `  - ${name}: ${says}`;
}

/** Who hangs, if several do. */
function* tasksLine({ items }: KernelLog): Iterable<string> {
  const hung = items.filter(({ title }) => /^INFO: task/.test(title));
  if (hung.length > 1) {
    yield `${formatCount(hung.length)} tasks hang: ${hung
      .slice(0, 20)
      .map(({ tasks }) => tasks.join(', '))
      .join(', ')}${hung.length > 20 ? ', ...' : ''}`;
  }
}

function* kernelLine({ kernels, since, until }: KernelLog): Iterable<string> {
  if (kernels.length > 0) yield `kernel ${kernels.join(', ')} (named in the log)`;
  else if (since !== '' || until !== '') {
    const range =
      until === ''
        ? `v${since} or later`
        : since === ''
          ? `v${until} or earlier`
          : `v${since} to v${until}`;
    yield `kernel ${range}, by the messages it prints`;
  }
}
