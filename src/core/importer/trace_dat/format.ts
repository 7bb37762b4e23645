/**
 * The event formats that a trace.dat embeds: the text of `events/<system>/<event>/format` and of
 * `header_page`. Called by the container reader; the ring and print readers use the result.
 *
 * Kernel: kernel/trace/trace_events.c prints these files.
 */

/** One field of an event's record. */
export interface Field {
  readonly name: string;
  /** The C type without the name, `__data_loc` included. */
  readonly type: string;
  /** Bytes from the start of the record. */
  readonly offset: number;
  /** Bytes; 0 = up to the end of the record. */
  readonly size: number;
  readonly signed: boolean;
  /** True for `type name[...]`, dynamic arrays included. */
  readonly array: boolean;
  /** Where the bytes of a dynamic array lie, null for a field in place. */
  readonly location: 'data' | 'relative' | null;
}

/** A format as it stands in the file. A file has thousands, of which few are used. */
export interface FormatText {
  readonly system: string;
  readonly text: string;
}

/** An event's layout and how the kernel prints it. */
export interface EventFormat {
  readonly system: string;
  readonly name: string;
  /** The `common_type` of its records. */
  readonly id: number;
  readonly fields: ReadonlyMap<string, Field>;
  /** The `print fmt:` text as it stands. */
  readonly printFmt: string;
}

// field:__data_loc char[] hostname;	offset:24;	size:4;	signed:0;
const FIELD = /field:([^;]{1,400});\s*offset:(\d{1,9});\s*size:(\d{1,9});(?:\s*signed:(\d+);)?/g;

/** The fields of a format text in order. */
export function parseFields(text: string): Field[] {
  return [...text.matchAll(FIELD)].map(([, declaration = '', offset, size, signed]) => {
    const { name, type, array } = splitDeclaration(declaration.trim());
    const dynamic = /^__(data|rel)_loc\b/.exec(type);
    const location = dynamic === null ? null : dynamic[1] === 'data' ? 'data' : 'relative';
    const number = { offset: Number(offset), size: Number(size), signed: signed === '1' };
    return { name, type, ...number, array: array || location !== null, location };
  });
}

/** The `common_type` of a format text, null where it has none. */
export function formatId(text: string): number | null {
  const id = /^ID: (\d{1,9})$/m.exec(text)?.[1];
  return id === undefined ? null : Number(id);
}

/** An event's format; null where the text has no name, number or print format. */
export function parseEventFormat({ system, text }: FormatText): EventFormat | null {
  const name = /^name: (\S+)$/m.exec(text)?.[1];
  const id = formatId(text);
  const print = text.indexOf('print fmt:');
  if (name === undefined || id === null || print < 0) return null;
  const fields = parseFields(text.slice(0, print)).map((field) => [field.name, field] as const);
  const printFmt = text.slice(print + 'print fmt:'.length).trim();
  return { system, name, id, fields: new Map(fields), printFmt };
}

function splitDeclaration(text: string): { name: string; type: string; array: boolean } {
  const bracket = text.endsWith(']') ? text.lastIndexOf('[') : -1;
  const declaration = bracket < 0 ? text : text.slice(0, bracket);
  const name = /\w*$/.exec(declaration)?.[0] ?? '';
  const type = declaration.slice(0, declaration.length - name.length).trim();
  return { name, type, array: bracket >= 0 };
}
