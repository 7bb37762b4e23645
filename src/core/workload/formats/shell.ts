/**
 * As much of the shell as scripts around xfs_io need: words, quotes, variables, arithmetic, `for`
 * loops over words, and redirections of output. Called by `xfs_io.ts`; runs no program.
 */
import { TraceParseError } from '../../base/errors.js';

/** A command with its words expanded. */
export interface ShellCommand {
  readonly words: readonly string[];
  /** File that `>` or `>>` names. */
  readonly output: string | undefined;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

interface Token {
  /** Raw text of a word, quotes and all; or an operator. */
  readonly text: string;
  readonly operator: boolean;
  readonly line: number;
  readonly column: number;
}

const OPERATORS = ['&&', '||', ';;', '>>', '<<', ';', '|', '&', '>', '<', '(', ')', '\n'] as const;
/** Most commands that loops may come to. */
const COMMANDS_MAX = 1_000_000;

function tokenize(text: string, file: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let lineStart = 0;
  for (let at = 0; at < text.length; ) {
    const c = text[at] as string;
    const column = at - lineStart + 1;
    if (c === ' ' || c === '\t' || c === '\r') at++;
    else if (c === '\\' && text[at + 1] === '\n') {
      at += 2;
      line++;
      lineStart = at;
    } else if (c === '#') {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end;
    } else {
      const fdRedirect = /^[012]?>&[012-]|^[012](?=>)/.exec(text.slice(at, at + 4));
      if (fdRedirect !== null) {
        // `2>&1` and the number of `2>` mean nothing to what is played.
        at += fdRedirect[0].length;
        continue;
      }
      const operator = OPERATORS.find((each) => text.startsWith(each, at));
      if (operator !== undefined) {
        tokens.push({ text: operator, operator: true, line, column });
        at += operator.length;
        if (operator === '\n') {
          line++;
          lineStart = at;
        }
      } else {
        const end = endOfWord(text, at);
        if (end < 0)
          throw new TraceParseError(file, line, column, 'a closing quote', text.slice(at, at + 40));
        const word = text.slice(at, end);
        tokens.push({ text: word, operator: false, line, column });
        for (let i = 0; i < word.length; i++) {
          if (word[i] !== '\n') continue;
          line++;
          lineStart = at + i + 1;
        }
        at = end;
      }
    }
  }
  tokens.push({ text: '\n', operator: true, line, column: text.length - lineStart + 1 });
  return tokens;
}

// End of the word that begins at `at`; -1: a quote is not closed.
function endOfWord(text: string, at: number): number {
  let i = at;
  while (i < text.length) {
    const c = text[i] as string;
    if (c === '\\') i += 2;
    else if (c === "'") {
      const end = text.indexOf("'", i + 1);
      if (end < 0) return -1;
      i = end + 1;
    } else if (c === '"') {
      i++;
      while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
      if (i >= text.length) return -1;
      i++;
    } else if (c === '$' && text[i + 1] === '(') {
      const end = closing(text, i + 1);
      if (end < 0) return -1;
      i = end;
    } else if (/[\s;|&<>()]/.test(c)) break;
    else i++;
  }
  return Math.min(i, text.length);
}

function closing(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')' && --depth === 0) return i + 1;
  }
  return -1;
}

/** Runs a script: each of its simple commands, loops unrolled, in order. */
export class Shell {
  readonly #file: string;
  readonly #tokens: readonly Token[];
  readonly #variables = new Map<string, string>();
  readonly #perform: (command: ShellCommand) => void;
  #commands = 0;

  /** Throws a `TraceParseError` where a quote is not closed. */
  constructor(text: string, file: string, perform: (command: ShellCommand) => void) {
    this.#file = file;
    this.#tokens = tokenize(text, file);
    this.#perform = perform;
  }

  /** Throws a `TraceParseError` at what it does not understand. */
  run(): void {
    const end = this.#list(0, this.#tokens.length, true);
    const token = this.#tokens[end];
    if (token !== undefined) this.#fail(token, 'a command');
  }

  // Performs commands from `from` on; stops at `done`. Returns where it stopped.
  #list(from: number, to: number, perform: boolean): number {
    let at = from;
    while (at < to) {
      const token = this.#tokens[at] as Token;
      if (token.operator) {
        if (token.text === '(' || token.text === ')')
          this.#fail(token, 'a command without a subshell');
        at++;
      } else if (token.text === 'done') return at;
      else if (token.text === 'for') at = this.#loop(at, perform);
      else if (NOT_PLAYED.has(token.text))
        this.#fail(token, 'commands and `for` loops with fixed bounds');
      else at = this.#simple(at, perform);
    }
    return at;
  }

  #loop(at: number, perform: boolean): number {
    const head = this.#tokens[at] as Token;
    const name = this.#tokens[at + 1];
    if (name === undefined || name.operator || this.#tokens[at + 2]?.text !== 'in') {
      this.#fail(head, 'for NAME in WORDS');
    }
    const words: string[] = [];
    let next = at + 3;
    for (; !(this.#tokens[next]?.operator ?? true); next++) {
      words.push(...this.#expand(this.#tokens[next] as Token));
    }
    while (this.#tokens[next]?.operator === true) next++;
    const begin = this.#tokens[next];
    if (begin?.text !== 'do') this.#fail(begin ?? head, 'do');
    const body = next + 1;
    // Once without effect: to find its end, and where no word runs it at all.
    const end = this.#list(body, this.#tokens.length, false);
    if (this.#tokens[end]?.text !== 'done') this.#fail(head, 'done at the end of the loop');
    for (const word of perform ? words : []) {
      this.#variables.set((name as Token).text, word);
      this.#list(body, end, true);
    }
    return end + 1;
  }

  #simple(at: number, perform: boolean): number {
    const first = this.#tokens[at] as Token;
    const words: string[] = [];
    let output: string | undefined;
    let next = at;
    let piped = false;
    for (; next < this.#tokens.length; next++) {
      const token = this.#tokens[next] as Token;
      if (token.operator) {
        if (token.text === '>' || token.text === '>>') {
          output = this.#expand(this.#tokens[++next] as Token)[0];
        } else if (token.text === '<' || token.text === '<<') next++;
        else if (token.text === '|') piped = true;
        else break;
        // What a command prints is filtered: the filter touches no file.
      } else if (!piped && perform) words.push(...this.#expand(token));
    }
    if (!perform) return next;
    if (++this.#commands > COMMANDS_MAX) this.#fail(first, `at most ${COMMANDS_MAX} commands`);
    while (words.length > 0 && this.#assign(words[0] as string)) words.shift();
    const { line, column } = first;
    if (words.length > 0) this.#perform({ words, output, line, column });
    return next;
  }

  #assign(word: string): boolean {
    const found = /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(word);
    if (found !== null) this.#variables.set(found[1] as string, found[2] as string);
    return found !== null;
  }

  // A word, quotes and variables taken off; several where braces or an unquoted list make them.
  #expand(token: Token): string[] {
    const { text } = token;
    const range = /^\{(-?\d+)\.\.(-?\d+)(?:\.\.(\d+))?\}$/.exec(text);
    if (range !== null) return numbers(Number(range[1]), Number(range[2]), Number(range[3] ?? 1));
    const value = this.#substitute(token);
    const unquoted = /^\$(\w+|\{\w+\}|\(.*\))$/s.test(text) && !text.startsWith('$((');
    return unquoted ? value.split(/\s+/).filter((each) => each !== '') : [value];
  }

  #substitute(token: Token): string {
    const { text } = token;
    let out = '';
    let double = false;
    for (let i = 0; i < text.length; i++) {
      const c = text[i] as string;
      if (c === "'" && !double) {
        const end = text.indexOf("'", i + 1);
        out += text.slice(i + 1, end);
        i = end;
      } else if (c === '"') double = !double;
      else if (c === '\\' && i + 1 < text.length) {
        i++;
        if (text[i] !== '\n') out += text[i];
      } else if (c === '$') {
        const [value, length] = this.#variable(text.slice(i), token);
        out += value;
        i += length - 1;
      } else out += c;
    }
    return out;
  }

  // The value at the beginning of `text`, and how much of it that is.
  #variable(text: string, token: Token): readonly [value: string, length: number] {
    if (text.startsWith('$((')) {
      const end = closing(text, 1);
      const body = text.slice(3, Math.max(3, end - 2));
      return [String(this.#arithmetic(body, token)), Math.max(end, 3)];
    }
    if (text.startsWith('$(')) {
      const end = closing(text, 1);
      const body = this.#substitute({ ...token, text: text.slice(2, end - 1) });
      const seq = /^seq +(-?\d+)(?: +(-?\d+))?(?: +(-?\d+))?$/.exec(body.trim());
      if (seq === null) this.#fail(token, '$(seq FIRST LAST) as the only command in a word');
      const [a = 1, b, c] = seq
        .slice(1)
        .map((each) => (each === undefined ? undefined : Number(each)));
      if (b === undefined) return [numbers(1, a, 1).join(' '), end];
      return [(c === undefined ? numbers(a, b, 1) : numbers(a, c, b)).join(' '), end];
    }
    const found = /^\$(?:(\w+)|\{(\w+)\})/.exec(text);
    if (found === null) return ['$', 1];
    const name = (found[1] ?? found[2]) as string;
    // A directory that the script was given is the served one.
    return [this.#variables.get(name) ?? KNOWN[name] ?? '', found[0].length];
  }

  #arithmetic(body: string, token: Token): number {
    const plain = body.replaceAll(/\$?\{?\b([A-Za-z_]\w*)\b\}?/g, (_, name: string) => {
      return this.#variables.get(name) ?? '0';
    });
    const value = evaluate(plain);
    if (value === undefined) this.#fail(token, 'arithmetic of + - * / % and parentheses');
    return value;
  }

  #fail({ line, column, text }: Token, expected: string): never {
    throw new TraceParseError(
      this.#file,
      line,
      column,
      expected,
      text === '\n' ? 'end of line' : text,
    );
  }
}

const KNOWN: Readonly<Record<string, string>> = { XFS_IO_PROG: 'xfs_io' };

/** Words of the shell whose course depends on what programs return. */
const NOT_PLAYED = new Set(['while', 'until', 'if', 'case', 'select', 'function']);

function numbers(first: number, last: number, step: number): string[] {
  const by = first <= last ? Math.abs(step) || 1 : -(Math.abs(step) || 1);
  const count = Math.min(COMMANDS_MAX, Math.floor((last - first) / by) + 1);
  return Array.from({ length: Math.max(0, count) }, (_, i) => String(first + i * by));
}

/** The whole number that an expression of + - * / % << >> and parentheses comes to. */
function evaluate(text: string): number | undefined {
  const tokens = text.match(/0x[0-9a-fA-F]+|\d+|<<|>>|[-+*/%()]|\S/g) ?? [];
  let at = 0;
  const primary = (): number => {
    const token = tokens[at++];
    if (token === '-') return -primary();
    if (token === '+') return primary();
    if (token === '(') {
      const value = level(0);
      if (tokens[at++] !== ')') return Number.NaN;
      return value;
    }
    return token !== undefined && /^\d/.test(token) ? Number(token) : Number.NaN;
  };
  const LEVELS = [
    ['<<', '>>'],
    ['+', '-'],
    ['*', '/', '%'],
  ] as const;
  const level = (depth: number): number => {
    if (depth === LEVELS.length) return primary();
    let left = level(depth + 1);
    while ((LEVELS[depth] as readonly string[]).includes(tokens[at] ?? '')) {
      const operator = tokens[at++] as string;
      left = APPLY[operator]!(left, level(depth + 1));
    }
    return left;
  };
  if (tokens.length > 1000) return undefined;
  const value = level(0);
  return at === tokens.length && Number.isSafeInteger(value) ? value : undefined;
}

const APPLY: Readonly<Record<string, (a: number, b: number) => number>> = {
  '<<': (a, b) => a * 2 ** b,
  '>>': (a, b) => Math.floor(a / 2 ** b),
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => Math.trunc(a / b),
  '%': (a, b) => a % b,
};
