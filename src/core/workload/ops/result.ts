/**
 * What operations returned: printed and read in the form of the captures' `result.txt`. Made by
 * the player; compared by `conform`.
 */
import { TraceParseError } from '../../base/errors.js';

/** What one operation returned. */
export interface OpResult {
  /** Its place in the list, from 0. */
  readonly op: number;
  /** The operation as written, or `mincore`. */
  readonly text: string;
  /** What the call returned, -1 if it failed; NaN where there is no number (mincore). */
  readonly ret: number;
  /** Positive error number, 0 = none. */
  readonly errno: number;
  /** Of the bytes read; '' where none were. */
  readonly md5: string;
  /** Of mincore: size in bytes, and runs of resident pages as `0-73,80-90` or `none`. */
  readonly residency: { readonly size: number; readonly pages: string } | null;
}

/** One line of `result.txt`. */
export function printResult({ op, text, ret, errno, md5, residency }: OpResult): string {
  if (residency !== null) {
    const { size, pages } = residency;
    return `${op} mincore size=${size} pages=${Math.ceil(size / 4096)} resident=${pages}`;
  }
  const failed = errno === 0 ? '' : ` errno=${errno}`;
  return `${op} ${text} ret=${ret}${failed}${md5 === '' ? '' : ` md5=${md5}`}`;
}

const RESIDENCY = /^(\d+) mincore size=(\d+) pages=\d+ resident=(none|[\d,-]+)$/;
const CALL = /^(\d+) (.+) ret=(-?\d+)(?: errno=(\d+))?(?: md5=([0-9a-f]{32}))?$/;

/** Reads `result.txt`; its last line, a summary, is left out. Throws a `TraceParseError`. */
export function parseResults(source: string, file: string): OpResult[] {
  return source.split('\n').flatMap((line, i): OpResult[] => {
    if (line === '' || line.startsWith('END ')) return [];
    const call = CALL.exec(line);
    if (call !== null) {
      const [, op, text = '', ret, errno = 0, md5 = ''] = call;
      return [
        { op: Number(op), text, ret: Number(ret), errno: Number(errno), md5, residency: null },
      ];
    }
    const resident = RESIDENCY.exec(line);
    if (resident === null) throw new TraceParseError(file, i + 1, 1, 'the result of an op', line);
    const [, op, size, pages = ''] = resident;
    const residency = { size: Number(size), pages };
    return [{ op: Number(op), text: 'mincore', ret: Number.NaN, errno: 0, md5: '', residency }];
  });
}
