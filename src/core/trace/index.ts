/** The registry of tracepoints: adding an event is a definition in events/ and a row here. */
import * as netfs from './events/netfs.js';
import type { AnyTracepoint } from './tracepoint.js';

/** Every tracepoint, in the order of their record numbers. */
export const TRACEPOINTS = [
  netfs.netfsRead,
  netfs.netfsRreq,
  netfs.netfsSreq,
  netfs.netfsFailure,
  netfs.netfsRreqRef,
  netfs.netfsSreqRef,
] as const satisfies readonly AnyTracepoint[];

const byRecord = new Map<number, AnyTracepoint>(TRACEPOINTS.map((each) => [each.record, each]));
const byName = new Map<string, AnyTracepoint>(TRACEPOINTS.map((each) => [each.name, each]));

/** The highest record number in use. */
export const MAX_RECORD = Math.max(...byRecord.keys());

/** The tracepoint of a record number, undefined if there is none. */
export function tracepointOfRecord(record: number): AnyTracepoint | undefined {
  return byRecord.get(record);
}

/** The tracepoint of a name, undefined if there is none. */
export function tracepointNamed(name: string): AnyTracepoint | undefined {
  return byName.get(name);
}
