/** What the tests of writes share: whole operations on a file, and the events of dirty pages. */
import type { MemoryRow } from '../../src/core/trace/sink.js';
import type { OpenFlags, VfsFile } from '../../src/core/vfs/types.js';
import type { TestLab } from './lab.js';
import { openNow } from './lab.js';

/** Opens a file for reading and writing. */
export function openRw({ lab }: TestLab, name: string, flags: OpenFlags = {}): VfsFile {
  return openNow(lab, name, { write: true, ...flags });
}

/** Writes `bytes` at `position`, in a process of its own; bytes written. */
export function write(
  { lab }: TestLab,
  file: VfsFile,
  position: number,
  bytes: Uint8Array,
): Promise<number> {
  return lab.run('writer', () => file.write(bytes, 0, bytes.length, position));
}

/** fsync(2). */
export function fsync({ lab }: TestLab, file: VfsFile): Promise<void> {
  return lab.run('writer', () => file.fsync());
}

/** ftruncate(2). */
export function truncate({ lab }: TestLab, file: VfsFile, size: number): Promise<void> {
  return lab.run('writer', () => file.truncate(size));
}

/** The events of dirty pages as `INDEX WHY FROM-TO[ M]`, numbers in hexadecimal. */
export function dirtyEvents({ sink }: TestLab): string[] {
  return sink.rows.filter(isDirtyEvent).map((row) => {
    const hex = (column: string): string => Number(row[column]).toString(16);
    return `${hex('index')} ${row.where} ${hex('from')}-${hex('to')}${row.mapped}`;
  });
}

/** True for the event of a dirty page. */
export function isDirtyEvent({ event }: MemoryRow): boolean {
  return event === 'afs_page_dirty';
}

/** Bytes that are all `value`. */
export function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}
