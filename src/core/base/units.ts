/**
 * Sizes, durations, counts and rates as people write and read them. Flags are parsed here and
 * reports are formatted here, so that one notation holds everywhere: sizes are binary (4k = 4096),
 * a bare duration is seconds, as fio's `runtime`.
 */
import { UsageError } from './errors.js';

const SIZE = /^(?:(0x[0-9a-f]+)|(\d+(?:\.\d+)?)\s*(?:([kmgtp])(?:i?b)?|b)?)$/i;
const SIZE_POWERS = ['', 'k', 'm', 'g', 't', 'p'];
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

const DURATION = /^(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|m|h)?$/i;
const NS_PER: Record<string, number> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/**
 * A size in bytes from `4096`, `4k`, `64KiB`, `1.5m` or `0x1000`; suffixes are powers of 1024.
 * Throws a `UsageError` naming `option` when it is not a whole number of bytes below 2^53.
 */
export function parseSize(text: string, option: string): number {
  const match = SIZE.exec(text.trim());
  if (match === null) throw badSize(text, option);
  const [, hex, decimal, suffix = ''] = match;
  const bytes =
    hex === undefined
      ? Number(decimal) * 1024 ** SIZE_POWERS.indexOf(suffix.toLowerCase())
      : Number(hex);
  if (!Number.isSafeInteger(bytes)) throw badSize(text, option);
  return bytes;
}

function badSize(text: string, option: string): UsageError {
  return new UsageError(
    option,
    `expected a size, got '${text}'`,
    'write bytes (4096, 0x1000) or a binary suffix (4k, 64KiB, 1m)',
  );
}

/**
 * A duration in whole nanoseconds from `2ms`, `10us`, `1.5s`, `5m`; a bare number is seconds.
 * Throws a `UsageError` naming `option` when it is not one.
 */
export function parseDuration(text: string, option: string): number {
  const match = DURATION.exec(text.trim());
  const ns =
    match === null ? Number.NaN : Number(match[1]) * (NS_PER[(match[2] ?? 's').toLowerCase()] ?? 1);
  if (!Number.isSafeInteger(Math.round(ns))) {
    throw new UsageError(
      option,
      `expected a duration, got '${text}'`,
      'write a number with ns, us, ms, s, m or h; a bare number is seconds',
    );
  }
  return Math.round(ns);
}

/** Three significant digits without trailing zeros: 1.5, 12.3, 456; whole numbers stay whole. */
function short(value: number): string {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return String(Number(value.toFixed(digits)));
}

/** Bytes in the largest binary unit that leaves at least 1: `4 KiB`, `1.5 MiB`, `512 B`. */
export function formatBytes(bytes: number): string {
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 1023.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${bytes < 0 ? '-' : ''}${short(value)} ${BYTE_UNITS[unit]}`;
}

/** Nanoseconds in a unit a person can compare at a glance: `850 ns`, `12.3 us`, `1.5 s`. */
export function formatNs(ns: number): string {
  const sign = ns < 0 ? '-' : '';
  const value = Math.abs(ns);
  if (value < 999.5) return `${sign}${short(value)} ns`;
  if (value < 999.5e3) return `${sign}${short(value / 1e3)} us`;
  if (value < 999.5e6) return `${sign}${short(value / 1e6)} ms`;
  return `${sign}${short(value / 1e9)} s`;
}

/** A whole number with its thousands set apart: `1,234,567`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** A transfer rate from bytes and nanoseconds: `12.3 MiB/s`; `-` when no time has passed. */
export function formatRate(bytes: number, ns: number): string {
  return ns <= 0 ? '-' : `${formatBytes((bytes * 1e9) / ns)}/s`;
}
