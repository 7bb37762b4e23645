/** The tidy test is only as good as its reading of sources; this checks that reading. */
import test from 'ava';
import { blank, functionsOf, importsOf, type Source } from './helpers/source.js';

const source = (text: string): Source => ({ path: 'x.ts', text, code: blank(text, 'comments') });

test('imports are found in every form, and known by whether they vanish', (t) => {
  const text = [
    "import test from 'a';",
    "import type { B } from './b.js';",
    "import { type C, type D } from './c.js';",
    "import { type E, f } from './e.js';",
    "import {\n  g,\n} from 'g';",
    "export { h } from './h.js';",
    "export * from './i.js';",
    "import './j.js';",
    "const k = await import('./k.js');",
    "// import l from './l.js';",
    "const text = `import m from './m.js';`;",
  ].join('\n');
  t.deepEqual(
    importsOf(source(text)).map(({ from, typeOnly }) => (typeOnly ? `type ${from}` : from)),
    [...['a', 'type ./b.js', 'type ./c.js', './e.js', 'g', './h.js', './i.js', './j.js'], './k.js'],
  );
});

test('comments and literals are told apart, and lines keep their numbers', (t) => {
  const text = "a('//x'); // c\nb(/'[/]/g, `\n d`); /* e\nf */ g / h / i;";
  t.is(
    blank(text, 'comments').replaceAll(/ +/g, ' '),
    "a('//x'); \nb(/'[/]/g, `\n d`); \n g / h / i;",
  );
  t.is(blank(text, 'both').replaceAll(/ +/g, ' '), 'a( ); \nb( , \n ); \n g / h / i;');
});

test('functions are measured in every form, and other blocks are not', (t) => {
  const text = [
    'export function one(): void {',
    '  if (x) {',
    '    y();',
    '  }',
    '}',
    'const two = (a: string) => {',
    '};',
    'class Three {',
    '  async #four(): Promise<void> {',
    '    for (const a of b) {',
    '    }',
    '  }',
    '}',
    'function five(',
    '  a: number,',
    '): number {',
    '  return a;',
    '}',
  ].join('\n');
  t.deepEqual(
    functionsOf(source(text)).map(({ line, length }) => [line, length]),
    [
      [1, 5],
      [6, 2],
      [9, 4],
      [16, 3],
    ],
  );
});
