/**
 * A timeline as Perfetto's native trace: packets with track events. Names of categories and
 * arguments are interned, names of slices are not, as each has its request's number.
 *
 * Schema: protos/perfetto/trace/{trace_packet,track_event/*,interned_data/*}.proto of Perfetto.
 */
import { ProtoWriter } from './proto.js';
import type { Arg, Slice, TimelineWriter, Track } from './types.js';

/** Numbers of the fields that are written, by message. */
const PACKET = {
  timestamp: 8,
  trusted_packet_sequence_id: 10,
  track_event: 11,
  interned_data: 12,
  sequence_flags: 13,
  track_descriptor: 60,
} as const;
const EVENT = {
  category_iids: 3,
  debug_annotations: 4,
  type: 9,
  track_uuid: 11,
  name: 23,
  counter_value: 30,
  flow_ids: 47,
  terminating_flow_ids: 48,
} as const;
const ANNOTATION = { name_iid: 1, int_value: 4, double_value: 5, string_value: 6 } as const;
const DESCRIPTOR = { uuid: 1, name: 2, process: 3, parent_uuid: 5, counter: 8 } as const;
const PROCESS = { pid: 1, process_name: 6 } as const;
const COUNTER = { unit: 3 } as const;
const INTERNED = { event_categories: 1, debug_annotation_names: 3 } as const;
const NAMED = { iid: 1, name: 2 } as const;

const SLICE_BEGIN = 1;
const SLICE_END = 2;
const INSTANT = 3;
const COUNT = 4;
const UNITS = { count: 2, bytes: 3 } as const;
const STATE_CLEARED = 1;
const STATE_NEEDED = 2;
/** Field `packet` of the message Trace. */
const TRACE_PACKET = 1;
const SEQUENCE = 1;
/** Groups that are no process get numbers above any that Linux gives to one (2^22). */
const NO_PROCESS = 1 << 23;
const PIECE = 256 << 10;

/** Writes a Perfetto trace. */
export class PerfettoWriter implements TimelineWriter<Uint8Array> {
  readonly #out = new ProtoWriter();
  readonly #iids = {
    event_categories: new Map<string, number>(),
    debug_annotation_names: new Map<string, number>(),
  };
  readonly #pids = new Set<number>();
  #tracks = 0;

  constructor() {
    const packet = this.#open();
    this.#out.int(PACKET.sequence_flags, STATE_CLEARED);
    this.#out.close(packet);
  }

  group(name: string, pid: number | null): number {
    const uuid = ++this.#tracks;
    const own = pid !== null && !this.#pids.has(pid) ? pid : NO_PROCESS + uuid;
    this.#pids.add(own);
    this.#describe(uuid, null, () => {
      const process = this.#out.open(DESCRIPTOR.process);
      this.#out.int(PROCESS.pid, own);
      this.#out.text(PROCESS.process_name, name);
      this.#out.close(process);
    });
    return uuid;
  }

  lane(group: number | null, name: string): Track {
    const uuid = ++this.#tracks;
    this.#describe(uuid, group, () => this.#out.text(DESCRIPTOR.name, name));
    return uuid;
  }

  counter(name: string, unit: 'count' | 'bytes'): Track {
    const uuid = ++this.#tracks;
    this.#describe(uuid, null, () => {
      this.#out.text(DESCRIPTOR.name, name);
      const counter = this.#out.open(DESCRIPTOR.counter);
      this.#out.int(COUNTER.unit, UNITS[unit]);
      this.#out.close(counter);
    });
    return uuid;
  }

  slice(slice: Slice): void {
    this.#begin(slice, SLICE_BEGIN);
    if (slice.end === null) return;
    const packet = this.#open(slice.end);
    const event = this.#out.open(PACKET.track_event);
    this.#out.int(EVENT.type, SLICE_END);
    this.#out.int(EVENT.track_uuid, slice.lane);
    this.#out.close(event);
    this.#out.close(packet);
  }

  instant(slice: Omit<Slice, 'end'>): void {
    this.#begin(slice, INSTANT);
  }

  count(counter: Track, time: number, value: number): void {
    const packet = this.#open(time);
    const event = this.#out.open(PACKET.track_event);
    this.#out.int(EVENT.type, COUNT);
    this.#out.int(EVENT.track_uuid, counter);
    this.#out.int(EVENT.counter_value, value);
    this.#out.close(event);
    this.#out.close(packet);
  }

  take(end: boolean): Uint8Array | null {
    return this.#out.length > (end ? 0 : PIECE) ? this.#out.take() : null;
  }

  #begin({ lane, begin, category, name, args, out, into }: Omit<Slice, 'end'>, type: number): void {
    const category_iid = this.#iid('event_categories', category);
    for (const [arg] of args) this.#iid('debug_annotation_names', arg);
    const packet = this.#open(begin);
    const event = this.#out.open(PACKET.track_event);
    this.#out.int(EVENT.category_iids, category_iid);
    for (const arg of args) this.#annotate(arg);
    this.#out.int(EVENT.type, type);
    this.#out.int(EVENT.track_uuid, lane);
    this.#out.text(EVENT.name, name);
    for (const flow of out) this.#out.fixed64(EVENT.flow_ids, flow);
    if (into !== null) this.#out.fixed64(EVENT.terminating_flow_ids, into);
    this.#out.close(event);
    this.#out.close(packet);
  }

  #annotate([name, value]: Arg): void {
    if (value === null) return;
    const annotation = this.#out.open(EVENT.debug_annotations);
    this.#out.int(ANNOTATION.name_iid, this.#iid('debug_annotation_names', name));
    if (typeof value === 'string') this.#out.text(ANNOTATION.string_value, value);
    else if (Number.isSafeInteger(value)) this.#out.int(ANNOTATION.int_value, value);
    else this.#out.double(ANNOTATION.double_value, value);
    this.#out.close(annotation);
  }

  /** The number of an interned name; a new one is told in a packet of its own. */
  #iid(index: keyof typeof INTERNED, name: string): number {
    const known = this.#iids[index].get(name);
    if (known !== undefined) return known;
    const iid = this.#iids[index].size + 1;
    this.#iids[index].set(name, iid);
    const packet = this.#open();
    this.#out.int(PACKET.sequence_flags, STATE_NEEDED);
    const data = this.#out.open(PACKET.interned_data);
    const entry = this.#out.open(INTERNED[index]);
    this.#out.int(NAMED.iid, iid);
    this.#out.text(NAMED.name, name);
    this.#out.close(entry);
    this.#out.close(data);
    this.#out.close(packet);
    return iid;
  }

  #describe(uuid: number, parent: number | null, write: () => void): void {
    const packet = this.#open();
    const descriptor = this.#out.open(PACKET.track_descriptor);
    this.#out.int(DESCRIPTOR.uuid, uuid);
    if (parent !== null) this.#out.int(DESCRIPTOR.parent_uuid, parent);
    write();
    this.#out.close(descriptor);
    this.#out.close(packet);
  }

  /** Begins a packet, at a time if it is an event. */
  #open(time?: number): number {
    const packet = this.#out.open(TRACE_PACKET);
    this.#out.int(PACKET.trusted_packet_sequence_id, SEQUENCE);
    if (time !== undefined) {
      this.#out.int(PACKET.timestamp, time);
      this.#out.int(PACKET.sequence_flags, STATE_NEEDED);
    }
    return packet;
  }
}
