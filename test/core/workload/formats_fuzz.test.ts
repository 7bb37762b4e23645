/**
 * Damaged recordings: whatever stands in a file, reading it ends with a recording or with an error
 * that names a place in the file, never with a crash.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TraceParseError } from '../../../src/core/base/errors.js';
import { Prng } from '../../../src/core/sim/prng.js';
import { planJobs } from '../../../src/core/workload/fio/job.js';
import { parseJobFile } from '../../../src/core/workload/fio/parse.js';
import { FRONT_ENDS, frontEndOf } from '../../../src/core/workload/formats/index.js';
import { parseFsxText } from '../../../src/core/workload/fsx_log.js';
import { PLAIN_OPTIONS } from '../../../src/core/workload/recording.js';
import { ROOT } from '../../helpers/source.js';

const CASES = Number(process.env.NETFSLAB_CASES ?? 400);

const sample = (name: string): string => readFileSync(join(ROOT, 'traces/workloads', name), 'utf8');

const named = Object.fromEntries(FRONT_ENDS.map((each) => [each.name, each]));
const front = (name: string) => (text: string) => {
  const { ops } = named[name]!.parse(text, 'fuzz', PLAIN_OPTIONS);
  return ops.length;
};

/** Each format: samples, and how it is read. */
const FORMATS: Readonly<
  Record<string, readonly [texts: readonly string[], read: (text: string) => unknown]>
> = {
  'fio iolog': [[sample('v2.iolog'), sample('v3.iolog')], front('fio iolog')],
  blkparse: [[sample('blkparse.txt')], front('blkparse')],
  strace: [
    ['fd-paths-and-times', 'pid-and-mmap', 'unfinished'].map((name) => sample(`${name}.strace`)),
    front('strace'),
  ],
  xfs_io: [[sample('script.xfs'), sample('chain.sh')], front('xfs_io')],
  'op list': [
    ['open 0 rdwr+creat f\nwrite 0 0 4096 1\nrename a%20b c\nfsync 0\nclose 0\n'],
    front('op list'),
  ],
  fsx: [
    [sample('every-kind.fsxops'), sample('logdump.txt'), sample('logdump-xfstests.txt')],
    (text) => parseFsxText(text, 'fuzz'),
  ],
  'fio job file': [
    ['inline.fio', 'mixed.fio', 'skip.fio'].map((name) => sample(name)),
    (text) =>
      planJobs(
        parseJobFile(text, 'fuzz', {
          env: { SIZE: '1m' },
          include: () => ({ text: sample('common.fio'), file: 'fuzz' }),
          keywords: { $ncpus: 2, $mb_memory: 100, $pagesize: 4096 },
        }),
      ),
  ],
};

const PIECES = [
  ...[
    '',
    ' ',
    '\n',
    '\t',
    '\0',
    '"',
    "'",
    '(',
    ')',
    '[',
    ']',
    '<',
    '>',
    '=',
    '%',
    '$',
    '{',
    '}',
    ';',
  ],
  ...[
    '-1',
    '0x',
    '99999999999999999999',
    '1e9',
    '...',
    '\\',
    '${',
    '$((',
    'NaN',
    ',,',
    ':',
    '\ud800',
  ],
  ...[
    '<unfinished ...>',
    '<... read resumed>',
    'for i in',
    'done',
    'include',
    '[global]',
    'k',
    '4k',
  ],
];

function mutated(text: string, prng: Prng): string {
  let out = text;
  for (let i = 1 + prng.below(4); i > 0; i--) {
    const at = prng.below(out.length + 1);
    const to = Math.min(out.length, at + prng.below(prng.chance(0.8) ? 6 : 60));
    const piece = PIECES[prng.below(PIECES.length)] as string;
    const draw = prng.below(4);
    if (draw === 0) out = out.slice(0, at) + out.slice(to);
    else if (draw === 1) out = out.slice(0, at) + piece + out.slice(at);
    else if (draw === 2) out = out.slice(0, at) + piece + out.slice(to);
    else out = out.slice(0, at) + out.slice(at, to) + out.slice(at);
  }
  return out;
}

for (const [name, [texts, read]] of Object.entries(FORMATS)) {
  test(`${CASES} damaged files of ${name} are read or refused with a place`, (t) => {
    const prng = new Prng(name.length * 7919);
    let refused = 0;
    for (let i = 0; i < CASES; i++) {
      const text = mutated(texts[i % texts.length] as string, prng);
      frontEndOf(text);
      try {
        read(text);
      } catch (error) {
        if (!(error instanceof TraceParseError)) {
          t.fail(`${(error as Error).stack}\n${JSON.stringify(text)}`);
          return;
        }
        refused++;
        const lines = text.split('\n').length + 2;
        t.true(error.line >= 1 && error.line <= lines, `${error.message}`);
        t.true(error.column >= 1, `${error.message}`);
        t.regex(error.message, /^fuzz:\d+:\d+: expected /);
      }
    }
    t.true(refused < CASES);
  });
}
