/** Manual pages, topics, and the pager. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { listCommands } from '../../../src/core/cli/command_list.js';
import { writeManPages } from '../../../src/core/cli/man_pages.js';
import { pagerCommand } from '../../../src/core/cli/pager.js';
import { TOPICS, topicLines } from '../../../src/core/cli/topics.js';
import { temporaryFolder } from '../../helpers/capture.js';
import { ROOT } from '../../helpers/source.js';

const there = (tool: string): boolean => spawnSync(tool, ['--version']).error === undefined;
const RUN = join(ROOT, 'bin/run.js');

test('each command has a page, which says what its help says', (t) => {
  const folder = temporaryFolder(t);
  writeManPages(folder);
  const pages = new Set(readdirSync(folder));
  for (const { words, flags } of listCommands()) {
    const name = `${['netfslab', ...words].join('-')}.1`;
    t.true(pages.has(name), name);
    const text = readFileSync(join(folder, name), 'utf8');
    for (const flag of flags) t.true(text.includes(flag.name.replaceAll('-', '\\-')), flag.name);
    if (there('groff')) {
      const run = spawnSync('groff', ['-man', '-ww', '-z', '-K', 'utf8', join(folder, name)]);
      t.is(run.stderr.toString(), '', name);
    }
  }
  t.true(pages.has('netfslab.1'));
  // npm links only what this list names.
  const { man } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { man: string[] };
  const list = [...pages].sort().map((page) => `./dist/man/${page}`);
  t.deepEqual(man, list, 'make "man" of package.json this list');
});

test('each topic is a page of the manual', (t) => {
  for (const topic of Object.keys(TOPICS)) {
    const lines = topicLines(topic);
    t.regex(lines[0] ?? '', /^# /);
    t.false(lines.some((line) => line.startsWith('<!--')));
  }
  t.throws(() => topicLines('acounting'), { message: /TOPIC/ });
});

test('the pager is the one that is named, else less, else none', (t) => {
  t.is(pagerCommand({ NETFSLAB_PAGER: 'most', PAGER: 'x' }), 'most');
  t.is(pagerCommand({ PAGER: 'x -R' }), 'x -R');
  t.is(pagerCommand({ NETFSLAB_PAGER: '', PAGER: 'x' }), null);
  t.is(pagerCommand({ PAGER: 'cat' }), null);
  t.is(pagerCommand({ PATH: '/nowhere' }), null);
});

(there('script') ? test : test.skip)('long output on a terminal goes through the pager', (t) => {
  const typed = (words: string, pager: string): string => {
    const command = `stty rows 24; ${process.execPath} ${RUN} ${words}`;
    const env = { ...process.env, NETFSLAB_PAGER: pager };
    return spawnSync('script', ['-qec', command, '/dev/null'], { env }).stdout.toString();
  };
  const long = typed('help accounting', 'sed "s/^/paged: /"');
  t.regex(long, /^paged: # Accounting/);
  t.is(long.match(/paged: /g)?.length, topicLines('accounting').length);
  t.notRegex(typed('help', 'sed "s/^/paged: /"'), /paged/);
  t.regex(typed('help accounting', ''), /^# Accounting/);
  t.notRegex(typed('--no-pager help accounting', 'sed "s/^/paged: /"'), /paged/);
  t.notRegex(typed('help accounting --no-pager', 'sed "s/^/paged: /"'), /paged/);
  t.regex(typed('help accounting', 'head -1'), /^# Accounting\r?\n$/);
});
