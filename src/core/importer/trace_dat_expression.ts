/**
 * The arguments of an embedded `print fmt`, compiled to closures over a record: C expressions over
 * `REC->field` and the kernel's print helpers. Called by trace_dat_print.ts.
 *
 * Kernel: include/trace/stages/ defines the helpers. Numbers have C's types: 32 or 64 bits, signed
 * or not, with its promotions; a value beyond 2^53 is a bigint.
 */
import { type Layout, textOf } from './trace_dat_bytes.js';
import type { EventFormat, Field } from './trace_dat_format.js';
import { STRUCTS } from './trace_dat_structs.js';

/** A record to evaluate over: bytes [start, end) of a page. */
export interface RecordView {
  readonly page: DataView;
  readonly start: number;
  readonly end: number;
}

/** A number exactly: a bigint where it is beyond 2^53. */
export type Integer = number | bigint;

/** A number-valued expression with its C type. */
export interface NumberExpression {
  readonly kind: 'number';
  readonly bits: 8 | 16 | 32 | 64;
  readonly signed: boolean;
  readonly eval: (record: RecordView) => Integer;
}

/** A text-valued expression. */
export interface TextExpression {
  readonly kind: 'text';
  readonly eval: (record: RecordView) => string;
  /** The words of a `__print_symbolic`, null for other text. */
  readonly symbolic: readonly Symbolic[] | null;
}

/** Bytes in the record: an array, or what `&REC->field` points to. */
export interface BytesExpression {
  readonly kind: 'bytes';
  readonly eval: (record: RecordView) => Uint8Array;
}

/** Any argument. */
export type Expression = NumberExpression | TextExpression | BytesExpression;

/** One `{ value, "word" }` of a list; `name` where the value is an enum's and not known. */
export interface Symbolic {
  value: Integer;
  readonly name: string | null;
  readonly word: string;
}

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

/** Cuts a value to a C type. */
export function wrap(value: Integer, bits: number, signed: boolean): Integer {
  if (bits === 32 && typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER) {
    return signed ? value | 0 : value >>> 0;
  }
  if (typeof value === 'number' && bits === 64 && (signed || value >= 0)) return value;
  const big = BigInt(value);
  return narrow(signed ? BigInt.asIntN(bits, big) : BigInt.asUintN(bits, big));
}

function narrow(value: bigint): Integer {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

type Binary = (a: bigint, b: bigint) => bigint;

const truth = (yes: boolean) => (yes ? 1n : 0n);
/** Binary operators by how tightly they bind. */
const LEVELS: readonly Readonly<Record<string, Binary>>[] = [
  { '||': (a, b) => truth(a !== 0n || b !== 0n) },
  { '&&': (a, b) => truth(a !== 0n && b !== 0n) },
  { '|': (a, b) => a | b },
  { '^': (a, b) => a ^ b },
  { '&': (a, b) => a & b },
  { '==': (a, b) => truth(a === b), '!=': (a, b) => truth(a !== b) },
  {
    '<': (a, b) => truth(a < b),
    '>': (a, b) => truth(a > b),
    '<=': (a, b) => truth(a <= b),
    '>=': (a, b) => truth(a >= b),
  },
  { '<<': (a, b) => a << (b & 63n), '>>': (a, b) => a >> (b & 63n) },
  { '+': (a, b) => a + b, '-': (a, b) => a - b },
  {
    '*': (a, b) => a * b,
    '/': (a, b) => (b === 0n ? 0n : a / b),
    '%': (a, b) => (b === 0n ? 0n : a % b),
  },
];
const COMPARES = new Set(['||', '&&', '==', '!=', '<', '>', '<=', '>=']);

/** The same on numbers below 2^31, where they are exact: nearly every value. */
const SMALL: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '&': (a, b) => a & b,
  '|': (a, b) => a | b,
  '>>': (a, b) => (b < 32 ? a >> b : 0),
  '==': (a, b) => (a === b ? 1 : 0),
  '!=': (a, b) => (a !== b ? 1 : 0),
  '<': (a, b) => (a < b ? 1 : 0),
  '<=': (a, b) => (a <= b ? 1 : 0),
  '>': (a, b) => (a > b ? 1 : 0),
  '>=': (a, b) => (a >= b ? 1 : 0),
};

const TYPE_WORD =
  /^(?:unsigned|signed|int|long|short|char|void|const|struct|enum|bool|_*[us](?:8|16|32|64)|_*[bl]e(?:16|32|64)|\w+_t)$/;

class Parser {
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
    if (!this.#accept(text)) throw this.#error(`expected '${text}'`);
  }

  #error(problem: string): PrintFmtError {
    const { text, at } = this.#peek;
    return new PrintFmtError(at, `${problem} at '${text || 'the end'}'`);
  }

  #expression(): Expression {
    if (++this.#depth > MAX_DEPTH) throw this.#error('nested too deeply');
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
    if (++this.#depth > MAX_DEPTH * 4) throw this.#error('nested too deeply');
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
      const { bits, signed } = cast;
      const value = operand.eval;
      return number(bits, signed, (record) => wrap(value(record), bits, signed));
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
    if (token.kind === 'text') return text(() => unquote(token.text) + '');
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
      throw this.#error('expected a value');
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
    if (member === undefined) throw this.#error(`what '.${path}' of a '${type}' is is not known`);
    const [offset, size, signed = false] = member;
    const located = { ...field, type: '', offset: field.offset + offset, size, signed };
    return fieldValue({ ...located, array: size > 8 }, this.#layout);
  }

  #element(field: Field): Expression {
    this.#expect('[');
    const index = this.#number(this.#expression()).eval;
    this.#expect(']');
    const bytes = bytesOf(field);
    const size = elementSize(field);
    const { little } = this.#layout;
    return number(size, field.signed, (record) =>
      element(bytes(record), Number(index(record)), size, field.signed, little),
    );
  }

  #number(expression: Expression): NumberExpression {
    if (expression.kind === 'number') return expression;
    if (expression.kind === 'bytes') {
      // A pointer as a condition: it is there.
      return number(64, false, () => 1);
    }
    throw this.#error('expected a number');
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
      if (word.kind !== 'text') throw this.#error('expected a text');
      this.#expect('}');
      list.push({ value, name: enumName, word: word.eval(NOTHING) });
    }
    return list;
  }
}

const NOTHING: RecordView = { page: new DataView(new ArrayBuffer(0)), start: 0, end: 0 };

function number(
  bits: 8 | 16 | 32 | 64,
  signed: boolean,
  evaluate: (record: RecordView) => Integer,
): NumberExpression {
  return { kind: 'number', bits, signed, eval: evaluate };
}

function text(
  evaluate: (record: RecordView) => string,
  symbolic: readonly Symbolic[] | null = null,
): TextExpression {
  return { kind: 'text', eval: evaluate, symbolic };
}

function isTrue(value: Integer): boolean {
  return value !== 0 && value !== 0n;
}

/** The value of an expression without fields. */
function constant(expression: NumberExpression): Integer {
  try {
    return expression.eval(NOTHING);
  } catch {
    throw new PrintFmtError(0, 'expected a constant');
  }
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

/** C's usual conversions: the wider type, unsigned if one of that width is. */
function arithmetic(
  name: string,
  operator: Binary,
  a: NumberExpression,
  b: NumberExpression,
): NumberExpression {
  const shift = name === '<<' || name === '>>';
  const bits = Math.max(32, a.bits, shift ? 0 : b.bits) as 32 | 64;
  const signedA = a.bits < bits || a.signed;
  const signed = COMPARES.has(name) || (signedA && (shift || b.bits < bits || b.signed));
  const [left, right] = [a.eval, b.eval];
  const small = SMALL[name];
  return number(COMPARES.has(name) ? 32 : bits, signed, (record) => {
    const x = left(record);
    const y = right(record);
    if (small !== undefined && isSmall(x) && isSmall(y)) return wrap(small(x, y), bits, signed);
    return wrap(narrow(operator(BigInt(x), BigInt(y))), bits, signed);
  });
}

function isSmall(value: Integer): value is number {
  return typeof value === 'number' && value >= 0 && value <= 0x7fff_ffff;
}

function negate({ eval: value, bits, signed }: NumberExpression): NumberExpression {
  const wide = bits === 64 ? 64 : 32;
  const keep = bits < 32 || signed;
  return number(wide, keep, (record) => {
    const x = value(record);
    // No negative zero: it would print a sign.
    return wrap(typeof x === 'number' ? 0 - x : -x, wide, keep);
  });
}

function invert({ eval: value, bits, signed }: NumberExpression): NumberExpression {
  const wide = bits === 64 ? 64 : 32;
  const keep = bits < 32 || signed;
  return number(wide, keep, (record) => wrap(narrow(~BigInt(value(record))), wide, keep));
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

/** An expression as `%s` prints it, null for a number. */
export function asText(expression: Expression): ((record: RecordView) => string) | null {
  if (expression.kind === 'text') return expression.eval;
  if (expression.kind === 'bytes') return (record) => textOf(expression.eval(record));
  return null;
}

function castOf(words: readonly string[], { longSize }: Layout) {
  const long = (longSize * 8) as 32 | 64;
  if (words.includes('*')) return { bits: long, signed: false };
  const signed = !words.some((word) => /^(?:unsigned|_*u\d+|_*[bl]e\d+|size_t|bool)$/.test(word));
  const sized = words.map((word) => /(8|16|32|64)(?:_t)?$/.exec(word)?.[1]).find(Boolean);
  if (sized !== undefined) return { bits: Number(sized) as 8 | 16 | 32 | 64, signed };
  const longs = words.filter((word) => word === 'long').length;
  if (longs === 2 || words.includes('loff_t')) return { bits: 64 as const, signed };
  if (longs === 1 || words.includes('size_t') || words.includes('ssize_t')) {
    return { bits: long, signed };
  }
  if (words.includes('short')) return { bits: 16 as const, signed };
  if (words.includes('char') || words.includes('bool')) return { bits: 8 as const, signed };
  const plain = words.some((word) => word === 'int' || word === 'unsigned' || word === 'signed');
  return plain ? { bits: 32 as const, signed } : ('other' as const);
}

/** A field as a value: a number where it fits one, else its bytes. */
function fieldValue(field: Field, { little }: Layout): Expression {
  const { offset, size, signed } = field;
  if (field.array || ![1, 2, 4, 8].includes(size)) return { kind: 'bytes', eval: bytesOf(field) };
  const bits = (size * 8) as 8 | 16 | 32 | 64;
  const value = (record: RecordView): Integer => {
    const at = record.start + offset;
    return at + size > record.end ? 0 : readNumber(record.page, at, size, signed, little);
  };
  return number(bits, signed, value);
}

function readNumber(
  view: DataView,
  at: number,
  size: number,
  signed: boolean,
  little: boolean,
): Integer {
  if (size === 4) return signed ? view.getInt32(at, little) : view.getUint32(at, little);
  if (size === 1) return signed ? view.getInt8(at) : view.getUint8(at);
  if (size === 2) return signed ? view.getInt16(at, little) : view.getUint16(at, little);
  const high = view.getUint32(little ? at + 4 : at, little);
  const low = view.getUint32(little ? at : at + 4, little);
  if (high < 0x20_0000) return high * 0x1_0000_0000 + low;
  return narrow(signed ? view.getBigInt64(at, little) : view.getBigUint64(at, little));
}

/** Where the bytes of a field lie in a record, clipped to it. */
function bytesOf(field: Field): (record: RecordView) => Uint8Array {
  const { offset, size, location } = field;
  return ({ page, start, end }) => {
    let from = start + offset;
    let length = size === 0 ? end - from : size;
    if (location !== null) {
      if (from + 4 > end) return new Uint8Array(0);
      // A dynamic array's field is 16 bits of offset below 16 bits of length.
      const word = page.getUint32(from, littleOf(page));
      from = (location === 'data' ? start : from + size) + (word & 0xffff);
      length = word >>> 16;
    }
    const room = Math.max(0, Math.min(length, end - from));
    return new Uint8Array(page.buffer, page.byteOffset + Math.min(from, end), room);
  };
}
