/**
 * The order of a log: `journalctl -r` and some web pages print the newest line first, and a report
 * read in that order says the opposite. Called by read_log.ts.
 */

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';

/** The moment that a line begins with, in a unit that only lines of one log share; null if none. */
function momentOf(line: string): number | null {
  const seconds = /^[^[]{0,80}\[ *(\d+\.\d+)\]/.exec(line)?.[1];
  if (seconds !== undefined) return Number(seconds);
  const iso = /^\W{0,4}(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?)/.exec(line)?.[1];
  if (iso !== undefined) return Date.parse(`${iso.replace(',', '.')}Z`) / 1000;
  const [, month = '', day, hours, minutes, rest] =
    /^\W{0,4}(?:[A-Z][a-z]{2} )?([A-Z][a-z]{2}) +(\d+) (\d\d):(\d\d):(\d\d)\b/.exec(line) ?? [];
  const number = MONTHS.indexOf(month);
  if (day === undefined || number < 0) return null;
  const days = (number / 3) * 31 + Number(day);
  return ((days * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(rest);
}

/** True if the newest line of a log comes first. */
export function runsBackwards(lines: readonly string[]): boolean {
  let [up, down] = [0, 0];
  let last: number | null = null;
  for (const line of lines) {
    const moment = momentOf(line);
    if (moment === null) continue;
    if (last !== null && moment > last) up++;
    if (last !== null && moment < last) down++;
    last = moment;
  }
  const first = (mark: string) => lines.findIndex((line) => line.trimEnd().endsWith(mark));
  const [begin, end] = [first(' <TASK>'), first(' </TASK>')];
  const ends = begin >= 0 && end >= 0 && end < begin;
  // A report that ends before it begins decides where times do not, or hardly.
  return up === 0 && down === 0 ? ends : down > up && (ends || down >= 3 || up === 0);
}
