/**
 * The use case `explain`: any word, flag word, counter, error number or line of a trace, decoded by
 * era. Called by the command.
 */
import { meaningOf } from '../analysis/meanings.js';
import { VERDICTS } from '../analysis/why.js';
import { errnoName, errnoText } from '../base/errno.js';
import { UsageError } from '../base/errors.js';
import { readLog } from '../importer/dmesg/read_log.js';
import { ERA_KERNELS, ERAS, type Era } from '../trace/eras.js';
import { flagMask, flagNames } from '../trace/flag_bits.js';
import { TRACEPOINTS } from '../trace/index.js';
import { explainStat } from '../trace/stats_layout.js';
import type { AnyTracepoint } from '../trace/tracepoint.js';

/** One thing that a token can be. */
export interface Explanation {
  /** What kind of thing: label, flag, flags, error, counter, event, line, field or message. */
  readonly kind: string;
  readonly name: string;
  readonly means: string;
  /** Kernels it holds for; null = all. */
  readonly kernels: string | null;
}

/** Everything the text can mean, in the eras given (default: all). */
export function explainText(text: string, era?: Era): Explanation[] {
  const eras = era === undefined ? [...ERAS].reverse() : [era];
  const line = explainLine(text, eras);
  if (line !== null) return line;
  const log = message(text);
  if (log.length > 0) return log;
  const word = text.trim();
  const found = [
    ...labels(word, eras),
    ...flagWord(word, eras),
    ...flagName(word, eras),
    ...errors(word),
    ...counters(word, eras),
    ...events(word),
  ];
  if (found.length > 0) return found;
  throw new UsageError(
    'TOKEN',
    `nothing known is called '${word}'`,
    'a word as the kernel prints it',
  );
}

/** A line of a kernel log, if the text is one. */
function message(text: string): Explanation[] {
  const { items } = readLog(text.split('\n'));
  return items.flatMap(({ weight, title, means, cause, next, kernels, details }) => {
    const more = [cause === '' ? '' : `Usual cause: ${cause}`, next === '' ? '' : `Next: ${next}`];
    return [
      { kind: weight, name: title, means: [means, ...more].filter(Boolean).join(' '), kernels },
      ...details.map((each) => ({ kind: 'detail', ...each, kernels: null })),
    ];
  });
}

/** The first event in the line that parses, column by column. */
function explainLine(text: string, eras: readonly Era[]): Explanation[] | null {
  const line = text.replaceAll('=3D', '=').trimEnd();
  for (const tracepoint of TRACEPOINTS) {
    const match = new RegExp(`\\b${tracepoint.name}: +(.*)$`, 's').exec(line);
    if (match === null) continue;
    const [, rest = ''] = match;
    const fitting = eras.filter((era) => tracepoint.parse(rest, era) !== null);
    const [era] = fitting;
    if (era === undefined) continue;
    return fields(tracepoint, rest, era, fitting);
  }
  return null;
}

function fields(
  tracepoint: AnyTracepoint,
  text: string,
  era: Era,
  fitting: readonly Era[],
): Explanation[] {
  const kernels = kernelsOf(fitting);
  const { name, doc, columns } = tracepoint;
  const found: Explanation[] = [{ kind: 'event', name, means: doc, kernels }];
  for (const [i, value] of (tracepoint.parse(text, era) ?? []).entries()) {
    const column = columns[i];
    if (column === undefined || value === null) continue;
    const { symbols, flags } = column;
    let means = column.doc;
    if (flags !== null) means = flagNames(era, flags, Number(value)).join(' ') || 'no flag';
    else if (column.name === 'error' && Number(value) !== 0) means = errorText(Number(value));
    else if (symbols !== null) {
      const number = symbols.find(era, String(value));
      const id = number === undefined ? '' : (symbols.ids[number] as string);
      means = wordMeaning(name, id, String(value), era) ?? column.doc;
    }
    const shown =
      typeof value === 'number' && value > 9 ? `0x${value.toString(16)}` : String(value);
    found.push({ kind: 'field', name: `${column.name} = ${shown}`, means, kernels: null });
  }
  return found;
}

function wordMeaning(event: string, id: string, word: string, era: Era): string | undefined {
  const meaning = meaningOf(event, id, era);
  if (meaning === undefined) return VERDICTS[word];
  return meaning.by === '' ? meaning.means : `${meaning.means} (${meaning.by})`;
}

function kernelsOf(eras: readonly Era[]): string | null {
  if (eras.length === ERAS.length) return null;
  return ERAS.filter((era) => eras.includes(era))
    .map((era) => ERA_KERNELS[era])
    .join(', ');
}

/** Events whose labels have the word, each with what it means there. */
function labels(word: string, eras: readonly Era[]): Explanation[] {
  return TRACEPOINTS.flatMap((tracepoint) =>
    tracepoint.columns.flatMap(({ name, symbols, doc }) => {
      if (symbols === null) return [];
      const printing = eras.filter((era) => tracepoint.format(era) !== null);
      const having = printing.filter((era) => symbols.find(era, word) !== undefined);
      const [era] = having;
      if (era === undefined) return [];
      const id = symbols.ids[symbols.find(era, word) as number] as string;
      const means = wordMeaning(tracepoint.name, id, word, era) ?? doc;
      return [
        { kind: 'label', name: `${tracepoint.name} ${name}`, means, kernels: kernelsOf(having) },
      ];
    }),
  );
}

/** `f=22`: the bits by name, for requests and slices, as far as eras differ. */
function flagWord(word: string, eras: readonly Era[]): Explanation[] {
  const hex = /^f=([0-9a-f]+)$/i.exec(word)?.[1];
  if (hex === undefined) return [];
  const value = Number.parseInt(hex, 16);
  return (['rreq', 'sreq'] as const).flatMap((set) => {
    const byNames = new Map<string, Era[]>();
    for (const era of eras) {
      const names = flagNames(era, set, value).join(' ') || 'no flag';
      byNames.set(names, [...(byNames.get(names) ?? []), era]);
    }
    const of = set === 'rreq' ? 'flags of a request' : 'flags of a slice';
    return [...byNames].map(([means, having]) => {
      return { kind: 'flags', name: of, means, kernels: kernelsOf(having) };
    });
  });
}

function flagName(word: string, eras: readonly Era[]): Explanation[] {
  return (['rreq', 'sreq'] as const).flatMap((set) => {
    const having = eras.filter((era) => flagMask(era, set, word) !== 0);
    const [era] = having;
    if (era === undefined) return [];
    const of = set === 'rreq' ? 'request' : 'slice';
    const means = `flag of a ${of}, f=${flagMask(era, set, word).toString(16)}`;
    return [{ kind: 'flag', name: word, means, kernels: kernelsOf(having) }];
  });
}

function errorText(error: number): string {
  const number = Math.abs(error);
  return `${errnoName(number)}: ${errnoText(number)}`;
}

function errors(word: string): Explanation[] {
  const number = /^(?:e=)?-(\d{1,4})$/.exec(word)?.[1];
  if (number === undefined) return [];
  const means = errorText(Number(number));
  return [{ kind: 'error', name: `-${number}`, means, kernels: null }];
}

function counters(word: string, eras: readonly Era[]): Explanation[] {
  const key = word.replace(/=.*$/, '');
  const era = eras.find((each) => explainStat(each, key) !== undefined);
  const found = era === undefined ? undefined : explainStat(era, key);
  if (found === undefined) return [];
  const name = `${found.key} (${found.label})`;
  return [{ kind: found.kind, name, means: `${found.doc} ${found.events}`.trim(), kernels: null }];
}

function events(word: string): Explanation[] {
  const found = TRACEPOINTS.find(({ name }) => name === word);
  if (found === undefined) return [];
  const having = ERAS.filter((era) => found.format(era) !== null);
  return [{ kind: 'event', name: word, means: found.doc, kernels: kernelsOf(having) }];
}
