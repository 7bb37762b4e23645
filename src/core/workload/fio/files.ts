/**
 * The files of a fio job and which bytes of them it works on. Rules: fio's `setup_files`, with the
 * sizes of files that are there already.
 */
import type { Prng } from '../../sim/prng.js';
import { mapName, type NameRules } from '../recording.js';
import type { FioJob } from './job.js';
import type { SizeValue } from './values.js';

/** A file of a job. Bytes. */
export interface FioFile {
  readonly name: string;
  /** Where the job begins in it. */
  readonly offset: number;
  /** How much of it the job works on, from `offset` on. */
  readonly ioSize: number;
  /** Its size once the job runs. */
  readonly size: number;
}

/** The files of one clone of a job. */
export interface FioFiles {
  readonly files: readonly FioFile[];
  /** Bytes of one pass. */
  readonly size: number;
  /** Bytes until the job ends; undefined: passes decide. */
  readonly ioSize: number | undefined;
}

/** What is wrong with the sizes of a job: a sentence. */
export class SizeProblem extends Error {
  override readonly name = 'SizeProblem';
}

/** Names of the files of clone `number` (from 0) of a job, beneath the server. */
export function fileNames(job: FioJob, number: number, names: NameRules): string[] {
  const { fileNames: given, directories, nrFiles } = job;
  const plain =
    given.length > 0 ? given : Array.from({ length: nrFiles }, (_, i) => formatted(job, number, i));
  return plain.map((name) => {
    const directory = directories[number % Math.max(1, directories.length)];
    return mapName(directory === undefined ? name : `${directory}/${name}`, names);
  });
}

function formatted({ fileFormat, section }: FioJob, number: number, file: number): string {
  return fileFormat
    .replaceAll('$jobname', section)
    .replaceAll('$jobnum', String(number))
    .replaceAll('$filenum', String(file))
    .replaceAll('$clientuid', 'localhost');
}

/**
 * What clone `number` works on; `sizeOf` tells the size of a file that is there, -1: it is not.
 * Throws a `SizeProblem`.
 */
export function layOutJob(
  job: FioJob,
  number: number,
  names: readonly string[],
  sizeOf: (name: string) => number,
  prng: Prng,
): FioFiles {
  const sizes = names.map((name) => sizeOf(name));
  const given = job.size !== undefined && 'bytes' in job.size ? job.size.bytes : undefined;
  const missing = names.find((_, i) => sizes[i] === -1);
  const sized = given !== undefined || job.fileSize !== undefined;
  if (missing !== undefined && !sized) {
    throw new SizeProblem(`there is no file ${missing}, and no size= or filesize= to make it`);
  }
  const smallest = Math.min(job.bs.read.min, job.bs.write.min);
  const shares = sharesOf(given, job, names.length, smallest);
  const files = names.map((name, i) => {
    const there = Math.max(0, sizes[i] as number);
    const offset = startOf(job, number, there, shares[i]);
    const ioSize = extentOf(job, there, offset, shares[i], prng);
    return { name, offset, ioSize, size: Math.max(there, offset + ioSize) };
  });
  const total = files.reduce((sum, { ioSize }) => sum + ioSize, 0);
  const size = given === undefined || given > total ? total : given;
  if (size < smallest) {
    throw new SizeProblem(`blocks of ${smallest} bytes are too large for ${size} bytes`);
  }
  return { files, size, ioSize: job.ioSize && bytesOf(job.ioSize, total) };
}

function bytesOf(value: SizeValue, whole: number): number {
  return 'bytes' in value ? value.bytes : Math.floor((whole * value.percent) / 100);
}

// `size` shared among the files; the first ones take what does not divide, in whole blocks.
function sharesOf(given: number | undefined, job: FioJob, count: number, block: number) {
  if (given === undefined || job.fileSize !== undefined) return [];
  const share = Math.floor(given / count);
  let extra = Math.floor((given - share * count) / block);
  return Array.from({ length: count }, () => (extra-- > 0 ? share + block : share));
}

function startOf(job: FioJob, number: number, there: number, share: number | undefined): number {
  const whole = share !== undefined && there === 0 ? share : there;
  const increment = bytesOf(job.offsetIncrement, whole) * number;
  const offset = bytesOf(job.offset, whole) + increment;
  if ('bytes' in job.offset) return offset;
  // A share of the file begins at a block.
  const block = Math.min(job.bs.read.min, job.bs.write.min);
  return offset - (offset % block);
}

function extentOf(
  job: FioJob,
  there: number,
  offset: number,
  share: number | undefined,
  prng: Prng,
): number {
  const { fileSize, size } = job;
  let extent = share ?? Math.max(0, there - offset);
  if (fileSize !== undefined) {
    const { min, max } = fileSize;
    const inside = there >= min && there <= max;
    const wanted = min === max ? min : min + prng.below(max - min + 1);
    extent = Math.max(0, (inside ? there : wanted) - offset);
  }
  if (share === 0) extent = Math.max(0, there - offset);
  if (size === undefined || 'bytes' in size || size.percent === 100) return extent;
  const part = Math.floor(((extent + offset) * size.percent) / 100);
  const block = Math.min(job.bs.read.min, job.bs.write.min);
  const cut = Math.min(part, extent);
  return cut - (cut % block);
}
