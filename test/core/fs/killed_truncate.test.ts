/** Truncations that a fatal signal meets while a page is on its way into the disk cache. */
import test from 'ava';
import { PAGE_SIZE } from '../../../src/core/base/range.js';
import { Lab } from '../../../src/core/lab/lab.js';
import { PROFILE_NAMES } from '../../../src/core/lab/options.js';
import { opened, serverDir } from '../../helpers/lab.js';
import { PowerCutDisk } from '../../helpers/power_cut.js';

for (const profile of PROFILE_NAMES) {
  test(`${profile}: a truncation that is killed waits for pages on their way into the cache`, async (t) => {
    const lab = new Lab({
      server: serverDir(t, { f: 4 * PAGE_SIZE }),
      profile,
      pageCache: 1 << 20,
      serverWrites: 'direct',
      cacheDir: '/cache',
      backing: new PowerCutDisk(),
      cacheLatencyNs: 1e7,
    });
    const { folios, scheduler } = lab;
    const file = await opened(lab, 'f', { write: true });
    let stays = true;
    await lab.run('writer', function* () {
      yield* file.write(new Uint8Array(2 * PAGE_SIZE), 0, 2 * PAGE_SIZE, PAGE_SIZE);
      yield* file.flush();
      const pfn = file.mapping.find(1);
      folios.get(pfn);
      yield* folios.waitFscache(pfn);
      folios.startFscache(pfn);
      const cutting = lab.spawn('cutter', () => file.truncate(0));
      yield* scheduler.sleep(1e6);
      scheduler.kill(cutting);
      yield* scheduler.sleep(1e6);
      stays = folios.mappingOf(pfn) === file.mapping;
      folios.endFscache(pfn);
      folios.put(pfn);
      while (!cutting.done) yield* scheduler.sleep(1e6);
    });
    t.true(stays);
    t.is(file.mapping.pages, 0);
    file.close();
    await lab.close();
  });
}
