/**
 * The raw fields that `trace-cmd report -R` prints, as rows: `rreq=00000003 index=0 flags=3 ...`.
 *
 * It follows libtraceevent 1.7 (trace-cmd 3.1), which prints the fields of the struct in order,
 * each by the conversion of the format that prints it, until it has come past the format's last
 * argument; from then on numbers are decimal, whatever the format says.
 */
import type { Era } from '../trace/eras.js';
import { compileFormat } from '../trace/printk.js';
import type { AnyTracepoint, Row } from '../trace/tracepoint.js';
import type { Value } from '../trace/types.js';

const FIELD = /(?:^| )(\w+)=(-?(?:0x)?[0-9a-f]+)(?= |$)/g;

/** The row of raw fields; null if the text is not of them or one that is printed is missing. */
export function parseRawFields(tracepoint: AnyTracepoint, text: string, era: Era): Value[] | null {
  const format = tracepoint.format(era);
  if (format === null || !/^\w+=\S* \w+=/.test(text)) return null;
  const { conversions } = compileFormat(format.format);
  const row: Value[] = tracepoint.columns.map(() => null);
  let missing = format.args.length;
  let passed = false;
  for (const [, name = '', digits = ''] of text.matchAll(FIELD)) {
    const index = tracepoint.columns.findIndex((column) => column.name === name);
    const at = format.args.indexOf(name);
    if (index < 0 || at < 0 || row[index] !== null) continue;
    const { symbols } = tracepoint.columns[index] as AnyTracepoint['columns'][number];
    const hex = !passed && conversions[at]?.kind === 'x';
    passed ||= at === format.args.length - 1;
    const spelled = hex && !digits.startsWith('0x') ? `0x${digits}` : digits;
    if (!/^(?:-?\d{1,20}|0x[0-9a-f]{1,16})$/.test(spelled)) return null;
    const exact = BigInt(spelled);
    missing--;
    if (symbols !== null) row[index] = `0x${exact.toString(16)}`;
    else if (exact > BigInt(Number.MAX_SAFE_INTEGER)) row[index] = `0x${exact.toString(16)}`;
    else row[index] = Number(exact);
  }
  return missing === 0 ? row : null;
}

/** True if the text has a field of the tracepoint that is not in `row`: another era prints it. */
export function hasFurtherField(tracepoint: AnyTracepoint, text: string, row: Row): boolean {
  return [...text.matchAll(FIELD)].some(([, field]) => {
    const index = tracepoint.columns.findIndex(({ name }) => name === field);
    return index >= 0 && row[index] === null;
  });
}
