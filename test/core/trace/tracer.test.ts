/** What the tracer records, seen through the memory sink. */
import test from 'ava';
import {
  netfsRead,
  netfsReadTraces,
  netfsRreqRef,
  netfsRreqRefTraces,
  netfsSreq,
  netfsSreqSources,
  netfsSreqTraces,
} from '../../../src/core/trace/events/netfs.js';
import { MemorySink, NullSink } from '../../../src/core/trace/sink.js';
import { EVENT_COST_NS } from '../../../src/core/trace/tracer.js';
import { makeTracer } from '../../helpers/trace.js';

test('an event carries the time, the task, its processor, flags and operation', (t) => {
  const sink = new MemorySink('E1');
  const { tracer, clock, contexts } = makeTracer(sink);
  clock.advanceTo(5_000);
  Object.assign(contexts.context, { cpu: 3, flags: 'd.h1', op: 9 });
  netfsRead.emit(tracer, 1, netfsReadTraces.id.readahead, 0, 4, 0x4000, 0x2000);
  t.deepEqual(sink.rows, [
    {
      event: 'netfs_read',
      ts: 5_000,
      task: 1,
      pid: 7,
      comm: 'cat',
      cpu: 3,
      common_flags: 'd.h1',
      op: 9,
      rreq: 1,
      what: 'READAHEAD',
      cookie: 0,
      netfs_inode: null,
      start: 0x4000,
      len: 0x2000,
      i_size: null,
      object: null,
    },
  ]);
  t.deepEqual(sink.lines(), ['netfs_read: R=00000001 READAHEAD c=00000000 s=4000 2000']);
});

test('an event costs its time on the clock, a disabled one does not', (t) => {
  const { tracer, clock } = makeTracer(new NullSink('E1'));
  netfsRead.emit(tracer, 1, 0, 0, 0, 0, 0);
  t.is(clock.now(), EVENT_COST_NS);
  tracer.enabled = false;
  netfsRead.emit(tracer, 1, 0, 0, 0, 0, 0);
  t.is(clock.now(), EVENT_COST_NS);
});

test('an event the era does not have is not recorded', (t) => {
  const old = new MemorySink('E1');
  netfsRreqRef.emit(makeTracer(old).tracer, 1, 0, 2);
  t.deepEqual(old.rows, []);
  const later = new MemorySink('E3');
  netfsRreqRef.emit(makeTracer(later).tracer, 1, netfsRreqRefTraces.id.get_subreq, 2);
  t.deepEqual(later.lines(), ['netfs_rreq_ref: R=00000001 GET SUBREQ  r=2']);
});

test('one emitted event prints in each era as that era does', (t) => {
  const texts = (['E1', 'E3'] as const).map((era) => {
    const sink = new MemorySink(era);
    const { tracer } = makeTracer(sink);
    const { down } = netfsSreqSources.id;
    netfsSreq.emit(tracer, 1, 0, down, netfsSreqTraces.id.terminated, 3, 0, 0x1000, 0x4000, -5);
    return sink.lines()[0];
  });
  t.deepEqual(texts, [
    'netfs_sreq: R=00000001[0] TERM  DOWN f=03 s=0 1000/4000 e=-5',
    'netfs_sreq: R=00000001[0] DOWN TERM  f=03 s=0 1000/4000 e=-5',
  ]);
});

test('two tasks are told apart', (t) => {
  const sink = new MemorySink('E1');
  const { tracer, contexts } = makeTracer(sink);
  netfsRead.emit(tracer, 1, 0, 0, 0, 0, 0);
  contexts.context = { ...contexts.context, pid: 8, comm: 'kworker/0:1', traceTask: 0 };
  netfsRead.emit(tracer, 2, 0, 0, 0, 0, 0);
  t.deepEqual(
    sink.rows.map(({ task, pid, comm }) => ({ task, pid, comm })),
    [
      { task: 1, pid: 7, comm: 'cat' },
      { task: 2, pid: 8, comm: 'kworker/0:1' },
    ],
  );
});

test('operations, markers, other events and capture values are recorded', (t) => {
  const sink = new MemorySink('E1');
  const { tracer } = makeTracer(sink);
  const asked = { op: 1, kind: 'read', file: 'ä/日', offset: 0, len: 9 };
  const op = { ...asked, result: -5, start: 1, end: 2 };
  tracer.op(op);
  tracer.marker('begin');
  tracer.other('sched', 'sched_switch', 'prev=a');
  tracer.meta({ workload: 'cat', events: 3 });
  t.deepEqual(sink.ops, [op]);
  t.deepEqual(sink.markers, ['begin']);
  t.deepEqual(sink.lines(), ['sched_switch: prev=a']);
  t.deepEqual(sink.meta, { workload: 'cat', events: 3 });
});

test('an event with an inode number and a size above 2^32 keeps both', (t) => {
  const sink = new MemorySink('E3');
  const { tracer } = makeTracer(sink);
  netfsRead.emit(tracer, 1, netfsReadTraces.id.readpage, 0, 2 ** 40 + 1, 2 ** 52 + 1, 2 ** 33);
  const [row] = sink.rows;
  t.is(row?.netfs_inode, 2 ** 40 + 1);
  t.is(row?.start, 2 ** 52 + 1);
  t.is(row?.len, 2 ** 33);
});
