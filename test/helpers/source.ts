/** Reading the project's own sources as text, for the tidy test: no parser, comments taken out. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the checkout; compiled tests lie in dist/test/helpers. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** One source file. */
export interface Source {
  /** Path below the root, with slashes. */
  readonly path: string;
  readonly text: string;
  /** The text with every comment blanked; lines keep their numbers. */
  readonly code: string;
}

/** Every TypeScript file below a folder of the root. */
export function readSources(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => {
      const path = `${folder}/${name.replaceAll('\\', '/')}`;
      const text = readFileSync(join(ROOT, path), 'utf8');
      return { path, text, code: blank(text, 'comments') };
    });
}

const TOKEN =
  /(\/\/[^\n]*|\/\*[\s\S]*?\*\/)|('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`)|((?<=(?:^|[(,=:[!&|?{};]|return)\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*)/gm;

/** The text with comments, literals, or both turned into blanks; newlines stay. */
export function blank(text: string, what: 'comments' | 'literals' | 'both'): string {
  return text.replaceAll(TOKEN, (token, comment: string | undefined) => {
    const kind = comment === undefined ? 'literals' : 'comments';
    return what === 'both' || what === kind ? token.replaceAll(/[^\n]/g, ' ') : token;
  });
}

/** One import or re-export. */
export interface Import {
  /** The specifier as written. */
  readonly from: string;
  /** True when it vanishes at run time. */
  readonly typeOnly: boolean;
}

/** Every import, re-export and dynamic import of a file. */
export function importsOf({ code }: Source): Import[] {
  const found: Import[] = [];
  const statement =
    /^(?:import|export)\s+(type\s+)?(?:([\w*][^;'"]*?|\{[^}]*\}[^;'"]*?)\s*from\s*)?'([^']+)'/gm;
  for (const [, type, names = '', from = ''] of code.matchAll(statement)) {
    const listed = /^\{([^}]*)\}\s*$/.exec(names)?.[1]?.split(',') ?? [''];
    const allTypes = listed.every((name) => name.trim() === '' || /^\s*type\s/.test(name));
    found.push({ from, typeOnly: type !== undefined || (names.startsWith('{') && allTypes) });
  }
  for (const [, from = ''] of code.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g)) {
    found.push({ from, typeOnly: false });
  }
  return found;
}

/** A function of a file, by the line its body opens on. */
export interface FunctionSpan {
  readonly line: number;
  readonly length: number;
}

/**
 * The functions of a file. Relies on the formatter: a body opens at the end of a line and closes on
 * the next line of the same indentation that starts with a brace.
 */
export function functionsOf({ text }: Source): FunctionSpan[] {
  const lines = blank(text, 'both').split('\n');
  const opens =
    /(\bfunction\b.*|=>|^\s*\)(: [^=]+)?|^\s*(?!\s|(?:if|for|while|switch|catch|else|class|do|try)\b)[\w#*[\].<> ]+\(.*\)(: [^=]+)?) \{\s*$/;
  const found: FunctionSpan[] = [];
  lines.forEach((line, i) => {
    if (!opens.test(line)) return;
    const indent = /^\s*/.exec(line)![0];
    const rest = lines.slice(i + 1);
    const close = rest.findIndex((next) => next.startsWith(`${indent}}`));
    found.push({ line: i + 1, length: close + 2 });
  });
  return found;
}
