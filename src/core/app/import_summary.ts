/** What an import says when it is done. Called by `trace import`. */
import { basename } from 'node:path';
import { formatCount } from '../base/units.js';
import type { Tally } from '../importer/import_sink.js';
import { ERA_KERNELS } from '../trace/eras.js';
import type { ImportSummary } from './import.js';

/** The name a capture gets by its files. */
export function importName(files: readonly string[]): string {
  const [first = '-'] = files;
  const stem = first === '-' ? 'stdin' : basename(first).replace(/\.(gz|tgz|zst|bz2|xz)$/, '');
  return stem.replace(/\.(txt|dat|tar)$/, '').replaceAll(/[^\w.-]/g, '_') || 'import';
}

/** True if something of the input is not in the capture, or not as an event. */
export function wasDamaged({ counts }: ImportSummary): boolean {
  return counts.damaged.count > 0;
}

/** The summary for people, lines without newlines. */
export function importSummaryLines(summary: ImportSummary): string[] {
  const { files, era, counts } = summary;
  const rows: (readonly [Tally, string])[] = [
    [counts.others, 'of them without a table of their own'],
    [counts.unknown, 'of them not as this era prints them, kept as text'],
    [counts.words, 'words that are in no table, kept as they are'],
    [counts.skipped, 'lines that are no events'],
    [counts.damaged, 'damaged, not or not wholly in the capture'],
  ];
  return [
    ...files.map(({ name, format, compression, evidence }) => {
      const packed = compression === null ? '' : ` (${compression})`;
      return `${name}: ${format}${packed}: ${evidence}`;
    }),
    `era ${era.era} (${ERA_KERNELS[era.era]}): ${era.evidence}`,
    `${formatCount(counts.kept.count)} events kept`,
    ...rows.filter(([{ count }]) => count > 0).map(([tally, what]) => tallyLine(tally, what)),
    ...(counts.lost > 0 ? [`${formatCount(counts.lost)} events lost by the kernel`] : []),
    ...(counts.unnumbered > 0
      ? [`events lost by the kernel in ${formatCount(counts.unnumbered)} places, number not told`]
      : []),
  ];
}

function tallyLine({ count, first }: Tally, what: string): string {
  return `${formatCount(count)} ${what}${first === null ? '' : `; first: ${first}`}`;
}
