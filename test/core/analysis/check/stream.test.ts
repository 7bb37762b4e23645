/** The events of a capture as rules read them. */
import test from 'ava';
import { eventStream } from '../../../../src/core/analysis/check/stream.js';
import { REQUEST_EVENTS } from '../../../../src/core/analysis/check/walk.js';
import { Samples } from '../../../helpers/samples.js';

const samples = new Samples();
test.after.always(() => samples.close());

test('of requests that are named all events are read, behind an event, and no others', async (t) => {
  const { capture } = await samples.get('9p-6.1-full');
  const ids = (wanted = {}, keep = (_rreq: number) => true) =>
    [...eventStream(capture, REQUEST_EVENTS, wanted)].flatMap(({ id, rreq }) =>
      keep(rreq) ? [id] : [],
    );
  const requests = capture
    .all('SELECT "rreq" FROM "request" ORDER BY "request_uid" LIMIT 2 OFFSET 1')
    .map(({ rreq }) => Number(rreq));
  const expected = ids({}, (rreq) => requests.includes(rreq));
  t.true(expected.length > 10);
  t.deepEqual(ids({ requests }), expected);
  const after = expected[4] as number;
  t.deepEqual(ids({ requests, after }), expected.slice(5));
  t.deepEqual(ids({ requests: [] }), []);
});
