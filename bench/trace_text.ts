/**
 * Makes a large trace as a kernel 6.1 with a cache prints it (netfs events only, in the order and
 * the mix of real captures: read, slices, store by other threads while the next request is under
 * way), and the same rows as one CSV table. A pure function of the number of lines and the seed.
 */
import { Prng } from '../src/core/sim/prng.js';
import { TextFile } from './text_file.js';

/** Columns of the CSV table; what an event does not have is empty. */
export const CSV_COLUMNS =
  'ts,comm,pid,cpu,event,rreq,index,source,what,flags,start,transferred,len,error'.split(',');

/** One event: where it happened, and its values in the order of CSV_COLUMNS from `event` on. */
interface Line {
  readonly task: Task;
  readonly text: string;
  readonly values: string;
}

interface Task {
  readonly comm: string;
  readonly pid: number;
  readonly cpu: number;
  /** What stands before the time. */
  readonly prefix: string;
}

function task(comm: string, pid: number, cpu: number): Task {
  const place = `[${String(cpu).padStart(3, '0')}] .....`;
  return { comm, pid, cpu, prefix: `${`${comm}-${pid}`.padStart(23)} ${place} ` };
}

const READERS = [task('fio', 4242, 0), task('fio', 4243, 1), task('tar', 977, 2)];
const WORKERS = [task('kworker/u8:1', 24, 2), task('kworker/3:2', 48, 3)];

const SLICE_BYTES = 0x1f000;
/** Requests whose store goes on while others begin. */
const IN_FLIGHT = 4;

const hex = (value: number, digits = 0): string => value.toString(16).padStart(digits, '0');

/** The lines of one request: those of its reader, and those of the threads that store and end. */
class Request {
  readonly reader: Line[] = [];
  readonly worker: Line[] = [];
  readonly #id: string;
  readonly #rreq: number;
  readonly #task: Task;
  readonly #worker: Task;

  constructor(rreq: number, random: Prng) {
    this.#rreq = rreq;
    this.#id = hex(rreq, 8);
    this.#task = READERS[random.below(READERS.length)] as Task;
    this.#worker = WORKERS[random.below(WORKERS.length)] as Task;
    const slices = random.chance(0.8) ? 1 : 1 + random.below(4);
    const source = random.chance(0.6) ? 'DOWN' : 'READ';
    this.#read(0x4480b7 + random.below(64), SLICE_BYTES * random.below(4096), slices, source);
  }

  #read(inode: number, start: number, slices: number, source: string): void {
    const { reader, worker } = this;
    const length = slices * SLICE_BYTES;
    reader.push({
      task: this.#task,
      text: `netfs_read: R=${this.#id} READAHEAD c=00000002 ni=${hex(inode)} s=${hex(start)} ${hex(length)}`,
      values: `netfs_read,${this.#rreq},2,${inode},READAHEAD,,${start},,${length},`,
    });
    const down = source === 'DOWN';
    const each = (make: (index: number) => void): void => {
      for (let i = 0; i < slices; i++) make(i);
    };
    const slice = (to: Line[], i: number, what: string, flags: number, done: boolean): void =>
      this.#slice(to, i, source, what, flags, start + i * SLICE_BYTES, done);
    each((i) => {
      this.#requestRef(reader, 'GET SUBREQ ', 2 + i);
      slice(reader, i, 'PREP ', 1, false);
      slice(reader, i, 'SUBMT', 1, false);
    });
    each((i) => {
      slice(reader, i, 'TERM ', down ? 3 : 2, true);
      this.#sliceRef(reader, i, 'PUT TERM   ', 1);
    });
    this.#stage(reader, 'ASSESS ', 0x22);
    this.#stage(reader, 'UNLOCK ', 0x22);
    if (down) {
      this.#stage(worker, 'COPY   ', 2);
      each((i) => {
        this.#sliceRef(worker, i, 'GET COPY2C ', 2);
        slice(worker, i, 'WRITE', 3, true);
      });
      each((i) => slice(worker, i, 'WTERM', 3, true));
    }
    this.#stage(worker, 'DONE   ', 2);
    each((i) => this.#sliceRef(worker, i, 'PUT CLEAR  ', down ? 1 : 0));
    this.#requestRef(worker, 'PUT COMPLT ', slices);
    each((i) => slice(worker, i, 'FREE ', 3, true));
    each((i) => this.#requestRef(worker, 'PUT SUBREQ ', slices - 1 - i));
    this.#stage(worker, 'FREE   ', 2);
  }

  #slice(
    to: Line[],
    i: number,
    source: string,
    what: string,
    flags: number,
    start: number,
    done: boolean,
  ): void {
    const bytes = done ? SLICE_BYTES : 0;
    const range = `s=${hex(start)} ${hex(bytes)}/${hex(SLICE_BYTES)}`;
    this.#add(
      to,
      `netfs_sreq: R=${this.#id}[${i}] ${source} ${what} f=${hex(flags, 2)} ${range} e=0`,
      `netfs_sreq,${this.#rreq},${i},${source},${what.trim()},${flags},${start},${bytes},${SLICE_BYTES},0`,
    );
  }

  #stage(to: Line[], what: string, flags: number): void {
    const text = `netfs_rreq: R=${this.#id} RA ${what} f=${hex(flags, 2)}`;
    this.#add(to, text, `netfs_rreq,${this.#rreq},,RA,${what.trim()},${flags},,,,`);
  }

  #requestRef(to: Line[], what: string, ref: number): void {
    const text = `netfs_rreq_ref: R=${this.#id} ${what} r=${ref}`;
    this.#add(to, text, `netfs_rreq_ref,${this.#rreq},,,${what.trim()},${ref},,,,`);
  }

  #sliceRef(to: Line[], i: number, what: string, ref: number): void {
    const text = `netfs_sreq_ref: R=${this.#id}[${hex(i)}] ${what} r=${ref}`;
    this.#add(to, text, `netfs_sreq_ref,${this.#rreq},${i},,${what.trim()},${ref},,,,`);
  }

  #add(to: Line[], text: string, values: string): void {
    to.push({ task: to === this.reader ? this.#task : this.#worker, text, values });
  }
}

/** Every line, without end. */
function* lines(random: Prng): Generator<Line, never> {
  const flying: Request[] = [];
  for (let rreq = 1; ; rreq++) {
    const request = new Request(rreq, random);
    yield* request.reader;
    flying.push(request);
    if (flying.length < IN_FLIGHT) continue;
    const [next] = flying.splice(random.below(IN_FLIGHT), 1);
    yield* next?.worker ?? [];
  }
}

/** Writes `count` events as text of ftrace, and the same as CSV where a path is given. */
export function writeTrace(count: number, text: string, csv: string | null, seed = 1): void {
  const random = new Prng(seed);
  const trace = new TextFile(text);
  const table = csv === null ? null : new TextFile(csv);
  trace.line('# tracer: nop\n#');
  table?.line(CSV_COLUMNS.join(','));
  let us = 7_829_588;
  let left = count;
  for (const { task: of, text: what, values } of lines(random)) {
    if (left-- === 0) break;
    us += 1 + random.below(40);
    const time = `${Math.floor(us / 1e6)}.${String(us % 1e6).padStart(6, '0')}`;
    trace.line(`${of.prefix}${time.padStart(12)}: ${what}`);
    table?.line(`${us},${of.comm},${of.pid},${of.cpu},${values}`);
  }
  trace.close();
  table?.close();
}
