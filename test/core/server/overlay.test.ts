/**
 * Overlays: scratch ones go with their run, at the latest with the next one; what a kill or a full
 * disk interrupts leaves the file as it was.
 */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { ErrnoError } from '../../../src/core/base/errors.js';
import { makeScratch } from '../../../src/core/io/changes.js';
import { makeLab, opened, serverDir, tempDir } from '../../helpers/lab.js';

test('scratch directories of processes that are gone are removed, others stay', (t) => {
  const parent = tempDir(t);
  const mine = makeScratch(parent, 'x-overlay') as string;
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  const orphan = path.basename(mine).replace(`-${process.pid}-`, `-${pid}-`);
  const elsewhere = orphan.replace(/^x-overlay-\d+/, 'x-overlay-1');
  for (const name of [orphan, elsewhere])
    fs.mkdirSync(path.join(parent, name, 'sub'), { recursive: true });
  const next = makeScratch(parent, 'x-overlay') as string;
  t.deepEqual(
    fs.readdirSync(parent).sort(),
    [path.basename(mine), path.basename(next), elsewhere].sort(),
  );
});

const COPIER = `
  const { Lab } = await import(process.argv[1]);
  const lab = new Lab({ server: process.argv[2], serverOverlay: process.argv[3],
    clock: process.argv[4], pageCache: 1 << 20 });
  await lab.run('copier', () => lab.vfs.open('big', { write: true }));
  process.exit(0);`;

/** Bytes of every regular file beneath a directory, by name. */
function sizes(dir: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const name of fs.readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    const stats = fs.lstatSync(path.join(dir, name), { throwIfNoEntry: false });
    if (stats?.isFile() === true) found.set(name, stats.size);
  }
  return found;
}

for (const clock of ['real', 'virtual']) {
  test(`a file whose copying is killed is the served one still, on the ${clock} clock`, async (t) => {
    const size = 192 << 20;
    const server = tempDir(t);
    fs.writeFileSync(path.join(server, 'big'), Buffer.alloc(size, 'x'));
    const overlay = tempDir(t);
    const lab = pathToFileURL(path.resolve('dist/src/core/lab/lab.js')).href;
    const args = ['--input-type=module', '-e', COPIER, lab, server, overlay, clock];
    const child = spawn(process.execPath, args, { stdio: 'inherit' });
    const ended = new Promise((resolve) => child.on('close', resolve));
    let gone = false;
    void ended.then(() => {
      gone = true;
    });
    // As soon as there is a part of it somewhere.
    while (!gone && ![...sizes(overlay).values()].some((bytes) => bytes > 0)) {
      await new Promise(setImmediate);
    }
    child.kill('SIGKILL');
    await ended;
    const copy = sizes(overlay).get('big');
    t.true(copy === undefined || copy === size, `${copy} bytes under the final name`);
    const made = makeLab(t, {}, { server, serverOverlay: overlay });
    const file = await opened(made.lab, 'big');
    t.is(file.fstat().size, size);
    file.close();
    await made.lab.close();
    t.deepEqual([...sizes(path.join(overlay, '.netfslab-overlay')).values()], []);
  });
}

test('two processes cannot write to one overlay', (t) => {
  const server = serverDir(t, { f: 10 });
  const overlay = tempDir(t);
  const made = makeLab(t, {}, { server, serverOverlay: overlay });
  const error = t.throws(() => makeLab(t, {}, { server, serverOverlay: overlay }), {
    instanceOf: ErrnoError,
  });
  t.is(error?.code, 'EBUSY');
  made.lab.server.shutDown();
  t.notThrows(() => makeLab(t, {}, { server, serverOverlay: overlay }));
});

test('a copy keeps permissions, owner, times and extended attributes, and the file its identity', (t) => {
  const server = serverDir(t, { 'd/f': 5000 });
  const at = path.join(server, 'd/f');
  fs.chmodSync(at, 0o640);
  fs.utimesSync(at, 1_000_000, 2_000_000);
  const { error } = spawnSync('setfattr', ['-n', 'user.note', '-v', 'kept', at]);
  const overlay = tempDir(t);
  const { lab } = makeLab(t, {}, { server, serverOverlay: overlay });
  const { namespace } = lab.server;
  const before = namespace.status('d/f').next().value as { mode: number; shownInode: number };
  t.is(namespace.prepareWriting('d/f').next().value as number, 0);
  const copy = fs.statSync(path.join(overlay, 'd/f'));
  t.is(copy.mode & 0o7777, 0o640);
  t.is(copy.mtimeMs, 2_000_000_000);
  t.is(copy.uid, fs.statSync(at).uid);
  const after = namespace.status('d/f').next().value as typeof before;
  t.is(after.shownInode, before.shownInode);
  if (error === undefined) {
    const value = namespace.getXattr('d/f', 'user.note').next().value as Uint8Array;
    t.is(Buffer.from(value).toString(), 'kept');
  }
  t.deepEqual(namespace.listXattr('d/f').next().value, error === undefined ? ['user.note'] : []);
});

test('a copy of a sparse file has its holes', async (t) => {
  const server = serverDir(t, {});
  fs.writeFileSync(path.join(server, 'sparse'), 'begin');
  fs.truncateSync(path.join(server, 'sparse'), 1 << 30);
  const fd = fs.openSync(path.join(server, 'sparse'), 'r+');
  fs.writeSync(fd, 'middle', 512 << 20);
  fs.closeSync(fd);
  for (const clock of ['real', 'virtual'] as const) {
    const overlay = tempDir(t);
    const { lab } = makeLab(t, {}, { server, serverOverlay: overlay, clock });
    const file = await opened(lab, 'sparse', { write: true });
    file.close();
    const copy = fs.statSync(path.join(overlay, 'sparse'));
    t.is(copy.size, 1 << 30);
    t.true(copy.blocks * 512 < 1 << 20);
    const bytes = Buffer.alloc(6);
    const copied = fs.openSync(path.join(overlay, 'sparse'), 'r');
    fs.readSync(copied, bytes, 0, 6, 512 << 20);
    fs.closeSync(copied);
    t.is(bytes.toString(), 'middle');
    await lab.close();
  }
});
