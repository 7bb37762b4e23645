/** The ring in shared memory, both ends in one thread where nothing has to wait. */
import { Worker } from 'node:worker_threads';
import test from 'ava';
import fc from 'fast-check';
import { ErrnoError } from '../../../src/core/base/errors.js';
import { RECORD, recordLength, recordNumber, recordWord } from '../../../src/core/trace/record.js';
import { makeRing, type Overflow, RingReader, RingSink } from '../../../src/core/trace/ring.js';

const REPORT = { events: 0, lost: 0, finishMs: 0, error: null };

function makeSink(words: number, overflow?: Overflow) {
  const ring = makeRing(words);
  const finish = async () => REPORT;
  const sink = new RingSink({
    ring,
    era: 'E1',
    path: 'x.spool',
    overflow: overflow ?? 'block',
    finish,
  });
  return { ring, sink, reader: new RingReader(ring) };
}

/** An event record of `length` words whose arguments are `value`. */
function event(length: number, value: number): Float64Array {
  const words = new Float64Array(length).fill(value);
  words[0] = recordWord(40, length);
  return words;
}

test('what goes into the ring comes out of it in order, whatever the pieces', (t) => {
  const piece = fc.tuple(fc.integer({ min: 5, max: 20 }), fc.integer({ min: 1, max: 40 }));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const { sink, reader } = makeSink(64);
      const expected: number[] = [];
      const got: number[] = [];
      for (const [i, [length, room]] of pieces.entries()) {
        const words = event(length, i);
        sink.append(words, length);
        expected.push(...words);
        const into = new Float64Array(room);
        // At most 20 words come at a time, so reading all the rest keeps it from being full.
        for (let count = -1; count !== 0; ) {
          count = reader.take(into);
          got.push(...into.subarray(0, count));
          reader.release(count);
        }
      }
      t.deepEqual(got, expected);
    }),
  );
});

test('a full ring that may drop loses events, says so in the stream, and never a string', (t) => {
  const { sink, reader } = makeSink(64, 'drop');
  for (let i = 0; i < 10; i++) sink.append(event(10, i), 10);
  const into = new Float64Array(64);
  t.is(reader.take(into), 60);
  reader.release(60);
  sink.append(event(10, 99), 10);
  const count = reader.take(into);
  t.is(recordNumber(into[0] as number), RECORD.lost);
  t.is(into[5], 4);
  t.is(recordNumber(into[6] as number), 40);
  t.is(count, 16);
});

test('the record at the end says how many events were lost', async (t) => {
  const { sink, reader } = makeSink(64, 'drop');
  for (let i = 0; i < 10; i++) sink.append(event(10, i), 10);
  const into = new Float64Array(64);
  reader.release(reader.take(into));
  await sink.close();
  const count = reader.take(into);
  t.is(recordNumber(into[count - 6] as number), RECORD.end);
  t.is(recordLength(into[count - 6] as number), 6);
  t.is(into[count - 1], 4);
  t.false(reader.ended);
  reader.release(count);
  t.true(reader.ended);
});

test('a consumer that failed is an error once, after which records go nowhere', async (t) => {
  const { sink, reader } = makeSink(64);
  reader.fail(28);
  const error = t.throws(() => sink.append(event(10, 1), 10), { instanceOf: ErrnoError });
  t.is(error.code, 'ENOSPC');
  t.is(error.path, 'x.spool');
  t.notThrows(() => sink.append(event(10, 1), 10));
  t.is(reader.take(new Float64Array(64)), 0);
  await t.notThrowsAsync(sink.close());
});

const CONSUMER = `
  import { workerData } from 'node:worker_threads';
  const { RingReader } = await import(workerData.module);
  const reader = new RingReader(workerData.ring);
  const into = new Float64Array(7);
  let sum = 0;
  while (!reader.ended) {
    const count = reader.take(into);
    for (let i = 0; i < count; i++) sum += into[i];
    reader.release(count);
    if (workerData.failAfter && sum > workerData.failAfter) { reader.fail(5); break; }
    if (count === 0) reader.wait(5);
  }
  (await import('node:worker_threads')).parentPort.postMessage(sum);
`;

function startConsumer(ring: unknown, failAfter = 0): Promise<number> {
  const module = new URL('../../../src/core/trace/ring.js', import.meta.url).href;
  const url = new URL(`data:text/javascript,${encodeURIComponent(CONSUMER)}`);
  const worker = new Worker(url, { workerData: { ring, module, failAfter } });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

test('a full ring waits for the other thread and loses nothing', async (t) => {
  const { ring, sink } = makeSink(64);
  const sum = startConsumer(ring);
  let expected = recordWord(RECORD.end, 6);
  for (let i = 0; i < 2000; i++) {
    const words = event(10, i);
    expected += words.reduce((a, b) => a + b, 0);
    sink.append(words, 10);
  }
  await sink.close();
  t.is(await sum, expected);
});

test('a producer that waits for a consumer that fails gets its error', async (t) => {
  const { ring, sink } = makeSink(64);
  const ended = startConsumer(ring, 1e7);
  const error = t.throws(
    () => {
      for (let i = 0; i < 100_000; i++) sink.append(event(10, i), 10);
    },
    { instanceOf: ErrnoError },
  );
  t.is(error?.code, 'EIO');
  await ended;
});

test('with dropping, what arrives and what is said to be lost is everything', (t) => {
  const step = fc.tuple(fc.integer({ min: 5, max: 30 }), fc.integer({ min: 0, max: 64 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { sink, reader } = makeSink(64, 'drop');
      const words: number[] = [];
      const take = (room: number) => {
        const into = new Float64Array(room);
        const count = reader.take(into);
        words.push(...into.subarray(0, count));
        reader.release(count);
      };
      for (const [length, room] of steps) {
        sink.append(event(length, 1), length);
        take(room);
      }
      take(64);
      sink.append(event(5, 1), 5);
      take(64);
      let arrived = 0;
      let lost = 0;
      for (let at = 0; at < words.length; at += recordLength(words[at] as number)) {
        if (recordNumber(words[at] as number) === RECORD.lost) lost += words[at + 5] as number;
        else arrived++;
      }
      t.is(arrived + lost, steps.length + 1);
    }),
  );
});
