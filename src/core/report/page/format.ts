/** Numbers as people read them, and the colours of sources. */
import type { Column } from '../../analysis/types.js';
import { formatBytes, formatCount, formatNs } from '../../base/units.js';
import { visible } from './dom.js';
import type { Value } from './types.js';

export { formatBytes, formatCount, formatNs };

/** A value as the tables of the commands show it. */
export function cell(value: Value, { unit }: Pick<Column, 'unit'>): string {
  if (value === null) return '-';
  if (typeof value === 'string') return visible(value);
  if (unit === 'bytes') return formatBytes(value);
  if (unit === 'ns' || unit === 'time') return formatNs(value);
  if (unit === 'count') return formatCount(value);
  if (unit === 'ratio') return value.toFixed(2);
  return String(value);
}

/** `R=0000001a`. */
export function requestName(rreq: number): string {
  return `R=${rreq.toString(16).padStart(8, '0')}`;
}

/** The sources of bytes by what the trace calls them, in the order of the legend. */
export const SOURCES = {
  DOWN: { name: 'server', colour: '--server' },
  READ: { name: 'disk cache', colour: '--cache' },
  ZERO: { name: 'zeros', colour: '--zero' },
  UPLD: { name: 'upload to the server', colour: '--upload' },
  WRIT: { name: 'store in the cache', colour: '--store' },
} as const;

/** The colour of a source in the scheme at hand. */
export function colourOf(source: string): string {
  return themed(source in SOURCES ? SOURCES[source as keyof typeof SOURCES].colour : '--other');
}

/** Colours of the scheme at hand: asked of the browser once, not for every bar. */
const colours = new Map<string, string>();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => colours.clear());

/** The value of a colour of the style sheet. */
export function themed(name: string): string {
  let value = colours.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    colours.set(name, value);
  }
  return value;
}
