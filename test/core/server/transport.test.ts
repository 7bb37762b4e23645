/** The transport: how a read becomes messages. */
import test from 'ava';
import { profileByName } from '../../../src/core/profile/index.js';
import { type Moved, MSIZE_MAX, Transport } from '../../../src/core/server/transport.js';
import type { FetchTarget, Server, ServerFile } from '../../../src/core/server/types.js';
import { VirtualClock } from '../../../src/core/sim/clock.js';
import { Scheduler } from '../../../src/core/sim/scheduler.js';
import { NullSink } from '../../../src/core/trace/sink.js';
import { Tracer } from '../../../src/core/trace/tracer.js';

const FILE = { name: 'f' } as ServerFile;

/** Reads through a server whose replies are given; what was asked, and the outcome. */
async function reading(count: number, msize: number, replies: readonly number[]) {
  const asked: string[] = [];
  const scheduler = new Scheduler(new VirtualClock());
  const sink = new NullSink(profileByName('linux-6.1-9p').era);
  const tracer = new Tracer({ sink, clock: scheduler.clock, contexts: scheduler });
  const server = {
    fetch(_file, position, into, done) {
      asked.push(`${position}+${into.count}`);
      const result = replies[asked.length - 1] ?? into.count;
      scheduler.after(10, () => done({ result, status: undefined }));
    },
  } as Partial<Server> as Server;
  const transport = new Transport(server, msize, tracer);
  let outcome: Moved | undefined;
  scheduler.spawn('reader', function* () {
    const piece = (_at: number, size: number) => ({ count: size }) as FetchTarget;
    outcome = yield* transport.read(FILE, 4096, count, piece);
  });
  await scheduler.drain();
  return { asked, outcome };
}

test('a read larger than a message becomes several, each as large as fits', async (t) => {
  const { asked, outcome } = await reading(20_000, 8192, []);
  t.deepEqual(asked, ['4096+8168', '12264+8168', '20432+3664']);
  t.deepEqual(outcome, { bytes: 20_000, error: 0 });
});

test('a short reply is followed by the rest, an empty one ends the read', async (t) => {
  const short = await reading(10_000, 131_072, [4000, 0]);
  t.deepEqual(short.asked, ['4096+10000', '8096+6000']);
  t.deepEqual(short.outcome, { bytes: 4000, error: 0 });
});

test('an error ends a read, which tells what was read before it', async (t) => {
  const { outcome } = await reading(20_000, 8192, [8168, -5]);
  t.deepEqual(outcome, { bytes: 8168, error: -5 });
});

test('a reply that claims more than was asked is cut down', async (t) => {
  t.deepEqual((await reading(5000, 131_072, [9999])).outcome, { bytes: 5000, error: 0 });
});

test('no message is larger than the transport carries', async (t) => {
  const { asked } = await reading(MSIZE_MAX, 1 << 20, []);
  t.is(asked.length, 2);
});
