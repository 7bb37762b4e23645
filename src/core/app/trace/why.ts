/**
 * The use case `trace why`: what a person names (a file, a request, a range, an operation), as
 * parameters of the analysis. Called by the command.
 */
import type { Rows, Table } from '../../analysis/types.js';
import { UsageError } from '../../base/errors.js';
import { parseSize } from '../../base/units.js';
import { firstRows } from '../../report/first_rows.js';
import { isDatabase } from '../../store/database.js';
import { type Params, runAnalysis } from './query.js';

/** `R=1a`, `op 3`, `4k-64k`, or a file; several may be given, each narrows. */
export function parseWhy(words: readonly string[], range?: string): Params {
  const params: Record<string, string | number> = {};
  for (const word of words) Object.assign(params, parseWord(word));
  if (range !== undefined) Object.assign(params, parseRange(range));
  return params;
}

/** A capture that is named where a file is asked for is the capture, as in the other commands. */
export function whatAndCapture(
  what: string | undefined,
  capture: string | undefined,
): { readonly what: string | undefined; readonly capture: string | undefined } {
  if (what === undefined || capture !== undefined || !isDatabase(what)) return { what, capture };
  return { what: undefined, capture: what };
}

function parseWord(word: string): Record<string, string | number> {
  const request = /^R=(?:0x)?([0-9a-f]{1,8})$/i.exec(word)?.[1];
  if (request !== undefined) return { rreq: Number.parseInt(request, 16) };
  const op = /^op[ =]?(\d+)$/.exec(word)?.[1];
  if (op !== undefined) return { op: Number(op) };
  const ino = /^inode[ =](0x[0-9a-f]+|\d+)$/i.exec(word)?.[1];
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
  return { ...slices, rows: joined(slices.rows, runAnalysis('pageCache', file, params).rows) };
}

function joined(one: Rows, other: Rows): Rows {
  return {
    *[Symbol.iterator]() {
      yield* one;
      yield* other;
    },
    first(count) {
      const begin = firstRows(one, count);
      const rest = firstRows(other, count - begin.rows.length);
      return { rows: [...begin.rows, ...rest.rows], more: begin.more + rest.more };
    },
  };
}
