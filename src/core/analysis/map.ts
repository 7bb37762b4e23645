/** Which part of each file came from where, as a picture. Called by `trace sources --map`. */
import type { Analysis, Row } from './types.js';

/** Marks of the sources, least to most important for who looks for what is slow. */
const MARKS = { none: '·', ZERO: '░', READ: '▄', DOWN: '█' } as const;
const ORDER = ['ZERO', 'READ', 'DOWN'] as const;

/** One row per file: equal parts of it, each with the mark of where most of its bytes came from. */
export const map: Analysis = {
  name: 'map',
  doc: 'Where the parts of each file came from, as a picture.',
  needs: ['request', 'subrequest', 'op'],
  records: [['netfs_sreq']],
  columns: [
    { name: 'file', doc: 'File.', unit: 'text' },
    { name: 'bytes', doc: 'End of the last slice.', unit: 'bytes' },
    {
      name: 'map',
      doc: `${MARKS.DOWN} server, ${MARKS.READ} cache, ${MARKS.ZERO} zeros, ${MARKS.none} not read.`,
      unit: 'text',
    },
  ],
  params: [
    { name: 'file', doc: 'Only this file.', default: null },
    { name: 'width', doc: 'Parts of a file.', default: 64 },
  ],
  sql: `
SELECT coalesce("o"."file", 'inode ' || "r"."netfs_inode") AS "file", "s"."source", "s"."start",
  "s"."start" + "s"."transferred" AS "end"
FROM "subrequest" AS "s"
JOIN "request" AS "r" ON "r"."uid" = "s"."request"
LEFT JOIN "op" AS "o" ON "o"."id" = "r"."op"
WHERE "s"."source" IN ('ZERO', 'READ', 'DOWN') AND "s"."transferred" > 0
  AND (@file IS NULL OR "o"."file" = @file)
ORDER BY 1`,
  *fold(rows, { width }) {
    let slices: Row[] = [];
    for (const row of rows) {
      if (slices.length > 0 && slices[0]?.file !== row.file) {
        yield picture(slices, Number(width));
        slices = [];
      }
      slices.push(row);
    }
    if (slices.length > 0) yield picture(slices, Number(width));
  },
};

function picture(slices: readonly Row[], width: number): Row {
  const size = slices.reduce((end, row) => Math.max(end, Number(row.end)), 0);
  const part = size / width;
  const bytes = ORDER.map(() => new Float64Array(width));
  for (const { source, start, end } of slices) {
    const sums = bytes[ORDER.indexOf(source as (typeof ORDER)[number])] as Float64Array;
    const last = Math.min(width - 1, Math.ceil(Number(end) / part) - 1);
    for (let i = Math.floor(Number(start) / part); i <= last; i++) {
      const from = Math.max(Number(start), i * part);
      sums[i] = (sums[i] as number) + Math.max(0, Math.min(Number(end), (i + 1) * part) - from);
    }
  }
  const marks = Array.from({ length: width }, (_, i) => {
    const here = bytes.map((sums) => sums[i] as number);
    const most = Math.max(...here);
    return most === 0 ? MARKS.none : MARKS[ORDER[here.indexOf(most)] as (typeof ORDER)[number]];
  });
  return { file: slices[0]?.file ?? null, bytes: size, map: marks.join('') };
}
