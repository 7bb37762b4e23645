/** What the kernels of an era print, put together from the differences of those before it. */
import { dataOf, type Era } from './eras.js';
import type { EraData, EventText } from './kernels/types.js';
import { applyChanges, type Word } from './label_changes.js';

/** The differences up to an era, oldest first. */
function dataUpTo(era: Era): EraData[] {
  const all: EraData[] = [];
  for (let at: Era | null = era; at !== null; ) {
    const { data, before } = dataOf(at);
    all.unshift(data);
    at = before;
  }
  return all;
}

/** Every way in which kernels of the era print an event; none where they do not have it. */
export function eventTexts(event: string, era: Era): readonly EventText[] {
  const changes = dataUpTo(era).map(({ events }) => events?.[event]);
  const last = changes.findLast((change) => change !== undefined) ?? null;
  if (last === null) return [];
  return isOne(last) ? [last] : last;
}

function isOne(texts: EventText | readonly EventText[]): texts is EventText {
  return typeof texts[0] === 'string';
}

const labelCache = new Map<string, readonly Word[]>();

/** The labels of a table in an era, in the order of the kernel's enum. */
export function labelWords(table: string, era: Era): readonly Word[] {
  const { data, before } = dataOf(era);
  // Described kernels come and go; the known ones are asked for table by table, era by era.
  const key = era.includes('+') ? null : `${era} ${table}`;
  const cached = key === null ? undefined : labelCache.get(key);
  if (cached !== undefined) return cached;
  const words = before === null ? [] : labelWords(table, before);
  const changes = data.labels?.[table];
  const changed = changes === undefined ? words : applyChanges(words, changes);
  if (key !== null) labelCache.set(key, changed);
  return changed;
}

/** The names of the bits of a set of flags, by bit; '' = no name. */
export function bitNames(set: string, era: Era): readonly string[] {
  const names: string[] = Array(32).fill('');
  for (const { flags } of dataUpTo(era)) {
    for (const [bit, name] of Object.entries(flags?.[set] ?? {})) names[Number(bit)] = name ?? '';
  }
  return names;
}
