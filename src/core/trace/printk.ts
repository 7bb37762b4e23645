/**
 * The kernel's printf strings, compiled once: literal text and conversions. Called by the
 * tracepoint table, which prints and parses rows by them, and by the store, which makes SQL printf
 * of them.
 */
import { Bug } from '../base/errors.js';
import type { Value } from './types.js';

/** One conversion of a format. */
export interface Conversion {
  readonly kind: 'x' | 'u' | 'd' | 's' | 'c';
  /** Minimum width; 0 = none. */
  readonly width: number;
  readonly zero: boolean;
  readonly left: boolean;
  /** Bits of the C type, which decide how a negative number prints in hexadecimal. */
  readonly bits: 32 | 64;
}

/** A format as alternating text and conversions: `text[0] conversion[0] text[1] ...`. */
export interface Format {
  readonly source: string;
  /** One more than conversions. */
  readonly text: readonly string[];
  readonly conversions: readonly Conversion[];
}

/**
 * Compiles a printf string; flags `0` and `-`, widths, and lengths `l ll z h` are known. A hashed
 * pointer (`%p`) is text.
 */
export function compileFormat(source: string): Format {
  const text: string[] = [];
  const conversions: Conversion[] = [];
  const pattern = /%([0-]*)(\d*)(hh|h|ll|l|z|)([xudsc]|p(?![A-Za-z]))/g;
  let end = 0;
  for (const match of source.matchAll(pattern)) {
    const [whole, flags = '', width = '', length = '', kind = ''] = match;
    text.push(source.slice(end, match.index));
    end = match.index + whole.length;
    conversions.push({
      kind: kind === 'p' ? 's' : (kind as Conversion['kind']),
      width: Number(width),
      zero: flags.includes('0'),
      left: flags.includes('-'),
      bits: length === '' || length.startsWith('h') ? 32 : 64,
    });
  }
  text.push(source.slice(end));
  if (text.some((part) => part.includes('%'))) throw new Bug(`format not understood: ${source}`);
  return { source, text, conversions };
}

/** The text of one number or text under a conversion. Null prints as 0 or as nothing. */
export function printValue(conversion: Conversion, value: Value): string {
  const digits = valueText(conversion, value);
  if (digits.length >= conversion.width) return digits;
  if (conversion.left) return digits.padEnd(conversion.width);
  return digits.padStart(conversion.width, conversion.zero ? '0' : ' ');
}

function valueText({ kind, bits }: Conversion, value: Value): string {
  if (kind === 's' || kind === 'c') return value === null ? '' : String(value);
  if (typeof value === 'string') {
    return kind === 'x' ? value.slice(2) : BigInt(value).toString();
  }
  const number = value ?? 0;
  const base = kind === 'x' ? 16 : 10;
  if (kind === 'd' || number >= 0) return number.toString(base);
  return BigInt.asUintN(bits, BigInt(number)).toString(base);
}

const DIGITS = { x: /[0-9a-f]+/y, u: /[0-9]+/y, d: /-?[0-9]+/y } as const;

/** The end of the digits of a number at `from`, -1 where there are none. */
export function scanNumber(conversion: Conversion, text: string, from: number): number {
  const pattern = DIGITS[conversion.kind as 'x' | 'u' | 'd'];
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

/** The value of digits: exact, as `0x` text from 2^53 on. */
export function parseNumber(conversion: Conversion, digits: string): number | string {
  const hex = conversion.kind === 'x';
  if (digits.length <= 13) return Number.parseInt(digits, hex ? 16 : 10);
  const exact = BigInt(hex ? `0x${digits}` : digits);
  if (exact <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(exact);
  return `0x${exact.toString(16)}`;
}
