/** Where the bytes of each file came from, cell by cell, for the maps of a report. */
import type { FileMapDocument } from '../../report/page/types.js';
import type { Capture } from '../../store/types.js';

/** Cells of a map, and files that have one. */
const CELLS = 1024;
const FILES = 100;

const LARGEST = `SELECT "file", max("end") AS "size", sum("bytes") AS "bytes" FROM "provenance"
WHERE "source" IN ('ZERO', 'DOWN', 'READ') AND "end" > 0
GROUP BY "file" ORDER BY 3 DESC, 1`;

const PARTS = `SELECT "file", "start", "end", "source" FROM "provenance"
WHERE "source" IN ('ZERO', 'DOWN', 'READ')`;

const [NOTHING, ZERO, SERVER, CACHE, BOTH] = [0, 1, 2, 3, 4];

/** What a cell becomes where a slice from `source` falls into it. */
function mixed(before: number, source: string): number {
  if (source === 'ZERO') return before === NOTHING ? ZERO : before;
  const now = source === 'DOWN' ? SERVER : CACHE;
  return before === NOTHING || before === ZERO || before === now ? now : BOTH;
}

/** The maps of the files of which most was got, and how many files have none. */
export function fileMaps(capture: Capture): { maps: FileMapDocument[]; unmapped: number } {
  const files = capture.all(LARGEST);
  const shown = files.slice(0, FILES).map(({ file, size, bytes }) => ({
    file: file === null ? 'file not known' : String(file),
    size: Number(size),
    bytes: Number(bytes),
    cells: new Uint8Array(CELLS),
  }));
  const byName = new Map(shown.map((each) => [each.file, each]));
  capture.each(PARTS, (row) => {
    const map = byName.get(row.file === null ? 'file not known' : String(row.file));
    if (map === undefined) return;
    const first = Math.floor((Number(row.start) * CELLS) / map.size);
    const last = Math.ceil((Number(row.end) * CELLS) / map.size);
    const source = String(row.source);
    for (let i = Math.max(0, first); i < last; i++) {
      map.cells[i] = mixed(map.cells[i] as number, source);
    }
  });
  const maps = shown.map((each) => ({ ...each, cells: each.cells.join('') }));
  return { maps, unmapped: files.length - shown.length };
}
