/**
 * The kernel text of an event as an SQL expression over its table, for the view `events`. It gives
 * the same text as the tracepoint's own printer.
 */
import type { Era } from '../trace/eras.js';
import { type Conversion, compileFormat } from '../trace/printk.js';
import type { AnyTracepoint, Column, EraFormat } from '../trace/tracepoint.js';

/** The expression for rows of the table called "e". */
export function eventText(tracepoint: AnyTracepoint, era: Era): string {
  const [first, ...others] = tracepoint.variants(era);
  if (first === undefined) return 'NULL';
  const firstText = variantText(tracepoint, first, era);
  if (others.length === 0) return firstText;
  // As the tracepoint does: the first way whose columns are all there.
  const cases = [first, ...others].map((each) => {
    const whole = each.args.map((arg) => `"e"."${arg}" IS NOT NULL`).join(' AND ');
    return `WHEN ${whole} THEN ${variantText(tracepoint, each, era)}`;
  });
  return `CASE ${cases.join(' ')} ELSE ${firstText} END`;
}

function variantText(tracepoint: AnyTracepoint, format: EraFormat, era: Era): string {
  const { text, conversions } = compileFormat(format.format);
  let pattern = text[0] as string;
  const values: string[] = [];
  for (const [i, conversion] of conversions.entries()) {
    const column = tracepoint.columns.find((each) => each.name === format.args[i]) as Column;
    // Values that need more than SQLite's printf knows come as text and are padded here.
    const number = conversion.kind !== 's' && conversion.kind !== 'c';
    pattern += number ? numberPattern(conversion, column) : '%s';
    values.push(number ? numberValue(conversion, column) : labelValue(column, era));
    pattern += text[i + 1];
  }
  return `printf('${pattern}', ${values.join(', ')})`;
}

function numberPattern({ kind, width, zero, left }: Conversion, { kind: type }: Column): string {
  if (type === 'u64') return '%s';
  return `%${left ? '-' : ''}${zero ? '0' : ''}${width || ''}${kind}`;
}

function numberValue(conversion: Conversion, { name, kind }: Column): string {
  const column = `"e"."${name}"`;
  if (kind === 'u64') {
    const { zero, width } = conversion;
    const pattern = `%${zero ? '0' : ''}${width || ''}ll${conversion.kind}`;
    const exact = conversion.kind === 'x' ? `substr(${column}, 3)` : decimal(column);
    const number = `printf('${pattern}', ${column})`;
    return `CASE typeof(${column}) WHEN 'text' THEN ${exact} ELSE ${number} END`;
  }
  // SQLite prints 64 bits; a negative number of the kernel's has 32.
  return kind.startsWith('int') && conversion.kind !== 'd' ? `(${column} & 4294967295)` : column;
}

/**
 * `0x` text of at most 64 bits in decimal. SQLite's integers have a sign, so the last digit is
 * printed apart: with halves h and l of 32 bits, 2^32 h + l = 10 (2^32 (h / 10) + r / 10) + r % 10,
 * where r = 2^32 (h % 10) + l.
 */
function decimal(column: string): string {
  const digit = (at: number) =>
    `((instr('0123456789abcdef', substr("x", ${at}, 1)) - 1) << ${4 * ((16 - at) % 8)})`;
  const half = (from: number) => Array.from({ length: 8 }, (_, i) => digit(from + i)).join(' + ');
  const rest = '(("h" % 10) << 32) + "l"';
  return `(SELECT printf('%d%d', (("h" / 10) << 32) + (${rest}) / 10, (${rest}) % 10)
FROM (SELECT ${half(1)} AS "h", ${half(9)} AS "l"
FROM (SELECT substr('0000000000000000' || substr(${column}, 3), -16) AS "x")))`;
}

function labelValue({ name, symbols }: Column, era: Era): string {
  const column = `"e"."${name}"`;
  const padded = (symbols?.labels(era) ?? []).filter(({ text, printed }) => text !== printed);
  if (padded.length === 0) return column;
  const cases = padded.map(({ text, printed }) => `WHEN '${text}' THEN '${printed}'`);
  return `CASE ${column} ${cases.join(' ')} ELSE ${column} END`;
}
