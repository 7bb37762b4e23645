/**
 * The use case `conform`: plays what was done to a real kernel and compares what the engine traces,
 * returns, counts and stores with what the kernel did. Called by the command.
 * docs/explanation/conformance.md has the rules.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { compareStructures, Findings } from '../../analysis/structure/compare.js';
import { readStructure } from '../../analysis/structure/read.js';
import type { Comparison, Share, Structure, TraceView } from '../../analysis/structure/types.js';
import { errnoFromNode } from '../../base/errno.js';
import { ErrnoError, UsageError } from '../../base/errors.js';
import type { LabOptions } from '../../lab/options.js';
import { PROFILES } from '../../profile/index.js';
import type { MemorySink } from '../../trace/sink.js';
import { type OpResult, printResult } from '../../workload/ops/result.js';
import { importToMemory } from '../import/import.js';
import { GroupPlayer, type Played, Unplayable } from './group.js';
import { type CacheFile, isScenario, readScenario, type Scenario } from './scenario.js';

/** What to play. */
export interface ConformRequest {
  /** Scenarios, or directories that hold scenarios. */
  readonly directories: readonly string[];
  /** Directory that keeps a database for each scenario. */
  readonly out?: string | undefined;
  readonly defects: LabOptions['defects'];
  readonly commandLine: string;
  readonly toolVersion: string;
}

/** What came of one scenario. */
export interface ScenarioOutcome {
  readonly scenario: string;
  readonly group: string;
  readonly profile: string;
  /** Processors of the machine that was traced; several make more orders possible. */
  readonly processors: number;
  /** Nothing differs. */
  readonly identical: boolean;
  /** Null when it could not be played. */
  readonly comparison: Comparison | null;
  /** What the kernel's trace holds; all of it counts where nothing could be compared. */
  readonly kernel: { readonly requests: number; readonly events: number };
  /** Why it could not be played, and what else has to be known. */
  readonly notes: readonly string[];
}

/** A score over several scenarios. */
export interface ConformScore {
  readonly scenarios: Share;
  readonly requests: Share;
  readonly events: Share;
  readonly refs: Share;
  readonly reordered: number;
}

/** The outcome of all. */
export interface ConformSummary {
  readonly outcomes: readonly ScenarioOutcome[];
  /** Of the scenarios of machines with one processor, and of those with several. */
  readonly score: ConformScore;
  readonly several: ConformScore;
}

/** What `conform` tells while it lasts. */
export interface ConformWatch {
  readonly signal?: AbortSignal;
  ended?(outcome: ScenarioOutcome): void;
  progress?(done: number, total: number): void;
}

/** Plays and compares. Throws for directories that are none, or hold no scenario. */
export async function conform(
  request: ConformRequest,
  watch: ConformWatch = {},
): Promise<ConformSummary> {
  const wanted = request.directories.flatMap(scenariosIn);
  if (request.out !== undefined) mkdirSync(request.out, { recursive: true });
  const outcomes: ScenarioOutcome[] = [];
  for (const group of groupsOf(wanted)) {
    for await (const outcome of playGroup(group, new Set(wanted), request)) {
      outcomes.push(outcome);
      watch.ended?.(outcome);
      watch.progress?.(outcomes.length, wanted.length);
      if (watch.signal?.aborted) return summaryOf(outcomes);
    }
  }
  return summaryOf(outcomes);
}

function scenariosIn(directory: string): string[] {
  if (isScenario(directory)) return [resolve(directory)];
  let names: string[];
  try {
    names = readdirSync(directory).sort();
  } catch (cause) {
    throw new ErrnoError(errnoFromNode(cause), 'open', directory, { cause });
  }
  const found = names.map((name) => resolve(directory, name)).filter(isScenario);
  if (found.length > 0) return found;
  const hint = 'a scenario is a directory with workload.json, ops.txt and trace.txt';
  throw new UsageError('DIR', `no scenario in ${directory}`, hint);
}

/** Groups in the order in which they are first wanted, each up to the last scenario wanted. */
function groupsOf(wanted: readonly string[]): Scenario[][] {
  const homes = new Map<string, Scenario[]>();
  const groups = new Map<string, Scenario[]>();
  for (const directory of wanted) {
    const home = join(directory, '..');
    const all = homes.get(home) ?? scenariosIn(home).map(readScenario);
    homes.set(home, all);
    const { group } = all.find((each) => each.directory === directory) as Scenario;
    groups.set(
      `${home} ${group}`,
      all.filter((each) => each.group === group),
    );
  }
  return [...groups.values()].map((group) => {
    const last = group.findLastIndex(({ directory }) => wanted.includes(directory));
    return group.slice(0, last + 1);
  });
}

async function* playGroup(
  group: readonly Scenario[],
  wanted: ReadonlySet<string>,
  request: ConformRequest,
): AsyncGenerator<ScenarioOutcome> {
  let broken: string | undefined = missingProfile(group);
  let player: GroupPlayer | undefined;
  let origin = 0;
  try {
    if (broken === undefined) player = new GroupPlayer(group, request.defects);
    for (const [i, scenario] of group.entries()) {
      const kernel = await importToMemory(scenario.trace);
      if (i === 0) origin = originOf(kernel);
      // A clock that went back is another boot.
      const startNs = Math.max(0, originOf(kernel) - origin);
      const recorded = { startNs, times: kernel.ops.map(({ start }) => start) };
      let played: Played | undefined;
      if (broken === undefined) {
        try {
          played = await player?.play(scenario, recorded, targetOf(scenario, request));
        } catch (error) {
          if (!(error instanceof Unplayable)) throw error;
          broken = `${scenario.name}: ${error.message}`;
        }
      }
      if (!wanted.has(scenario.directory)) continue;
      const notes = gapNotes(group[i - 1], scenario);
      if (played === undefined) notes.unshift(`not played: ${broken}`);
      const structure = readStructure({ ...viewOf(kernel), snapshots: scenario.stats ?? [] });
      const comparison = played === undefined ? null : comparePlayed(scenario, structure, played);
      yield outcomeOf(scenario, structure, comparison, notes);
    }
    await player?.close();
  } finally {
    player?.dispose();
  }
}

function missingProfile([first]: readonly Scenario[]): string | undefined {
  const name = first?.settings.profile;
  if (PROFILES.some((profile) => profile.name === name)) return undefined;
  return `there is no profile ${name}`;
}

function targetOf({ name }: Scenario, { out, commandLine, toolVersion }: ConformRequest) {
  if (out === undefined) return undefined;
  return { out: join(out, `${name}.db`), commandLine, toolVersion };
}

/** What the clock of the machine showed at the first event, nanoseconds. */
function originOf({ meta }: MemorySink): number {
  return Number(meta.clock_origin_ns ?? 0);
}

// Counters only move while something is played: where they moved between two scenarios that
// follow one another, something in between is missing.
function gapNotes(previous: Scenario | undefined, { stats }: Scenario): string[] {
  const before = stats?.[0] ?? [];
  const after = previous?.stats?.[1];
  const requests = before.filter(({ label }) => label.startsWith('RdHelp'));
  const moved = requests.some(({ line, key, value }) => {
    const old = after?.find((each) => each.line === line && each.key === key)?.value;
    return value !== (previous === undefined ? 0 : (old ?? value));
  });
  return moved ? ['requests were made before it that no scenario of its group tells'] : [];
}

function outcomeOf(
  { name, group, settings }: Scenario,
  { requests, events }: Structure,
  comparison: Comparison | null,
  notes: readonly string[],
): ScenarioOutcome {
  const { profile, processors } = settings;
  const identical = comparison !== null && comparison.differences === 0;
  const kernel = { requests: requests.length, events };
  return { scenario: name, group, profile, processors, identical, comparison, kernel, notes };
}

/** Compares what a scenario gave with what the kernel did. */
export function comparePlayed(scenario: Scenario, kernel: Structure, played: Played): Comparison {
  const findings = new Findings();
  if (scenario.results !== null) compareResults(scenario.results, played.results, findings);
  const right = readStructure(viewOf(played.trace));
  const comparison = compareStructures(kernel, right, findings);
  if (scenario.layout !== null) compareLayouts(scenario.layout, played.layout, findings);
  return { ...comparison, differences: findings.differences };
}

function viewOf({ rows, ops, snapshots }: MemorySink): TraceView {
  return { rows, ops, snapshots };
}

function compareResults(
  left: readonly OpResult[],
  right: readonly OpResult[],
  findings: Findings,
): void {
  const lines = (results: readonly OpResult[], residency: boolean): string[] =>
    results.filter((each) => (each.residency !== null) === residency).map(printResult);
  findings.lists('a-results', 'operations', lines(left, false), lines(right, false));
  findings.lists('g-residency', 'page cache', lines(left, true), lines(right, true));
}

// Names hold inode numbers of the server, so files are paired by what they hold.
function compareLayouts(
  left: readonly CacheFile[],
  right: readonly CacheFile[],
  findings: Findings,
): void {
  const texts = (files: readonly CacheFile[]): string[] =>
    files.map(({ size, data }) => `size=${size} data=${data}`).sort();
  findings.lists('h-layout', 'cache files', texts(left), texts(right));
}

function summaryOf(outcomes: readonly ScenarioOutcome[]): ConformSummary {
  return {
    outcomes,
    score: scoreOf(outcomes.filter(({ processors }) => processors === 1)),
    several: scoreOf(outcomes.filter(({ processors }) => processors > 1)),
  };
}

function scoreOf(outcomes: readonly ScenarioOutcome[]): ConformScore {
  const sum = (of: (outcome: ScenarioOutcome) => Share): Share =>
    outcomes.map(of).reduce(
      (total, { identical, all }) => ({
        identical: total.identical + identical,
        all: total.all + all,
      }),
      { identical: 0, all: 0 },
    );
  const unplayed = (all: number): Share => ({ identical: 0, all });
  return {
    scenarios: sum(({ identical }) => ({ identical: Number(identical), all: 1 })),
    requests: sum(({ comparison, kernel }) => comparison?.requests ?? unplayed(kernel.requests)),
    events: sum(({ comparison, kernel }) => comparison?.events ?? unplayed(kernel.events)),
    refs: sum(({ comparison, kernel }) => comparison?.refs ?? unplayed(kernel.requests)),
    reordered: outcomes.reduce((n, { comparison }) => n + (comparison?.reordered ?? 0), 0),
  };
}
