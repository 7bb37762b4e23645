/** Looking a file up costs what its own directory costs, however large the tree around it is. */
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { makeLab, opened, serverDir } from '../../helpers/lab.js';

test('the first open in a tree of many directories looks into no other directory', async (t) => {
  const server = serverDir(t, { f: 1, g: 1 });
  for (let d = 0; d < 100; d++) {
    fs.mkdirSync(path.join(server, `d${d}`));
    for (let i = 0; i < 10; i++) fs.writeFileSync(path.join(server, `d${d}/x${i}`), 'x');
  }
  const { lab } = makeLab(t, {}, { server, profile: 'linux-6.1-afs' });
  (await opened(lab, 'f')).close();
  t.true(lab.client.vnodes <= 2);
});

test('the first open in a directory of 20,000 files asks about that file alone', async (t) => {
  const server = serverDir(t, { f: 1 });
  for (let i = 0; i < 20_000; i++) fs.writeFileSync(path.join(server, `x${i}`), '');
  const { lab } = makeLab(t, {}, { server, profile: 'linux-6.1-afs' });
  const before = process.cpuUsage();
  const file = await opened(lab, 'f');
  const { user, system } = process.cpuUsage(before);
  t.log(`${(user + system) / 1000} ms of processor time`);
  t.is(lab.client.vnodes, 1);
  t.is(lab.server.counters.statuses, 1);
  file.close();
});
