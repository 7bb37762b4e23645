/**
 * Defines a tracepoint. From one definition come the typed `emit`, the kernel text, the parser, the
 * SQL table, the help and the docs. The engine emits, the importers parse, the store makes tables.
 *
 * Columns are the printed arguments (not the fields of the kernel's struct), as a superset over the
 * eras in an order that does not change: the engine's arguments first, optional ones last.
 */
import { assert } from '../base/assert.js';
import { type Era, inEra, type PerEra } from './eras.js';
import { type FlagSet, flagNames } from './flag_bits.js';
import { eventTexts } from './kernel_text.js';
import { compileFormat, type Format, parseNumber, printValue, scanNumber } from './printk.js';
import { type Scanned, type Symbols, scanText } from './symbols.js';
import type { Tracer } from './tracer.js';
import type { Value } from './types.js';

/**
 * One column. `uint` is at most 32 bits, `int` too unless it is printed through `%lld`; `int16` is
 * a short that some eras print through `%x`; `u64` is stored as hexadecimal text from 2^53 on;
 * `label` and `text` are words.
 */
export interface Column<Name extends string = string> {
  readonly name: Name;
  readonly kind: 'uint' | 'int' | 'int16' | 'u64' | 'label' | 'text';
  /** What it is, with its unit. */
  readonly doc: string;
  readonly symbols: Symbols | null;
  /** Whose flag bits it holds, null if it is not a flag word. */
  readonly flags: FlagSet | null;
  /** What of its user's machine a text tells; undefined if it is the kernel's own word. */
  readonly holds?: Holds;
}

/** What a trace given to others should not show: names of files, of hosts, bytes of packets. */
export type Holds = 'file' | 'host' | 'dump';

/** How one era prints an event. */
export interface EraFormat {
  /** The kernel's printf string. */
  readonly format: string;
  /** Names of the columns in printed order. */
  readonly args: readonly string[];
}

/** A format with its arguments, given as the names of columns with spaces between. */
export function prints(format: string, args: string): EraFormat {
  return { format, args: args.split(' ') };
}

/** A row of an event: one value per column, in column order. */
export type Row = readonly Value[];

type Numbers<C extends readonly Column[]> = { -readonly [K in keyof C]: number };

/** What `emit` takes: required columns, then optional ones. */
export type EmitArgs<C extends readonly Column[], O extends readonly Column[]> = [
  ...Numbers<C>,
  ...Partial<Numbers<O>>,
];

/** A tracepoint whatever its columns. */
export interface AnyTracepoint {
  /** Name as the kernel prints it; also the name of the table. */
  readonly name: string;
  /** Trace system (`events/<system>/` in tracefs). */
  readonly system: string;
  readonly doc: string;
  /** Kernel file that defines it. */
  readonly kernel: string;
  /** Number of its records in rings and spools. */
  readonly record: number;
  readonly columns: readonly Column[];
  /** How the era prints it (the first way of `variants`), null where it does not have it. */
  format(era: Era): EraFormat | null;
  /** Every way in which kernels of the era print it; nearly always one. */
  variants(era: Era): readonly EraFormat[];
  /** True where the era prints column `index`. */
  prints(era: Era, index: number): boolean;
  /**
   * The kernel's text of a row, without the event's name, in the first way whose columns are all
   * there (else the first). The era must have the event.
   */
  print(row: Row, era: Era): string;
  /** As `print`, with the names of the bits behind each flag word: `f=22[COPY_TO_CACHE|...]`. */
  decode(row: Row, era: Era): string;
  /** Reads the kernel's text, by the format; null if the text is not of that form. */
  parse(text: string, era: Era): Value[] | null;
  /** The same event with more columns behind its own, as a kernel has it that was described. */
  widened(columns: readonly Column[]): AnyTracepoint;
}

/** A tracepoint with its typed emit. */
export interface Tracepoint<C extends readonly Column[], O extends readonly Column[]>
  extends AnyTracepoint {
  /**
   * Records the event. Labels are numbers of the column's table (`table.id.name`); an optional
   * argument that is left out or undefined is absent.
   */
  emit(tracer: Tracer, ...values: EmitArgs<C, O>): void;
}

/** What a definition gives. */
export interface TracepointSpec<C extends readonly Column[], O extends readonly Column[]> {
  readonly name: string;
  readonly system: string;
  readonly doc: string;
  readonly kernel: string;
  readonly record: number;
  readonly columns: C;
  /** Columns that some eras do not print. */
  readonly optional?: O;
  /** How it is printed where it is not a kernel's: those stand in `kernels/`. */
  readonly formats?: PerEra<EraFormat>;
}

type FormatSource = Pick<TracepointSpec<[], []>, 'name' | 'formats'>;

/** Most columns of an event that is emitted: so many parameters `emit` spells out. */
const EMITTED_MAX = 12;
/** Most columns an event can have. */
export const MAX_COLUMNS = 64;

/** Words in front of a record's columns. */
export const HEADER_WORDS = 5;

/** Lowest record number of an event; those below are control records. */
export const FIRST_EVENT_RECORD = 32;

/** Columns that every event has in the database in front of its own. */
export const COMMON: readonly string[] = ['id', 'ts', 'task', 'cpu', 'common_flags', 'op'];

/** A compiled format with the column of each conversion. */
interface Compiled extends EraFormat {
  readonly compiled: Format;
  readonly columns: readonly number[];
}

/** Defines a tracepoint. */
export function tracepoint<
  const C extends readonly Column[],
  const O extends readonly Column[] = [],
>(spec: TracepointSpec<C, O>): Tracepoint<C, O> {
  const columns: readonly Column[] = [...spec.columns, ...(spec.optional ?? [])];
  assert(columns.length <= MAX_COLUMNS, `${spec.name} has too many columns`);
  const names = [...COMMON, ...columns.map((column) => column.name)];
  assert(new Set(names).size === names.length, `${spec.name} has two columns of one name`);
  assert(spec.record >= FIRST_EVENT_RECORD, `${spec.name} uses the number of a control record`);
  const cache = new Map<Era, readonly Compiled[]>();
  const variants = (era: Era): readonly Compiled[] => {
    let found = cache.get(era);
    if (found === undefined) {
      found = formatsOf(spec, columns, era).map((each) => compileFor(spec.name, each, columns));
      cache.set(era, found);
    }
    return found;
  };
  const printed = (row: Row, era: Era, decode: boolean): string => {
    const [first, ...others] = variants(era);
    assert(first !== undefined, `${spec.name} does not exist in ${era}`);
    const whole = (each: Compiled) => each.columns.every((index) => row[index] != null);
    const fits = others.length === 0 || whole(first) ? first : (others.find(whole) ?? first);
    return printRow(fits, columns, row, era, decode);
  };
  return {
    name: spec.name,
    system: spec.system,
    doc: spec.doc,
    kernel: spec.kernel,
    record: spec.record,
    columns,
    format: (era) => variants(era)[0] ?? null,
    variants,
    prints: (era, index) => variants(era).some((each) => each.columns.includes(index)),
    print: (row, era) => printed(row, era, false),
    decode: (row, era) => printed(row, era, true),
    parse(text, era) {
      for (const each of variants(era)) {
        const row = parseRow(each, columns, text, era);
        if (row !== null) return row;
      }
      return null;
    },
    emit: makeEmit(spec.record, columns.length) as unknown as Tracepoint<C, O>['emit'],
    widened: (more) => tracepoint({ ...spec, optional: [...(spec.optional ?? []), ...more] }),
  };
}

/** The formats of an era; of a described kernel those whose columns are all here. */
function formatsOf(
  { name, formats }: FormatSource,
  columns: readonly Column[],
  era: Era,
): readonly EraFormat[] {
  if (formats !== undefined) return [inEra(formats, era) ?? []].flat();
  const known = eventTexts(name, era).map(([format, args]) => prints(format, args));
  if (!era.includes('+')) return known;
  const has = (arg: string) => columns.some((column) => column.name === arg);
  return known.filter(({ args }) => args.every(has));
}

/** `tracepoint` for the events of one system, all defined in one kernel file. */
export function tracepointsOf(system: string, kernel: string) {
  return <const C extends readonly Column[], const O extends readonly Column[] = []>(
    spec: Omit<TracepointSpec<C, O>, 'system' | 'kernel'>,
  ): Tracepoint<C, O> => tracepoint<C, O>({ ...spec, system, kernel });
}

function compileFor(name: string, spec: EraFormat, columns: readonly Column[]): Compiled {
  const compiled = compileFormat(spec.format);
  assert(compiled.conversions.length === spec.args.length, `${name}: arguments of ${spec.format}`);
  const indexes = spec.args.map((arg) => columns.findIndex((column) => column.name === arg));
  assert(!indexes.includes(-1), `${name}: unknown argument of ${spec.format}`);
  return { ...spec, compiled, columns: indexes };
}

function printRow(
  { compiled, columns: indexes }: Compiled,
  columns: readonly Column[],
  row: Row,
  era: Era,
  decode: boolean,
): string {
  let text = compiled.text[0] as string;
  for (let i = 0; i < indexes.length; i++) {
    const index = indexes[i] as number;
    let value = row[index] as Value;
    const { symbols, flags } = columns[index] as Column;
    if (symbols !== null && typeof value === 'string') value = symbols.printed(era, value);
    text += printValue(compiled.conversions[i] as Format['conversions'][number], value);
    if (decode && flags !== null) text += flagText(era, flags, value);
    text += compiled.text[i + 1];
  }
  return text;
}

/** The names of the bits that are set, as `[NAME|NAME]`; '' where none is. */
function flagText(era: Era, set: FlagSet, value: Value): string {
  const names = flagNames(era, set, Number(value ?? 0));
  return names.length === 0 ? '' : `[${names.join('|')}]`;
}

function parseRow(
  { compiled, columns: indexes }: Compiled,
  columns: readonly Column[],
  text: string,
  era: Era,
): Value[] | null {
  if (!text.startsWith(compiled.text[0] as string)) return null;
  const row: Value[] = columns.map(() => null);
  let at = (compiled.text[0] as string).length;
  for (let i = 0; i < indexes.length; i++) {
    const column = columns[indexes[i] as number] as Column;
    const conversion = compiled.conversions[i] as Format['conversions'][number];
    const next = compiled.text[i + 1] as string;
    if (conversion.kind === 'c') {
      // trace-cmd prints `>c<` instead of any character.
      const lost = text.startsWith('>c<', at);
      row[indexes[i] as number] = lost ? null : text.slice(at, at + 1);
      at += lost ? 3 : 1;
    } else if (conversion.kind === 's') {
      const last = i === indexes.length - 1;
      const found = scanWord(column, era, text, at, next, last);
      if (found === null) return null;
      row[indexes[i] as number] = found.text;
      at = found.end;
    } else {
      // A space pads a number that has a width without zeros.
      while (!conversion.zero && conversion.width > 0 && text[at] === ' ') at++;
      const end = scanNumber(conversion, text, at);
      if (end < 0) return null;
      const value = signed(column, conversion, parseNumber(conversion, text.slice(at, end)));
      if (typeof value === 'string' && column.kind !== 'u64') return null;
      row[indexes[i] as number] = value;
      at = end;
    }
    if (text.startsWith(next, at)) at += next.length;
    else if (at < text.length || next.trim() !== '') return null;
  }
  return at === text.length ? row : null;
}

function scanWord(
  { symbols }: Column,
  era: Era,
  text: string,
  from: number,
  next: string,
  last: boolean,
): Scanned | null {
  if (symbols !== null) return symbols.scan(era, text, from, next);
  if (!last) return scanText(text, from, next);
  // The last text of a line may hold anything, also what stands behind it; blanks at the end of a
  // line may have been lost on the way.
  const end = text.length - (next.trim() !== '' || text.endsWith(next) ? next.length : 0);
  return end < from ? null : { text: text.slice(from, end), end };
}

/** Undoes a negative number having gone through `%x`: 32 bits from the kernel, 16 from perf. */
function signed(
  column: Column,
  conversion: Format['conversions'][number],
  value: number | string,
): number | string {
  if (typeof value === 'string' || conversion.kind === 'd') return value;
  if (column.kind === 'int16' && value >= 0x8000 && value <= 0xffff) return value - 0x10000;
  const short = column.kind === 'int' || column.kind === 'int16';
  return short && value >= 0x8000_0000 ? value - 0x1_0000_0000 : value;
}

type Slot = number | undefined;

/**
 * One body for every arity: a rest array would be allocated at each event. Storing undefined into a
 * Float64Array gives NaN, which is how records spell absent.
 */
function makeEmit(record: number, count: number) {
  if (count > EMITTED_MAX) return () => assert(false, `record ${record} has too many columns`);
  return (
    tracer: Tracer,
    a: Slot,
    b: Slot,
    c: Slot,
    d: Slot,
    e: Slot,
    f: Slot,
    g: Slot,
    h: Slot,
    i: Slot,
    j: Slot,
    k: Slot,
    l: Slot,
  ): void => {
    if (!tracer.enabled || tracer.absent[record] === 1) return;
    const words = tracer.begin(record, count);
    words[HEADER_WORDS] = a as number;
    words[HEADER_WORDS + 1] = b as number;
    words[HEADER_WORDS + 2] = c as number;
    words[HEADER_WORDS + 3] = d as number;
    words[HEADER_WORDS + 4] = e as number;
    words[HEADER_WORDS + 5] = f as number;
    words[HEADER_WORDS + 6] = g as number;
    words[HEADER_WORDS + 7] = h as number;
    words[HEADER_WORDS + 8] = i as number;
    words[HEADER_WORDS + 9] = j as number;
    words[HEADER_WORDS + 10] = k as number;
    words[HEADER_WORDS + 11] = l as number;
    tracer.commit(count);
  };
}

/** A column of unsigned numbers of at most 32 bits. */
export function uint<const Name extends string>(name: Name, doc: string): Column<Name> {
  return { name, kind: 'uint', doc, symbols: null, flags: null };
}

/** A column of signed numbers. */
export function int<const Name extends string>(name: Name, doc: string): Column<Name> {
  return { name, kind: 'int', doc, symbols: null, flags: null };
}

/** A column of signed 16-bit numbers. */
export function int16<const Name extends string>(name: Name, doc: string): Column<Name> {
  return { name, kind: 'int16', doc, symbols: null, flags: null };
}

/** A column of unsigned 64-bit numbers: file positions and sizes in bytes, addresses. */
export function u64<const Name extends string>(name: Name, doc: string): Column<Name> {
  return { name, kind: 'u64', doc, symbols: null, flags: null };
}

/** A column of words of a table. */
export function label<const Name extends string>(
  name: Name,
  table: Symbols,
  doc: string,
): Column<Name> {
  return { name, kind: 'label', doc, symbols: table, flags: null };
}

/** A column of flag bits. */
export function flagWord<const Name extends string>(
  name: Name,
  set: FlagSet,
  doc: string,
): Column<Name> {
  return { name, kind: 'uint', doc, symbols: null, flags: set };
}

/** A column of text: the kernel's own words, or what `holds` says. */
export function text<const Name extends string>(
  name: Name,
  doc: string,
  holds?: Holds,
): Column<Name> {
  const column = { name, kind: 'text', doc, symbols: null, flags: null } as const;
  return holds === undefined ? column : { ...column, holds };
}
