/**
 * The laws of eras of which no capture is at hand: the trace of a neighbouring kernel, changed as
 * the sources say that the next one tells it.
 */
import test from 'ava';
import { RULES } from '../../../../src/core/analysis/check/index.js';
import type { CheckEvent } from '../../../../src/core/analysis/check/types.js';
import { findingsOf, ofEra, type Sample, Samples } from '../../../helpers/samples.js';

const samples = new Samples();
test.after.always(() => samples.close());

/** v6.8 tells that readers were woken before anything is stored, and PREP of each slice twice. */
function asOf68(events: readonly CheckEvent[]): CheckEvent[] {
  return events.flatMap((event) => {
    if (event.event === 'netfs_sreq' && event.step === 'prepare') return [event, event];
    if (event.event !== 'netfs_rreq' || event.step !== 'unlock') return [event];
    return [event, { ...event, step: 'wake_ip', what: 'WAKE-IP' }];
  });
}

function firing(sample: Sample, events: readonly CheckEvent[]): string[] {
  return Object.keys(RULES).filter((rule) => findingsOf(sample, rule, events).length > 0);
}

for (const name of ['afs-6.1', '9p-6.1-full', '9p-6.1-smp'] as const) {
  test(`reads of ${name}, told as v6.8 to v6.11 do, break no law of theirs`, async (t) => {
    const sample = await samples.get(name);
    const changed = asOf68(sample.events);
    t.deepEqual(firing(ofEra(sample, 'E4'), changed), []);
    t.deepEqual(firing(ofEra(sample, 'E5'), changed), []);
    // Told as the neighbours do, they do.
    t.true(firing(ofEra(sample, 'E4'), sample.events).includes('request-order'));
    t.true(firing(sample, changed).includes('slice-order'));
  });
}

test('a reader that is woken before its pages are unlocked breaks the law of v6.8', async (t) => {
  const sample = ofEra(await samples.get('afs-6.1'), 'E4');
  const events = asOf68(sample.events);
  const at = events.findIndex(({ step }) => step === 'wake_ip');
  const unlocked = events
    .with(at - 1, events[at] as CheckEvent)
    .with(at, events[at - 1] as CheckEvent);
  t.deepEqual(firing(sample, unlocked), ['request-order']);
});
