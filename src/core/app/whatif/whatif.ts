/**
 * The use case `whatif`: the same operations under other settings, played on the virtual clock by
 * worker processes. First without a change, to show how well the engine reproduces what a capture
 * recorded; what is too far off is refused.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Table } from '../../analysis/types.js';
import { StoreError, UsageError } from '../../base/errors.js';
import { formatBytes, formatCount, formatNs, parseDuration, parseSize } from '../../base/units.js';
import { LAB_DEFAULTS, type LabOptions } from '../../lab/options.js';
import { plotLines } from '../../report/plot.js';
import { openCapture } from '../../store/database.js';
import type { RequestRange } from '../lab/request_sink.js';
import { type InputOptions, readBytes } from '../run/workload_input.js';
import type { Prediction, WhatifJob } from './play.js';
import { modelLine, modelOf, readModel, type ServerModel, writeModel } from './server_model.js';

/** Most combinations of one question. */
const COMBINATIONS_MAX = 256;
/** Changes with every change of what a prediction is: older ones in the cache are then not used. */
const CACHE_VERSION = 1;

/** A setting that can be varied. */
interface Setting {
  readonly option: keyof LabOptions;
  readonly parse: (text: string) => number | string | undefined;
  /** What to type to have it on a real machine; `V` is the value. */
  readonly apply: string;
}

const size = (name: string) => (text: string) => parseSize(text, `--vary ${name}`);
const time = (name: string) => (text: string) => parseDuration(text, `--vary ${name}`);
const count = (name: string) => (text: string) => {
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(`--vary ${name}`, `expected a whole number, got '${text}'`);
};

/** The settings. */
export const VARIED: Readonly<Record<string, Setting>> = {
  'read-ahead-kb': {
    option: 'readAheadKb',
    parse: count('read-ahead-kb'),
    apply: 'echo V > /sys/class/bdi/MAJOR:MINOR/read_ahead_kb',
  },
  rsize: { option: 'rsize', parse: size('rsize'), apply: 'mount -o rsize=V' },
  msize: { option: 'msize', parse: size('msize'), apply: 'mount -o msize=V' },
  granule: { option: 'granule', parse: size('granule'), apply: 'netfslab run --granule V' },
  'cache-size': {
    option: 'cacheSize',
    parse: size('cache-size'),
    apply: 'a cache filesystem of V bytes',
  },
  'page-cache': {
    option: 'pageCache',
    parse: size('page-cache'),
    apply: 'memory.max of the cgroup: V',
  },
  'stripe-unit': { option: 'stripeUnit', parse: size('stripe-unit'), apply: 'a stripe unit of V' },
  streams: { option: 'streams', parse: count('streams'), apply: 'V downloads in flight' },
  'server-latency': {
    option: 'latencyNs',
    parse: time('server-latency'),
    apply: 'a server that answers in V ns',
  },
  'server-bandwidth': {
    option: 'bandwidth',
    parse: size('server-bandwidth'),
    apply: 'a link of V bytes/s',
  },
};

/** A question. */
export interface WhatifRequest {
  readonly file: string;
  readonly input: InputOptions;
  readonly lab: Partial<LabOptions> & { readonly server: string };
  /** Those of them that were asked for: they hold whatever the capture says. */
  readonly given: Partial<LabOptions>;
  /** `NAME=A,B,C` each. */
  readonly vary: readonly string[];
  readonly cache: boolean;
  readonly serverModel: string | undefined;
  readonly saveModel: string | undefined;
  /** Largest error of the baseline, a share. */
  readonly maxError: number;
  readonly force: boolean;
  /** Use and keep predictions of the same question. */
  readonly remember: boolean;
}

/** One combination. */
export interface WhatifRow {
  /** Values by name of the setting; none: the baseline. */
  readonly settings: Readonly<Record<string, string>>;
  readonly prediction: Prediction;
  /** No other is better in bytes from the server and in time. */
  readonly pareto: boolean;
}

/** How far the baseline is from what the capture recorded: shares; null: not to be compared. */
export interface BaselineError {
  readonly requests: number | null;
  readonly serverBytes: number | null;
  readonly p50: number | null;
}

/** The answer; the shape of `--json`. */
export interface WhatifSummary {
  readonly baseline: Prediction;
  readonly error: BaselineError;
  readonly serverModel: ServerModel | null;
  readonly rows: readonly WhatifRow[];
  /** What the best settings are and how to have them: sentences. */
  readonly advice: readonly string[];
  /** Combinations whose answer was kept from before. */
  readonly remembered: number;
}

/** Answers it. Throws a `StoreError` where the baseline is too far off. */
export async function whatif(
  request: WhatifRequest,
  progress: (done: number, total: number) => void = () => {},
): Promise<WhatifSummary> {
  const isCapture =
    readBytes(request.file).subarray(0, 15).toString('latin1') === 'SQLite format 3';
  const preset = isCapture ? presetOf(request.file) : null;
  const model = serverOf(request, isCapture && preset === null);
  const base = {
    ...request.lab,
    ...preset?.lab,
    ...request.given,
    ...(model === undefined ? {} : modelOptions(model)),
  };
  const combinations = combine(request.vary);
  const asked = { ...request, cache: request.cache || preset?.cache === true };
  const jobs = [{}, ...combinations].map((settings) => jobOf(asked, base, settings));
  const pool = new Pool(jobs, request.remember, progress);
  const predictions = await pool.run();
  const [baseline, ...others] = predictions as [Prediction, ...Prediction[]];
  const error = isCapture
    ? baselineError(request.file, baseline)
    : { requests: null, serverBytes: null, p50: null };
  checkError(error, request);
  const rows = paretoRows(combinations, others);
  const advice = adviceOf(baseline, rows);
  return {
    ...{ baseline, error, serverModel: model ?? null, rows, advice },
    remembered: pool.remembered,
  };
}

/** Options of a lab that say where it ran, and not what it did. */
const HERE: readonly (keyof LabOptions)[] = [
  ...(['server', 'serverOverlay', 'cacheDir', 'cacheOwner'] as const),
  ...(['clock', 'io', 'hugePages', 'cpu'] as const),
];
const PLACES = new Set<string>(HERE);

/**
 * The settings of a run of our own, as its capture tells them, and whether it had a disk cache;
 * null of a kernel, whose settings are not told.
 */
function presetOf(file: string): { lab: Partial<LabOptions>; cache: boolean } | null {
  const capture = openCapture(file);
  try {
    const { source, profile, options } = capture.info;
    if (source !== 'run') return null;
    const told = JSON.parse(options) as Record<string, unknown>;
    const lab = Object.entries(told).filter(([name]) => name in LAB_DEFAULTS && !PLACES.has(name));
    const cache = typeof told.cacheDir === 'string';
    return { lab: { ...Object.fromEntries(lab), ...(profile !== null && { profile }) }, cache };
  } finally {
    capture.close();
  }
}

function serverOf(request: WhatifRequest, isCapture: boolean): ServerModel | undefined {
  const { serverModel, saveModel, file, lab } = request;
  if (serverModel !== undefined) return readModel(serverModel);
  // Times that were given are those that are wanted.
  const given = (lab.latencyNs ?? 0) > 0 || (lab.bandwidth ?? 0) > 0;
  const fitted = isCapture && !given ? modelOf(file) : undefined;
  if (saveModel !== undefined) {
    if (fitted === undefined) {
      throw new UsageError(
        '--save-server-model',
        `${file} has too few slices from the server to fit`,
      );
    }
    writeModel(saveModel, fitted);
  }
  return fitted;
}

function modelOptions({ latencyNs, jitterNs, bandwidth }: ServerModel): Partial<LabOptions> {
  return { latencyNs, jitterNs, bandwidth };
}

function combine(vary: readonly string[]): Record<string, string>[] {
  let all: Record<string, string>[] = [{}];
  for (const each of vary) {
    const at = each.indexOf('=');
    const name = each.slice(0, Math.max(0, at));
    if (!Object.hasOwn(VARIED, name)) {
      throw new UsageError(
        '--vary',
        `expected NAME=VALUE,..., got '${each}'`,
        `names: ${Object.keys(VARIED).join(', ')}`,
      );
    }
    const values = each
      .slice(at + 1)
      .split(',')
      .filter((value) => value !== '');
    if (values.length === 0) throw new UsageError('--vary', `${name} has no values`);
    if (all.some((settings) => name in settings))
      throw new UsageError('--vary', `${name} is given twice`);
    all = all.flatMap((settings) => values.map((value) => ({ ...settings, [name]: value })));
  }
  if (vary.length === 0)
    throw new UsageError('--vary', 'nothing to vary', 'as in --vary read-ahead-kb=128,512');
  if (all.length > COMBINATIONS_MAX) {
    throw new UsageError('--vary', `${all.length} combinations, at most ${COMBINATIONS_MAX}`);
  }
  return all;
}

function jobOf(
  { file, input, cache }: WhatifRequest,
  base: Partial<LabOptions> & { readonly server: string },
  settings: Readonly<Record<string, string>>,
): WhatifJob {
  const changes = Object.entries(settings).map(([name, text]) => {
    const { option, parse } = VARIED[name] as Setting;
    return [option, text === 'default' ? undefined : parse(text)] as const;
  });
  const lab = { ...base, ...Object.fromEntries(changes) };
  return { file, input, lab, cache };
}

/** Worker processes, as many as there are processors. */
class Pool {
  remembered = 0;
  readonly #jobs: readonly WhatifJob[];
  readonly #remember: boolean;
  readonly #progress: (done: number, total: number) => void;
  readonly #results: (Prediction | undefined)[];
  readonly #keys: readonly string[];
  readonly #children = new Set<ChildProcess>();
  #next = 0;
  #done = 0;

  constructor(
    jobs: readonly WhatifJob[],
    remember: boolean,
    progress: (done: number, total: number) => void,
  ) {
    this.#jobs = jobs;
    this.#remember = remember;
    this.#progress = progress;
    this.#results = jobs.map(() => undefined);
    const content = createHash('sha256').update(readBytes(jobs[0]!.file)).digest('hex');
    this.#keys = jobs.map((job) => keyOf(job, content));
  }

  async run(): Promise<Prediction[]> {
    if (this.#remember) this.#recall();
    const left = this.#results.filter((each) => each === undefined).length;
    const workers = Math.min(availableParallelism(), left);
    await Promise.all(Array.from({ length: workers }, () => this.#work()));
    return this.#results as Prediction[];
  }

  #recall(): void {
    for (const [i, key] of this.#keys.entries()) {
      const file = join(cacheFolder(), `${key}.json`);
      if (!existsSync(file)) continue;
      try {
        this.#results[i] = JSON.parse(readFileSync(file, 'utf8')) as Prediction;
        this.remembered++;
      } catch {
        // Half of a file of a killed run: it is made again.
      }
    }
  }

  #work(): Promise<void> {
    const url = new URL('./worker.js', import.meta.url);
    const child = fork(fileURLToPath(url), {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    return new Promise((resolve, reject) => {
      this.#children.add(child);
      // One that fails ends all: nobody waits for the others any more.
      const fail = (error: Error): void => {
        for (const each of this.#children) {
          each.removeAllListeners('exit');
          each.kill();
        }
        reject(error);
      };
      child.once('error', fail);
      child.once('exit', () => reject(new Error('a worker process of whatif has died')));
      child.on('message', (message: { id: number; prediction?: Prediction; error?: string }) => {
        const { id, prediction, error } = message;
        if (prediction === undefined) {
          fail(new StoreError(this.#jobs[id]!.file, `cannot be played: ${error}`));
          return;
        }
        this.#keep(id, prediction);
        if (!this.#send(child)) end();
      });
      const end = (): void => {
        child.removeAllListeners('exit');
        child.disconnect();
        resolve();
      };
      if (!this.#send(child)) end();
    });
  }

  #send(child: ChildProcess): boolean {
    while (this.#next < this.#jobs.length && this.#results[this.#next] !== undefined) this.#next++;
    const id = this.#next++;
    const job = this.#jobs[id];
    if (job === undefined) return false;
    child.send({ id, job });
    return true;
  }

  #keep(id: number, prediction: Prediction): void {
    this.#results[id] = prediction;
    this.#progress(++this.#done, this.#jobs.length);
    if (!this.#remember) return;
    const folder = cacheFolder();
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${this.#keys[id]}.json`);
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(prediction));
    renameSync(`${file}.${process.pid}`, file);
  }
}

function cacheFolder(): string {
  const { XDG_CACHE_HOME: cache, HOME: home } = process.env;
  return join(cache || join(home || homedir(), '.cache'), 'netfslab', 'whatif');
}

function keyOf({ input, lab, cache, file }: WhatifJob, content: string): string {
  const question = JSON.stringify([CACHE_VERSION, content, input, lab, cache, file]);
  return createHash('sha256').update(question).digest('hex').slice(0, 32);
}

/** Share of requests that are not the same, in their order. */
function requestError(recorded: readonly RequestRange[], played: readonly RequestRange[]): number {
  const most = Math.max(recorded.length, played.length);
  if (most === 0) return 0;
  const counts = new Map<string, number>();
  for (const range of recorded) counts.set(String(range), (counts.get(String(range)) ?? 0) + 1);
  let same = 0;
  for (const range of played) {
    const left = counts.get(String(range)) ?? 0;
    if (left === 0) continue;
    counts.set(String(range), left - 1);
    same++;
  }
  return 1 - same / most;
}

/** The requests that a capture recorded, in their order. */
export function recordedRequests(capture: string): RequestRange[] {
  const db = openCapture(capture);
  try {
    const rows = db.all(
      `SELECT "start", "len" FROM "request" WHERE "kind" IS NOT NULL ORDER BY "request_uid"`,
    );
    return rows.map(({ start, len }) => [Number(start), Number(len)] as const);
  } finally {
    db.close();
  }
}

function baselineError(capture: string, baseline: Prediction): BaselineError {
  const recorded = recordedRequests(capture);
  const requests = requestError(recorded, baseline.ranges);
  const db = openCapture(capture);
  try {
    // System calls on a filesystem without the read helper: what was asked, not what came of it.
    if (recorded.length === 0 && db.info.source !== 'run')
      return { requests: null, serverBytes: null, p50: null };
    const sum = db.all(
      `SELECT sum("server_bytes") AS "down", sum("cache_bytes") AS "read" FROM "request"`,
    )[0];
    const [down, read] = [Number(sum?.down ?? 0), Number(sum?.read ?? 0)];
    const off = (played: number, recorded: number): number =>
      recorded === 0 ? (played === 0 ? 0 : 1) : Math.abs(played - recorded) / recorded;
    // Where the cache was filled already, what was read from it came from the server once.
    const serverBytes = off(baseline.serverBytes, down + read);
    const rows = db.all(`SELECT "end_ns" - "start_ns" AS "ns" FROM "op" WHERE "kind" = 'read'
      AND "end_ns" IS NOT NULL ORDER BY 1`);
    const median = Number(rows[rows.length >> 1]?.ns ?? 0);
    return { requests, serverBytes, p50: median === 0 ? null : off(baseline.p50Ns, median) };
  } finally {
    db.close();
  }
}

function checkError(error: BaselineError, { maxError, force, file }: WhatifRequest): void {
  if (force) return;
  for (const [name, value] of [
    ['requests', error.requests],
    ['bytes from the server', error.serverBytes],
  ] as const) {
    if (value === null || value <= maxError) continue;
    const off = `${(100 * value).toFixed(1)} % of the ${name} are not reproduced`;
    throw new StoreError(
      file,
      `${off} without any change, more than ${(100 * maxError).toFixed(0)} %`,
      {
        hint: 'name the settings that it was recorded with (--profile, --msize, --read-ahead-kb, --server), or add --force',
      },
    );
  }
}

function paretoRows(
  settings: readonly Record<string, string>[],
  predictions: readonly Prediction[],
): WhatifRow[] {
  const beats = (a: Prediction, b: Prediction): boolean =>
    a.serverBytes <= b.serverBytes &&
    a.makespanNs <= b.makespanNs &&
    (a.serverBytes < b.serverBytes || a.makespanNs < b.makespanNs);
  return predictions.map((prediction, i) => ({
    settings: settings[i] as Record<string, string>,
    prediction,
    pareto: !predictions.some((other) => beats(other, prediction)),
  }));
}

function adviceOf(baseline: Prediction, rows: readonly WhatifRow[]): string[] {
  const best = rows.filter(({ pareto }) => pareto).slice(0, 3);
  return best.map(({ settings, prediction }) => {
    const how = Object.entries(settings).map(([name, value]) =>
      value === 'default'
        ? `${name} left alone`
        : (VARIED[name] as Setting).apply.replace('V', value),
    );
    const time = ratio(prediction.makespanNs, baseline.makespanNs);
    const bytes = ratio(prediction.serverBytes, baseline.serverBytes);
    return `${how.join('; ')}: ${time} the time, ${bytes} the bytes from the server`;
  });
}

function ratio(value: number, base: number): string {
  return base === 0 ? '-' : `${(value / base).toFixed(2)} x`;
}

/** The answer as text. */
export function* whatifLines(found: WhatifSummary): Generator<string> {
  const { baseline, error, serverModel, rows, advice } = found;
  if (serverModel !== null) yield modelLine(serverModel);
  const percent = (share: number | null): string =>
    share === null ? 'not recorded' : `${(100 * share).toFixed(1)} % off`;
  yield `baseline: ${formatCount(baseline.requests)} requests (${percent(error.requests)}), ${formatBytes(baseline.serverBytes)} from the server (${percent(error.serverBytes)}), p50 ${formatNs(baseline.p50Ns)} (${percent(error.p50)})`;
  const width = Math.max(...rows.map(({ settings }) => label(settings).length), 8);
  yield `  ${'settings'.padEnd(width)}  requests  from server    x  cache hit       p50       p99  makespan  cache writes`;
  yield line('baseline', baseline, width, ' ');
  for (const { settings, prediction, pareto } of rows) {
    yield line(label(settings), prediction, width, pareto ? '*' : ' ');
  }
  yield* plotLines(
    [
      series(
        'others',
        'o',
        rows.filter(({ pareto }) => !pareto),
      ),
      series(
        'Pareto-best',
        '*',
        rows.filter(({ pareto }) => pareto),
      ),
    ].filter(({ points }) => points.length > 0),
    { x: formatBytes, y: formatNs },
  );
  yield 'x: bytes from the server, y: makespan';
  for (const sentence of advice) yield `* ${sentence}`;
}

function series(name: string, mark: string, rows: readonly WhatifRow[]) {
  const points = rows.map(({ prediction }) => ({
    x: prediction.serverBytes,
    y: prediction.makespanNs,
  }));
  return { name, mark, points };
}

function label(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

function line(name: string, made: Prediction, width: number, mark: string): string {
  const { requests, serverBytes, amplification, cacheHitRate, p50Ns, p99Ns, makespanNs } = made;
  const cells = [
    formatCount(requests).padStart(8),
    formatBytes(serverBytes).padStart(11),
    (amplification === null ? '-' : amplification.toFixed(2)).padStart(4),
    (cacheHitRate === null ? '-' : `${(100 * cacheHitRate).toFixed(1)} %`).padStart(9),
    formatNs(p50Ns).padStart(8),
    formatNs(p99Ns).padStart(8),
    formatNs(makespanNs).padStart(8),
    formatBytes(made.cacheWriteBytes).padStart(12),
  ];
  return `${mark} ${name.padEnd(width)}  ${cells.join('  ')}`;
}

/** The answer as a table. */
export function whatifTable({ baseline, rows }: WhatifSummary): Table {
  const number = (name: string, doc: string, unit: 'bytes' | 'count' | 'ratio' | 'ns') => ({
    name,
    doc,
    unit,
  });
  return {
    capture: null,
    columns: [
      { name: 'settings', doc: 'What was changed.', unit: 'text' },
      number('requests', 'Requests.', 'count'),
      number('server_bytes', 'Bytes from the server.', 'bytes'),
      number('amplification', 'Bytes from the server for each byte read.', 'ratio'),
      number('cache_hit', 'Share of what requests obtained from the disk cache.', 'ratio'),
      number('p50', 'Median latency of a read.', 'ns'),
      number('p99', '99th percentile of it.', 'ns'),
      number('makespan', 'Time of all operations.', 'ns'),
      number('cache_writes', 'Bytes written to the disk cache.', 'bytes'),
      number('pareto', '1: no other is better in bytes and in time.', 'count'),
    ],
    rows: [{ settings: {}, prediction: baseline, pareto: false }, ...rows].map(
      ({ settings, prediction, pareto }) => ({
        settings: label(settings) || 'baseline',
        requests: prediction.requests,
        server_bytes: prediction.serverBytes,
        amplification: prediction.amplification,
        cache_hit: prediction.cacheHitRate,
        p50: prediction.p50Ns,
        p99: prediction.p99Ns,
        makespan: prediction.makespanNs,
        cache_writes: prediction.cacheWriteBytes,
        pareto: pareto ? 1 : 0,
      }),
    ),
  };
}
