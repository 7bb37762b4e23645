/** What the capture of a lab says of its run. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type TraceTarget, traceSink } from '../../../src/core/app/lab/trace_sink.js';
import { ErrnoError } from '../../../src/core/base/errors.js';
import { openCapture } from '../../../src/core/store/database.js';
import { tempDir } from '../../helpers/lab.js';

const target = (out: string): TraceTarget => ({
  out,
  commandLine: 'netfslab run --rsize 4k',
  toolVersion: '1.2.3',
});

test('the row of the capture says what was run, with which options, by which version', async (t) => {
  const out = join(tempDir(t), 'x.db');
  const lab = { server: 'srv', rsize: 4096, clock: 'real', wrapServer: undefined } as const;
  const failAllocation = (): boolean => false;
  await traceSink(target(out), 'randread', { ...lab, failAllocation }).close();
  const capture = openCapture(out);
  t.teardown(() => capture.close());
  t.like(capture.info, {
    source: 'run',
    workload: 'randread',
    profile: 'linux-5.13-afs',
    era: 'E1',
    kernel_release: 'v5.13',
    clock: 'real',
    command_line: 'netfslab run --rsize 4k',
    tool_version: '1.2.3',
  });
  t.deepEqual(JSON.parse(capture.info.options), { server: 'srv', rsize: 4096, clock: 'real' });
});

test('a file that exists is never written to, and a folder that does not exist is named', (t) => {
  const out = join(tempDir(t), 'x.db');
  writeFileSync(out, 'precious');
  const taken = t.throws(() => traceSink(target(out), 'read', {}), { instanceOf: ErrnoError });
  t.is(taken.code, 'EEXIST');
  t.regex(taken.hint ?? '', /--out/);
  const nowhere = join(out, '..', 'no', 'x.db');
  t.throws(() => traceSink(target(nowhere), 'read', {}), { message: /ENOENT.*no\/x\.db/ });
  t.false(existsSync(nowhere));
});
