/**
 * Plays the scenarios of a group one after the other on one lab, as they followed one another on
 * the machine that was traced. Called by `conform`.
 */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PAGE_SIZE } from '../../base/range.js';
import { Lab } from '../../lab/lab.js';
import { LabMachine } from '../../lab/machine.js';
import type { LabOptions } from '../../lab/options.js';
import { profileByName } from '../../profile/index.js';
import { writeCapture } from '../../store/capture_writer.js';
import { MemorySink } from '../../trace/sink.js';
import { SwitchSink } from '../../trace/switch_sink.js';
import { labelledContent } from '../../workload/ops/content.js';
import type { Op } from '../../workload/ops/language.js';
import { OpPlayer, type PlayWatch } from '../../workload/ops/player.js';
import type { OpResult } from '../../workload/ops/result.js';
import { playOps } from '../run/ops.js';
import { cacheLayout } from './cache_layout.js';
import type { CacheFile, Scenario, ScenarioFile } from './scenario.js';

/** After the last operation the machine was left alone that long before the trace ended. */
const SETTLE: readonly Op[] = [{ kind: 'sync' }, { kind: 'sleep', ms: 1000 }];

const NS_PER_MS = 1e6;

/** What playing a scenario gave. */
export interface Played {
  readonly trace: MemorySink;
  readonly results: readonly OpResult[];
  readonly layout: readonly CacheFile[];
}

/** When things happened on the machine that was traced, nanoseconds. */
export interface RecordedTime {
  /** Of the first operation, from the first one of the group. */
  readonly startNs: number;
  /** Of each operation, from the first one of the scenario. */
  readonly times: readonly number[];
}

/** Where a scenario's database goes. */
export interface DatabaseTarget {
  readonly out: string;
  readonly commandLine: string;
  readonly toolVersion: string;
}

/** The machine of one group. Dispose of it with `close`. */
export class GroupPlayer {
  readonly #directory = mkdtempSync(join(tmpdir(), 'netfslab-conform-'));
  readonly #sink: SwitchSink;
  readonly #lab: Lab;
  readonly #machine: LabMachine;
  /** When the first scenario began, on the lab's clock. */
  #start = 0;

  /** Lays out the files of all scenarios and starts the machine of the first. */
  constructor(scenarios: readonly Scenario[], defects: LabOptions['defects']) {
    const [first] = scenarios as readonly [Scenario];
    try {
      const server = join(this.#directory, 'server');
      mkdirSync(server);
      for (const [age, file] of filesOf(scenarios).entries()) {
        layOut(server, file);
        utimesSync(join(server, file.name), age, age);
      }
      this.#sink = new SwitchSink(profileByName(first.settings.profile).era);
      const cacheDir = join(this.#directory, 'cache');
      this.#lab = new Lab({ ...labOptions(first, cacheDir), server, defects, sink: this.#sink });
      this.#machine = new LabMachine(this.#lab, true);
    } catch (error) {
      rmSync(this.#directory, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * Plays the next scenario, its first operation `startNs` after the first one of the group: as
   * long after it as on the machine that was traced, unless more time has passed already.
   */
  async play(
    scenario: Scenario,
    { startNs, times }: RecordedTime,
    target?: DatabaseTarget,
  ): Promise<Played> {
    const lab = this.#lab;
    const { before } = scenario;
    const sleeps = before.reduce((ms, op) => ms + (op.kind === 'sleep' ? op.ms : 0), 0);
    const idle = this.#start + startNs - lab.clock.now() - sleeps * NS_PER_MS;
    const ms = Math.max(0, Math.round(idle / NS_PER_MS));
    await this.#perform([{ kind: 'sleep', ms }, ...before]);
    if (startNs === 0) this.#start = lab.clock.now();
    const trace = new MemorySink(this.#sink.era);
    const database = target && writeCapture(target.out, metaOf(scenario, lab, target));
    this.#sink.to(...(database === undefined ? [trace] : [trace, database]));
    lab.tracer.snapshot(lab.statistics());
    const results = await playOps(lab, this.#machine, scenario.ops, {
      pace: this.#pace(times),
    });
    await this.#perform(SETTLE);
    lab.tracer.snapshot(lab.statistics());
    this.#sink.to();
    database?.finish();
    return { trace, results, layout: cacheLayout(join(this.#directory, 'cache')) };
  }

  // Files are closed when they were closed: what becomes of them later is a matter of seconds. All
  // else follows at the speed of the engine, because pauses would let workers overtake the reader.
  #pace(times: readonly number[]): PlayWatch['pace'] {
    const { clock, scheduler } = this.#lab;
    const start = clock.now();
    return function* ({ kind }, number) {
      const left = start + (times[number] ?? 0) - clock.now();
      if (kind === 'close' && left > 0) yield* scheduler.sleep(left);
    };
  }

  /** Ends the machine, whose invariants must hold. */
  async close(): Promise<void> {
    try {
      await this.#lab.close();
    } finally {
      this.dispose();
    }
  }

  /** Removes its files. */
  dispose(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  // What happens between scenarios is no part of a trace; a command that fails is an error.
  async #perform(ops: readonly Op[]): Promise<void> {
    const failed: OpResult[] = [];
    const player = new OpPlayer(this.#machine);
    await this.#lab.run('sh', () =>
      player.play(ops, { ended: (_, result) => result.errno !== 0 && failed.push(result) }),
    );
    await this.#lab.scheduler.drain();
    const [first] = failed;
    if (first !== undefined) throw new Unplayable(`${first.text}: error ${first.errno}`);
  }
}

/** A scenario needs something that the engine cannot do. */
export class Unplayable extends Error {
  override readonly name = 'Unplayable';
}

function labOptions({ settings }: Scenario, cacheDir: string): Partial<LabOptions> {
  const { profile, msize, readAheadKb, cacheBound, cacheDisk, cacheInodes, cacheMode } = settings;
  const room = cacheDisk && roomOf(cacheDisk);
  return {
    profile,
    clock: 'virtual',
    serverWrites: 'direct',
    ...(msize === undefined ? {} : { msize }),
    ...(cacheMode === undefined ? {} : { cacheMode }),
    ...(readAheadKb === undefined ? {} : { readAheadKb }),
    ...(cacheBound ? { cacheDir, presence: 'seek', cacheInodes, ...room } : {}),
  };
}

// A limit is that many whole hundredths of the disk's blocks.
function roomOf({ total, available }: { total: number; available: number }) {
  const hundredths = Math.floor(total / PAGE_SIZE / 100);
  const cacheSize = hundredths * 100 * PAGE_SIZE;
  return { cacheSize, cacheTaken: Math.max(0, cacheSize - available) };
}

function metaOf({ name }: Scenario, { profile, options }: Lab, target: DatabaseTarget) {
  return {
    source: 'run',
    era: profile.era,
    profile: profile.name,
    workload: name,
    kernel_release: profile.kernel,
    clock: options.clock,
    command_line: target.commandLine,
    tool_version: target.toolVersion,
  } as const;
}

// Each as its first scenario has it, in the order in which operations open them: so they were made.
function filesOf(scenarios: readonly Scenario[]): readonly ScenarioFile[] {
  const files = scenarios.flatMap((scenario) => scenario.files);
  const first = new Map(files.toReversed().map((file) => [file.name, file]));
  const opened = scenarios
    .flatMap(({ ops }) => ops)
    .flatMap((op) => (op.kind === 'open' ? (first.get(op.path) ?? []) : []));
  return [...new Set([...opened, ...first.values()])];
}

function layOut(server: string, { name, size, label, extents }: ScenarioFile): void {
  const bytes = labelledContent(label, size);
  if (extents !== null) {
    const whole = Buffer.from(bytes);
    bytes.fill(0);
    for (const [start, length] of extents) whole.copy(bytes, start, start, start + length);
  }
  writeFileSync(join(server, name), bytes);
}
