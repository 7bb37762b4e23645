/**
 * The importer of trace.dat, versions 6 and 7: reads what trace-cmd records without trace-cmd.
 * `trace_dat_file.ts` reads the container, `trace_dat_ring.ts` the pages, `trace_dat_decode.ts` the
 * records; here they are joined to events in the order of time.
 */
import { setImmediate } from 'node:timers/promises';
import { isDescribedSystem } from '../kernel_formats.js';
import type {
  EventHead,
  EventSink,
  ImportContext,
  Importer,
  Input,
  RandomAccess,
  Sample,
  Survey,
} from '../types.js';
import type { ByteSource } from './bytes.js';
import { compileDecoder, type EventDecoder, latencyFlags } from './decode.js';
import { isTraceDat, openTraceDat, type Problem, type TraceDatFile } from './file.js';
import { parseEventFormat } from './format.js';
import type { PrintContext } from './print.js';
import { type CpuStream, mergeStreams, openStreams } from './ring.js';
import type { RowReader } from './row.js';
import { KernelSymbols } from './symbols.js';

/** The importer of trace.dat. */
export const traceDat: Importer = {
  name: 'trace-dat',
  doc: 'trace.dat, the binary file of trace-cmd record and extract, versions 6 and 7',
  priority: 90,
  unit: 'byte',
  sniff(head) {
    return isTraceDat(head) ? { score: 1, evidence: 'starts with 17 08 44 "tracing"' } : null;
  },
  survey: async (input) => survey(sourceOf(input, await input.file())),
  async read(input, out, context) {
    const file = await input.file();
    if (file.damage !== null) out.damaged(file.size, file.damage);
    await new TraceDatReader(sourceOf(input, file), out, context).read();
  },
};

function sourceOf({ name }: Input, file: RandomAccess): ByteSource {
  return {
    name,
    size: file.size,
    read(offset, length) {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, file.size - offset)));
      return bytes.subarray(0, file.read(bytes, offset));
    },
  };
}

/** Events that are looked at for the era. */
const SURVEYED = 4000;
/** Events between two turns of the event loop. */
const TURN = 4096;

function survey(source: ByteSource): Survey {
  const ignore: Problem = () => {};
  const file = openTraceDat(source, ignore);
  const streams = openStreams(file, ignore);
  const first = firstTime(streams);
  const samples: Sample[] = [];
  if (first !== null) {
    for (const stream of streams) stream.rebase(first);
    const decoders = new Decoders(file, { era: 'E3' });
    for (const stream of mergeStreams(streams)) {
      const decoder = decoders.of(stream);
      if (decoder !== null) samples.push([decoder.name, decoder.text(stream)]);
      if (samples.length >= SURVEYED) break;
    }
  }
  const release = file.uname?.split(' ')[2] ?? null;
  const firstNs = first === null ? null : nanoseconds(file, first);
  const formats = [...file.formats.values()].filter(({ system }) => isDescribedSystem(system));
  return { samples, kernel: release, clock: file.clock, firstNs, formats };
}

function firstTime(streams: readonly CpuStream[]): bigint | null {
  let first: bigint | null = null;
  for (const { clock } of streams) if (first === null || clock < first) first = clock;
  return first;
}

/** Time of the trace clock in nanoseconds. */
function nanoseconds({ cycles }: TraceDatFile, clock: bigint): bigint {
  return cycles === null ? clock : ((clock * cycles.mult) >> cycles.shift) + cycles.offset;
}

/** The decoders of a file's formats, compiled when first used. */
class Decoders {
  readonly #file: TraceDatFile;
  readonly #context: PrintContext;
  readonly #era: EventSink['era'];
  readonly #byId = new Map<number, EventDecoder>();

  constructor(file: TraceDatFile, { era }: Pick<EventSink, 'era'>) {
    this.#file = file;
    this.#era = era;
    const symbols = new KernelSymbols(file.kallsyms, file.printk);
    this.#context = { little: file.little, longSize: file.longSize, symbols };
  }

  /** The decoder of the event that a stream stands at; null where its format is not known. */
  of({ page, start, end }: CpuStream): EventDecoder | null {
    if (start + 2 > end) return null;
    const id = page.getUint16(start, this.#file.little);
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const text = this.#file.formats.get(id);
    const format = text === undefined ? null : parseEventFormat(text);
    if (format === null) return null;
    const decoder = compileDecoder(format, this.#context, this.#era);
    this.#byId.set(id, decoder);
    return decoder;
  }
}

/** Bytes of the fields that every record starts with. */
const COMMON_BYTES = 8;

/** Reads one file into a sink. */
class TraceDatReader {
  readonly #out: EventSink;
  readonly #context: ImportContext;
  readonly #file: TraceDatFile;
  readonly #problem: Problem;
  readonly #decoders: Decoders;
  readonly #head: EventHead = { ns: 0, pid: 0, comm: '', cpu: 0, flags: '' };
  readonly #flags = new Map<number, string>();
  readonly #told = new Set<EventDecoder>();
  #origin = 0n;

  constructor(source: ByteSource, out: EventSink, context: ImportContext) {
    this.#out = out;
    this.#context = context;
    this.#problem = (offset, what) => out.damaged(offset, what);
    this.#file = openTraceDat(source, this.#problem);
    this.#decoders = new Decoders(this.#file, out);
  }

  async read(): Promise<void> {
    const streams = openStreams(this.#file, this.#problem);
    const first = firstTime(streams);
    if (first === null) return;
    this.#origin = this.#out.origin(nanoseconds(this.#file, first));
    const base = this.#file.cycles === null ? this.#origin : first;
    for (const stream of streams) stream.rebase(base);
    let turn = 0;
    for (const stream of mergeStreams(streams)) {
      this.#event(stream);
      if (++turn % TURN !== 0) continue;
      const { signal, progress } = this.#context;
      progress?.(streams.reduce((done, each) => done + each.done, 0));
      await setImmediate();
      if (signal?.aborted) return;
    }
  }

  #event(stream: CpuStream): void {
    const out = this.#out;
    const { where, lost } = stream;
    if (lost !== 0) out.lost(Math.max(0, lost), where);
    const decoder = this.#decoders.of(stream);
    if (decoder === null || stream.start + COMMON_BYTES > stream.end) {
      out.damaged(where, 'an event whose format is not in the file');
      return;
    }
    this.#fillHead(stream);
    if (decoder.problem !== null && !this.#told.has(decoder)) {
      this.#told.add(decoder);
      out.damaged(where, `${decoder.problem}; its fields are kept as text`);
    }
    const { row } = decoder;
    if (row !== null) {
      this.#row(row, stream);
    } else if (decoder.system === 'ftrace' && decoder.name === 'print') {
      this.#print(decoder, stream);
    } else {
      out.event(this.#head, decoder.system, decoder.name, decoder.text(stream), where);
    }
  }

  #row(row: RowReader, stream: CpuStream): void {
    const { rows } = this.#out;
    if (rows === undefined) {
      this.#out.row(this.#head, row.tracepoint, row.values(stream), stream.where);
      return;
    }
    row.fill(stream, rows, stream.where);
    rows.commit(this.#head, row.tracepoint);
  }

  #fillHead(stream: CpuStream): void {
    const { page, start, cpu } = stream;
    const head = this.#head;
    const flags = page.getUint8(start + 2);
    const preempt = page.getUint8(start + 3);
    const pid = page.getInt32(start + 4, this.#file.little);
    head.ns = stream.ts;
    if (this.#file.cycles !== null) {
      head.ns = Number(nanoseconds(this.#file, stream.clock) - this.#origin);
    }
    head.pid = pid;
    head.comm = this.#file.comms.get(pid) ?? (pid === 0 ? '<idle>' : '<...>');
    head.cpu = cpu;
    head.flags = this.#latencyFlags(flags, preempt);
  }

  #latencyFlags(flags: number, preempt: number): string {
    const key = flags * 256 + preempt;
    let text = this.#flags.get(key);
    if (text === undefined) {
      text = latencyFlags(this.#out.era, flags, preempt);
      this.#flags.set(key, text);
    }
    return text;
  }

  /** What was written to trace_marker, or what a function of the kernel said by trace_printk. */
  #print(decoder: EventDecoder, stream: CpuStream): void {
    const line = decoder.text(stream);
    const colon = line.indexOf(': ');
    const from = line.slice(0, colon);
    const text = line.slice(colon + 2).replace(/\n$/, '');
    if (from === 'tracing_mark_write' || from.startsWith('0x')) {
      this.#out.marker(this.#head, text, stream.where);
    } else {
      this.#out.event(this.#head, '', from, text, stream.where);
    }
  }
}
