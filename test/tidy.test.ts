/**
 * The rules of the project that a machine can check: layers, banned calls, lengths, comments,
 * documented commands, current pages and links. Each failure names the file and the fix.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import test from 'ava';
import { commandClasses, generatedPages } from './helpers/readme.js';
import { blank, functionsOf, importsOf, ROOT, readSources, type Source } from './helpers/source.js';

const src = readSources('src');
const all = [...src, ...readSources('test')];

/** The layers of src/core: what each may import at run time. Its own folder is always allowed. */
const engine = ['base', 'sim', 'trace', 'profile', 'io', 'mm', 'netfs', 'fscache', 'cachefiles'];
const below = (name: string) => engine.slice(0, engine.indexOf(name));
const LAYERS: Record<string, readonly string[]> = {
  base: [],
  sim: ['base'],
  trace: ['base', 'sim'],
  profile: ['base'],
  io: ['base', 'sim'],
  mm: below('mm'),
  netfs: below('netfs'),
  fscache: below('fscache'),
  cachefiles: below('cachefiles'),
  server: ['base', 'sim', 'trace', 'profile', 'io'],
  fs: [...engine, 'server'],
  vfs: [...engine, 'server', 'fs'],
  workload: ['base', 'sim'],
  lab: [...engine, 'server', 'fs', 'vfs', 'workload'],
  fuse: [...engine, 'server', 'fs', 'vfs', 'lab'],
  store: ['base', 'sim', 'trace', 'profile'],
  importer: ['base', 'sim', 'trace', 'profile'],
  analysis: ['base', 'sim', 'trace', 'profile', 'store'],
  recorder: ['base', 'io'],
  report: ['base'],
  app: [
    ...[...engine, 'server', 'fs', 'vfs', 'workload', 'lab', 'fuse'],
    ...['store', 'importer', 'recorder', 'analysis', 'report'],
  ],
  cli: ['base', 'app', 'report'],
  commands: ['base', 'app', 'cli', 'report'],
  index: ['base', 'app', 'lab', 'vfs', 'store'],
};

/** Arrows that are allowed all the same: `file -> layer`, each with its reason. */
const EXCEPTIONS: Record<string, string> = {
  'src/core/report/progress.ts -> sim': 'a progress bar needs the wall clock, which is read there',
};

/** Packages that only some files may import. */
const PACKAGES: Record<string, RegExp> = {
  'better-sqlite3': /^src\/core\/store\//,
  'cli-table3': /^src\/core\/report\/table\.ts$/,
  'cli-progress': /^src\/core\/report\/progress\.ts$/,
  'pure-rand': /^src\/core\/sim\//,
  tinyqueue: /^src\/core\/(sim|importer|report\/timeline)\//,
  minimatch: /^src\/core\/app\//,
  koffi: /^src\/core\/io\//,
  '@duckdb/node-api': /^src\/core\/store\/duckdb\.ts$/,
  '@node-rs/crc32': /^src\/core\/(cachefiles\/|workload\/fio\/verify)/,
  fzstd: /^src\/core\/importer\//,
  'seek-bzip': /^src\/core\/importer\//,
  'xz-decompress': /^src\/core\/importer\//,
  uplot: /^src\/core\/report\/page\//,
  'postal-mime': /^src\/core\/importer\/paste\//,
  '@oclif/core': /^src\/(core\/cli|commands)\//,
};

/** Calls that only some files may make, and what to use instead. */
const BANNED: readonly (readonly [call: RegExp, allowed: RegExp, instead: string])[] = [
  [
    /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b/,
    /^src\/core\/sim\/clock\.ts$/,
    'sim/clock.ts',
  ],
  [/\bMath\.random\b/, /^$/, 'sim/prng.ts'],
  [/\bconsole\.\w+\(/, /^$/, 'report/ and cli/'],
  [/\bprocess\.exit\(/, /^src\/core\/cli\/main\.ts$/, 'an error, or exit() of the command'],
];

/** The layer a path belongs to: the folder of src/core, `commands`, or `index`. */
function layerOf(path: string): string {
  return /^src\/core\/(\w+)\//.exec(path)?.[1] ?? /^src\/(commands|index)/.exec(path)?.[1] ?? '';
}

/** The package of a specifier: `pure-rand` of `pure-rand/generator/...`. */
function packageOf(from: string): string {
  return from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Problems as `path:line: what`, so that a failing test can be clicked through. */
function check(t: { deepEqual(a: string[], b: string[]): void }, problems: string[]): void {
  t.deepEqual(problems, []);
}

/** `found(line, source)` for every line of every file, as problems. */
function eachLine(
  sources: readonly Source[],
  pick: (source: Source) => string,
  problem: (line: string, source: Source) => string | null,
): string[] {
  return sources.flatMap((source) =>
    pick(source)
      .split('\n')
      .flatMap((line, i) => {
        const found = problem(line, source);
        return found === null ? [] : [`${source.path}:${i + 1}: ${found}`];
      }),
  );
}

test('every import follows the layers of the design', (t) => {
  const problems = src.flatMap((source) => {
    const from = layerOf(source.path);
    if (LAYERS[from] === undefined) return [`${source.path}: a folder that no layer names`];
    return importsOf(source)
      .filter(({ from: to }) => to.startsWith('.'))
      .flatMap(({ from: to, typeOnly }) => {
        const target = posix.join(posix.dirname(source.path), to);
        const layer = layerOf(target);
        const freeType = typeOnly && target.endsWith('/types.js');
        const allowed = layer === from || freeType || LAYERS[from]!.includes(layer);
        const arrow = `${source.path} -> ${layer}`;
        return allowed || arrow in EXCEPTIONS ? [] : [`${arrow} (${to})`];
      });
  });
  check(t, problems);
});

test('every listed exception to the layers is still needed', (t) => {
  const arrows = new Set(
    src.flatMap((source) =>
      importsOf(source).map(
        ({ from }) => `${source.path} -> ${layerOf(posix.join(posix.dirname(source.path), from))}`,
      ),
    ),
  );
  check(
    t,
    Object.keys(EXCEPTIONS).filter((arrow) => !arrows.has(arrow)),
  );
});

/** Folders of src/core in which no file may lead back to itself over imports that run. */
const ACYCLIC = ['netfs', 'fs'];

test('no file of these folders leads back to itself over its imports', (t) => {
  const uses = new Map(
    src.map((source) => [
      source.path,
      importsOf(source)
        .filter(({ from, typeOnly }) => from.startsWith('.') && !typeOnly)
        .map(({ from }) => posix.join(posix.dirname(source.path), from).replace(/\.js$/, '.ts')),
    ]),
  );
  const problems = ACYCLIC.flatMap((folder) => {
    const files = [...uses.keys()].filter((path) => path.startsWith(`src/core/${folder}/`));
    return files.filter((file) => {
      const reached = new Set<string>();
      const next = [...uses.get(file)!];
      for (let at = next.pop(); at !== undefined; at = next.pop()) {
        if (reached.has(at)) continue;
        reached.add(at);
        next.push(...(uses.get(at) ?? []));
      }
      return reached.has(file);
    });
  });
  check(t, problems);
});

test('a package is imported only where the design allows it', (t) => {
  const problems = src.flatMap((source) =>
    importsOf(source)
      .filter(({ from }) => !from.startsWith('.') && !from.startsWith('node:'))
      .filter(({ from }) => PACKAGES[packageOf(from)]?.test(source.path) !== true)
      .map(({ from }) => `${source.path}: may not import '${from}'`),
  );
  check(t, problems);
});

test('time, chance, the console and exits are used in their one place only', (t) => {
  const problems = eachLine(
    src,
    ({ text }) => blank(text, 'both'),
    (line, { path }) => {
      const hit = BANNED.find(([call, allowed]) => call.test(line) && !allowed.test(path));
      return hit === undefined ? null : `banned: ${hit[0].exec(line)![0]}; use ${hit[2]}`;
    },
  );
  check(t, problems);
});

test('no function is longer than 70 lines', (t) => {
  const problems = src.flatMap((source) =>
    functionsOf(source)
      .filter(({ length }) => length > 70)
      .map(({ line, length }) => `${source.path}:${line}: ${length} lines`),
  );
  check(t, problems);
});

test('no line is longer than 100 characters, literals that cannot be broken aside', (t) => {
  const problems = all.flatMap(({ path, text }) => {
    const code = blank(text, 'literals').split('\n');
    return text.split('\n').flatMap((line, i) => {
      const breakable = code[i]!.replaceAll(/ {10,}/g, '').length > 100;
      const comment = /^\s*(\*|\/\/|\/\*)/.test(line);
      const long = line.length > 100 && (breakable || comment);
      return long ? [`${path}:${i + 1}: ${line.length} characters`] : [];
    });
  });
  check(t, problems);
});

test('every file begins with a comment that says what it is', (t) => {
  check(
    t,
    all.filter(({ text }) => !/^(#!.*\n)?\/\*\*\s+\S/.test(text)).map(({ path }) => path),
  );
});

test('every export has a docstring', (t) => {
  const declares =
    /^export (?:default )?(?:abstract |async |declare )*(?:function|class|const|let|interface|type(?! \{))\b/;
  const oneLine = /^export const .*;$/;
  const problems = src.flatMap(({ path, text }) => {
    if (path.startsWith('src/commands/')) return [];
    const lines = text.split('\n');
    return lines.flatMap((line, i) => {
      const before = lines[i - 1] ?? '';
      // One docstring serves a list of one-line constants.
      const listed = oneLine.test(line) && oneLine.test(before);
      const missing = declares.test(line) && !before.endsWith('*/') && !listed;
      return missing ? [`${path}:${i + 1}: ${line}`] : [];
    });
  });
  check(t, problems);
});

test('every command has a description, an example, and documented flags and arguments', async (t) => {
  const problems: string[] = [];
  for (const [name, command] of await commandClasses()) {
    if (!command.description) problems.push(`${name}: no description`);
    if ((command.examples ?? []).length === 0) problems.push(`${name}: no example`);
    for (const [key, { description }] of Object.entries({ ...command.flags, ...command.args })) {
      if (!description) problems.push(`${name}: ${key} has no description`);
    }
  }
  check(t, problems);
});

test('the generated pages of the manual are current', async (t) => {
  for (const [path, text] of await generatedPages()) {
    t.is(readFileSync(path, 'utf8'), text, 'run `npm run readme` to bring it up to date');
  }
});

test('the first page is short', (t) => {
  t.true(readFileSync(join(ROOT, 'README.md'), 'utf8').split('\n').length < 150);
});

test('every link of the documentation leads to a file', (t) => {
  const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...markdownBelow('docs')];
  const broken = pages.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map(([, link = '']) => link);
    const gone = links.filter((link) => !existsSync(join(ROOT, dirname(page), link)));
    return gone.map((link) => `${page} -> ${link}`);
  });
  t.deepEqual(broken, []);
});

test('every section of the specification that a comment cites is there', (t) => {
  const pages = ['BEHAVIOUR', 'BEHAVIOUR-STREAMS-READ', 'BEHAVIOUR-STREAMS-WRITE'];
  const sections = new Map(pages.map((page) => [page, sectionsOf(page)]));
  const cites =
    /(BEHAVIOUR(?:-STREAMS-(?:READ|WRITE))?)(?:\.md)?,? (?:section )?([\d.a-z]+(?:(?:, | to | and |-)[\d.]+)*)/g;
  const unknown = all.flatMap(({ path, text }) =>
    [...text.replace(/\n *(\*|\/\/) */g, ' ').matchAll(cites)].flatMap(
      ([, page = '', list = '']) => {
        const cited = list.match(/\d+(\.\d+[ab]?)*/g) ?? [];
        const gone = cited.filter((section) => !sections.get(page)?.has(section));
        return gone.map((section) => `${path}: ${page} ${section}`);
      },
    ),
  );
  t.deepEqual(unknown, []);
});

/** The numbers of a page of the specification's sections. */
function sectionsOf(page: string): Set<string> {
  const text = readFileSync(join(ROOT, `docs/reference/${page.toLowerCase()}.md`), 'utf8');
  return new Set(
    [...text.matchAll(/^#+ ([\d.]+[ab]?)/gm)].map(([, n = '']) => n.replace(/\.$/, '')),
  );
}

/** Markdown files below a folder, as paths from the root. */
function markdownBelow(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.md')).map((name) => join(folder, name));
}

test('nothing in the checkout names a machine it was made on', (t) => {
  const marker = new RegExp(['/wo' + 'rk/', '/ho' + 'me/\\w+/', '/ro' + 'ot/'].join('|'));
  const problems = eachLine(
    all,
    ({ text }) => text,
    (line) => (marker.test(line) ? line.trim() : null),
  );
  check(t, problems);
});
