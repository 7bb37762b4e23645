/**
 * The kernel text of an event as an SQL expression over its table, for the view `events`. It gives
 * the same text as the tracepoint's own printer.
 */
import type { Era } from '../trace/eras.js';
import { type Conversion, compileFormat } from '../trace/printk.js';
import type { AnyTracepoint, Column } from '../trace/tracepoint.js';

/** The expression for rows of the table called "e". */
export function eventText(tracepoint: AnyTracepoint, era: Era): string {
  const format = tracepoint.format(era);
  if (format === null) return 'NULL';
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
    const exact = `substr(${column}, 3)`;
    const number = `printf('${pattern}', ${column})`;
    return `CASE typeof(${column}) WHEN 'text' THEN ${exact} ELSE ${number} END`;
  }
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
