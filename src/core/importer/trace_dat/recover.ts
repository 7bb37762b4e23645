/**
 * Finds the pages of the processors where the list that says where they lie is lost, as in a
 * trace.dat of version 7 that was cut off: the list stands behind the pages. Called by
 * trace_dat_file.ts. Processors are numbered in the order they lie: one without events leaves no
 * gap in the file, so the numbers may be lower than the kernel's.
 */
import type { Cursor } from './bytes.js';
import type { CpuData } from './file.js';

/** Most processors that are looked for. */
const MAX_CPUS = 4096;

/** The processors in the bytes between `cursor` and `end`; each starts at a page boundary. */
export function findCpus(
  cursor: Cursor,
  end: number,
  pageSize: number,
  packed: boolean,
): CpuData[] {
  return packed ? packedCpus(cursor, end, pageSize) : plainCpus(cursor, end, pageSize);
}

/** Each processor's pages are a counted list of chunks, which say how long they are. */
function packedCpus(cursor: Cursor, end: number, pageSize: number): CpuData[] {
  const cpus: CpuData[] = [];
  for (;;) {
    const offset = aligned(cursor.at, pageSize);
    if (offset + 4 > end || cpus.length === MAX_CPUS) return cpus;
    cursor.at = offset;
    let chunks = cursor.u32('the number of chunks');
    for (; chunks > 0 && cursor.at + 8 <= end; chunks--) {
      const size = cursor.u32('the packed size of a chunk');
      cursor.at = Math.min(end, cursor.at + 4 + size);
    }
    // The rest of a chunk that is cut off belongs to it, so that reading it tells of the damage.
    const size = (chunks > 0 ? end : cursor.at) - offset;
    cpus.push({ cpu: cpus.length, offset, size });
    if (chunks > 0) return cpus;
  }
}

/** Times rise from page to page; where they go back, another processor begins. */
function plainCpus(cursor: Cursor, end: number, pageSize: number): CpuData[] {
  const cpus: CpuData[] = [];
  let offset = aligned(cursor.at, pageSize);
  let before = 0n;
  for (let at = offset; at + 8 <= end; at += pageSize) {
    cursor.at = at;
    const time = cursor.big('the time of a page');
    // A page of nothing is where the file was never written.
    if (time === 0n) continue;
    if (time < before && cpus.length < MAX_CPUS - 1) {
      cpus.push({ cpu: cpus.length, offset, size: at - offset });
      offset = at;
    }
    before = time;
  }
  if (end > offset) cpus.push({ cpu: cpus.length, offset, size: end - offset });
  return cpus;
}

function aligned(at: number, pageSize: number): number {
  return Math.ceil(at / pageSize) * pageSize;
}
