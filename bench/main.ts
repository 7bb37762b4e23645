/**
 * `npm run bench`: runs the contests and prints how they ended. Does not judge times with its exit
 * code, as those depend on the machine: 1 only when a contestant fails or does not do its work.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CONTESTS } from './contests.js';
import { type ContestResult, formatResult, runContest, type Setting } from './harness.js';

const HELP = `npm run bench -- [--only NAME,...] [--rounds N] [--short] [--set SIZE=N]... [--json]

  --only    contests whose names begin so
  --rounds  rounds of every contest (default 5, short form 1)
  --short   small sizes, one round: shows that every contest works, not how fast anything is
  --set     a size of a contest by its name, as bench/README.md lists them
  --folder  where inputs and results are made (default: the system's temporary folder)
  --json    one JSON object per contest and line

contests:
`;

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string' },
    short: { type: 'boolean', default: false },
    set: { type: 'string', multiple: true, default: [] },
    folder: { type: 'string', default: tmpdir() },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const sizes = new Map(
  flags.set.map((each) => {
    const [name = '', value = ''] = each.split('=');
    return [name, Number(value.replaceAll('_', ''))] as const;
  }),
);

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

function chosen() {
  const wanted = flags.only.split(',').filter(Boolean);
  return CONTESTS.filter(
    ({ name }) => wanted.length === 0 || wanted.some((each) => name.startsWith(each)),
  );
}

async function runAll(folder: string): Promise<void> {
  const setting: Setting = {
    folder,
    size: (name, full, short) => sizes.get(name) ?? (flags.short ? short : full),
  };
  const rounds = Number(flags.rounds ?? (flags.short ? 1 : 5));
  for (const source of chosen()) {
    const contest = await source.setUp(setting);
    const result: ContestResult = await runContest(contest, rounds);
    print(flags.json ? [JSON.stringify(result)] : [...formatResult(result), '']);
  }
}

if (flags.help || chosen().length === 0) {
  const widest = Math.max(...CONTESTS.map(({ name }) => name.length));
  print([HELP + CONTESTS.map(({ name, doc }) => `  ${name.padEnd(widest)}  ${doc}`).join('\n')]);
  if (!flags.help) process.exitCode = 2;
} else {
  const folder = mkdtempSync(join(flags.folder, 'netfslab-bench-'));
  try {
    await runAll(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
