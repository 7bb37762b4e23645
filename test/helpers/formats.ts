/** What kernels print, as collected outside this project: see traces/formats/README.md. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Era } from '../../src/core/trace/eras.js';

/** Formats and words of one text of fscache or cachefiles. */
export interface FormatGroup {
  /** F1, C2 and so on. */
  readonly era: string;
  readonly events: readonly { readonly event: string; readonly format: string }[];
  readonly symbols: Readonly<Record<string, readonly string[]>>;
}

/** What is known of one era. */
interface EraFormats {
  readonly events: readonly {
    readonly event: string;
    readonly format: string;
    readonly synthetic_sample: string;
  }[];
  readonly symbols: Readonly<Record<string, readonly string[]>>;
  readonly flags: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly stats: readonly string[];
}

/** The collection. */
export interface Formats {
  readonly eras: Readonly<Record<Era, EraFormats>>;
  readonly fscache: readonly FormatGroup[];
  readonly cachefiles: readonly FormatGroup[];
  /** Format strings of the events of a kernel, by release and event. */
  readonly kernels: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

function unpacked(name: string): string {
  const url = new URL(`../../../traces/formats/${name}`, import.meta.url);
  return gunzipSync(readFileSync(url)).toString();
}

/** The collection of formats. */
export const FORMATS = JSON.parse(unpacked('formats.json.gz')) as Formats;

/** Lines of real traces: era, event, text. */
export const REAL_LINES = unpacked('real-lines.ndjson.gz')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as readonly [era: Era, event: string, text: string]);

/** A made-up line of each netfs event of an era. */
export function syntheticLines(era: Era): (readonly [event: string, text: string])[] {
  return FORMATS.eras[era].events.map((each) => [each.event, each.synthetic_sample] as const);
}

/** A format file of a kernel. */
export interface FormatFile {
  readonly system: string;
  /** Name of the event. */
  readonly name: string;
  readonly text: string;
}

const FILES = unpacked('format-files.ndjson.gz')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as readonly [release: string, system: string, text: string]);

/** The format files of a kernel: 6.1, 6.12, 6.18 or 7.3. */
export function formatFiles(release: string): FormatFile[] {
  return FILES.filter(([of]) => of === release).map(([, system, text]) => {
    return { system, name: /^name: (\w+)$/m.exec(text)?.[1] ?? '', text };
  });
}
