/** Processors of threads: the engine's is kept for it, in a process of its own. */
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import test from 'ava';
import { makeLab } from '../../helpers/lab.js';

const several = os.platform() === 'linux' && os.cpus().length > 1;
const MODULE = new URL('../../../src/core/io/threads.js', import.meta.url).href;

/** What a process that keeps `cpu` for its main thread gets, and where its threads may run then. */
function keep(cpu: number): { result: number; main: string; others: string[] } {
  const script = `
    import fs from 'node:fs';
    const { keepProcessor } = await import('${MODULE}');
    const result = keepProcessor(${cpu});
    const allowed = (thread) =>
      /Cpus_allowed_list:\\s*(\\S+)/.exec(fs.readFileSync('/proc/self/task/' + thread + '/status', 'utf8'))[1];
    const others = fs.readdirSync('/proc/self/task').filter((thread) => Number(thread) !== process.pid);
    console.log(JSON.stringify({ result, main: allowed(process.pid), others: others.map(allowed) }));`;
  const args = ['--input-type=module', '-e', script];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

if (several) {
  test('the main thread gets a processor that no other thread of the process runs on', (t) => {
    const { result, main, others } = keep(0);
    t.is(result, 0);
    t.is(main, '0');
    t.true(others.length > 0);
    for (const list of others) t.notRegex(list, /^0\b/);
  });
}

test('a processor that is not there cannot be kept, and a lab says so and does without', async (t) => {
  const made = makeLab(t, { f: 10 }, { clock: 'real', cpu: 9999 });
  t.regex(made.lab.warnings.join(), /processor 9999 .*E/);
  await made.lab.close();
});
