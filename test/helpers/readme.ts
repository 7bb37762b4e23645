/**
 * The parts of README.md that are made from the program: the list of commands and the exit codes.
 * The tidy test compares them; `npm run readme` calls this file with --write.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EXIT_DOC } from '../../src/core/cli/exit.js';
import { ROOT, readSources } from './source.js';

/** What the tests ask of a command's class. */
export interface CommandClass {
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly args?: Readonly<Record<string, { readonly description?: string }>>;
  readonly flags?: Readonly<Record<string, { readonly description?: string }>>;
}

/** Every command by its name as typed, `trace ls`. */
export async function commandClasses(): Promise<Map<string, CommandClass>> {
  const found = new Map<string, CommandClass>();
  for (const { path } of readSources('src/commands')) {
    const name = path.replace(/^src\/commands\/|\.ts$/g, '').replaceAll('/', ' ');
    const compiled = join(ROOT, 'dist', path.replace(/\.ts$/, '.js'));
    const module = (await import(pathToFileURL(compiled).href)) as { default: CommandClass };
    found.set(name, module.default);
  }
  return found;
}

function table(head: readonly [string, string], rows: readonly (readonly string[])[]): string {
  const lines = [head, ['---', '---'], ...rows].map((row) => `| ${row.join(' | ')} |`);
  return `\n${lines.join('\n')}\n\n`;
}

/** Puts text between `<!-- name -->` and `<!-- /name -->`; without the marks nothing changes. */
function fill(readme: string, name: string, text: string): string {
  const between = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- /${name} -->)`);
  return readme.replace(between, (_, open: string, close: string) => `${open}${text}${close}`);
}

/** README.md as it is, and as it should be. */
export async function refreshedReadme(): Promise<{ before: string; after: string }> {
  const before = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const commands = [...(await commandClasses())].map(([name, { description = '' }]) => [
    `\`netfslab ${name}\``,
    description.split('\n')[0] ?? '',
  ]);
  const codes = EXIT_DOC.map(([code, meaning]) => [String(code), meaning]);
  const listed = fill(before, 'commands', table(['command', 'what it does'], commands));
  return { before, after: fill(listed, 'exit codes', table(['code', 'meaning'], codes)) };
}

if (process.argv[2] === '--write') {
  writeFileSync(join(ROOT, 'README.md'), (await refreshedReadme()).after);
}
