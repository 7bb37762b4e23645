/**
 * Values of fio's options: numbers with units, ranges, times, arithmetic in parentheses. Facts:
 * fio's HOWTO ("Parameter types"). Every function throws a string-free `BadValue` that the caller
 * turns into an error with the place of the option.
 */

/** A value that is not of its type: what was expected. */
export class BadValue extends Error {
  override readonly name = 'BadValue';
}

/** What decides how values are read. */
export interface ValueRules {
  /** `kb_base`: 1024 (k = 1024, KiB = 1000) or 1000 (k = 1000, KiB = 1024). */
  readonly kbBase: number;
}

const LETTERS = 'kmgtp';

// Factor of a unit: `k`, `kb`, `ki`, `kib`, `b`, or none. Only `kib` has the other base, as in fio.
function unitFactor(unit: string, { kbBase }: ValueRules): number {
  const found = /^(?:([kmgtp])(ib)?(?:i|b)?|b)?$/.exec(unit.toLowerCase());
  if (found === null) throw new BadValue(`a unit (k, m, g, t, p, ki, mi, ...), not '${unit}'`);
  const [, letter, binary] = found;
  if (letter === undefined) return 1;
  const swapped = kbBase === 1000 ? 1024 : 1000;
  return (binary === 'ib' ? swapped : kbBase) ** (LETTERS.indexOf(letter) + 1);
}

const TIME_UNITS: Readonly<Record<string, number>> = {
  us: 1e3,
  usec: 1e3,
  ms: 1e6,
  msec: 1e6,
  s: 1e9,
  sec: 1e9,
  m: 60e9,
  h: 3600e9,
  d: 86_400e9,
};

/** A whole number: `4096`, `4k`, `0x1000`, `(2*4k)`. */
export function parseInteger(text: string, rules: ValueRules): number {
  const trimmed = text.trim();
  const value = trimmed.startsWith('(')
    ? Math.trunc(evaluate(trimmed, (number, unit) => number * unitFactor(unit, rules)))
    : plainNumber(trimmed, (unit) => unitFactor(unit, rules));
  if (!Number.isSafeInteger(value)) throw new BadValue('a whole number below 2^53');
  return value;
}

/** A time in nanoseconds; a bare number counts `unit` nanoseconds (seconds or microseconds). */
export function parseTime(text: string, unit: number): number {
  const factor = (name: string): number => {
    if (name === '') return unit;
    const found = TIME_UNITS[name.toLowerCase()];
    if (found === undefined)
      throw new BadValue(`a unit of time (us, ms, s, m, h, d), not '${name}'`);
    return found;
  };
  const trimmed = text.trim();
  // In parentheses a bare number counts microseconds, whatever it counts outside.
  const value = trimmed.startsWith('(')
    ? evaluate(trimmed, (number, name) => number * (name === '' ? 1e3 : factor(name)))
    : plainNumber(trimmed, factor);
  if (!Number.isSafeInteger(Math.round(value))) throw new BadValue('a time');
  return Math.round(value);
}

function plainNumber(text: string, factor: (unit: string) => number): number {
  const found = /^([-+]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?))\s*([A-Za-z]*)$/.exec(text);
  if (found === null) throw new BadValue(`a number, not '${text}'`);
  const [, digits = '', unit = ''] = found;
  return (digits.startsWith('-') ? -1 : 1) * Number(digits.replace(/^[-+]/, '')) * factor(unit);
}

/** A size, or a share of something: `50%`. */
export type SizeValue = { readonly bytes: number } | { readonly percent: number };

/** A size in bytes or percent. */
export function parseSizeValue(text: string, rules: ValueRules): SizeValue {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text.trim());
  if (percent === null) return { bytes: parseInteger(text, rules) };
  const value = Number(percent[1]);
  if (value > 100) throw new BadValue('at most 100%');
  return { percent: value };
}

/** A fraction, `0.8`. */
export function parseFloatValue(text: string): number {
  const value = Number(text.trim());
  if (text.trim() === '' || !Number.isFinite(value)) throw new BadValue(`a number, not '${text}'`);
  return value;
}

/** True or false: `1`, `0`; a bare option is true. */
export function parseBoolean(text: string | undefined): boolean {
  if (text === undefined || /^(1|true|yes)$/i.test(text.trim())) return true;
  if (/^(0|false|no)$/i.test(text.trim())) return false;
  throw new BadValue(`0 or 1, not '${text}'`);
}

/** Reads and writes: one value serves both, `4k,16k` gives each its own, `,16k` only writes. */
export interface PerDirection<T> {
  readonly read: T;
  readonly write: T;
}

/** Splits at commas into values for reads and writes (and trims, which are left out). */
export function perDirection<T>(
  text: string,
  parse: (part: string) => T,
  defaults: PerDirection<T>,
): PerDirection<T> {
  const parts = text.split(',');
  if (parts.length > 3) throw new BadValue('values for reads, writes and trims');
  const [first = '', second] = parts.map((part) => part.trim());
  const read = first === '' ? defaults.read : parse(first);
  if (second === undefined) return { read, write: first === '' ? defaults.write : parse(first) };
  return { read, write: second === '' ? defaults.write : parse(second) };
}

/** A range, `1k-4k` or `1k:4k`. */
export function parseRange(text: string, rules: ValueRules): { min: number; max: number } {
  const found = /^\s*([^-:]+?)\s*[-:]\s*([^-:]+?)\s*$/.exec(text);
  const min = parseInteger(found?.[1] ?? text, rules);
  const max = parseInteger(found?.[2] ?? text, rules);
  if (min > max) return { min: max, max: min };
  return { min, max };
}

/** One size of a `bssplit` and how many percent of the operations have it. */
export interface SplitPart {
  readonly bytes: number;
  readonly percent: number;
}

/** `4k/60:64k/40`; parts without a percentage share what is left. */
export function parseSplit(text: string, rules: ValueRules): readonly SplitPart[] {
  const parts = text.split(':').map((part) => {
    const [size = '', percent = ''] = part.split('/');
    const share = percent.trim() === '' ? Number.NaN : Number(percent);
    if (!(Number.isNaN(share) || (share >= 0 && share <= 100))) {
      throw new BadValue(`percent from 0 to 100, not '${percent}'`);
    }
    return { bytes: parseInteger(size, rules), percent: share };
  });
  const given = parts.reduce((sum, { percent }) => sum + (Number.isNaN(percent) ? 0 : percent), 0);
  if (given > 100) throw new BadValue('percentages that add up to at most 100');
  const open = parts.filter(({ percent }) => Number.isNaN(percent)).length;
  const rest = open === 0 ? 0 : (100 - given) / open;
  return parts
    .map(({ bytes, percent }) => ({ bytes, percent: Number.isNaN(percent) ? rest : percent }))
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => a.bytes - b.bytes);
}

/** Value of an expression of + - * / % ^ and parentheses, each number with its unit. */
function evaluate(text: string, scale: (value: number, unit: string) => number): number {
  const tokens = text.match(/0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?|[A-Za-z]+|[-+*/%^()]|\S/g) ?? [];
  if (tokens.length > 1000) throw new BadValue('a shorter expression');
  let at = 0;
  const primary = (): number => {
    const token = tokens[at++] ?? '';
    if (token === '-') return -primary();
    if (token === '(') {
      const value = level(0);
      if (tokens[at++] !== ')') throw new BadValue("')' at the end of the expression");
      return value;
    }
    if (!/^\d/.test(token)) throw new BadValue(`a number in the expression, not '${token}'`);
    const unit = /^[A-Za-z]+$/.test(tokens[at] ?? '') ? (tokens[at++] as string) : '';
    return scale(Number(token), unit);
  };
  const level = (depth: number): number => {
    if (depth === LEVELS.length) return primary();
    let left = level(depth + 1);
    while ((LEVELS[depth] as readonly string[]).includes(tokens[at] ?? '')) {
      const operator = tokens[at++] as keyof typeof APPLY;
      left = APPLY[operator](left, level(depth + 1));
    }
    return left;
  };
  const value = level(0);
  if (at !== tokens.length) throw new BadValue(`an operator, not '${tokens[at]}'`);
  return value;
}

const LEVELS = [['+', '-'], ['*', '/', '%'], ['^']] as const;
const APPLY = {
  '+': (a: number, b: number) => a + b,
  '-': (a: number, b: number) => a - b,
  '*': (a: number, b: number) => a * b,
  '/': (a: number, b: number) => a / b,
  '%': (a: number, b: number) => a % b,
  '^': (a: number, b: number) => a ** b,
};
