/** Where captures go and how one is found. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  type CapturePlace,
  captureFolder,
  findCapture,
  listCaptures,
  newCapturePath,
} from '../../../src/core/app/trace/capture_path.js';
import { UsageError } from '../../../src/core/base/errors.js';

function temporary(t: { teardown(fn: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'netfslab-path-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function touch(path: string, seconds: number): string {
  writeFileSync(path, '');
  utimesSync(path, seconds, seconds);
  return path;
}

test('captures go to $NETFSLAB_TRACES, else ./traces, else the state directory', (t) => {
  const cwd = temporary(t);
  const env = { HOME: '/h' };
  t.is(captureFolder({ env, cwd }), '/h/.local/state/netfslab');
  t.is(captureFolder({ env: { ...env, XDG_STATE_HOME: '/s' }, cwd }), '/s/netfslab');
  mkdirSync(join(cwd, 'traces'));
  t.is(captureFolder({ env, cwd }), join(cwd, 'traces'));
  t.is(captureFolder({ env: { ...env, NETFSLAB_TRACES: '/mine' }, cwd }), '/mine');
});

test('a new capture is named by workload and time, in a folder made for it', (t) => {
  const folder = join(temporary(t), 'new', 'captures');
  const place: CapturePlace = { env: { NETFSLAB_TRACES: folder }, cwd: '/' };
  const now = new Date('2026-11-22T15:58:01.123Z');
  const path = newCapturePath('randread', undefined, place, now);
  t.is(path, join(folder, 'randread-20261122-155801-123.db'));
  writeFileSync(path, '');
  t.is(newCapturePath('randread', '/else/x.db', place, now), '/else/x.db');
});

test('the newest capture is read by default, one of which only the spool is left included', (t) => {
  const folder = temporary(t);
  const place: CapturePlace = { env: { NETFSLAB_TRACES: folder }, cwd: '/' };
  const old = touch(join(folder, 'a.db'), 1000);
  touch(join(folder, 'notes.txt'), 9000);
  t.is(findCapture(undefined, place), old);
  touch(join(folder, 'b.db.spool'), 2000);
  t.is(findCapture(undefined, place), join(folder, 'b.db'));
  t.deepEqual(listCaptures(folder), [join(folder, 'b.db'), old]);
});

test('a capture is found by its path or by its name in the folder', (t) => {
  const folder = temporary(t);
  const place: CapturePlace = { env: { NETFSLAB_TRACES: folder }, cwd: '/' };
  const path = touch(join(folder, 'a.db'), 1000);
  t.is(findCapture('a.db', place), path);
  t.is(findCapture(path, place), path);
});

test('a missing capture and an empty folder are usage errors that say what to do', (t) => {
  const place: CapturePlace = { env: { NETFSLAB_TRACES: temporary(t) }, cwd: '/' };
  const missing = t.throws(() => findCapture('none.db', place), { instanceOf: UsageError });
  t.regex(missing.hint ?? '', /trace ls/);
  const empty = t.throws(() => findCapture(undefined, place), { instanceOf: UsageError });
  t.regex(empty.hint ?? '', /netfslab run/);
});
