/**
 * Manual pages, made from the help: netfslab(1) and one for each command. Written by the build.
 * Source of the form: man(7).
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ListedCommand, listCommands } from './command_list.js';
import { EXIT_DOC } from './exit.js';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

/** Writes the pages into a folder, which is made. */
export function writeManPages(folder = join(ROOT, 'dist/man')): void {
  const commands = listCommands();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'netfslab.1'), overview(commands));
  for (const command of commands) {
    writeFileSync(join(folder, `${pageOf(command)}.1`), page(command));
  }
}

const pageOf = ({ words }: ListedCommand): string => ['netfslab', ...words].join('-');

/** A text in roff: a backslash, a dash, and a dot at the begin of a line have a meaning there. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .split('\n')
    .map((line) => (/^[.']/.test(line) ? `\\&${line}` : line))
    .join('\n');
}

function head(title: string): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };
  return `.TH "${title.toUpperCase()}" "1" "" "netfslab ${version}" "netfslab manual"`;
}

const paragraphs = (text: string): string[] =>
  text.split(/\n\n+/).flatMap((each) => ['.PP', roff(each).replaceAll('\n', '\n.br\n')]);

function exitCodes(): string[] {
  const rows = EXIT_DOC.flatMap(([code, meaning]) => ['.TP', `.B ${code}`, roff(meaning)]);
  return ['.SH EXIT STATUS', ...rows];
}

function overview(commands: readonly ListedCommand[]): string {
  const rows = commands.flatMap((each) => [
    '.TP',
    `.BR ${roff(pageOf(each))} (1)`,
    roff(each.summary),
  ]);
  return `${[
    head('netfslab'),
    '.SH NAME',
    "netfslab \\- the Linux network\\-filesystem read helper in userspace, and its kernel's traces",
    '.SH SYNOPSIS',
    '.B netfslab',
    '.I COMMAND',
    '[\\fIFLAGS\\fR]',
    '.SH DESCRIPTION',
    'Runs workloads through page cache, readahead and a disk cache, records every step as the',
    "kernel's own tracepoints in SQLite, and reads traces of real kernels into the same tables.",
    '.B netfslab help',
    'lists topics.',
    '.SH COMMANDS',
    ...rows,
    ...exitCodes(),
    '.SH FLAGS OF EVERY COMMAND',
    ...['.TP', '.B \\-\\-no\\-pager', 'No pager for long output on a terminal.'],
    '.SH ENVIRONMENT',
    ...[
      '.TP',
      '.B NETFSLAB_TRACES',
      'Folder of captures; default \\fI~/.local/state/netfslab\\fR.',
    ],
    ...['.TP', '.B NETFSLAB_PAGER\\fR, \\fBPAGER', 'Pager of long output; empty = none.'],
    ...['.TP', '.B NO_COLOR', 'No colours.'],
  ].join('\n')}\n`;
}

function page(command: ListedCommand): string {
  const { words, summary, description, examples, args, flags } = command;
  const shown = args.map(({ name }) => `[\\fI${roff(name.toUpperCase())}\\fR]`).join(' ');
  const argRows = args.flatMap(({ name, doc, values }) => [
    '.TP',
    `.I ${roff(name.toUpperCase())}`,
    roff(values.length > 0 ? `${doc}: ${values.join(', ')}` : doc),
  ]);
  const flagRows = flags.flatMap(({ name, char, doc, takes, values, value }) => [
    '.TP',
    `${char === undefined ? '' : `\\fB\\-${char}\\fR, `}\\fB\\-\\-${roff(name)}\\fR${takes ? ` \\fI${roff(value)}\\fR` : ''}`,
    roff(values.length > 0 ? `${doc}: ${values.join(', ')}` : doc),
  ]);
  const exampleRows = examples.flatMap((each) => ['.PP', '.nf', roff(each), '.fi']);
  return `${[
    head(pageOf(command)),
    '.SH NAME',
    `${roff(pageOf(command))} \\- ${roff(summary)}`,
    '.SH SYNOPSIS',
    `.B netfslab ${roff(words.join(' '))}`,
    `${shown} [\\fIFLAGS\\fR]`.trim(),
    '.SH DESCRIPTION',
    ...paragraphs(description || summary),
    ...(argRows.length > 0 ? ['.SH ARGUMENTS', ...argRows] : []),
    '.SH FLAGS',
    ...flagRows,
    ...(exampleRows.length > 0 ? ['.SH EXAMPLES', ...exampleRows] : []),
    ...exitCodes(),
    '.SH SEE ALSO',
    '.BR netfslab (1)',
  ].join('\n')}\n`;
}
