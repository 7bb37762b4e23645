/** Reads trace.dat bytes, or any text of a trace, into a list of events, for the tests. */
import { memoryInput } from '../../../src/core/importer/input.js';
import { traceDat } from '../../../src/core/importer/trace_dat/trace_dat.js';
import type { EventHead, EventSink, Importer } from '../../../src/core/importer/types.js';
import type { Era } from '../../../src/core/trace/eras.js';
import type { Row } from '../../../src/core/trace/tracepoint.js';

/** One event as the sink got it. */
export interface Seen extends EventHead {
  /** `marker` for markers. */
  readonly name: string;
  /** The kernel's text; of rows as our table prints them. */
  readonly text: string;
  readonly row: Row | null;
  readonly where: number;
}

/** Everything a sink got. */
export interface Collected {
  readonly events: Seen[];
  readonly lost: [count: number, before: number][];
  readonly damaged: [where: number, what: string][];
  first: bigint | null;
}

/** Reads `bytes` with an importer. */
export async function collect(
  bytes: Uint8Array,
  era: Era = 'E3',
  importer: Importer = traceDat,
): Promise<Collected> {
  const got: Collected = { events: [], lost: [], damaged: [], first: null };
  const add = (head: EventHead, name: string, text: string, row: Row | null, where: number) => {
    const { ns, pid, comm, cpu, flags } = head;
    got.events.push({ ns, pid, comm, cpu, flags, name, text, row, where });
  };
  const out: EventSink = {
    era,
    origin(first) {
      got.first ??= first;
      return got.first;
    },
    event(head, _system, name, text, where) {
      add(head, name === 'tracing_mark_write' ? 'marker' : name, text, null, where);
    },
    row(head, tracepoint, row, where) {
      add(head, tracepoint.name, tracepoint.print(row, era), row, where);
    },
    marker: (head, text, where) => add(head, 'marker', text, null, where),
    lost: (count) => got.lost.push([count, got.events.length]),
    damaged: (where, what) => got.damaged.push([where, what]),
    skipped() {},
  };
  const input = await memoryInput('t.dat', bytes);
  try {
    await importer.read(input, out, { mail: null } as never);
  } finally {
    input.close();
  }
  return got;
}
