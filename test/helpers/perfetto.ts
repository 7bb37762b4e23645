/**
 * Reads Perfetto traces with protobufjs and the published numbers of the fields. Puts the slices of
 * each track together as its trace processor does: by time, those of one time as they stand.
 */
import protobuf from 'protobufjs';

/** The part of Perfetto's schema (v50, protos/perfetto/trace) that an export may use. */
const SCHEMA = `syntax = "proto2";
message Trace { repeated TracePacket packet = 1; }
message TracePacket {
  optional uint64 timestamp = 8; optional uint32 trusted_packet_sequence_id = 10;
  optional TrackEvent track_event = 11; optional InternedData interned_data = 12;
  optional uint32 sequence_flags = 13; optional TrackDescriptor track_descriptor = 60;
}
message TrackEvent {
  enum Type { TYPE_UNSPECIFIED = 0; TYPE_SLICE_BEGIN = 1; TYPE_SLICE_END = 2;
    TYPE_INSTANT = 3; TYPE_COUNTER = 4; }
  repeated uint64 category_iids = 3; repeated DebugAnnotation debug_annotations = 4;
  optional Type type = 9; optional uint64 track_uuid = 11; optional string name = 23;
  optional int64 counter_value = 30;
  repeated fixed64 flow_ids = 47; repeated fixed64 terminating_flow_ids = 48;
}
message DebugAnnotation { optional uint64 name_iid = 1; optional int64 int_value = 4;
  optional double double_value = 5; optional string string_value = 6; }
message TrackDescriptor { optional uint64 uuid = 1; optional string name = 2;
  optional ProcessDescriptor process = 3; optional uint64 parent_uuid = 5;
  optional CounterDescriptor counter = 8; }
message ProcessDescriptor { optional int32 pid = 1; optional string process_name = 6; }
message CounterDescriptor { enum Unit { UNIT_UNSPECIFIED = 0; UNIT_TIME_NS = 1; UNIT_COUNT = 2;
  UNIT_SIZE_BYTES = 3; } optional Unit unit = 3; }
message Named { optional uint64 iid = 1; optional string name = 2; }
message InternedData { repeated Named event_categories = 1; repeated Named event_names = 2;
  repeated Named debug_annotation_names = 3; }`;

const Trace = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType('Trace');

interface Named {
  readonly iid: number;
  readonly name: string;
}

interface Packet {
  readonly timestamp?: number;
  readonly trusted_packet_sequence_id?: number;
  readonly sequence_flags?: number;
  readonly interned_data?: {
    readonly event_categories?: readonly Named[];
    readonly debug_annotation_names?: readonly Named[];
  };
  readonly track_descriptor?: {
    readonly uuid: number;
    readonly name?: string;
    readonly parent_uuid?: number;
    readonly process?: { readonly pid: number; readonly process_name: string };
    readonly counter?: { readonly unit: string };
  };
  readonly track_event?: {
    readonly type: string;
    readonly track_uuid: number;
    readonly name?: string;
    readonly counter_value?: number;
    readonly category_iids?: readonly number[];
    readonly flow_ids?: readonly string[];
    readonly terminating_flow_ids?: readonly string[];
    readonly debug_annotations?: readonly {
      readonly name_iid: number;
      readonly int_value?: number;
      readonly double_value?: number;
      readonly string_value?: string;
    }[];
  };
}

/** A slice, or something without a duration. */
export interface ReadSlice {
  readonly group: string;
  readonly lane: string;
  readonly track: number;
  readonly category: string;
  readonly name: string;
  readonly begin: number;
  /** null = no end. */
  end: number | null;
  readonly instant: boolean;
  readonly args: Readonly<Record<string, string | number>>;
  readonly out: readonly string[];
  readonly into: readonly string[];
}

/** What a trace holds. */
export interface ReadTimeline {
  readonly slices: readonly ReadSlice[];
  /** Values by the counter's name, in order. */
  readonly counters: ReadonlyMap<string, readonly (readonly [time: number, value: number])[]>;
  /** Process names by number. */
  readonly processes: ReadonlyMap<number, string>;
}

/** Reads a Perfetto trace; throws where a viewer would drop or misplace something. */
export function readPerfetto(bytes: Uint8Array): ReadTimeline {
  // 64-bit values as numbers: throws, rather than rounds, where they do not fit.
  const { packet } = Trace.toObject(Trace.decode(bytes), {
    longs: Number,
    enums: String,
  }) as { packet: Packet[] };
  const categories = new Map<number, string>();
  const names = new Map<number, string>();
  const tracks = new Map<number, NonNullable<Packet['track_descriptor']>>();
  const events: (Required<Pick<Packet, 'timestamp' | 'track_event'>> & {
    cat: string;
    args: ReadSlice['args'];
  })[] = [];
  let cleared = false;
  for (const each of packet) {
    if (each.trusted_packet_sequence_id !== 1) throw new Error('a packet of no sequence');
    cleared ||= each.sequence_flags === 1;
    if (!cleared) throw new Error('a packet before the state of its sequence');
    for (const { iid, name } of each.interned_data?.event_categories ?? [])
      categories.set(iid, name);
    for (const { iid, name } of each.interned_data?.debug_annotation_names ?? [])
      names.set(iid, name);
    if (each.track_descriptor !== undefined)
      tracks.set(each.track_descriptor.uuid, each.track_descriptor);
    const { timestamp, track_event } = each;
    if (track_event === undefined) continue;
    if (timestamp === undefined || each.sequence_flags !== 2)
      throw new Error('an event without time or state');
    if (!tracks.has(track_event.track_uuid))
      throw new Error('an event on a track that is not described');
    const args = Object.fromEntries(
      (track_event.debug_annotations ?? []).map((arg) => {
        const name = names.get(arg.name_iid);
        if (name === undefined) throw new Error('an argument without a name');
        return [name, arg.string_value ?? arg.int_value ?? arg.double_value ?? ''];
      }),
    );
    const cat = (track_event.category_iids ?? []).map((iid) => categories.get(iid)).join();
    events.push({ timestamp, track_event, cat, args });
  }
  events.sort((a, b) => a.timestamp - b.timestamp);
  return assemble(events, tracks);
}

function assemble(
  events: readonly {
    timestamp: number;
    track_event: NonNullable<Packet['track_event']>;
    cat: string;
    args: ReadSlice['args'];
  }[],
  tracks: ReadonlyMap<number, NonNullable<Packet['track_descriptor']>>,
): ReadTimeline {
  const slices: ReadSlice[] = [];
  const open = new Map<number, ReadSlice[]>();
  const counters = new Map<string, [number, number][]>();
  for (const { timestamp, track_event: event, cat, args } of events) {
    const track = tracks.get(event.track_uuid) as NonNullable<Packet['track_descriptor']>;
    const stack = open.get(track.uuid) ?? [];
    open.set(track.uuid, stack);
    if (event.type === 'TYPE_COUNTER') {
      if (track.counter === undefined) throw new Error('a value on a lane');
      const values = counters.get(track.name ?? '') ?? [];
      counters.set(track.name ?? '', values);
      values.push([timestamp, event.counter_value as number]);
    } else if (event.type === 'TYPE_SLICE_END') {
      const last = stack.pop();
      if (last === undefined) throw new Error('an end without a begin');
      last.end = timestamp;
    } else {
      const group = tracks.get(track.parent_uuid ?? 0)?.process?.process_name ?? '';
      const slice: ReadSlice = {
        ...{ group, lane: track.name ?? '', track: track.uuid, category: cat },
        ...{ name: event.name ?? '', begin: timestamp, end: null, args },
        instant: event.type === 'TYPE_INSTANT',
        out: (event.flow_ids ?? []).map(String),
        into: (event.terminating_flow_ids ?? []).map(String),
      };
      slices.push(slice);
      if (event.type === 'TYPE_SLICE_BEGIN') stack.push(slice);
    }
  }
  const groups = [...tracks.values()].flatMap(({ process }) => process ?? []);
  const processes = new Map(groups.map(({ pid, process_name }) => [pid, process_name]));
  if (processes.size !== groups.length) throw new Error('two processes of one number');
  return { slices, counters, processes };
}
