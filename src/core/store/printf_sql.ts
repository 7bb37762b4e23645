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
  const long = type === 'u64' ? 'll' : '';
  return `%${left ? '-' : ''}${zero ? '0' : ''}${width || ''}${long}${kind}`;
}

function numberValue(conversion: Conversion, { name, kind }: Column): string {
  const column = `"e"."${name}"`;
  // SQLite prints 64 bits; a negative number of the kernel's has 32.
  return kind.startsWith('int') && conversion.kind !== 'd' ? `(${column} & 4294967295)` : column;
}

function labelValue({ name, symbols }: Column, era: Era): string {
  const column = `"e"."${name}"`;
  const padded = (symbols?.labels(era) ?? []).filter(({ text, printed }) => text !== printed);
  if (padded.length === 0) return column;
  const cases = padded.map(({ text, printed }) => `WHEN '${text}' THEN '${printed}'`);
  return `CASE ${column} ${cases.join(' ')} ELSE ${column} END`;
}
