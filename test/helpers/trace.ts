/** Traces for tests: excerpts of real ones, written as records, and a tracer that needs no lab. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { VirtualClock } from '../../src/core/sim/clock.js';
import { makeContext } from '../../src/core/sim/context.js';
import { tracepointNamed } from '../../src/core/trace/index.js';
import { RecordWriter } from '../../src/core/trace/record_writer.js';
import { Tracer } from '../../src/core/trace/tracer.js';
import type { TraceSink } from '../../src/core/trace/types.js';

/** An ftrace line taken apart. */
export interface FtraceLine {
  readonly line: string;
  readonly comm: string;
  readonly pid: number;
  readonly cpu: number;
  readonly flags: string;
  readonly ns: number;
  readonly event: string;
  readonly text: string;
}

/** The lines of an excerpt in traces/linux-6.1/: heading and events. */
export function excerpt(name: string): { heading: string[]; events: FtraceLine[] } {
  const url = new URL(`../../../traces/linux-6.1/${name}.txt`, import.meta.url);
  const lines = readFileSync(url, 'utf8').trimEnd().split('\n');
  const heading = lines.filter((line) => line.startsWith('#'));
  const events = lines.filter((line) => !line.startsWith('#')).map(takeApart);
  return { heading, events };
}

function takeApart(line: string): FtraceLine {
  const match = /^ *(.+)-(\d+) +\[(\d+)\] (\S+) +(\d+)\.(\d{6}): (\w+): (.*)$/.exec(line);
  if (match === null) throw new Error(`not a line of a trace: ${line}`);
  const [, comm = '', pid, cpu, flags = '', s, us, event = '', text = ''] = match;
  const ns = (Number(s) * 1e6 + Number(us)) * 1000;
  return { line, comm, pid: Number(pid), cpu: Number(cpu), flags, ns, event, text };
}

/** Writes the events of an excerpt into a sink, times counted from `origin` ns. */
export function writeLines(sink: TraceSink, lines: readonly FtraceLine[], origin = 0): void {
  const writer = new RecordWriter(sink);
  for (const { comm, pid, cpu, flags, ns, event, text } of lines) {
    const header = { ts: ns - origin, task: writer.task(pid, comm), cpu, flags, op: 0 };
    const tracepoint = tracepointNamed(event);
    const row = tracepoint?.parse(text, sink.era);
    if (event === 'tracing_mark_write') writer.marker(header, text);
    else if (tracepoint === undefined || row == null) writer.other(header, '', event, text);
    else writer.row(tracepoint, header, row);
  }
}

/** A tracer for the task `cat-7` on a virtual clock. */
export function makeTracer(sink: TraceSink) {
  const clock = new VirtualClock();
  const contexts = { context: makeContext(7, 'cat') };
  return { tracer: new Tracer({ sink, clock, contexts }), clock, contexts };
}

/** A directory that is removed when the test ends. */
export function temporaryDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'netfslab-test-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
