/**
 * The use case `trace why`: what a person names (a file, a request, a range, an operation), as
 * parameters of the analysis; and what an operation caused, layer by layer. Called by the command.
 */
import type { Column, Row, Table } from '../analysis/types.js';
import { UsageError } from '../base/errors.js';
import { parseSize } from '../base/units.js';
import { openCapture } from '../store/database.js';
import { findCapture } from './capture_path.js';
import { type Params, runAnalysis } from './query.js';

/** `R=1a`, `op 3`, `4k-64k`, or a file; several may be given, each narrows. */
export function parseWhy(words: readonly string[], range?: string): Params {
  const params: Record<string, string | number> = {};
  for (const word of words) Object.assign(params, parseWord(word));
  if (range !== undefined) Object.assign(params, parseRange(range));
  return params;
}

function parseWord(word: string): Record<string, string | number> {
  const request = /^R=(?:0x)?([0-9a-f]{1,8})$/i.exec(word)?.[1];
  if (request !== undefined) return { rreq: Number.parseInt(request, 16) };
  const op = /^op[ =]?(\d+)$/.exec(word)?.[1];
  if (op !== undefined) return { op: Number(op) };
  const ino = /^inode[ =](\d+)$/.exec(word)?.[1];
  return ino === undefined ? { file: word } : { ino: Number(ino) };
}

function parseRange(text: string): Record<string, number> {
  const [from, to] = text.split('-');
  if (from === undefined || to === undefined) {
    throw new UsageError('--range', `expected FROM-TO, got '${text}'`, 'for example 64k-128k');
  }
  return { from: parseSize(from, '--range'), to: parseSize(to, '--range') };
}

/**
 * Where the bytes came from: slice by slice; then, where files or operations are asked for, what
 * reads found in the page cache.
 */
export function whyTable(file: string | undefined, params: Params): Table {
  const slices = runAnalysis('why', file, params);
  const asked = params.op !== undefined || params.file !== undefined || params.from !== undefined;
  if (!asked || params.rreq !== undefined || params.ino !== undefined) return slices;
  function* walk(): Iterable<Row> {
    yield* slices.rows;
    yield* runAnalysis('pageCache', file, params).rows;
  }
  return { ...slices, rows: walk() };
}

const OP_COLUMNS: readonly Column[] = [
  { name: 'op', doc: 'Operation: op.id.', unit: 'number' },
  { name: 'kind', doc: 'What was asked for.', unit: 'text' },
  { name: 'file', doc: 'File.', unit: 'text' },
  { name: 'offset', doc: 'File position.', unit: 'number' },
  { name: 'asked', doc: 'Bytes the application asked for or got.', unit: 'bytes' },
  { name: 'requests', doc: 'Requests it caused.', unit: 'count' },
  { name: 'requested', doc: 'Bytes of these requests.', unit: 'bytes' },
  { name: 'down', doc: 'Bytes from the server.', unit: 'bytes' },
  { name: 'read', doc: 'Bytes from the cache.', unit: 'bytes' },
  { name: 'stored', doc: 'Bytes written to the cache.', unit: 'bytes' },
  { name: 'requested_x', doc: 'Bytes requested per byte asked for.', unit: 'ratio' },
  { name: 'down_x', doc: 'Bytes downloaded per byte asked for.', unit: 'ratio' },
];

/** The statement behind `operationsTable`. */
export const OPERATIONS_SQL = `
SELECT "o"."id" AS "op", "o"."kind", "o"."file", "o"."offset",
  coalesce("o"."result", "o"."len") AS "asked", count("r"."uid") AS "requests",
  sum(coalesce("r"."expanded_len", "r"."len")) AS "requested", sum("r"."down_bytes") AS "down",
  sum("r"."read_bytes") AS "read", sum("r"."stored_bytes") AS "stored",
  1.0 * sum(coalesce("r"."expanded_len", "r"."len"))
    / nullif(coalesce("o"."result", "o"."len"), 0) AS "requested_x",
  1.0 * sum("r"."down_bytes") / nullif(coalesce("o"."result", "o"."len"), 0) AS "down_x"
FROM "op" AS "o"
JOIN "request" AS "r" ON "r"."op" = "o"."id" AND "r"."kind" IS NOT NULL
WHERE (@op IS NULL OR "o"."id" = @op) AND (@file IS NULL OR "o"."file" = @file)
GROUP BY "o"."id" ORDER BY "o"."id"`;

/** Every operation that caused requests, with what each layer made of it. */
export function operationsTable(file: string | undefined, params: Params): Table {
  const capture = openCapture(findCapture(file));
  const bound = { op: params.op ?? null, file: params.file ?? null };
  function* walk(): Iterable<Row> {
    try {
      yield* capture.iterate(OPERATIONS_SQL, bound);
    } finally {
      capture.close();
    }
  }
  return { capture: capture.path, columns: OP_COLUMNS, rows: walk() };
}
