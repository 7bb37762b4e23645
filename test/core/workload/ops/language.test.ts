/** The op-list language: printing and reading, errors with their place, and its documentation. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { TraceParseError } from '../../../../src/core/base/errors.js';
import { HOST_COMMANDS } from '../../../../src/core/workload/ops/host_command.js';
import {
  OPEN_FLAGS,
  OPS,
  type Op,
  type OpKind,
  parseOp,
  parseOps,
  printOp,
  printOps,
  usage,
} from '../../../../src/core/workload/ops/language.js';

/** Values for each kind of argument. */
const ARGUMENTS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  slot: fc.nat(999),
  flags: fc
    .tuple(
      fc.constantFrom('rdonly', 'wronly', 'rdwr'),
      fc.subarray(OPEN_FLAGS.filter((flag) => !/^(rd|wr)/.test(flag))),
    )
    .map(([mode, rest]) => [mode, ...rest]),
  mode: fc.nat(0o7777),
  path: fc.constantFrom('f1m', 'a/b', 'a name with blanks', '#x', 'w-append'),
  offset: fc.maxSafeNat(),
  length: fc.maxSafeNat(),
  seed: fc.nat(1000),
  value: fc.nat(255),
  advice: fc.constantFrom('normal', 'random', 'sequential', 'willneed', 'dontneed', 'noreuse'),
  level: fc.integer({ min: 1, max: 3 }),
  ms: fc.nat(1e9),
  kib: fc.nat(1e9),
  command: fc.constantFrom('dmerr', 'rewrite i256k 262144 v2', 'killin 1500'),
  rw: fc.constant(true),
  random: fc.constant(true),
  from: fc.constantFrom('f1m', 'a/b', 'a name with blanks', '50%'),
  target: fc.nat(999),
  position: fc.maxSafeNat(),
  falloc: fc.constantFrom(['none'], ['punch_hole', 'keep_size'], ['zero_range']),
};

function anyOp(kind: OpKind): fc.Arbitrary<Op> {
  const required: string[] = ['kind'];
  const model: Record<string, fc.Arbitrary<unknown>> = { kind: fc.constant(kind) };
  for (const spec of OPS[kind].args) {
    const name = spec.replace('?', '');
    model[name] = ARGUMENTS[name]!;
    if (name === spec) required.push(name);
  }
  const made = fc.record(model, { requiredKeys: required, noNullPrototype: true });
  // A length without an offset would be read as an offset.
  return made.map((op) => {
    if (kind === 'fadvise' && op.offset === undefined) delete op.length;
    return op as unknown as Op;
  });
}

for (const kind of Object.keys(OPS) as OpKind[]) {
  test(`${kind} is read as it is printed`, (t) => {
    fc.assert(
      fc.property(anyOp(kind), (op) => {
        t.deepEqual(parseOp(printOp(op), 'x'), op);
      }),
      { numRuns: 40, seed: 1 },
    );
  });
}

test('a list keeps its order; comments, empty lines and blanks at line ends mean nothing', (t) => {
  const text = '# reads\n\nopen 0 rdonly f 1  \n  read 0 0 4096\r\nclose 0';
  const ops = parseOps(text, 'x.ops');
  t.deepEqual(printOps(ops), 'open 0 rdonly f 1\nread 0 0 4096\nclose 0\n');
});

const wrong: readonly (readonly [text: string, message: RegExp])[] = [
  ['open 0 rdonly f\nreed 0 0 1', /^a\.ops:2:1: expected an operation \(open, .* got "reed"$/],
  ['read 0 0', /^a\.ops:1:9: expected a length in bytes, got "end of line"$/],
  ['read 0 -1 4', /^a\.ops:1:8: expected a position in bytes, got "-1"$/],
  ['read 0 0 4 5', /^a\.ops:1:12: expected nothing more after read SLOT OFFSET LENGTH, got "5"$/],
  ['  open 0 rdonly+rdwr f', /^a\.ops:1:10: expected flags joined by \+ .* got "rdonly\+rdwr"$/],
  ['poke 0 0 256', /^a\.ops:1:10: expected a byte, 0 to 255, got "256"$/],
  ['drop 4', /^a\.ops:1:6: expected 1 \(pages\), 2 .* got "4"$/],
  ['constructor 0', /^a\.ops:1:1: expected an operation/],
];
for (const [text, message] of wrong) {
  test(`'${text.split('\n').at(-1)}' is refused with its place`, (t) => {
    const error = t.throws(() => parseOps(text, 'a.ops'), { instanceOf: TraceParseError });
    t.regex(error?.message ?? '', message);
  });
}

test('every operation and every host command is documented', (t) => {
  const doc = readFileSync('docs/reference/op-lists.md', 'utf8');
  for (const kind of Object.keys(OPS) as OpKind[]) t.true(doc.includes(`| \`${usage(kind)}\` |`));
  for (const [name, { args }] of Object.entries(HOST_COMMANDS)) {
    t.true(doc.includes(`| \`${`${name} ${args}`.trim()}\` |`), name);
  }
});
