/** Choosing events by the file they were made for. */
import { join } from 'node:path';
import test from 'ava';
import { writeCapture } from '../../../src/core/store/capture_writer.js';
import { openCapture } from '../../../src/core/store/database.js';
import {
  netfsRead,
  netfsReadTraces,
  netfsRreq,
  netfsRreqTraces,
} from '../../../src/core/trace/events/netfs.js';
import { makeTracer, temporaryDirectory } from '../../helpers/trace.js';

test('a file has the events of its operations and what others did for its requests', (t) => {
  const path = join(temporaryDirectory(t), 'a.db');
  const { tracer, contexts } = makeTracer(writeCapture(path, { source: 'run', era: 'E1' }));
  const read = { kind: 'read', offset: 0, len: 1, result: 1, start: 0, end: 1 };
  for (const [op, file] of [
    [1, 'a'],
    [2, 'b'],
  ] as const) {
    contexts.context.op = op;
    netfsRead.emit(tracer, op, netfsReadTraces.id.readahead, 0, 0, 0, 4096);
    tracer.marker(`for ${file}`);
    tracer.op({ ...read, op, file });
  }
  contexts.context.op = 0;
  netfsRreq.emit(tracer, 2, 0, netfsRreqTraces.id.free, 0);
  netfsRreq.emit(tracer, 1, 0, netfsRreqTraces.id.free, 0);
  return tracer.close().then(() => {
    const capture = openCapture(path);
    const texts = [...capture.lines({ file: 'b' })].map((line) =>
      line.split(': ').slice(1).join(': '),
    );
    t.deepEqual(texts, [
      'netfs_read: R=00000002 READAHEAD c=00000000 s=0 1000',
      'tracing_mark_write: for b',
      'netfs_rreq: R=00000002 FREE   f=00',
    ]);
    t.deepEqual([...capture.lines({ file: 'c' })], []);
    t.deepEqual(capture.all('SELECT "file", "read_requests" FROM "op"'), [
      { file: 'a', read_requests: 1 },
      { file: 'b', read_requests: 1 },
    ]);
    capture.close();
  });
});
