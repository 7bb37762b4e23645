/**
 * The contest of questions: every command that asks a capture, of one of millions of events, against
 * the time it may take and the memory it may hold. Three captures: what real kernels printed,
 * repeated; netfs events alone, with references that do not add up; and a run of the engine.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openCapture } from '../src/core/store/database.js';
import { makeFile, runEngine } from './engine_tools.js';
import type { Contest, Contestant, ContestSource, Measured, Setting } from './harness.js';
import { type Command, expectEqual, NETFSLAB, runCommand } from './tools.js';
import { sessionsIn, writeRepeated } from './trace_repeat.js';
import { writeTrace } from './trace_text.js';

/** What a question may take, milliseconds, and hold, MiB. */
const LIMIT_MS = 2000;
const LIMITS_MS: Readonly<Record<string, number>> = { check: 15_000, diff: 5000 };
const MEMORY_MIB = 500;

/** What is named in the questions. */
interface Names {
  readonly capture: string;
  readonly request: string;
  readonly file: string | null;
  readonly cookie: string | null;
}

/** The questions; null where the capture has nothing of the kind. */
function questionsOf({ capture, request, file, cookie }: Names): (readonly string[])[] {
  const plain = [
    ...['ls', 'requests', 'requests --slowest 20', 'requests --failed', 'sources'],
    ...[
      'sources --map',
      'latency',
      'latency --heat',
      'latency --queueing',
      'hits',
      'writes',
      'dup',
    ],
    ...['concurrency', 'cookies', 'cookies --states', 'readahead', 'refs', 'stuck', 'summary'],
    ...['events --limit 20', `events --request ${request}`, 'check'],
  ].map((words) => [...words.split(' '), capture]);
  const named = [
    ['request', request, capture],
    ['request', request, capture, '--explain'],
    ...(file === null ? [] : [['latency', '--file', file, capture]]),
    ...(cookie === null ? [] : [['cookies', '--cookie', cookie, capture]]),
    ['why', '--capture', capture],
    ['why', '--ops', '--capture', capture],
    ['why', `R=${request}`, '--capture', capture],
    ['why', '--range', '64k-128k', '--capture', capture],
    ...(file === null ? [] : [['why', file, '--capture', capture]]),
    ['why', 'op=1000', '--capture', capture],
    ['diff', capture, capture],
  ];
  return [...plain, ...named];
}

/** What is in the middle of a capture. */
function namesIn(path: string): Names {
  const capture = openCapture(path);
  try {
    const text = (sql: string) => {
      const value = capture.get(sql)?.value ?? null;
      return value === null ? null : String(value);
    };
    const middle = '(SELECT max("request_uid") / 2 FROM "request")';
    return {
      capture: path,
      request:
        text(
          `SELECT printf('%x', "rreq") AS "value" FROM "request" WHERE "request_uid" = ${middle}`,
        ) ?? '',
      file: text(`SELECT "o"."file" AS "value" FROM "request" AS "r" JOIN "op" AS "o"
        ON "o"."id" = "r"."op" WHERE "r"."request_uid" >= ${middle} LIMIT 1`),
      cookie: text(`SELECT printf('%x', "cookie") AS "value" FROM "request"
        WHERE "request_uid" >= ${middle} AND "cookie" > 0 LIMIT 1`),
    };
  } finally {
    capture.close();
  }
}

/** A question as a contestant, which fails where it takes too much memory. */
function contestant(words: readonly string[], capture: string): Contestant {
  const name = words.map((word) => (word === capture ? 'FILE' : word)).join(' ');
  let last: Measured = {};
  return {
    name,
    async run() {
      last = await runCommand(
        [...NETFSLAB, 'trace', ...words] as unknown as Command,
        '',
        [0, 1, 3],
      );
      return last;
    },
    verify() {
      const peak = last.peakMiB ?? 0;
      if (peak > MEMORY_MIB) throw new Error(`${name} held ${peak.toFixed(0)} MiB`);
    },
  };
}

/** A contest of the questions to the capture at `path`. */
function questions(name: string, what: string, path: string): Contest {
  const asked = questionsOf(namesIn(path)).map((words) => contestant(words, path));
  const limit = (ms: number): Contestant => ({
    name: `${ms / 1000} s`,
    run: () => ({ ms }),
    verify: () => {},
  });
  const limits = [...new Set([LIMIT_MS, ...Object.values(LIMITS_MS)])];
  return {
    name,
    what: `${what}; at most ${MEMORY_MIB} MiB each`,
    contestants: [...asked, ...limits.map(limit)],
    goals: asked.map((each) => {
      const ms = LIMITS_MS[each.name.split(' ')[0] as string] ?? LIMIT_MS;
      return { faster: each.name, than: `${ms / 1000} s`, atLeast: 1 };
    }),
  };
}

const eventCount = ({ size }: Setting): number => size('ask-events', 5_000_000, 50_000);

async function imported(text: string, path: string, events: number): Promise<void> {
  await runCommand([...NETFSLAB, 'trace', 'import', text, '--out', path]);
  const capture = openCapture(path);
  const { events: kept } = capture.info;
  capture.close();
  expectEqual('events', kept, events);
}

const real: ContestSource = {
  name: 'ask-real',
  doc: 'every question, to traces of a real kernel 6.1 (9p and AFS), repeated',
  async setUp(setting): Promise<Contest> {
    const events = eventCount(setting);
    const [text, path] = [join(setting.folder, 'real.txt'), join(setting.folder, 'real.db')];
    const below = (fs: string) =>
      sessionsIn(fileURLToPath(new URL(`../../traces/linux-6.1/${fs}`, import.meta.url)));
    writeRepeated([...below('9p'), ...below('afs')], events, text);
    await imported(text, path, events);
    return questions('ask-real', `${events} events of real traces`, path);
  },
};

const netfs: ContestSource = {
  name: 'ask-netfs',
  doc: 'every question, to netfs events alone, whose references do not add up',
  async setUp(setting): Promise<Contest> {
    const events = eventCount(setting);
    const [text, path] = [join(setting.folder, 'netfs.txt'), join(setting.folder, 'netfs.db')];
    writeTrace(events, text, null);
    await imported(text, path, events);
    return questions('ask-netfs', `${events} netfs events`, path);
  },
};

/** Events of a pass over the files of `ask-run`, as far as that can be told before. */
const PASS_EVENTS = 2_400_000;
const FILE_BYTES = 128 << 20;

const run: ContestSource = {
  name: 'ask-run',
  doc: 'every question, to a run of the engine: random reads of few large files through a cache',
  setUp(setting): Contest {
    const { folder } = setting;
    const events = eventCount(setting);
    const path = join(folder, 'run.db');
    const server = join(folder, 'server');
    const share = Math.min(1, events / (2 * PASS_EVENTS));
    mkdirSync(server);
    for (let i = 0; i < 3; i++) makeFile(join(server, `big${i}`), Math.ceil(FILE_BYTES * share));
    const report = runEngine({
      lab: { server, cacheDir: join(folder, 'cache'), pageCache: 4 << 20, profile: 'linux-6.1-9p' },
      run: { rw: 'randread', bs: 4096, loops: 2 },
      out: path,
    });
    return questions('ask-run', `${report.events} events of a run`, path);
  },
};

/** The contests of questions. */
export const ASK_CONTESTS: readonly ContestSource[] = [real, netfs, run];
