/** `netfslab tour`: cold, hot, and what the trace says. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { netfslab, netfslabHere } from '../helpers/cli.js';
import { serverDir, tempDir } from '../helpers/lab.js';

const FILES = { 'src/a.ts': 50_000, 'b.md': 3000, 'node_modules/x.js': 100, 'dist/y.js': 100 };

interface Json {
  readonly files: number;
  readonly cold: { readonly reads: { bytes: number; hits: number; ops: number } };
  readonly hot: Json['cold'] & { readonly requests: Record<string, number> };
  readonly lines: readonly string[];
  readonly capture: string;
}

test('a tree is read cold and hot, verified, and shown with trace and statistics', async (t) => {
  const out = join(tempDir(t), 'tour.db');
  const { status, stdout, stderr } = await netfslab(['tour', serverDir(t, FILES), '--out', out]);
  t.is(status, 0, stderr);
  t.is(stderr, `capture: ${out}\n`);
  t.regex(stdout, /^2 files of /);
  t.regex(stdout, /^cold: .*\n {2}read {6}51\.8 KiB/m);
  t.regex(stdout, /^hot: [\s\S]* 100\.0 % without waiting[\s\S]*READAHEAD 0, READPAGE 0/m);
  t.is(stdout.match(/verified .* 51\.8 KiB equal to the files/g)?.length, 2);
  t.regex(stdout, /stats {5}RdHelp : RA=\d+ RP=0 WB=0 WBZ=0 rr=0 sr=0/);
  t.regex(stdout, /# tracer: nop\n[\s\S]*: netfs_read: R=00000001 READAHEAD c=00000000 s=0 /);
});

test('--json gives both phases, and the hot one makes no request', async (t) => {
  const out = join(tempDir(t), 'tour.db');
  const { stdout } = await netfslabHere(['tour', serverDir(t, FILES), '--out', out, '--json']);
  const { files, cold, hot, capture, lines } = JSON.parse(stdout) as Json;
  t.is(files, 2);
  t.is(capture, out);
  t.is(cold.reads.bytes, 53_000);
  t.true(cold.reads.hits < cold.reads.ops);
  t.is(hot.reads.hits, hot.reads.ops);
  t.deepEqual(hot.requests, { READAHEAD: 0, READPAGE: 0, WRITEBEGN: 0 });
  t.true(lines.length > 20);
});

test('of a git checkout the tracked files are read', async (t) => {
  const dir = serverDir(t, FILES);
  mkdirSync(join(dir, '.git'));
  // A git of our own, so that the test does not need one: it lists what is tracked.
  const bin = tempDir(t);
  const script = `#!/bin/sh\n[ "$1" = ls-files ] && printf 'src/a.ts\\0dist/y.js\\0'\n`;
  writeFileSync(join(bin, 'git'), script, { mode: 0o755 });
  const env = { PATH: `${bin}:${process.env.PATH}` };
  const out = join(tempDir(t), 'x.db');
  const { stdout } = await netfslabHere(['tour', dir, '--out', out, '--json'], env);
  t.is((JSON.parse(stdout) as Json).cold.reads.bytes, 50_100);
});

test('a tree without files is no error', async (t) => {
  const dir = tempDir(t);
  mkdirSync(join(dir, 'empty'));
  writeFileSync(join(dir, 'nothing'), '');
  const { status, stdout } = await netfslabHere(['tour', dir, '--out', join(tempDir(t), 'x.db')]);
  t.is(status, 0);
  t.regex(stdout, /^1 files of /);
});

test('a directory that is not there is one line and what to try', async (t) => {
  const out = join(tempDir(t), 'x.db');
  const { status, stderr } = await netfslabHere(['tour', join(out, 'nowhere'), '--out', out]);
  t.is(status, 1);
  t.regex(stderr, /^error: ENOENT: .*nowhere'\ntry: .*\n$/);
});
