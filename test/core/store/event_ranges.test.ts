/** Finding the events of a request by the stretches that may hold them. */
import { join } from 'node:path';
import test from 'ava';
import { writeCapture } from '../../../src/core/store/capture_writer.js';
import { openCapture } from '../../../src/core/store/database.js';
import { eventsOfRequest } from '../../../src/core/store/event_ranges.js';
import { netfsRreq, netfsRreqTraces } from '../../../src/core/trace/events/netfs.js';
import { makeTracer, temporaryDirectory } from '../../helpers/trace.js';

test('a request has the events that a look at all of them finds, wherever they are', async (t) => {
  const path = join(temporaryDirectory(t), 'a.db');
  const { tracer } = makeTracer(writeCapture(path, { source: 'import', era: 'E3' }));
  // Numbers rise; one comes back late, they begin again, and long stretches have none.
  for (let i = 0; i < 6000; i++) {
    if (i % 3000 < 2000) {
      const rreq = i === 1500 ? 7 : (i % 3000) >> 1;
      netfsRreq.emit(tracer, rreq, 0, netfsRreqTraces.id.done, 0);
    } else {
      tracer.marker('nothing');
    }
  }
  await tracer.close();
  const capture = openCapture(path);
  t.teardown(() => capture.close());
  for (const rreq of [0, 7, 511, 512, 750, 999, 1000]) {
    t.deepEqual(
      capture.all(`SELECT "id" ${eventsOfRequest('netfs_rreq')}`, { rreq }),
      capture.all('SELECT "id" FROM "netfs_rreq" WHERE "rreq" = @rreq', { rreq }),
    );
  }
  const stretches =
    'SELECT count(*) AS "n" FROM "event_range" WHERE 7 BETWEEN "min_rreq" AND "max_rreq"';
  t.is(capture.get(stretches)?.n, 3);
});
