/** What the tests of the read helper share: single entries of the helper, page states, counters. */
import test, { type ExecutionContext } from 'ava';
import { PAGE_SIZE } from '../../src/core/base/range.js';
import type { Lab } from '../../src/core/lab/lab.js';
import { PG_FSCACHE, PG_LOCKED, PG_UPTODATE } from '../../src/core/mm/folio.js';
import type { OpenFile } from '../../src/core/mm/types.js';
import type { Defects } from '../../src/core/netfs/types.js';
import { statEntries } from '../../src/core/trace/stats_layout.js';
import type { VfsFile } from '../../src/core/vfs/types.js';
import type { TestLab } from './lab.js';

/** Declares a test twice: with the kernel's defects and with the defects repaired. */
export function inBothModes(
  title: string,
  body: (t: ExecutionContext, defects: Defects) => Promise<void>,
): void {
  for (const defects of ['kernel', 'repaired'] as const) {
    test(`${title} (${defects})`, (t) => body(t, defects));
  }
}

/** The lines of a sequence of events written as one text. */
export function events(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Asserts that two runs of bytes are the same; says where they first differ. */
export function sameBytes(t: ExecutionContext, got: Uint8Array, expected: Uint8Array): void {
  t.is(firstDifference(got, expected), -1);
}

/** Position of the first byte in which two runs differ, -1 when there is none. */
export function firstDifference(got: Uint8Array, expected: Uint8Array): number {
  if (Buffer.compare(got, expected) === 0) return -1;
  const at = got.findIndex((byte, i) => byte !== expected[i]);
  return at < 0 ? Math.min(got.length, expected.length) : at;
}

/** The counters that are not 0, by the key that /proc prints. */
export function counters({ stats, profile }: Lab): Record<string, number> {
  const entries = statEntries(profile.era, stats).map(({ key, value }) => [key, value] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== 0));
}

/**
 * One ->readahead call for [offset, offset + length), by readahead(2); everything in flight ends.
 */
export async function readahead(
  { lab }: TestLab,
  file: VfsFile,
  offset: number,
  length: number,
): Promise<void> {
  await lab.run('reader', () => file.readahead(offset, length));
  await lab.scheduler.drain();
}

/** One ->readpage call for an absent page, by a fault in a mapping for random access; its bytes. */
export async function readpage({ lab }: TestLab, file: VfsFile, index: number): Promise<Buffer> {
  const position = index * PAGE_SIZE;
  const count = Math.min(PAGE_SIZE, file.fstat().size - position);
  const area = file.mmap(position, PAGE_SIZE);
  area.advise('random');
  const target = Buffer.alloc(count);
  try {
    await lab.run('reader', () => area.load(target, position, count));
  } finally {
    area.munmap();
  }
  return target;
}

/** Drops every page of the file that can be dropped. */
export async function dropPages({ lab }: TestLab, file: VfsFile): Promise<void> {
  await lab.scheduler.drain();
  await lab.run('reader', () => file.fadvise('dontneed'));
}

/**
 * The state of a page in words: `absent`, or its flags and references beyond the page cache's own.
 */
export function pageState({ lab }: TestLab, file: VfsFile, index: number): string {
  const { folios } = lab;
  const pfn = (file as unknown as OpenFile).mapping.find(index);
  if (pfn < 0) return 'absent';
  const words: string[] = [];
  if (folios.test(pfn, PG_LOCKED)) words.push('locked');
  if (folios.test(pfn, PG_UPTODATE)) words.push('uptodate');
  if (folios.test(pfn, PG_FSCACHE)) words.push('fscache');
  if (folios.refsOf(pfn) > 1) words.push(`+${folios.refsOf(pfn) - 1}`);
  return words.join(' ') || 'not uptodate';
}

/** The states of pages [0, count). */
export function pageStates(made: TestLab, file: VfsFile, count: number): string[] {
  return Array.from({ length: count }, (_, index) => pageState(made, file, index));
}
