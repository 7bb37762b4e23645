/** When a progress bar is seen, and when not. */
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { startProgress } from '../../../src/core/report/progress.js';

function terminal(isTTY: boolean): { stream: NodeJS.WriteStream; written: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 80 });
  return {
    stream: stream as unknown as NodeJS.WriteStream,
    written: () => String(stream.read() ?? ''),
  };
}

test('on a terminal progress is shown after a second, with the amount done', async (t) => {
  const { stream, written } = terminal(true);
  const progress = startProgress('reading', 'bytes', stream);
  progress.update(1024, 4096);
  t.is(written(), '');
  await sleep(1050);
  progress.update(2048, 4096);
  progress.stop();
  t.regex(written(), /reading .*50% 2 KiB of 4 KiB/);
});

test('without a terminal nothing is ever shown', async (t) => {
  const { stream, written } = terminal(false);
  const progress = startProgress('reading', 'bytes', stream);
  await sleep(1050);
  progress.update(2048, 4096);
  progress.stop();
  t.is(written(), '');
});
