/**
 * Describes a kernel by its format files (`events/*\/*\/format`): which known era it is, or how it
 * differs from the closest one. Called where the era of a trace is chosen, and by the script that
 * writes the file of a new era.
 */
import { createHash } from 'node:crypto';
import { Bug } from '../base/errors.js';
import type { DescribedColumn, DescribedKernel } from '../trace/described.js';
import { ERAS, eraAge, type KnownEra, NEWEST_RELEASED } from '../trace/eras.js';
import { TRACEPOINTS, tracepointNamed } from '../trace/index.js';
import { bitNames, eventTexts, labelWords } from '../trace/kernel_text.js';
import type { EraData, EventText, LabelChange } from '../trace/kernels/types.js';
import { changesBetween, type Word } from '../trace/label_changes.js';
import { compileFormat } from '../trace/printk.js';
import { type AnyTracepoint, COMMON, type Column, MAX_COLUMNS } from '../trace/tracepoint.js';
import { comparable } from './trace_dat/decode.js';
import { PrintFmtError } from './trace_dat/expression.js';
import { type FormatText, parseEventFormat } from './trace_dat/format.js';
import { compilePrintFmt, type PrintConversion } from './trace_dat/print.js';
import { KernelSymbols } from './trace_dat/symbols.js';
import type { Symbolic } from './trace_dat/value.js';

/** The systems whose events tell which kernel it is. */
const FAMILY: ReadonlySet<string> = new Set(['netfs', 'fscache', 'cachefiles']);
/** Other systems whose events are described when that is asked for. */
const NEIGHBOURS: ReadonlySet<string> = new Set([
  '9p',
  'afs',
  'cifs',
  'nfs',
  'nfs4',
  'ceph',
  'rxrpc',
]);
/** Most events that a kernel can have besides those known here: SQLite joins 500 tables. */
const EVENTS_MAX = 250;
/** Most labels of a table. */
const LABELS_MAX = 4096;

/** True for a system whose format files are of use here. */
export function isDescribedSystem(system: string): boolean {
  return FAMILY.has(system) || NEIGHBOURS.has(system);
}

/** One argument of a print format. */
interface Argument {
  /** `fid.vid` of `REC->fid.vid` where that is all it is or its words depend on; null = more. */
  readonly path: string | null;
  /** What stands in front of it in the format. */
  readonly key: string;
  readonly kind: DescribedColumn['kind'];
  /** The words of a `__print_symbolic`. */
  readonly words: readonly Symbolic[] | null;
}

/** An event as its format file describes it. */
interface Described {
  readonly system: string;
  readonly name: string;
  /** In the form of our tables. */
  readonly format: string;
  /** In the form that can be compared with theirs. */
  readonly comparable: string;
  readonly args: readonly Argument[];
}

/** How a kernel differs from a known era. */
interface Difference {
  readonly base: KnownEra;
  readonly data: EraData;
  readonly events: DescribedKernel['events'];
  readonly columns: DescribedKernel['columns'];
  /** Texts and tables that differ, and events of the era that are missing. */
  readonly count: number;
  readonly absent: number;
}

/** What format files say of a kernel. */
export interface KernelDescription {
  /** The known era that comes closest. */
  readonly closest: KnownEra;
  /** How many texts and tables of netfs, fscache and cachefiles differ from it. */
  readonly differences: number;
  /** The kernel; null = it is one of the closest era. */
  readonly kernel: DescribedKernel | null;
}

/**
 * Describes a kernel; null where none of the formats is of use. `wanted`: describe events of
 * neighbouring systems as well, those that are new only if it says so.
 */
export function describeKernel(
  formats: readonly FormatText[],
  hint: KnownEra | null,
  wanted: ((event: string) => boolean) | null,
): KernelDescription | null {
  const events = formats.flatMap((format) => readFormat(format) ?? []);
  const family = events.filter(({ system }) => FAMILY.has(system));
  if (family.length === 0) return null;
  const best = closestTo(family, hint);
  const { base, count } = best;
  const others = events.filter(
    ({ system, name }) =>
      !FAMILY.has(system) && (tracepointNamed(name) !== undefined || wanted?.(name)),
  );
  const whole = wanted === null ? best : differenceOf([...family, ...others], base);
  if (whole.count === 0) return { closest: base, differences: 0, kernel: null };
  const { data, events: added, columns } = whole;
  const content = { data, events: added, columns };
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 8);
  const kernel: DescribedKernel = { era: `${base}+${digest}`, ...content };
  return { closest: base, differences: count, kernel };
}

/** The known era from which events differ least. */
function closestTo(family: readonly Described[], hint: KnownEra | null): Difference {
  const first = differenceOf(family, hint ?? NEWEST_RELEASED);
  if (first.count === 0 && first.absent === 0) return first;
  const [best = first] = ERAS.map((base) => differenceOf(family, base)).sort(
    (a, b) => a.count - b.count || a.absent - b.absent || rank(b.base, hint) - rank(a.base, hint),
  );
  return best;
}

/** The difference between the events of some systems and an era, for the file of a new era. */
export function differenceFrom(formats: readonly FormatText[], base: KnownEra): EraData {
  const events = formats.flatMap((format) => readFormat(format) ?? []);
  const known = events.filter(({ name }) => tracepointNamed(name) !== undefined);
  const { data } = differenceOf(known, base);
  const gone = missing(known, base).map((name) => [name, null] as const);
  return { ...data, events: { ...data.events, ...Object.fromEntries(gone) } };
}

/** Of eras that are equally close, that of the release that is named, else the newest. */
function rank(era: KnownEra, hint: KnownEra | null): number {
  if (era === hint) return 1000;
  return eraAge(era) <= eraAge(NEWEST_RELEASED) ? eraAge(era) : -1;
}

const PRINTER = { little: true, longSize: 8, symbols: new KernelSymbols('', '') } as const;

/** Reads a format file; null where it is not understood or not of a system that is described. */
function readFormat(text: FormatText): Described | null {
  const format = parseEventFormat(text);
  if (format === null || !isDescribedSystem(text.system)) return null;
  try {
    const print = compilePrintFmt(format, PRINTER);
    const sources = splitArguments(print.args);
    const conversions = print.conversions.map(({ source }) => ownConversion(source));
    if (conversions.includes(null)) return null;
    if (conversions.length === 0 || conversions.length >= MAX_COLUMNS) return null;
    const own = print.text.reduce((line, literal, i) => `${line}${conversions[i - 1]}${literal}`);
    compileFormat(own);
    let next = -1;
    const args = print.conversions.map((conversion, i) => {
      // `%*ph` takes its width from an argument in front of its own.
      next += conversion.source.split('*').length;
      return argumentOf(conversion, sources[next] ?? '', print.text[i] as string);
    });
    const { system, name } = format;
    return { system, name, format: own, comparable: comparable(own), args };
  } catch (error) {
    // A format that is not understood is no reason to refuse the others.
    if (error instanceof PrintFmtError || error instanceof Bug) return null;
    throw error;
  }
}

/** A conversion as our tables have it, null where they cannot. */
function ownConversion(source: string): string | null {
  const [, flags = '', width = '', precision, length = '', kind = ''] =
    /^%([-+ #0]*)(\*|\d*)(\.(?:\*|\d*))?(hh|h|ll|l|L|q|z|t|j|)(\w+)$/.exec(source) ?? [];
  if (kind.startsWith('p')) return '%s';
  if (width === '*' || precision !== undefined || /[+ ]/.test(flags)) return null;
  if (!/^[dixusc]$/.test(kind)) return null;
  const prefix = flags.includes('#') && kind === 'x' ? '0x' : '';
  const long =
    length === 'L' || length === 'q' ? 'll' : length === 't' || length === 'j' ? 'l' : length;
  return `${prefix}%${flags.replace('#', '')}${width}${long}${kind === 'i' ? 'd' : kind}`;
}

/** `, a, f(b, c)` as its arguments. */
function splitArguments(args: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = -1;
  const end = args.length;
  for (let at = 0; at < end; at++) {
    const char = args[at] as string;
    if (char === '"') {
      while (++at < end && args[at] !== '"') if (args[at] === '\\') at++;
    } else if ('([{'.includes(char)) depth++;
    else if (')]}'.includes(char)) depth--;
    else if (char === ',' && depth === 0) {
      if (from >= 0) parts.push(args.slice(from, at).trim());
      from = at + 1;
    }
  }
  if (from >= 0) parts.push(args.slice(from).trim());
  return parts;
}

function argumentOf(
  { argument, bits, kind }: PrintConversion,
  source: string,
  key: string,
): Argument {
  const paths = [...new Set([...source.matchAll(/REC->([\w.]+)/g)].map(([, path]) => path))];
  const only = paths.length === 1 && !/[-+*/%?<>]/.test(source.replaceAll('->', ''));
  const got = /^__get_\w+\((\w+)\)$/.exec(source)?.[1] ?? null;
  const path = only ? (paths[0] as string) : got;
  const words = argument.kind === 'text' ? argument.symbolic : null;
  return { path, key, kind: kindOf(argument.kind, words, bits, kind), words };
}

function kindOf(
  argument: string,
  words: Argument['words'],
  bits: number,
  conversion: string,
): DescribedColumn['kind'] {
  if (words !== null && conversion === 's') return 'label';
  if (argument !== 'number' || /^[spc]/.test(conversion)) return 'text';
  if (conversion === 'd') return 'int';
  return bits === 64 ? 'u64' : 'uint';
}

/** Collects how events differ from those of an era. */
function differenceOf(events: readonly Described[], base: KnownEra): Difference {
  const texts: Record<string, EventText> = {};
  const added: Record<string, DescribedKernel['events'][string]> = {};
  const widened: Record<string, readonly DescribedColumn[]> = {};
  const tables = new Map<string, Symbolic[]>();
  for (const event of events) {
    const { name, system, args } = event;
    const tracepoint = tracepointNamed(name);
    const known = tracepoint
      ?.variants(base)
      .find((each) => comparable(each.format) === event.comparable);
    const named = known === undefined ? nameColumns(event, tracepoint, base) : null;
    const columns = known?.args ?? (named as Named).names;
    if (named !== null) {
      if (tracepoint === undefined && Object.keys(added).length >= EVENTS_MAX) continue;
      texts[name] = [event.format, columns.join(' ')];
      if (tracepoint === undefined) added[name] = { system, columns: named.added };
      else if (named.added.length > 0) widened[name] = named.added;
    }
    for (const [i, { words }] of args.entries()) {
      const table = words === null ? undefined : tableOf(columns[i] as string, tracepoint, named);
      if (table !== undefined) tables.set(table, joined(tables.get(table) ?? [], words ?? []));
    }
  }
  const labels = changedTables(tables, base);
  const data = { events: texts, labels, ...unknownFlags(texts, labels, base) };
  const count = Object.keys(texts).length + Object.keys(labels).length;
  return {
    base,
    data,
    events: added,
    columns: widened,
    count,
    absent: missing(events, base).length,
  };
}

/** Events of an era that a kernel lacks, of the systems of which it has any. */
function missing(events: readonly Described[], base: KnownEra): string[] {
  const systems = new Set(events.map(({ system }) => system));
  const names = new Set(events.map(({ name }) => name));
  return TRACEPOINTS.map(({ name }) => name).filter((name) => {
    const tracepoint = tracepointNamed(name) as AnyTracepoint;
    return systems.has(tracepoint.system) && !names.has(name) && eventTexts(name, base).length > 0;
  });
}

/** The columns that an event prints, and those of them that no definition has. */
interface Named {
  readonly names: readonly string[];
  readonly added: readonly DescribedColumn[];
}

function nameColumns(
  { name, args }: Described,
  tracepoint: AnyTracepoint | undefined,
  base: KnownEra,
): Named {
  const names: (string | null)[] = args.map(() => null);
  const columns = tracepoint?.columns ?? [];
  const take = (i: number, wanted: string | undefined): void => {
    const column = columns.find((each) => each.name === wanted);
    if (column === undefined || names[i] !== null || names.includes(column.name)) return;
    if (fits(args[i] as Argument, column)) names[i] = column.name;
  };
  // A field has the name of its column; else what stands in front of it tells which it is.
  for (const [i, { path }] of args.entries()) take(i, path ?? undefined);
  for (const [key, column] of keysOf(tracepoint, base)) {
    const i = args.findIndex((arg, at) => names[at] === null && arg.key === key);
    if (i >= 0) take(i, column);
  }
  for (const [i, { path }] of args.entries()) take(i, path?.split('.').at(-1));
  const added: DescribedColumn[] = [];
  const taken = new Set([...COMMON, ...columns.map((column) => column.name)].map(lower));
  for (const [i, { path, key, kind }] of args.entries()) {
    if (names[i] !== null) continue;
    const word = path?.replaceAll('.', '_') ?? /(\w+)[^\w]*$/.exec(key)?.[1] ?? 'value';
    let own = word;
    for (let n = 2; taken.has(lower(own)); n++) own = `${word}_${n}`;
    taken.add(lower(own));
    names[i] = own;
    added.push({ name: own, kind, ...(kind === 'label' ? { table: `${name}.${own}` } : {}) });
  }
  return { names: names as string[], added };
}

/** SQLite does not tell upper case from lower. */
const lower = (name: string): string => name.toLowerCase();

/** What stands in front of each column in the text of the era, or of the last that had it. */
function keysOf(
  tracepoint: AnyTracepoint | undefined,
  base: KnownEra,
): [key: string, column: string][] {
  const eras = ERAS.slice(0, eraAge(base) + 1).reverse();
  const format = eras.map((era) => tracepoint?.format(era) ?? null).find((each) => each !== null);
  if (format == null) return [];
  const { text } = compileFormat(format.format);
  return format.args.map((column, i) => [text[i] as string, column]);
}

/** True if what is printed can be a value of the column. */
function fits({ kind, words }: Argument, column: Column): boolean {
  if (column.kind === 'text') return kind === 'text' || words !== null;
  if (column.kind === 'label') return words !== null;
  return kind !== 'text' && kind !== 'label';
}

/** Name of the label table of a column, undefined where its words are kept as text. */
function tableOf(
  name: string,
  tracepoint: AnyTracepoint | undefined,
  named: Named | null,
): string | undefined {
  const column = tracepoint?.columns.find((each) => each.name === name);
  return column?.symbols?.name ?? named?.added.find((each) => each.name === name)?.table;
}

/**
 * Words of a table that several events print: those of the first, then what others add. Where a
 * module does not export an enum its numbers are not known, so such lists come last.
 */
function joined(words: readonly Symbolic[], more: readonly Symbolic[]): Symbolic[] {
  if (words.some(isUnresolved) && !more.some(isUnresolved)) return joined(more, words);
  const values = new Set(words.map(({ value }) => String(value)));
  const texts = new Set(words.map(({ word }) => word));
  const all = [...words];
  for (const symbolic of more) {
    if (!isUnresolved(symbolic)) {
      if (!values.has(String(symbolic.value))) all.push(symbolic);
    } else if (!texts.has(symbolic.word)) {
      all.push({ ...symbolic, value: Math.max(-1, ...all.map(({ value }) => Number(value))) + 1 });
    }
  }
  return all.slice(0, LABELS_MAX);
}

function isUnresolved({ name }: Symbolic): boolean {
  return name !== null;
}

function changedTables(tables: ReadonlyMap<string, Symbolic[]>, base: KnownEra) {
  const labels: Record<string, Record<string, LabelChange>> = {};
  for (const [table, words] of tables) {
    const before = asOften(labelWords(table, base), words);
    const changes = changesBetween(before, wordsOf(words, before));
    if (changes !== null) labels[table] = changes;
  }
  return labels;
}

/** Two identifiers may share a word, of which a kernel has perhaps one: the first then. */
function asOften(words: readonly Word[], symbolics: readonly Symbolic[]): Word[] {
  const left = new Map<string, number>();
  for (const { word } of symbolics) left.set(word, (left.get(word) ?? 0) + 1);
  const seen = new Set<string>();
  return words.filter(([, word]) => {
    const again = seen.has(word);
    seen.add(word);
    left.set(word, (left.get(word) ?? 0) - 1);
    return !again || (left.get(word) as number) >= 0;
  });
}

/** The labels of a list in the order of their values, with the identifiers they have already. */
function wordsOf(symbolics: readonly Symbolic[], before: readonly Word[]): Word[] {
  const known = new Map<string, string[]>();
  for (const [id, word] of before) {
    known.set(word.trimEnd(), [...(known.get(word.trimEnd()) ?? []), id]);
  }
  const taken = new Set(before.map(([id]) => id));
  const sorted = [...symbolics].sort((a, b) => Number(a.value) - Number(b.value));
  return sorted.map(({ word }) => {
    const id = known.get(word.trimEnd())?.shift() ?? freeId(word, taken);
    taken.add(id);
    return [id, word];
  });
}

/** An identifier for a word that has none. */
function freeId(word: string, taken: ReadonlySet<string>): string {
  const plain =
    word
      .toLowerCase()
      .replace(/\W+/g, '_')
      .replace(/^_+|_+$/g, '') || 'label';
  const base = /^\d/.test(plain) ? `label_${plain}` : plain;
  let id = base;
  for (let n = 2; taken.has(id); n++) id = `${base}_${n}`;
  return id;
}

const FLAGGED = /^netfs_[rs]req(_|$)/;

/** Where requests or slices differ, flag bits may have moved as well: format files do not tell. */
function unknownFlags(
  texts: Readonly<Record<string, unknown>>,
  labels: Readonly<Record<string, unknown>>,
  base: KnownEra,
): Pick<EraData, 'flags'> {
  if (![...Object.keys(texts), ...Object.keys(labels)].some((name) => FLAGGED.test(name)))
    return {};
  const none = (set: string) =>
    Object.fromEntries(
      bitNames(set, base).flatMap((name, bit) => (name === '' ? [] : [[bit, null]])),
    );
  return { flags: { rreq: none('rreq'), sreq: none('sreq') } };
}
