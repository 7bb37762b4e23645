/**
 * Writing to a server that is really full or read-only, and one whose files may not grow: what the
 * program prints, and with what it ends.
 */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ErrnoError } from '../../../src/core/base/errors.js';
import { inShell, netfslabHere } from '../../helpers/cli.js';
import { content, makeLab, serverDir } from '../../helpers/lab.js';
import { readOnly, testOn } from '../../helpers/mount.js';
import { sameBytes } from '../../helpers/netfs.js';
import { filled, fsync, openRw, write } from '../../helpers/write.js';

const MIB = 1 << 20;

async function code(promise: Promise<unknown>): Promise<string | undefined> {
  const error = await promise.catch((thrown: unknown) => thrown);
  return error instanceof ErrnoError ? error.code : undefined;
}

testOn(
  'tmpfs',
  'what a full overlay does not take stays dirty until there is room',
  async (t, dir) => {
    const made = makeLab(t, { f: 0x4000 }, { serverOverlay: dir });
    const file = openRw(made, 'f');
    await write(made, file, 0, filled(0x1000, 1));
    await fsync(made, file);
    const filler = path.join(dir, 'filler');
    fs.writeFileSync(filler, '');
    t.throws(() => fs.writeFileSync(filler, filled(8 * MIB, 9)), { code: 'ENOSPC' });
    await write(made, file, 0x4000, filled(0x8000, 2));
    t.is(await code(fsync(made, file)), 'ENOSPC');
    t.is(await code(fsync(made, file)), 'ENOSPC', 'it is tried again');
    const expected = Buffer.concat([content('f', 0x4000).fill(1, 0, 0x1000), filled(0x8000, 2)]);
    sameBytes(t, await made.read(file, 0, 0xc000), expected);
    fs.unlinkSync(filler);
    await fsync(made, file);
    sameBytes(t, fs.readFileSync(path.join(dir, 'f')), expected);
    file.close();
    await made.lab.close();
    t.deepEqual(made.lab.unwritten, []);
  },
);

testOn(
  'tmpfs',
  'what a full overlay never takes is printed, and the program ends with 1',
  async (t, dir) => {
    const server = serverDir(t, {});
    const flags = ['--files', 'new', '--size', '8m', '--bs', '64k', '--server-overlay', dir];
    const args = ['run', '--server', server, '--rw', 'write', '--no-trace', ...flags];
    const { status, stderr } = await netfslabHere(args);
    t.is(status, 1);
    t.regex(stderr, /^error: ENOSPC: no space left on device, close 'new'$/m);
    t.regex(stderr, /^error: ENOSPC: .*; 8 MiB of what was written are lost, umount 'new'$/m);
    const { stdout } = await netfslabHere([...args, '--json']);
    t.like(JSON.parse(stdout), { unwritten: [{ file: 'new', bytes: 8 * MIB }] });
  },
);

testOn('tmpfs', 'a read-only directory is refused when a file is opened for writing', (t, dir) => {
  fs.writeFileSync(path.join(dir, 'f'), filled(0x1000, 1));
  const { undo } = readOnly(dir);
  try {
    const made = makeLab(t, {}, { server: dir, serverWrites: 'direct' });
    t.is(t.throws(() => openRw(made, 'f'), { instanceOf: ErrnoError })?.code, 'EROFS');
    t.is(
      t.throws(() => openRw(made, 'g', { create: true }), { instanceOf: ErrnoError })?.code,
      'EROFS',
    );
    const file = made.open('f');
    t.is(file.fstat().size, 0x1000);
    file.close();
  } finally {
    undo();
  }
  return Promise.resolve();
});

test('a file that may not grow ends a run with 1 and its error', async (t: ExecutionContext) => {
  const server = serverDir(t, {});
  const flags = ['--files', 'new', '--size', '1m', '--bs', '64k', '--server-writes', 'direct'];
  const args = ['run', '--server', server, '--rw', 'write', '--no-trace', ...flags];
  const { status, stderr } = await inShell('ulimit -f 100; exec "$@"', args);
  t.is(status, 1);
  t.regex(stderr, /^error: EFBIG: .*'new'$/m);
});
