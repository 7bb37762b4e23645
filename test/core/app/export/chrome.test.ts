/** The JSON variant has the slices, flows and counters of the native trace. */
import { join } from 'node:path';
import test from 'ava';
import { Export } from '../../../../src/core/app/export/export.js';
import { temporaryFolder } from '../../../helpers/capture.js';
import { readPerfetto } from '../../../helpers/perfetto.js';
import { imported, SAMPLES } from '../../../helpers/samples.js';
import { ROOT } from '../../../helpers/source.js';

interface TraceEvent {
  readonly ph: string;
  readonly ts: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly name: string;
  readonly id?: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

/** Nanoseconds of microseconds. */
const ns = (us: number): number => Math.round(us * 1000);

for (const name of ['cifs-6.12', '9p-7.3-odd'] as const) {
  test(`the JSON of ${name} has what the native trace has`, async (t) => {
    const capture = await imported(temporaryFolder(t), 'a', join(ROOT, SAMPLES[name]));
    capture.close();
    const native = new Export(capture.path, 'perfetto', {});
    const { slices, counters } = readPerfetto(Buffer.concat([...native.bytes()]));
    native.close();
    const from = new Export(capture.path, 'chrome', {});
    const { traceEvents: events } = JSON.parse([...from.lines()].join('\n')) as {
      traceEvents: TraceEvent[];
    };
    from.close();
    const due = slices.map(
      ({ category, name: of, begin, end, args }) =>
        `${category} ${of} ${begin} ${end} ${JSON.stringify(args)}`,
    );
    const found = events
      .filter(({ ph }) => 'XBi'.includes(ph))
      .map(({ ts, dur, cat, name: of, args }) => {
        const end = dur === undefined ? null : ns(ts) + ns(dur);
        return `${cat} ${of} ${ns(ts)} ${end} ${JSON.stringify(args)}`;
      });
    t.deepEqual(found.sort(), due.sort());
    const flows = (ph: string) =>
      events
        .filter((each) => each.ph === ph)
        .map(({ id }) => String(id))
        .sort();
    t.deepEqual(flows('s'), slices.flatMap(({ out }) => out).sort());
    t.deepEqual(flows('f'), slices.flatMap(({ into }) => into).sort());
    const values = [...counters.values()].reduce((sum, each) => sum + each.length, 0);
    t.is(events.filter(({ ph }) => ph === 'C').length, values);
  });
}
