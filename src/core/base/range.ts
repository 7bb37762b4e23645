/** Arithmetic of byte positions and pages. Ranges are half-open; positions are exact below 2^53. */

/** A page is 2^PAGE_SHIFT bytes. */
export const PAGE_SHIFT = 12;
/** Bytes in a page. */
export const PAGE_SIZE = 4096;

/** The largest multiple of `unit` that is not above `value`. */
export function roundDown(value: number, unit: number): number {
  return value - (value % unit);
}

/** The smallest multiple of `unit` that is not below `value`. */
export function roundUp(value: number, unit: number): number {
  const rest = value % unit;
  return rest === 0 ? value : value - rest + unit;
}

/** The index of the page that holds byte `position`. */
export function pageIndex(position: number): number {
  return Math.floor(position / PAGE_SIZE);
}

/** How many pages are needed to hold `bytes` bytes. */
export function pagesFor(bytes: number): number {
  return Math.ceil(bytes / PAGE_SIZE);
}

/** The smallest power of two that is not below `value` (1 for values up to 1). */
export function roundUpPowerOfTwo(value: number): number {
  let power = 1;
  while (power < value) power *= 2;
  return power;
}

/** True for 1, 2, 4, 8, ... */
export function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(value) && value > 0 && roundUpPowerOfTwo(value) === value;
}
