/**
 * The arguments of an embedded `print fmt`, compiled to closures over a record: C expressions over
 * `REC->field` and the kernel's print helpers. Called by trace_dat_print.ts.
 */
import type { Layout } from './bytes.js';
import type { EventFormat, Field } from './format.js';
import { HELPERS } from './helpers.js';
import { STRUCTS } from './structs.js';
import {
  arithmetic,
  asText,
  bytesOf,
  castOf,
  castTo,
  type Expression,
  fieldValue,
  type Integer,
  invert,
  isTrue,
  LEVELS,
  NOTHING,
  type NumberExpression,
  narrow,
  negate,
  number,
  type RecordView,
  readNumber,
  type Symbolic,
  text,
} from './value.js';

/** A print format that is not understood; `at` is the position in it. */
export class PrintFmtError extends Error {
  readonly at: number;

  constructor(at: number, problem: string) {
    super(problem);
    this.at = at;
  }
}

interface Token {
  readonly kind: 'number' | 'text' | 'char' | 'name' | 'sign' | 'end';
  readonly text: string;
  readonly at: number;
}

const TOKEN =
  /\s*(?:(0[xX][0-9a-fA-F]+[uUlL]*|\d+[uUlL]*)|("(?:[^"\\]|\\.)*")|('(?:[^'\\]|\\.)')|([A-Za-z_]\w*)|(->|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>?:.,(){}[\]]))/y;
const KINDS = ['number', 'text', 'char', 'name', 'sign'] as const;
const MAX_DEPTH = 64;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', 0: '\0' };

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; ; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(source);
    if (match === null) {
      if (source.slice(at).trim() !== '') throw new PrintFmtError(at, 'not a C expression');
      tokens.push({ kind: 'end', text: '', at });
      return tokens;
    }
    const group = match.findIndex((text, i) => i > 0 && text !== undefined);
    tokens.push({ kind: KINDS[group - 1]!, text: match[group] as string, at });
  }
}

/** Compiles the arguments behind the format string: `, a, b, ...`, at position `base` of it. */
export function compileArguments(source: string, format: EventFormat, layout: Layout) {
  return new Parser(tokenize(source), format, layout).arguments();
}

const TYPE_WORD =
  /^(?:unsigned|signed|int|long|short|char|void|const|struct|enum|bool|_*[us](?:8|16|32|64)|_*[bl]e(?:16|32|64)|\w+_t)$/;

/** The parser of one event's arguments; helpers take theirs from it. */
export class Parser {
  readonly #tokens: readonly Token[];
  readonly #format: EventFormat;
  readonly #layout: Layout;
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], format: EventFormat, layout: Layout) {
    this.#tokens = tokens;
    this.#format = format;
    this.#layout = layout;
  }

  arguments(): Expression[] {
    const list: Expression[] = [];
    while (this.#peek.kind !== 'end') {
      this.#expect(',');
      list.push(this.#expression());
    }
    return list;
  }

  get #peek(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #take(): Token {
    const token = this.#peek;
    if (token.kind !== 'end') this.#next++;
    return token;
  }

  #is(text: string, ahead = 0): boolean {
    const token = this.#tokens[this.#next + ahead];
    return token !== undefined && token.kind === 'sign' && token.text === text;
  }

  #accept(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#next++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#accept(text)) throw this.error(`expected '${text}'`);
  }

  /** What to throw about the next token. */
  error(problem: string): PrintFmtError {
    const { text, at } = this.#peek;
    return new PrintFmtError(at, `${problem} at '${text || 'the end'}'`);
  }

  #expression(): Expression {
    if (++this.#depth > MAX_DEPTH) throw this.error('nested too deeply');
    const condition = this.#binary(0);
    if (!this.#accept('?')) {
      this.#depth--;
      return condition;
    }
    const yes = this.#expression();
    this.#expect(':');
    const no = this.#expression();
    this.#depth--;
    const test = this.#number(condition).eval;
    return choose((record) => isTrue(test(record)), yes, no, this);
  }

  #binary(level: number): Expression {
    if (level === LEVELS.length) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const { kind, text } = this.#peek;
      const operator = kind === 'sign' ? LEVELS[level]?.[text] : undefined;
      if (operator === undefined) return left;
      this.#next++;
      const right = this.#number(this.#binary(level + 1));
      left = arithmetic(text, operator, this.#number(left), right);
    }
  }

  #unary(): Expression {
    if (++this.#depth > MAX_DEPTH * 4) throw this.error('nested too deeply');
    try {
      if (this.#accept('-')) return negate(this.#number(this.#unary()));
      if (this.#accept('+')) return this.#number(this.#unary());
      if (this.#accept('~')) return invert(this.#number(this.#unary()));
      if (this.#accept('!')) {
        const { eval: value } = this.#number(this.#unary());
        return number(32, true, (record) => (isTrue(value(record)) ? 0 : 1));
      }
      if (this.#accept('&')) return this.#unary();
      const cast = this.#cast();
      if (cast === null) return this.#primary();
      const operand = this.#unary();
      if (operand.kind !== 'number' || cast === 'other') return operand;
      return castTo(cast.bits, cast.signed, operand);
    } finally {
      this.#depth--;
    }
  }

  /** Takes `(type)`; 'other' for a type whose size is not known, null if it is not a cast. */
  #cast(): { bits: 8 | 16 | 32 | 64; signed: boolean } | 'other' | null {
    if (!this.#is('(')) return null;
    const words: string[] = [];
    let at = this.#next + 1;
    for (; ; at++) {
      const token = this.#tokens[at] as Token;
      if (token.kind === 'name' || (token.kind === 'sign' && token.text === '*')) {
        words.push(token.text);
      } else break;
    }
    const first = words[0] ?? '';
    if (!this.#is(')', at - this.#next) || !TYPE_WORD.test(first)) return null;
    this.#next = at + 1;
    return castOf(words, this.#layout);
  }

  #primary(): Expression {
    const token = this.#take();
    if (token.kind === 'number') return literal(token.text);
    if (token.kind === 'text') {
      const unquoted = unquote(token.text);
      return text(() => unquoted);
    }
    if (token.kind === 'char') {
      const code = unquote(token.text).charCodeAt(0);
      return number(32, true, () => code);
    }
    if (token.kind === 'sign' && token.text === '(') {
      const inner = this.#expression();
      this.#expect(')');
      return inner;
    }
    if (token.kind !== 'name') {
      this.#next--;
      throw this.error('expected a value');
    }
    if (token.text === 'REC') return this.#field();
    if (this.#is('(')) return this.#call(token);
    throw new PrintFmtError(token.at, `'${token.text}' is not known`);
  }

  /** `REC->a`, `REC->a.b`, `REC->a[1]`. */
  #field(): Expression {
    this.#expect('->');
    const { text: name, at } = this.#take();
    const field = this.#format.fields.get(name);
    if (field === undefined) throw new PrintFmtError(at, `field '${name}' is not in the format`);
    if (this.#is('.')) return this.#member(field);
    if (this.#is('[')) return this.#element(field);
    return fieldValue(field, this.#layout);
  }

  #member(field: Field): Expression {
    let path = '';
    while (this.#accept('.')) path += `${path === '' ? '' : '.'}${this.#take().text}`;
    const type = field.type.replace(/^(?:const )?struct /, '');
    const member = Object.hasOwn(STRUCTS, type) ? STRUCTS[type]?.[path] : undefined;
    if (member === undefined) throw this.error(`what '.${path}' of a '${type}' is is not known`);
    const [offset, size, signed = false] = member;
    const located = { ...field, type: '', offset: field.offset + offset, size, signed };
    return fieldValue({ ...located, array: size > 8 }, this.#layout);
  }

  #element(field: Field): Expression {
    this.#expect('[');
    const index = this.#number(this.#expression()).eval;
    this.#expect(']');
    const bytes = bytesOf(field, this.#layout.little);
    const size = elementSize(field.type);
    return number((size * 8) as 8 | 16 | 32 | 64, field.signed, (record) => {
      const array = bytes(record);
      const at = Number(index(record)) * size;
      if (!(at >= 0 && at + size <= array.length)) return 0;
      const view = new DataView(array.buffer, array.byteOffset, array.length);
      return readNumber(view, at, size, field.signed, this.#layout.little);
    });
  }

  #number(expression: Expression): NumberExpression {
    if (expression.kind === 'number') return expression;
    if (expression.kind === 'bytes') {
      // A pointer as a condition: it is there.
      return number(64, false, () => 1);
    }
    throw this.error('expected a number');
  }

  #call({ text: name, at }: Token): Expression {
    const helper = Object.hasOwn(HELPERS, name) ? HELPERS[name] : undefined;
    if (helper === undefined) throw new PrintFmtError(at, `helper '${name}' is not known`);
    this.#expect('(');
    const value = helper(this);
    this.#expect(')');
    return value;
  }

  /** The dynamic array named next. */
  dynamicField(): Field {
    const { text: name, at } = this.#take();
    const field = this.#format.fields.get(name);
    if (field === undefined) throw new PrintFmtError(at, `field '${name}' is not in the format`);
    return field;
  }

  get layout(): Layout {
    return this.#layout;
  }

  /** The next argument, which must be a number. */
  numberArgument(): NumberExpression {
    return this.#number(this.#expression());
  }

  /** The next argument. */
  argument(): Expression {
    return this.#expression();
  }

  comma(): void {
    this.#expect(',');
  }

  /** The rest of `, { value, "word" }, ...`. */
  symbols(): Symbolic[] {
    const list: Symbolic[] = [];
    while (this.#accept(',')) {
      this.#expect('{');
      const enumName = this.#peek.kind === 'name' && this.#is(',', 1) ? this.#take().text : null;
      const value = enumName === null ? constant(this.numberArgument()) : list.length;
      this.#expect(',');
      const word = this.argument();
      if (word.kind !== 'text') throw this.error('expected a text');
      this.#expect('}');
      list.push({ value, name: enumName, word: word.eval(NOTHING) });
    }
    return list;
  }
}

/** The value of an expression without fields. */
function constant(expression: NumberExpression): Integer {
  try {
    return expression.eval(NOTHING);
  } catch {
    throw new PrintFmtError(0, 'expected a constant');
  }
}

/** Bytes of an element of an array by its type; 1 where it is not known. */
function elementSize(type: string): 1 | 2 | 4 | 8 {
  const cast = castOf(type.replace(/^__\w+_loc /, '').split(/\s+/), { little: true, longSize: 8 });
  return cast === 'other' ? 1 : ((cast.bits / 8) as 1 | 2 | 4 | 8);
}

function literal(source: string): NumberExpression {
  const [, digits = '', suffix = ''] = /^(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)$/.exec(source) ?? [];
  const octal = /^0[0-7]+$/.test(digits);
  const big = BigInt(octal ? `0o${digits}` : /^0\d/.test(digits) ? digits.slice(1) : digits);
  const unsigned = /u/i.test(suffix);
  const wide = /l/i.test(suffix) || big > 0xffff_ffffn || (!unsigned && big > 0x7fff_ffffn);
  const value = narrow(BigInt.asUintN(64, big));
  return number(wide ? 64 : 32, !unsigned, () => value);
}

function unquote(source: string): string {
  const inner = source.slice(1, -1);
  return inner.replace(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter);
}

function choose(
  test: (record: RecordView) => boolean,
  yes: Expression,
  no: Expression,
  parser: Parser,
): Expression {
  if (yes.kind === 'text' && no.kind === 'text') {
    return text((record) => (test(record) ? yes : no).eval(record));
  }
  if (yes.kind === 'bytes' && no.kind === 'bytes') {
    return { kind: 'bytes', eval: (record) => (test(record) ? yes : no).eval(record) };
  }
  if (yes.kind === 'number' && no.kind === 'number') {
    const bits = Math.max(32, yes.bits, no.bits) as 32 | 64;
    return number(bits, yes.signed && no.signed, (r) => (test(r) ? yes : no).eval(r));
  }
  // Text on one side, an array of characters on the other.
  const [a, b] = [asText(yes), asText(no)];
  if (a === null || b === null) throw new PrintFmtError(parser.layout.longSize, 'mixed types');
  return text((record) => (test(record) ? a : b)(record));
}
