/** Names in a lab, by op lists and by the Node API: together with what is cached of files. */
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { LabMachine } from '../../../src/core/lab/machine.js';
import { parseOps } from '../../../src/core/workload/ops/language.js';
import { OpPlayer } from '../../../src/core/workload/ops/player.js';
import { openLab } from '../../../src/index.js';
import { content, makeLab, serverDir, tempDir } from '../../helpers/lab.js';

const LIST = `
mkdir d
open 1 rdwr+creat d/a
write 1 0 9000 3
lstat d/a
rename d/a d/b
write 1 9000 1000 4
close 1
lstat d/b
link d/b c
symlink d/b s
lstat s
open 2 rdonly c
unlink c
read 2 0 10000
close 2
rmdir d
unlink d/b
unlink d/a
chmod 700 d
rmdir d
`;

for (const profile of ['linux-5.13-afs', 'linux-6.1-9p', 'linux-6.1-afs']) {
  for (const serverWrites of ['overlay', 'direct'] as const) {
    test(`an op list works on names as on files, ${profile}, writes ${serverWrites}`, async (t) => {
      const { lab } = makeLab(t, { f: 10 }, { profile, serverWrites });
      const results: number[] = [];
      const player = new OpPlayer(new LabMachine(lab, false));
      await lab.run('player', () =>
        player.play(parseOps(LIST, 'list'), {
          ended: (_op, { ret, errno }) => results.push(errno === 0 ? ret : -errno),
        }),
      );
      const expected = [0, 0, 9000, 9000, 0, 1000, 0, 10_000, 0, 0, 3, 0, 0, 10_000, 0];
      t.deepEqual(results, [...expected, -39, 0, -2, 0, 0]);
      await lab.close();
      t.deepEqual(lab.unwritten, []);
    });
  }
}

test('the Node API has names, which follow what is written and removed', async (t) => {
  const server = serverDir(t, { f: 5000, 'd/g': 10 });
  const lab = await openLab({ server, clock: 'virtual', serverOverlay: tempDir(t) });
  const { names } = lab;
  const file = await lab.open('f', { write: true });
  await file.write(content('new', 3000), 0, 3000, 4000);
  t.is((await names.stat('f')).size, 7000);
  await names.rename('f', 'd/h');
  t.deepEqual((await names.readdir('')).sort(), ['d']);
  t.deepEqual((await names.readdir('d')).sort(), ['g', 'h']);
  await names.truncate('d/h', 100);
  t.is((await file.stat()).size, 100);
  await names.unlink('d/h');
  t.is(await file.write(content('x', 10), 0, 10, 100), 10);
  file.close();
  await names.mkdir('e', 0o700);
  await names.symlink('nowhere', 'e/l');
  t.is(await names.readlink('e/l'), 'nowhere');
  t.is((await names.stat('e')).mode, 0o40700);
  await t.throwsAsync(names.rmdir('e'), { code: 'ENOTEMPTY' });
  await t.throwsAsync(names.stat('f'), { code: 'ENOENT' });
  await lab.close();
  t.deepEqual(fs.readdirSync(server).sort(), ['d', 'f']);
  t.is(fs.statSync(path.join(server, 'f')).size, 5000);
});
