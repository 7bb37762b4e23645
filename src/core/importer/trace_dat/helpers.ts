/**
 * The helpers that a `print fmt` calls: words of numbers and flags, dynamic arrays, hexadecimal
 * dumps. One row each. Called by the expression parser, from which they take their arguments.
 *
 * Kernel: kernel/trace/trace_output.c and trace_seq.c print what these do.
 */
import type { Parser } from './expression.js';
import {
  asText,
  type BytesExpression,
  bytesOf,
  type Expression,
  type Integer,
  type NumberExpression,
  number,
  readNumber,
  type Symbolic,
  text,
  wrap,
} from './value.js';

/** Takes a helper's arguments, without the brackets, and gives what it evaluates to. */
export type Helper = (parser: Parser) => Expression;

/** The helpers by name. */
export const HELPERS: Readonly<Record<string, Helper>> = {
  __print_symbolic: symbolic,
  __print_symbolic_u64: symbolic,
  __print_flags: flags,
  __print_flags_u64: flags,
  __get_str: string,
  __get_rel_str: string,
  __get_dynamic_array: array,
  __get_rel_dynamic_array: array,
  __get_sockaddr: array,
  __get_rel_sockaddr: array,
  __get_dynamic_array_len: arrayLength,
  __get_rel_dynamic_array_len: arrayLength,
  __print_hex: (parser) => hexDump(parser, ' '),
  __print_hex_str: (parser) => hexDump(parser, ''),
  __print_array: printArray,
  __builtin_bswap16: (parser) => swap(parser, 16),
  __builtin_bswap32: (parser) => swap(parser, 32),
  __builtin_bswap64: (parser) => swap(parser, 64),
};

function symbolic(parser: Parser): Expression {
  const value = parser.numberArgument();
  const words = parser.symbols();
  let known: Map<Integer, string> | null = null;
  const { eval: evaluate } = value;
  return text(
    (record) => {
      // At the first use: the values of enum names may be filled in after compiling.
      known ??= wordsByValue(words, value);
      const found = evaluate(record);
      return known.get(found) ?? `0x${hex(found)}`;
    },
    words,
    value.of,
  );
}

function wordsByValue(words: readonly Symbolic[], { bits, signed }: NumberExpression) {
  // The first of equal values wins.
  const entries = words.map(({ value, word }) => [wrap(value, bits, signed), word] as const);
  return new Map(entries.reverse());
}

function hex(value: Integer): string {
  return BigInt.asUintN(64, BigInt(value)).toString(16);
}

function flags(parser: Parser): Expression {
  const { eval: evaluate } = parser.numberArgument();
  parser.comma();
  const between = parser.argument();
  const delimiter = between.kind === 'text' ? between.eval : () => '|';
  const words = parser.symbols();
  const masks = words.map(({ value, word }) => ({ mask: unsigned(value), word }));
  return text((record) => {
    let left = unsigned(evaluate(record));
    const names: string[] = [];
    for (const { mask, word } of masks) {
      if (left === 0n) break;
      if ((left & mask) !== mask) continue;
      left &= ~mask;
      names.push(word);
    }
    if (left !== 0n) names.push(`0x${left.toString(16)}`);
    return names.join(delimiter(record));
  });
}

function unsigned(value: Integer): bigint {
  return BigInt.asUintN(64, BigInt(value));
}

function string(parser: Parser): Expression {
  const value = asText(array(parser));
  return text(value ?? (() => ''));
}

function array(parser: Parser): BytesExpression {
  const field = parser.dynamicField();
  return { kind: 'bytes', eval: bytesOf(field, parser.layout.little) };
}

function arrayLength(parser: Parser): Expression {
  const { eval: bytes } = array(parser);
  return number(32, true, (record) => bytes(record).length);
}

function hexDump(parser: Parser, between: string): Expression {
  const bytes = parser.argument();
  parser.comma();
  const { eval: length } = parser.numberArgument();
  if (bytes.kind !== 'bytes') throw parser.error('expected an array');
  return text((record) => dump(bytes.eval(record).subarray(0, Number(length(record))), between));
}

/** Bytes as two digits each. */
export function dump(bytes: Uint8Array, between: string): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(between);
}

function printArray(parser: Parser): Expression {
  const bytes = parser.argument();
  parser.comma();
  const { eval: count } = parser.numberArgument();
  parser.comma();
  const { eval: sizeOf } = parser.numberArgument();
  if (bytes.kind !== 'bytes') throw parser.error('expected an array');
  const { little } = parser.layout;
  return text((record) => {
    const array = bytes.eval(record);
    const view = new DataView(array.buffer, array.byteOffset, array.length);
    const size = Number(sizeOf(record));
    if (![1, 2, 4, 8].includes(size)) return '{}';
    const items = Math.min(Number(count(record)), Math.floor(array.length / size));
    const values = Array.from({ length: Math.max(0, items) }, (_, i) =>
      hex(readNumber(view, i * size, size, false, little)),
    );
    return `{${values.map((value) => `0x${value}`).join(',')}}`;
  });
}

function swap(parser: Parser, bits: 16 | 32 | 64): Expression {
  const { eval: evaluate } = parser.numberArgument();
  const view = new DataView(new ArrayBuffer(8));
  return number(bits, false, (record) => {
    view.setBigUint64(0, BigInt.asUintN(bits, BigInt(evaluate(record))), true);
    return readNumber(view, 0, bits / 8, false, false);
  });
}
