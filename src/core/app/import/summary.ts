/** What an import says when it is done. Called by `trace import`. */
import { basename } from 'node:path';
import { formatCount } from '../../base/units.js';
import { NOT_KNOWN } from '../../importer/era.js';
import type { Tally } from '../../importer/import_sink.js';
import type { Paste } from '../../importer/paste/read_paste.js';
import type { Segments } from '../../importer/paste/segments.js';
import type { ImportSummary } from './import.js';
import { accountLines, contentLines } from './paste_text.js';

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
  const { files, era, counts, pastes } = summary;
  const rows: (readonly [Tally, string])[] = [
    [counts.others, 'of them without a table of their own'],
    [counts.unknown, 'of them not as this era prints them, kept as text'],
    [counts.words, 'words that are in no table, kept as they are'],
    [counts.skipped, 'lines that are no events'],
    [counts.repeated, 'lines repeat earlier ones; left out'],
    [counts.damaged, 'damaged, not or not wholly in the capture'],
  ];
  return [
    ...pastes.flatMap((paste) => [...accountLines(paste)]),
    ...files.map(({ name, format, compression, evidence }) => {
      const packed = compression === null ? '' : ` (${compression})`;
      return `${name}: ${format}${packed}: ${evidence}`;
    }),
    era.kernels === NOT_KNOWN
      ? `kernel not known: ${era.evidence}; read as era ${era.era}`
      : `era ${era.era} (${era.kernels}): ${era.evidence}`,
    `${formatCount(counts.kept.count)} events kept`,
    ...besides(pastes),
    ...rows.filter(([{ count }]) => count > 0).map(([tally, what]) => tallyLine(tally, what)),
    ...(counts.lost > 0 ? [`${formatCount(counts.lost)} events lost by the kernel`] : []),
    ...(counts.unnumbered > 0
      ? [`events lost by the kernel in ${formatCount(counts.unnumbered)} places, number not told`]
      : []),
    ...pastes.flatMap((paste) => [...contentLines(paste, era.era)]),
  ];
}

/** What else of pastes is in the capture. */
function besides(pastes: readonly Paste[]): string[] {
  const sum = (of: (segments: Segments) => number) =>
    pastes.reduce(
      (all, { parts }) => all + parts.reduce((each, { segments }) => each + of(segments), 0),
      0,
    );
  const kept = [
    [sum(({ stats }) => stats.length), 'snapshots of the statistics'],
    [sum(({ tables }) => [...tables.values()].flat().length), 'rows of tables'],
    [sum(({ mounts }) => mounts.length), 'mounts'],
    [sum(({ messages }) => messages.length), 'lines of a kernel log'],
  ] as const;
  const told = kept
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${formatCount(count)} ${what}`);
  return told.length === 0 ? [] : [`${told.join(', ')} kept`];
}

function tallyLine({ count, first }: Tally, what: string): string {
  return `${formatCount(count)} ${what}${first === null ? '' : `; first: ${first}`}`;
}
