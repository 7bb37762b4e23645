/**
 * The engine's loop: order, sleep, signals, workers, deadlocks, and turns for the rest of Node.js.
 */
import test from 'ava';
import { Bug } from '../../../src/core/base/errors.js';
import { RealClock, VirtualClock, wallMs } from '../../../src/core/sim/clock.js';
import { Scheduler } from '../../../src/core/sim/scheduler.js';
import { type Task, WaitQueue } from '../../../src/core/sim/wait_queue.js';
import { atOnce } from './at_once.js';

function makeScheduler() {
  const clock = new VirtualClock();
  return { clock, scheduler: new Scheduler(clock), seen: [] as string[] };
}

test('tasks run in the order they were started, each until it sleeps', async (t) => {
  const { scheduler, seen } = makeScheduler();
  for (const name of ['a', 'b']) {
    scheduler.spawn(name, function* () {
      seen.push(`${name}1`);
      yield* scheduler.reschedule();
      seen.push(`${name}2`);
    });
  }
  t.deepEqual(seen, []);
  await scheduler.drain();
  t.deepEqual(seen, ['a1', 'b1', 'a2', 'b2']);
});

test('timers fire by their time, those of one time in the order they were set', async (t) => {
  const { scheduler, clock, seen } = makeScheduler();
  for (const [ns, name] of [
    [30, 'late'],
    [10, 'first'],
    [10, 'second'],
    [0, 'now'],
  ] as const) {
    scheduler.after(ns, () => seen.push(`${name} ${clock.now()}`));
  }
  t.deepEqual(seen, []);
  await scheduler.drain();
  t.deepEqual(seen, ['now 0', 'first 10', 'second 10', 'late 30']);
});

test('a timer that is due goes before tasks that are ready', async (t) => {
  const { scheduler, clock, seen } = makeScheduler();
  scheduler.after(100, () => seen.push('timer'));
  for (const name of ['a', 'b']) {
    scheduler.spawn(name, () =>
      atOnce(() => {
        seen.push(name);
        clock.charge(100);
      }),
    );
  }
  await scheduler.drain();
  t.deepEqual(seen, ['a', 'timer', 'b']);
});

test('sleeping takes its time on the virtual clock and lets others run', async (t) => {
  const { scheduler, clock, seen } = makeScheduler();
  for (const [name, ns] of [
    ['long', 1e9],
    ['short', 5e8],
  ] as const) {
    scheduler.spawn(name, function* () {
      yield* scheduler.sleep(ns);
      seen.push(`${name} ${clock.now()}`);
    });
  }
  const wall = wallMs();
  await scheduler.drain();
  t.deepEqual(seen, ['short 500000000', 'long 1000000000']);
  t.true(wallMs() - wall < 500);
});

test('a task that gives way lets every ready task and due timer go first', async (t) => {
  const { scheduler, clock, seen } = makeScheduler();
  scheduler.after(50, () => seen.push('timer'));
  scheduler.spawn('polite', function* () {
    clock.charge(60);
    yield* scheduler.reschedule();
    seen.push('polite');
  });
  scheduler.spawn('other', () => atOnce(() => seen.push('other')));
  await scheduler.drain();
  t.deepEqual(seen, ['timer', 'other', 'polite']);
});

test('tasks that give way take turns', async (t) => {
  const { scheduler, seen } = makeScheduler();
  for (const name of ['a', 'b', 'c']) {
    scheduler.spawn(name, function* () {
      for (let i = 0; i < 3; i++) {
        seen.push(name);
        yield* scheduler.reschedule();
      }
    });
  }
  await scheduler.drain();
  t.is(seen.join(''), 'abcabcabc');
});

test('a task has run long enough after a millisecond of its own', async (t) => {
  const { scheduler, clock } = makeScheduler();
  const asked: boolean[] = [];
  for (let i = 0; i < 2; i++) {
    scheduler.spawn('worker', () =>
      atOnce(() => {
        asked.push(scheduler.needResched());
        clock.charge(999_999);
        asked.push(scheduler.needResched());
        clock.charge(1);
        asked.push(scheduler.needResched());
      }),
    );
  }
  await scheduler.drain();
  t.deepEqual(asked, [false, false, true, false, false, true]);
});

test('a killed task is woken from its wait and learns why', async (t) => {
  const { scheduler, seen } = makeScheduler();
  const never = new WaitQueue('something that never comes');
  const strand = scheduler.spawn('victim', function* ({ killed }) {
    seen.push(`killed ${killed}`);
    while (!scheduler.context.killed) yield never;
    seen.push('gone');
  });
  scheduler.after(10, () => scheduler.kill(strand));
  await scheduler.drain();
  t.deepEqual(seen, ['killed false', 'gone']);
  t.true(strand.done);
  t.is(never.length, 0);
  t.notThrows(() => scheduler.kill(strand));
});

test('a task killed before it first ran is not run twice', async (t) => {
  const { scheduler, seen } = makeScheduler();
  const strand = scheduler.spawn('victim', function* () {
    seen.push(`${scheduler.context.killed}`);
    yield* scheduler.reschedule();
    seen.push('end');
  });
  scheduler.kill(strand);
  await scheduler.drain();
  t.deepEqual(seen, ['true', 'end']);
});

test('a deadlock is a bug that names each task and what it waits for', async (t) => {
  const { scheduler } = makeScheduler();
  for (const what of ['folio 3', 'request 1a']) {
    scheduler.spawn('reader', function* () {
      yield new WaitQueue(what);
    });
  }
  await t.throwsAsync(
    scheduler.run(() => false),
    { instanceOf: Bug, message: 'deadlock: reader-1000 on folio 3, reader-1001 on request 1a' },
  );
});

test('a deadlock names tasks started by others too', async (t) => {
  const { scheduler } = makeScheduler();
  function* waits(): Task {
    yield new WaitQueue('the cache');
  }
  scheduler.spawn('starter', () => atOnce(() => scheduler.startHere(waits())));
  await t.throwsAsync(
    scheduler.run(() => false),
    { instanceOf: Bug, message: 'deadlock: starter-1000 on the cache' },
  );
});

test('waiting for what no task will do is a bug, not a hang', async (t) => {
  const { scheduler } = makeScheduler();
  await t.throwsAsync(
    scheduler.run(() => false),
    { instanceOf: Bug, message: 'deadlock: nothing is left to run' },
  );
});

test('what a task throws comes out of the loop', async (t) => {
  const { scheduler } = makeScheduler();
  scheduler.spawn('thrower', function* () {
    yield* scheduler.sleep(5);
    throw new RangeError('out');
  });
  await t.throwsAsync(
    scheduler.run(() => false),
    { instanceOf: RangeError, message: 'out' },
  );
});

test('draining leaves a task asleep that only another could wake', async (t) => {
  const { scheduler, seen } = makeScheduler();
  const queue = new WaitQueue('news');
  scheduler.spawn('listener', function* () {
    yield queue;
    seen.push('woken');
  });
  await scheduler.drain();
  t.is(queue.length, 1);
  queue.wakeAll();
  await scheduler.drain();
  t.deepEqual(seen, ['woken']);
});

test('each process has a number of its own; work runs in kernel workers that are used again', async (t) => {
  const { scheduler, seen } = makeScheduler();
  const note = (): void => {
    seen.push(`${scheduler.context.comm}-${scheduler.context.pid}`);
  };
  const work = (ns: number) => () =>
    (function* () {
      note();
      yield* scheduler.sleep(ns);
    })();
  scheduler.spawn('one', function* () {
    note();
    scheduler.queueWork(work(10));
    scheduler.queueWork(work(30));
    yield* scheduler.sleep(20);
    scheduler.queueWork(work(1));
    scheduler.queueWork(work(1));
  });
  scheduler.spawn('two', () => atOnce(note));
  await scheduler.drain();
  t.deepEqual(seen, [
    ...['one-1000', 'two-1001', 'kworker/0:1-41', 'kworker/0:2-42'],
    ...['kworker/0:1-41', 'kworker/0:3-43'],
  ]);
});

test('timers, completions and work run for the operation that asked for them', async (t) => {
  const { scheduler, seen } = makeScheduler();
  const note = (what: string) => (): void => {
    const { op, comm } = scheduler.context;
    seen.push(`${what} ${comm} ${op}`);
  };
  for (const op of [7, 8]) {
    scheduler.spawn('reader', (context) =>
      atOnce(() => {
        context.op = op;
        scheduler.after(op, note('timer'));
        scheduler.expect(note('completion'))(undefined);
        scheduler.queueWork(() => atOnce(note('work')));
      }),
    );
  }
  await scheduler.drain();
  t.deepEqual(seen.toSorted(), [
    ...['completion <idle> 7', 'completion <idle> 8', 'timer <idle> 7', 'timer <idle> 8'],
    ...['work kworker/0:1 7', 'work kworker/0:2 8'],
  ]);
  t.is(scheduler.context.comm, 'swapper/0');
});

test('a task started here runs at once, for its starter, and goes on by itself', async (t) => {
  const { scheduler, seen } = makeScheduler();
  function* started(): Task {
    seen.push(`in ${scheduler.context.comm}`);
    yield* scheduler.sleep(10);
    seen.push(`later in ${scheduler.context.comm}`);
  }
  scheduler.spawn('starter', () =>
    atOnce(() => {
      scheduler.startHere(started());
      seen.push('starter goes on');
    }),
  );
  await scheduler.drain();
  t.deepEqual(seen, ['in starter', 'starter goes on', 'later in starter']);
});

const givesTurns = test.macro({
  async exec(t, kind: 'virtual' | 'real') {
    const scheduler = new Scheduler(kind === 'virtual' ? new VirtualClock() : new RealClock());
    let turns = 0;
    const ticking = setInterval(() => turns++, 5);
    const start = wallMs();
    scheduler.spawn('busy', function* () {
      // As long as it takes, but not for ever: a loaded machine gives few turns.
      while (turns < 3 && wallMs() - start < 20_000) yield* scheduler.reschedule();
    });
    await scheduler.drain();
    clearInterval(ticking);
    t.true(turns >= 3, `${turns} turns`);
  },
  title: (_, kind: string) =>
    `a task that is always ready leaves turns to Node.js on the ${kind} clock`,
});

test(givesTurns, 'virtual');
test(givesTurns, 'real');

test('on the real clock sleeping takes at least its time, and ends', async (t) => {
  const scheduler = new Scheduler(new RealClock());
  const { clock } = scheduler;
  const slept: number[] = [];
  for (const ns of [200_000, 3_000_000, 25_000_000]) {
    scheduler.spawn('sleeper', function* () {
      const start = clock.now();
      yield* scheduler.sleep(ns);
      slept.push(clock.now() - start - ns);
    });
  }
  await scheduler.drain();
  t.is(slept.length, 3);
  for (const over of slept) t.true(over >= 0 && over < 10e9, `${over} ns too long`);
});

test('on the real clock the loop waits for a completion that comes from outside', async (t) => {
  const scheduler = new Scheduler(new RealClock());
  const queue = new WaitQueue('an answer');
  const answers: number[] = [];
  scheduler.spawn('asker', function* () {
    setTimeout(
      scheduler.expect((answer: number) => {
        answers.push(answer);
        queue.wakeAll();
      }),
      15,
      42,
    );
    while (answers.length === 0) yield queue;
    answers.push(0);
  });
  await scheduler.run(() => answers.length === 2);
  t.deepEqual(answers, [42, 0]);
});

test('on the real clock too a deadlock is a bug, not a hang', async (t) => {
  const scheduler = new Scheduler(new RealClock());
  scheduler.spawn('reader', function* () {
    yield new WaitQueue('nothing');
  });
  await t.throwsAsync(
    scheduler.run(() => false),
    { instanceOf: Bug, message: /reader-1000 on nothing/ },
  );
});

/** A pump whose operations end when it waits, or after so many polls. */
class TestPump {
  readonly waits: number[] = [];
  due = false;
  readonly #answers: Array<() => void> = [];

  get pending(): number {
    return this.#answers.length;
  }

  ask(answer: () => void): void {
    this.#answers.push(answer);
  }

  poll(waitNs: number): void {
    this.waits.push(waitNs);
    this.due = false;
    const until = wallMs() + waitNs / 1e6;
    if (waitNs > 0 && this.waits.length > 3) this.#answers.shift()?.();
    else while (wallMs() < until);
  }
}

test('a pump is waited for at most 10 ms at a time, and Node.js has its turns meanwhile', async (t) => {
  const pump = new TestPump();
  const scheduler = new Scheduler(new RealClock(), { pump });
  let turns = 0;
  const ticks = setInterval(() => turns++, 1);
  scheduler.spawn('reader', function* () {
    const queue = new WaitQueue('pump');
    let answered = false;
    pump.ask(
      scheduler.expect(() => {
        answered = true;
        queue.wakeAll();
      }) as () => void,
    );
    while (!answered) yield queue;
  });
  await scheduler.drain();
  clearInterval(ticks);
  t.true(turns > 0);
  t.true(pump.waits.length >= 4);
  t.true(
    pump.waits.every((ns) => ns >= 0 && ns <= 10e6),
    pump.waits.join(),
  );
});

test('a pump is polled without a wait while something can run, and up to the next timer', async (t) => {
  const pump = new TestPump();
  const scheduler = new Scheduler(new RealClock(), { pump });
  pump.ask(scheduler.expect(() => {}) as () => void);
  scheduler.spawn('busy', function* () {
    for (const end = wallMs() + 5; wallMs() < end; ) yield* scheduler.reschedule();
    t.true(pump.waits.length > 0);
    t.true(
      pump.waits.every((ns) => ns === 0),
      pump.waits.join(),
    );
    pump.waits.length = 0;
    yield* scheduler.sleep(500_000);
    t.true(
      pump.waits.every((ns) => ns <= 500_000),
      pump.waits.join(),
    );
  });
  await scheduler.drain();
});

test('a pump that has enough for the kernel is polled before the next task runs', async (t) => {
  const pump = new TestPump();
  const scheduler = new Scheduler(new RealClock(), { pump });
  const polls: number[] = [];
  for (const name of ['first', 'second', 'third']) {
    scheduler.spawn(name, function* () {
      polls.push(pump.waits.length);
      pump.ask(scheduler.expect(() => {}) as () => void);
      pump.due = true;
    });
  }
  await scheduler.drain();
  t.deepEqual(polls, [0, 1, 2]);
});
