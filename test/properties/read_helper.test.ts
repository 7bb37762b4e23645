/**
 * Properties of the read helper over random files, windows, settings and faults: whatever happens,
 * every byte that is delivered is the file's, and every event and page keeps the invariants of
 * BEHAVIOUR 3.13a. `NETFSLAB_CASES` sets the number of cases, `NETFSLAB_SEED` the seed (printed
 * when a case fails).
 */
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { DRIVER_NAMES } from '../helpers/io.js';
import { serverDir } from '../helpers/lab.js';
import { checkRows } from '../helpers/samples.js';
import { FILE_SIZES, type Outcome, type ReadCase, readCase, runCase } from './read_case.js';

const CASES = Number(process.env.NETFSLAB_CASES ?? 2000);
const SEED = Number(process.env.NETFSLAB_SEED ?? 20210423);

function files(t: ExecutionContext): string {
  return serverDir(t, Object.fromEntries(FILE_SIZES.map((size, i) => [`f${i}`, size])));
}

async function holds(
  numRuns: number,
  check: (given: ReadCase) => Promise<Outcome>,
): Promise<{ cases: number; bytes: number; rows: number }> {
  const total = { cases: 0, bytes: 0, rows: 0 };
  const property = fc.asyncProperty(readCase, async (given) => {
    const { problems, bytes, rows } = await check(given);
    total.cases++;
    total.bytes += bytes;
    total.rows += rows.length;
    if (problems.length > 0) throw new Error(problems.slice(0, 8).join('\n'));
  });
  await fc.assert(property, { numRuns, seed: SEED, includeErrorInReport: true });
  return total;
}

test('repaired, every byte is right and every invariant holds in any case', async (t) => {
  const dir = files(t);
  const { cases, bytes, rows } = await holds(CASES, (given) => runCase(t, dir, given));
  t.log(`${cases} cases, ${rows} events, ${bytes} bytes compared`);
  t.true(cases >= CASES && bytes > CASES * 10_000);
});

test('with the kernel’s defects the events keep the invariants too', async (t) => {
  const dir = files(t);
  const { rows } = await holds(Math.ceil(CASES / 10), (given) => runCase(t, dir, given, 'kernel'));
  t.true(rows > CASES);
});

test('the rules of trace check hold of every run', async (t) => {
  const dir = files(t);
  for (const defects of ['repaired', 'kernel'] as const) {
    await holds(Math.ceil(CASES / 20), async (given) => {
      const outcome = await runCase(t, dir, given, defects);
      return { ...outcome, problems: checkRows(outcome.rows, 'E1') };
    });
  }
  t.pass();
});

test('the same case twice gives the same events', async (t) => {
  const dir = files(t);
  await holds(Math.ceil(CASES / 40), async (given) => {
    const first = await runCase(t, dir, given);
    const second = await runCase(t, dir, given);
    if (JSON.stringify(first.rows) === JSON.stringify(second.rows)) return first;
    return { ...first, problems: ['the second run gave other events'] };
  });
  t.pass();
});

for (const io of DRIVER_NAMES) {
  test(`on the real clock with ${io} every byte is right and every invariant holds`, async (t) => {
    const dir = files(t);
    const cases = Math.ceil(CASES / 100);
    const { bytes } = await holds(cases, (given) => runCase(t, dir, given, 'repaired', io));
    t.true(bytes > cases * 10_000);
  });
}
