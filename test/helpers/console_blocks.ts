/**
 * The console blocks of the README and the manual. A comment before each says whether its commands
 * are run: `<!-- tested -->`, `<!-- tested: what its folder holds -->` or `<!-- not tested: why
 * -->`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './source.js';

/** A command and the lines that it prints to stdout. */
export interface Step {
  readonly command: string;
  readonly prints: string[];
}

/** A block: where it stands in its page's text, and its steps. */
export interface ConsoleBlock {
  /** Half-open range of characters between the fences. */
  readonly from: number;
  readonly to: number;
  /** What the comment before it says; undefined if there is none. */
  readonly mark: string | undefined;
  readonly steps: Step[];
}

const BLOCK = /^(?:<!-- ([^\n]*) -->\n)?```console\n(.*?)^```/gms;

/** Names of README.md and of all pages of docs/, relative to the checkout, sorted. */
export function pages(): string[] {
  const names = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' });
  const docs = names.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`);
  return ['README.md', 'CONTRIBUTING.md', ...docs.sort()];
}

/** The console blocks of a page in their order. */
export function blocksOf(page: string): ConsoleBlock[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(BLOCK)].map((match) => {
    const [whole, mark, body = ''] = match;
    const to = match.index + whole.length - 3;
    const steps: Step[] = [];
    for (const line of body.trimEnd().split('\n')) {
      if (line.startsWith('$ ')) steps.push({ command: line.slice(2), prints: [] });
      else steps.at(-1)?.prints.push(line);
    }
    return { from: to - body.length, to, mark, steps };
  });
}

/** The text between the fences. */
export function textOf(steps: readonly Step[]): string {
  return steps.map(({ command, prints }) => `${[`$ ${command}`, ...prints].join('\n')}\n`).join('');
}
