/** Every format of the registry keeps the same promises; those of text say the same events. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Export } from '../../../../src/core/app/export/export.js';
import {
  EXPORT_FORMATS,
  EXPORTERS,
  type ExportFormat,
} from '../../../../src/core/app/export/index.js';
import { importTraces } from '../../../../src/core/app/import/import.js';
import { eventLines } from '../../../../src/core/app/trace/events.js';
import { temporaryFolder } from '../../../helpers/capture.js';
import { imported, SAMPLES } from '../../../helpers/samples.js';
import { ROOT } from '../../../helpers/source.js';

const SAMPLE = join(ROOT, SAMPLES['9p-6.1-full']);

async function written(path: string, format: ExportFormat, out: string, decode = false) {
  const from = new Export(path, format, { decode });
  try {
    await from.write(out);
  } finally {
    from.close();
  }
}

for (const format of EXPORT_FORMATS) {
  test(`${format} appears under its name when it is whole, and replaces nothing`, async (t) => {
    const folder = temporaryFolder(t);
    const capture = await imported(folder, 'a', SAMPLE);
    capture.close();
    const out = join(folder, 'out');
    await written(capture.path, format, out);
    t.true(existsSync(out));
    t.false(existsSync(`${out}.part`));
    await t.throwsAsync(written(capture.path, format, out), { code: 'EEXIST' });
    const nowhere = join(folder, 'none', 'out');
    await t.throwsAsync(written(capture.path, format, nowhere), { code: 'ENOENT' });
    t.false(existsSync(join(folder, 'none')));
  });

  test(`${format} refuses the options it does not have`, async (t) => {
    const folder = temporaryFolder(t);
    const capture = await imported(folder, 'a', SAMPLE);
    capture.close();
    const { options }: { options: readonly string[] } = EXPORTERS[format];
    for (const given of [{ decode: true }, { host: 'h' }]) {
      const [name = ''] = Object.keys(given);
      const made = () => new Export(capture.path, format, given).close();
      if (options.includes(name)) t.notThrows(made);
      else
        t.throws(made, { message: new RegExp(`--${name}: has no effect on --format ${format}`) });
    }
  });

  test(`${format} of a paste without times gives no times that nobody measured`, async (t) => {
    const folder = temporaryFolder(t);
    const text =
      'netfs_read: R=00000001 READAHEAD c=00000000 ni=1 s=0 1000\nnetfs_rreq: R=00000001 RA FREE   f=00\n';
    writeFileSync(join(folder, 'paste.txt'), text);
    const capture = await imported(folder, 'a', join(folder, 'paste.txt'));
    capture.close();
    const made = () => new Export(capture.path, format, {}).close();
    const { timed = false }: { timed?: boolean } = EXPORTERS[format];
    if (timed) t.throws(made, { message: /its events have no times/ });
    else t.notThrows(made);
  });
}

test('ftrace, csv and ndjson have a row for every event, with the text of the kernel', async (t) => {
  const folder = temporaryFolder(t);
  const capture = await imported(folder, 'a', SAMPLE);
  const { events } = capture.info;
  capture.close();
  const texts = new Map<string, string[]>();
  for (const format of ['ftrace', 'csv', 'ndjson'] as const) {
    const out = join(folder, format);
    await written(capture.path, format, out, true);
    texts.set(format, readFileSync(out, 'utf8').trimEnd().split('\n'));
  }
  const printed = [...eventLines(capture.path, { decode: true }).lines];
  // An event may be printed on several lines.
  t.is(texts.get('ftrace')?.join('\n'), printed.join('\n').trimEnd());
  const bodies = printed.filter((line) => !line.startsWith('#'));
  const json = (texts.get('ndjson') ?? []).map((line) => JSON.parse(line) as { text: string });
  t.is(json.length, events);
  t.true(json.every(({ text }, i) => bodies[i]?.endsWith(text)));
  t.is(texts.get('csv')?.[0], 'id,ts,task,op,comm,pid,cpu,flags,system,event,text');
  t.is(texts.get('csv')?.filter((line) => /^\d+,\d+,/.test(line)).length, events);
});

test('a bundle and a database that were exported answer like the capture', async (t) => {
  const folder = temporaryFolder(t);
  const capture = await imported(folder, 'a', SAMPLE);
  capture.close();
  const lines = [...eventLines(capture.path, {}).lines];
  await written(capture.path, 'db', join(folder, 'copy.db'));
  t.deepEqual([...eventLines(join(folder, 'copy.db'), {}).lines], lines);
  await written(capture.path, 'bundle', join(folder, 'bundle.tar.gz'));
  t.true(statSync(join(folder, 'bundle.tar.gz')).size > 0);
  const target = { out: join(folder, 'back.db'), commandLine: 'test', toolVersion: 'test' };
  await importTraces({ files: [join(folder, 'bundle.tar.gz')], target });
  t.deepEqual([...eventLines(target.out, {}).lines], lines);
});
