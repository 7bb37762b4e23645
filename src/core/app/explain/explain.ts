/**
 * The use case `explain`: any word, flag word, counter, error number or line of a trace, decoded by
 * era. Called by the command.
 */
import { MEANINGS, meaningOf } from '../../analysis/meanings.js';
import { collectNotes, flagMeaning, labelMeaning } from '../../analysis/words/index.js';
import { errnoName, errnoText } from '../../base/errno.js';
import { UsageError } from '../../base/errors.js';
import { readLog } from '../../importer/dmesg/read_log.js';
import { ERAS, type Era } from '../../trace/eras.js';
import { flagMask, flagNames } from '../../trace/flag_bits.js';
import { TRACEPOINTS } from '../../trace/index.js';
import { compileFormat } from '../../trace/printk.js';
import { keysNamed, type StatExplanation } from '../../trace/stats_layout.js';
import type { AnyTracepoint } from '../../trace/tracepoint.js';
import { kernelsOf } from './era.js';

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
    ...columnsCalled(word, eras),
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
      means = wordMeaning(name, symbols.name, id, era) ?? notKnown(column.doc);
    } else if (name === 'netfs_collect_state' && column.name === 'notes') {
      means = collectNotes(Number(value), era) || 'no note';
    }
    const shown =
      typeof value === 'number' && value > 9 ? `0x${value.toString(16)}` : String(value);
    found.push({ kind: 'field', name: `${column.name} = ${shown}`, means, kernels: null });
  }
  return found;
}

/** What a label means: with the function that emits it where that is known. */
function wordMeaning(event: string, table: string, id: string, era: Era): string | undefined {
  const meaning = MEANINGS[event]?.[id] === undefined ? undefined : meaningOf(event, id, era);
  const means = meaning?.means ?? labelMeaning(table, id);
  return meaning === undefined || meaning.by === '' ? means : `${means} (${meaning.by})`;
}

/** Of a word that no known kernel has, only what it stands for can be said. */
function notKnown(doc: string): string {
  return `not known here; it tells: ${doc}`;
}

/** Events whose labels have the word, with what it means there; else those of which it is part. */
function labels(word: string, eras: readonly Era[]): Explanation[] {
  const whole = labelsThat(eras, (text) => text === word);
  if (whole.length > 0 || word.length < 2) return whole;
  return labelsThat(eras, (text) => text.split(/ +/).includes(word));
}

function labelsThat(eras: readonly Era[], wanted: (text: string) => boolean): Explanation[] {
  return TRACEPOINTS.flatMap((tracepoint) => {
    const printing = eras.filter((era) => tracepoint.format(era) !== null);
    return tracepoint.columns.flatMap(({ name, symbols, doc }) => {
      if (symbols === null) return [];
      const having = new Map<string, Era[]>();
      for (const era of printing) {
        for (const { id, text } of symbols.labels(era)) {
          if (!wanted(text)) continue;
          const key = symbols.ids[id] as string;
          having.set(key, [...(having.get(key) ?? []), era]);
        }
      }
      return [...having].map(([id, of]) => {
        const means = wordMeaning(tracepoint.name, symbols.name, id, of[0] as Era) ?? notKnown(doc);
        return { kind: 'label', name: `${tracepoint.name} ${name}`, means, kernels: kernelsOf(of) };
      });
    });
  });
}

/** Columns of this name, or that are printed behind this key: `prg=`. */
function columnsCalled(word: string, eras: readonly Era[]): Explanation[] {
  const key = word.replace(/=.*$/, '');
  return TRACEPOINTS.flatMap((tracepoint) =>
    tracepoint.columns.flatMap(({ name, doc }) => {
      const having = eras.filter((era) =>
        tracepoint.variants(era).some(({ format, args }) => {
          const at = args.indexOf(name);
          if (at < 0 || name === key) return at >= 0;
          return keyBefore(format, at) === key;
        }),
      );
      if (having.length === 0) return [];
      return [
        {
          kind: 'field',
          name: `${tracepoint.name} ${name}`,
          means: doc,
          kernels: kernelsOf(having),
        },
      ];
    }),
  );
}

/** `prg` of `cln=%zx prg=%zx` for the second conversion. */
function keyBefore(format: string, conversion: number): string | undefined {
  const text = compileFormat(format).text[conversion] ?? '';
  return /([\w]+)=(?:0x)?$/.exec(text)?.[1];
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

/** A flag by its name, once for each bit that it has or had. */
function flagName(word: string, eras: readonly Era[]): Explanation[] {
  return (['rreq', 'sreq'] as const).flatMap((set) => {
    const masks = new Map<number, Era[]>();
    for (const era of eras) {
      const mask = flagMask(era, set, word);
      if (mask !== 0) masks.set(mask, [...(masks.get(mask) ?? []), era]);
    }
    return [...masks].map(([mask, having]) => {
      const of = `flag of a ${set === 'rreq' ? 'request' : 'slice'}, f=${mask.toString(16)}`;
      const sentence = flagMeaning(set, word);
      const means = sentence === undefined ? of : `${sentence}; ${of}`;
      return { kind: 'flag', name: word, means, kernels: kernelsOf(having) };
    });
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

/** Every line of statistics that has the key, with what it counts there. */
function counters(word: string, eras: readonly Era[]): Explanation[] {
  const found = new Map<string, { explained: StatExplanation; having: Era[] }>();
  for (const era of eras) {
    for (const explained of keysNamed(word.replace(/=.*$/, ''), era)) {
      const same = `${explained.label} ${explained.variable} ${explained.doc}`;
      const entry = found.get(same) ?? { explained, having: [] };
      entry.having.push(era);
      found.set(same, entry);
    }
  }
  return [...found.values()].map(({ explained, having }) => {
    const { kind, key, label, doc, events } = explained;
    const means = `${doc} ${events}`.trim();
    return { kind, name: `${key} (${label})`, means, kernels: kernelsOf(having) };
  });
}

function events(word: string): Explanation[] {
  const found = TRACEPOINTS.find(({ name }) => name === word);
  if (found === undefined) return [];
  const having = ERAS.filter((era) => found.format(era) !== null);
  return [{ kind: 'event', name: word, means: found.doc, kernels: kernelsOf(having) }];
}
