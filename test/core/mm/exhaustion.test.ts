/**
 * Memory that is full of what cannot be written, and servers that never answer: somebody gets an
 * errno within a bounded time, or sleeps and can be killed; what is lost is reported.
 */
import test, { type ExecutionContext } from 'ava';
import { EIO, ENOSPC } from '../../../src/core/base/errno.js';
import type { LabOptions } from '../../../src/core/lab/options.js';
import { PROFILE_NAMES } from '../../../src/core/lab/options.js';
import type { Server } from '../../../src/core/server/types.js';
import type { VfsFile } from '../../../src/core/vfs/types.js';
import { forward } from '../../helpers/forward_server.js';
import { makeLab, opened, type TestLab } from '../../helpers/lab.js';

const PAGE = 4096;
const MIB = 1 << 20;

function refusing(errno: number): (server: Server) => Server {
  return (server) =>
    forward(server, {
      store: (_file, _position, _from, _size, done) =>
        done({ result: -errno, status: undefined, before: '' }),
    });
}

function fullLab(t: ExecutionContext, options: Partial<LabOptions>): TestLab {
  return makeLab(
    t,
    { f: 0, other: 4 * MIB },
    { pageCache: MIB, serverWrites: 'direct', ...options },
  );
}

/** Writes a page at a time until one is refused: the errno, and the pages that were taken. */
async function fill({ lab }: TestLab, file: VfsFile): Promise<{ code: string; pages: number }> {
  let pages = 0;
  try {
    await lab.run('writer', function* () {
      for (; pages < 2048; pages++) yield* file.write(new Uint8Array(PAGE), 0, PAGE, pages * PAGE);
    });
  } catch (error) {
    return { code: (error as { code: string }).code, pages };
  }
  return { code: 'none', pages };
}

for (const clock of ['virtual', 'real'] as const) {
  for (const profile of PROFILE_NAMES.filter((name) => name.endsWith('afs'))) {
    test(`pages that the server has no space for: the writer is told (${profile}, ${clock})`, async (t) => {
      const made = fullLab(t, { profile, clock, wrapServer: refusing(ENOSPC) });
      const file = await opened(made.lab, 'f', { write: true });
      const { code, pages } = await fill(made, file);
      t.is(code, 'ENOSPC');
      t.true(pages >= 51 && pages < 256, `${pages} pages were taken`);
      // Readers of other files are not held up.
      const other = await opened(made.lab, 'other');
      t.is((await made.read(other, 0, 4 * MIB)).length, 4 * MIB);
      await t.throwsAsync(
        made.lab.run('sync', () => file.fsync()),
        { code: 'ENOSPC' },
      );
      file.close();
      other.close();
      await made.lab.close();
      const lost = made.lab.unwritten.reduce((sum, { bytes }) => sum + bytes, 0);
      t.is(lost, pages * PAGE);
    });

    test(`memory that is all dirty and cannot be written is ENOMEM to a reader (${profile}, ${clock})`, async (t) => {
      const dirty = { ratio: 100, backgroundRatio: 100 };
      const made = fullLab(t, { profile, clock, dirty, wrapServer: refusing(ENOSPC) });
      const file = await opened(made.lab, 'f', { write: true });
      const { code, pages } = await fill(made, file);
      t.is(pages, 256);
      t.is(code, 'ENOMEM');
      const other = await opened(made.lab, 'other');
      await t.throwsAsync(made.read(other, 0, 100), { code: 'ENOMEM' });
      const mapped = other.mmap(0, PAGE);
      await t.throwsAsync(
        made.lab.run('mapper', () => mapped.load(new Uint8Array(1), 0, 1)),
        { code: 'ENOMEM' },
      );
      mapped.munmap();
      file.close();
      other.close();
      await made.lab.close();
    });
  }

  for (const profile of PROFILE_NAMES) {
    test(`memory that is all dirty is written when it is needed (${profile}, ${clock})`, async (t) => {
      const made = fullLab(t, { profile, clock, dirty: { ratio: 100, backgroundRatio: 100 } });
      const file = await opened(made.lab, 'f', { write: true });
      t.deepEqual(await fill(made, file), { code: 'none', pages: 2048 });
      const other = await opened(made.lab, 'other');
      t.is((await made.read(other, 0, 4 * MIB)).length, 4 * MIB);
      file.close();
      other.close();
      await made.lab.close();
      t.deepEqual(made.lab.unwritten, []);
    });

    test(`pages whose write fails for good are reported as lost (${profile}, ${clock})`, async (t) => {
      const made = fullLab(t, { profile, clock, wrapServer: refusing(EIO) });
      const file = await opened(made.lab, 'f', { write: true });
      const { pages } = await fill(made, file);
      file.close();
      await made.lab.close();
      const lost = made.lab.unwritten.reduce((sum, { bytes }) => sum + bytes, 0);
      t.is(lost, pages * PAGE);
    });

    test(`a writer held up by a server that never answers can be killed (${profile}, ${clock})`, async (t) => {
      const held: Array<() => void> = [];
      const wrapServer = (server: Server): Server =>
        forward(server, {
          store: (...args) => {
            held.push(made.lab.scheduler.expect(() => server.store(...args)) as () => void);
          },
        });
      const made = fullLab(t, { profile, clock, wrapServer });
      const file = await opened(made.lab, 'f', { write: true });
      const { lab } = made;
      let code = '';
      const writer = lab.spawn('writer', function* () {
        try {
          for (let i = 0; i < 2048; i++) yield* file.write(new Uint8Array(PAGE), 0, PAGE, i * PAGE);
        } catch (error) {
          ({ code } = error as { code: string });
        }
      });
      await lab.run('killer', function* () {
        while (writer.waitingOn?.what !== 'dirty pages to be written back') {
          yield* lab.scheduler.sleep(1e6);
        }
        lab.scheduler.kill(writer);
        while (!writer.done) yield* lab.scheduler.sleep(1e6);
      });
      t.is(code, 'EINTR');
      const answering = setInterval(() => {
        for (const answer of held.splice(0)) answer();
      }, 1);
      file.close();
      await lab.close();
      clearInterval(answering);
      t.deepEqual(lab.unwritten, []);
    });
  }
}
