/**
 * The parts of files that a workload uses, one after the other: what `mrc` counts. Of a recording
 * or capture in its order; of fio jobs in turn, as their clones run side by side.
 */
import { UsageError } from '../../base/errors.js';
import { Lab } from '../../lab/lab.js';
import type { Capture } from '../../store/types.js';
import { PageIds } from '../../workload/mrc/page_ids.js';
import type { NameRules, Recording } from '../../workload/recording.js';
import { cloneJobs, type FioClone, readJobFiles, sizeOn } from '../run/fio_run.js';
import type { WorkloadInput } from '../run/workload_input.js';

/** References to units of files. */
export interface References {
  /** Number of the unit of each reference. */
  readonly units: Int32Array;
  /** How many different ones there are. */
  readonly count: number;
  /** Bytes of a unit. */
  readonly unit: number;
}

/** Largest number of references: what one array holds. */
const REFERENCES_MAX = 2 ** 29;
/** Units of one file at most: their numbers have 32 bits. */
const UNITS_PER_FILE = 2 ** 32;

/** Collects references; `unit` bytes each. */
class ReferenceList {
  readonly #unit: number;
  readonly #ids = new PageIds();
  readonly #files = new Map<string, number>();
  #units = new Int32Array(1 << 16);
  #count = 0;

  constructor(unit: number) {
    this.#unit = unit;
  }

  /** Bytes [offset, offset + length) of a file were used. */
  add(file: string, offset: number, length: number): void {
    if (!(length > 0 && offset >= 0)) return;
    let number = this.#files.get(file);
    if (number === undefined) {
      number = this.#files.size;
      this.#files.set(file, number);
    }
    const last = Math.floor((offset + length - 1) / this.#unit);
    if (last >= UNITS_PER_FILE) {
      throw new UsageError('FILE', `${file} is read at ${offset}`, 'take a larger --granule');
    }
    for (let at = Math.floor(offset / this.#unit); at <= last; at++) {
      if (this.#count === this.#units.length) this.#grow();
      this.#units[this.#count++] = this.#ids.idOf(number, at);
    }
  }

  /** What was collected. */
  finish(): References {
    const units = this.#units.subarray(0, this.#count);
    return { units, count: this.#ids.count, unit: this.#unit };
  }

  #grow(): void {
    if (this.#count >= REFERENCES_MAX) {
      throw new UsageError(
        'FILE',
        `more than ${REFERENCES_MAX} references`,
        'take a larger --granule',
      );
    }
    // Half more: twice as much would not fit beside the analysis of many millions.
    const larger = new Int32Array(Math.min(REFERENCES_MAX, Math.ceil(this.#units.length * 1.5)));
    larger.set(this.#units);
    this.#units = larger;
  }
}

/** The references of a workload. Throws a `UsageError` where it uses no byte of a file. */
export async function referencesOf(
  input: WorkloadInput,
  file: string,
  unit: number,
  names: NameRules,
): Promise<References> {
  const list = new ReferenceList(unit);
  if (input.kind === 'recording') addRecording(list, input.recording);
  else if (input.kind === 'fio') await addJobs(list, file, names);
  else throw new UsageError('FILE', 'operations of fsx use one small file: there is no curve');
  const references = list.finish();
  if (references.units.length === 0) {
    throw new UsageError('FILE', `${file} reads and writes no byte of a file`);
  }
  return references;
}

/** The references of a capture's operations, in their order; none if it has no operations. */
export function referencesIn(capture: Capture, unit: number): References {
  const list = new ReferenceList(unit);
  const used = `SELECT "file", "offset", "result" FROM "op" WHERE "result" > 0
    AND "kind" IN ('read', 'write', 'load', 'store') AND "offset" >= 0 ORDER BY "id"`;
  capture.each(used, ({ file, offset, result }) => {
    list.add(String(file), Number(offset), Number(result));
  });
  return list.finish();
}

function addRecording(list: ReferenceList, { ops }: Recording): void {
  const names = new Map<number, string>();
  for (const { op, result } of ops) {
    if (op.kind === 'open') names.set(op.slot, op.path);
    const used =
      op.kind === 'read' || op.kind === 'write' || op.kind === 'load' || op.kind === 'store';
    if (used) {
      const length = result === undefined ? op.length : Math.min(op.length, Math.max(0, result));
      list.add(names.get(op.slot) ?? '', op.offset, length);
    } else if (op.kind === 'touch' || op.kind === 'poke') {
      list.add(names.get(op.slot) ?? '', op.offset, 1);
    }
  }
}

async function addJobs(list: ReferenceList, file: string, names: NameRules): Promise<void> {
  const plan = readJobFiles([file]);
  if (plan.jobs.some(({ timeBased }) => timeBased)) {
    throw new UsageError(
      'FILE',
      'a job runs by time: how much it reads depends on the machine',
      'replace time_based by size or io_size',
    );
  }
  const lab = new Lab({ server: names.root });
  let clones: FioClone[];
  try {
    clones = cloneJobs(plan, names, sizeOn(lab), 1);
  } finally {
    await lab.close();
  }
  for (const together of batches(clones)) addTogether(list, together);
}

// Clones between two stonewalls run at once.
function batches(clones: readonly FioClone[]): FioClone[][] {
  const all: FioClone[][] = [];
  for (const clone of clones) {
    const begins = clone.job.stonewall && clone.number === 0;
    if (begins || all.length === 0) all.push([]);
    all.at(-1)?.push(clone);
  }
  return all;
}

function addTogether(list: ReferenceList, clones: readonly FioClone[]): void {
  let running = [...clones];
  while (running.length > 0) {
    running = running.filter(({ source, files }) => {
      if (!source.next()) return false;
      const { file, offset, length } = source.step;
      list.add(files.files[file]?.name ?? '', offset, length);
      return true;
    });
  }
}
