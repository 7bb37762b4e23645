/**
 * `trace check` over captures of real kernels: nothing is found that is not there, and of seeded
 * single-event changes nearly all that break an invariant are found, with the request they are in.
 * `NETFSLAB_MUTATIONS` and `NETFSLAB_SEED` set number and seed, `NETFSLAB_CAPTURES` a folder of
 * `<kernel>/<scenario>/trace.txt` to take instead of the samples.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { checkCapture } from '../../../../src/core/analysis/check/check.js';
import type { CheckEvent } from '../../../../src/core/analysis/check/types.js';
import { Prng } from '../../../../src/core/sim/prng.js';
import { KINDS, type Kind, mutate, UNDETECTABLE, undetectable } from '../../../helpers/mutate.js';
import { imported, type Sample, type SampleName, Samples } from '../../../helpers/samples.js';
import { ROOT } from '../../../helpers/source.js';

const COUNT = Number(process.env.NETFSLAB_MUTATIONS ?? 2000);
const SEED = Number(process.env.NETFSLAB_SEED ?? 1);
const CAPTURES = process.env.NETFSLAB_CAPTURES;

const samples = new Samples();
test.after.always(() => samples.close());

/** What is really wrong in the captures, by rule; all else must be silent. */
const REAL: Partial<Record<SampleName, readonly string[]>> = {
  'afs-6.1-bad-cache': ['cache-read-failed'],
  'afs-7.3-bad-cache': ['cache-read-failed'],
  'mail-unlock': ['early-unlock'],
  'mail-stuck': ['never-collected', 'request-open'],
  'early-end': ['collector-ended-early'],
  'no-retry': ['retry-not-made'],
  overq: ['cookie-overqueued'],
  'bad-volume': ['volume-discarded'],
};

/** Excerpts of what people sent. */
const EXCERPTS = [
  ...(['mail-unlock', 'mail-stuck', 'early-end', 'no-retry', 'overq', 'bad-volume'] as const),
];

const WHOLE: readonly SampleName[] = [
  ...(['afs-6.1', '9p-6.1-full', '9p-6.1-smp', 'afs-6.1-bad-cache'] as const),
  ...(['9p-6.12-full', 'cifs-6.12', 'nfs-6.12'] as const),
];

/** Of kernels with one collector per request. */
const COLLECTED: readonly SampleName[] = [
  ...(['9p-6.18-odd', '9p-6.18-direct', 'afs-6.18-writes', 'cifs-6.18-hang'] as const),
  ...(['9p-7.3-odd', '9p-7.3-direct', '9p-7.3-full', 'afs-7.3-bad-cache'] as const),
  ...(['afs-7.3-hang', 'cifs-7.3-writes', '9p-7.3-killed'] as const),
];

for (const name of [...WHOLE, ...COLLECTED, ...EXCERPTS]) {
  test(`nothing is found in ${name} but what is there`, async (t) => {
    const { findings } = await samples.get(name);
    t.deepEqual([...new Set(findings)].sort(), REAL[name] ?? []);
  });
}

/** What became of the changes of one kind. */
interface Tally {
  made: number;
  /** Of these, those that break an invariant. */
  broken: number;
  readonly missed: string[];
}

for (const [kernels, names] of [
  ['v6.1 and v6.12', WHOLE],
  ['v6.18 and v7.3', COLLECTED],
] as const) {
  test(`single changes of traces of ${kernels} that break an invariant are found`, (t) =>
    changesAreFound(t, kernels, names));
}

async function changesAreFound(
  t: ExecutionContext,
  kernels: string,
  names: readonly SampleName[],
): Promise<void> {
  const prng = new Prng(SEED);
  const all: Sample[] = [];
  for (const name of names) all.push(await samples.get(name));
  const kinds = Object.keys(KINDS) as Kind[];
  const tallies = new Map(kinds.map((kind): [Kind, Tally] => [kind, tallyOf()]));
  for (let done = 0; done < COUNT; done++) {
    const sample = all[prng.below(all.length)] as Sample;
    const kind = kinds[done % kinds.length] as Kind;
    const mutation = mutate(sample.events, kind, prng, sample.capture.info.era);
    if (mutation === null) continue;
    const tally = tallies.get(kind) as Tally;
    tally.made++;
    if (undetectable(mutation) !== null) continue;
    tally.broken++;
    if (!found(sample, mutation.events, mutation.rreq)) tally.missed.push(mutation.what);
  }
  const sum = (of: (tally: Tally) => number) =>
    [...tallies.values()].reduce((n, e) => n + of(e), 0);
  const broken = sum((tally) => tally.broken);
  const missed = sum((tally) => tally.missed.length);
  for (const [kind, { made, broken: breaks, missed: not }] of tallies) {
    t.log(`${kind}: ${made} made, ${breaks} break an invariant, ${breaks - not.length} found`);
    t.true(breaks >= COUNT / 200, `${kind} is tried`);
    t.true(not.length <= breaks * 0.15, `${kind}\n${[...not].sort().join('\n')}`);
  }
  t.log(`${COUNT} changes, ${broken} break an invariant, ${missed} of them not found`);
  if (COUNT === 2000 && SEED === 1) documented(t, kernels, tallies);
  const list = [...tallies.values()].flatMap((tally) => tally.missed);
  t.true(missed <= broken * 0.05, list.sort().join('\n'));
}

/** The table under the kernels' heading in docs/reference/check.md is that of this run. */
function documented(t: ExecutionContext, kernels: string, tallies: ReadonlyMap<Kind, Tally>): void {
  const page = readFileSync(join(ROOT, 'docs/reference/check.md'), 'utf8');
  const [, text = ''] = page.split(`### ${kernels}\n`);
  for (const [kind, { made, broken, missed }] of tallies) {
    const { doc } = KINDS[kind];
    const row = `| ${kind} | ${doc} | ${made} | ${broken} | ${broken - missed.length} |`;
    t.true(text.includes(row), row);
  }
  for (const { why } of UNDETECTABLE) t.true(text.includes(`- ${why};`), why);
}

function tallyOf(): Tally {
  return { made: 0, broken: 0, missed: [] };
}

/** True if there is a finding more than the real ones, and one names the request. */
function found(sample: Sample, events: readonly CheckEvent[], rreq: number): boolean {
  const real = new Set(sample.findings);
  const { findings: all } = checkCapture(sample.capture, undefined, () => events);
  const findings = all.filter(({ rule }) => !real.has(rule));
  return findings.some(({ request }) => Number.parseInt(request ?? '', 16) === rreq);
}

/** What is really wrong in captures that are not in this repository: docs/reference/check.md. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  '6.1-afs/040-short-disktrunc-cold': ['request-open'],
  '6.1-afs/051-cacheerr-read-eio': ['cache-read-failed'],
  '6.12-afs/038-short-while-open': ['invalidation-hangs'],
  '6.12-afs/051-cacheerr-read-eio': ['cache-error-to-reader'],
  '6.12-cifs/046-cacheerr-read-eio': ['cache-error-to-reader'],
  '6.12-nfs/046-cacheerr-read-eio': ['cache-error-to-reader'],
};

(CAPTURES === undefined ? test.skip : test)(
  'in a folder of captures nothing is found but what is there',
  async (t) => {
    t.timeout(30 * 60_000);
    const folder = mkdtempSync(join(tmpdir(), 'netfslab-test-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const root = CAPTURES as string;
    for (const kernel of readdirSync(root)) {
      for (const scenario of kernel === 'mails' ? [] : scenarios(join(root, kernel))) {
        const file = join(root, kernel, scenario, 'trace.txt');
        if (!existsSync(file)) continue;
        const capture = await imported(folder, `${kernel}-${scenario}`, file);
        const rules = new Set(checkCapture(capture).findings.map(({ rule }) => rule));
        capture.close();
        rmSync(capture.path);
        const name = `${kernel}/${scenario}`;
        t.deepEqual([...rules], EXPECTED[name] ?? [], name);
      }
    }
  },
);

function scenarios(folder: string): string[] {
  return existsSync(folder) && !folder.endsWith('.md') ? readdirSync(folder) : [];
}
