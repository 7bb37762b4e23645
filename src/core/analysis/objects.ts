/**
 * How objects of fscache are named: by debug number from v5.17 on, before by a hashed pointer of 16
 * digits. Called by analyses that list objects.
 */

/** A number as printed, or the digits of a pointer without its leading zeros: 8 at least. */
export function objectText(name: number | string): string {
  const digits = typeof name === 'number' ? name.toString(16) : name.replace(/^0+/, '');
  return digits.padStart(8, '0');
}

/** What tells objects apart: a pointer is text, a number may come as either. */
export function objectKey(name: unknown): number | string {
  if (typeof name === 'string' && name !== '') return name;
  return Number(name ?? 0);
}
