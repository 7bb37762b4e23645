/** Requests and subrequests made of events. */
import test from 'ava';
import type { Era } from '../../../src/core/trace/eras.js';
import { tracepointNamed } from '../../../src/core/trace/index.js';
import { RecordDecoder, type RecordHandler } from '../../../src/core/trace/record.js';
import { RecordWriter } from '../../../src/core/trace/record_writer.js';
import { Reducer, type RequestRow, type SubrequestRow } from '../../../src/core/trace/reducer.js';
import type { TraceSink } from '../../../src/core/trace/types.js';
import { excerpt } from '../../helpers/trace.js';

interface Step {
  readonly event: string;
  readonly text: string;
  readonly ts?: number;
  readonly op?: number;
}

/** Reduces printed events; times default to 1, 2, 3, ... */
function reduce(era: Era, steps: readonly Step[]) {
  const requests: RequestRow[] = [];
  const subrequests: SubrequestRow[] = [];
  const reducer = new Reducer(era, {
    request: (row) => requests.push(row),
    subrequest: (row) => subrequests.push(row),
  });
  const ignore = () => {};
  const handler: RecordHandler = {
    event: (record, words, at) => reducer.event(record, words, at),
    ...{ file: ignore, task: ignore, op: ignore, stats: ignore, marker: ignore, other: ignore },
    ...{ lost: ignore, meta: ignore, end: ignore },
  };
  const decoder = new RecordDecoder(handler);
  const sink: TraceSink = {
    era,
    append: (words, count) => decoder.feed(words, 0, count),
    close: async () => ({ events: 0, lost: 0, finishMs: 0, error: null }),
  };
  const writer = new RecordWriter(sink);
  for (const [i, { event, text, ts = i + 1, op = 0 }] of steps.entries()) {
    const tracepoint = tracepointNamed(event);
    const row = tracepoint?.parse(text, era);
    if (tracepoint === undefined || row == null) throw new Error(`not an event: ${text}`);
    writer.row(tracepoint, { ts, task: 1, cpu: 0, flags: '', op }, row);
  }
  reducer.finish();
  return { requests, subrequests, reducer };
}

/** E1 lines without their event's name, which the form tells. */
function e1(lines: string): Step[] {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const text = line.trim();
      if (/ (read|copy-to-cache|prep-write|short-readpage) e=/.test(text)) {
        return { event: 'netfs_failure', text };
      }
      if (text.includes('[')) return { event: 'netfs_sreq', text };
      return { event: text.includes('c=') ? 'netfs_read' : 'netfs_rreq', text };
    });
}

test('a cold request that is stored has every stage and its bytes (W2)', (t) => {
  const { requests, subrequests } = reduce(
    'E1',
    e1(`
      R=00000001 READAHEAD c=0000000a s=0 4000
      R=00000001[0] PREP  DOWN f=01 s=0 0/4000 e=0
      R=00000001[0] SUBMT DOWN f=01 s=0 0/4000 e=0
      R=00000001[0] TERM  DOWN f=03 s=0 4000/4000 e=0
      R=00000001 ASSESS f=22
      R=00000001 UNLOCK f=22
      R=00000001 WRITE  f=02
      R=00000001[0] WRITE DOWN f=03 s=0 4000/4000 e=0
      R=00000001[0] WTERM DOWN f=03 s=0 4000/4000 e=0
      R=00000001 DONE   f=02
      R=00000001[0] FREE  DOWN f=03 s=0 4000/4000 e=0
      R=00000001 FREE   f=02`),
  );
  t.is(requests.length, 1);
  t.like(requests[0], {
    request_uid: 1,
    rreq: 1,
    kind: 'readahead',
    cookie: 10,
    start: 0,
    len: 0x4000,
    begin_ns: 1,
    submit_ns: 3,
    term_ns: 4,
    assess_ns: 5,
    unlock_ns: 6,
    write_ns: 7,
    done_ns: 10,
    free_ns: 12,
    slices: 1,
    server_bytes: 0x4000,
    stored_bytes: 0x4000,
    failed: 0,
    outcome: 'ok',
    flags: 2,
  });
  t.like(subrequests[0], { prep_ns: 2, submit_ns: 3, term_ns: 4, write_ns: 8, wterm_ns: 9 });
});

test('a read past the end of file has bytes from the server and zeros (W5)', (t) => {
  const { requests } = reduce(
    'E1',
    e1(`
      R=00000001 READAHEAD c=00000000 s=0 3000
      R=00000001[0] TERM  DOWN f=02 s=0 2800/2800 e=0
      R=00000001[1] TERM  ZERO f=02 s=2800 800/800 e=0
      R=00000001 DONE   f=00
      R=00000001 FREE   f=00`),
  );
  t.like(requests[0], { slices: 2, server_bytes: 0x2800, zero_bytes: 0x800, outcome: 'ok' });
});

test('a cache read that fails and is downloaded counts as downloaded (W9)', (t) => {
  const { requests, subrequests } = reduce(
    'E1',
    e1(`
      R=00000001 READAHEAD c=0000000a s=0 4000
      R=00000001[0] PREP  READ f=00 s=0 0/4000 e=0
      R=00000001[0] READ f=00 s=0 0/4000 read e=-5
      R=00000001[0] TERM  READ f=00 s=0 0/4000 e=-5
      R=00000001 RESUBM f=21
      R=00000001[0] RDOWN DOWN f=00 s=0 0/4000 e=0
      R=00000001[0] TERM  DOWN f=02 s=0 4000/4000 e=0
      R=00000001 DONE   f=00
      R=00000001 FREE   f=00`),
  );
  t.like(requests[0], {
    cache_fallbacks: 1,
    server_bytes: 0x4000,
    cache_bytes: 0,
    failed: 0,
    error: 0,
  });
  const { first_source, source } = subrequests[0] as SubrequestRow;
  t.not(first_source, source);
});

test('a short read that is asked for again is counted once with all its bytes (W7)', (t) => {
  const { requests } = reduce(
    'E1',
    e1(`
      R=00000001 READAHEAD c=00000000 s=0 4000
      R=00000001[0] TERM  DOWN f=04 s=0 1000/4000 e=0
      R=00000001[0] SHORT DOWN f=08 s=0 1000/4000 e=0
      R=00000001[0] TERM  DOWN f=08 s=0 4000/4000 e=0
      R=00000001 DONE   f=00
      R=00000001 FREE   f=00`),
  );
  t.like(requests[0], { short_reads: 1, server_bytes: 0x4000 });
});

test('stores that are merged count with the length they were written with (W14)', (t) => {
  const { requests, subrequests } = reduce(
    'E1',
    e1(`
      R=00000001 READAHEAD c=0000000a s=0 4000
      R=00000001[0] PREP  DOWN f=01 s=0 0/2000 e=0
      R=00000001[1] PREP  DOWN f=01 s=2000 0/2000 e=0
      R=00000001[1] FREE  DOWN f=03 s=2000 2000/2000 e=0
      R=00000001[0] WRITE DOWN f=03 s=0 2000/4000 e=0
      R=00000001[0] WTERM DOWN f=03 s=0 2000/4000 e=0
      R=00000001 FREE   f=02`),
  );
  t.is(requests[0]?.stored_bytes, 0x4000);
  t.deepEqual(
    subrequests.map(({ len, final_len, stored }) => [len, final_len, stored]),
    [
      [0x2000, 0x4000, 1],
      [0x2000, 0x2000, 0],
    ],
  );
});

test('a store that fails is not counted as stored', (t) => {
  const { requests } = reduce(
    'E1',
    e1(`
      R=00000001 READAHEAD c=0000000a s=0 4000
      R=00000001[0] WRITE DOWN f=03 s=0 4000/4000 e=0
      R=00000001[0] DOWN f=03 s=0 4000/4000 copy-to-cache e=-28
      R=00000001[0] WTERM DOWN f=03 s=0 4000/4000 e=0
      R=00000001 FREE   f=02`),
  );
  t.is(requests[0]?.stored_bytes, 0);
});

test('a number that begins again is another request', (t) => {
  const { requests } = reduce(
    'E1',
    e1(`
      R=00000001 READPAGE  c=00000000 s=0 1000
      R=00000001 READAHEAD c=00000000 s=0 4000
      R=00000001 DONE   f=00
      R=00000001 FREE   f=00
      R=00000001 READPAGE  c=00000000 s=0 1000`),
  );
  t.deepEqual(
    requests.map(({ request_uid, rreq, kind, outcome }) => [request_uid, rreq, kind, outcome]),
    [
      [1, 1, 'readpage', 'open'],
      [2, 1, 'readahead', 'ok'],
      [3, 1, 'readpage', 'open'],
    ],
  );
});

test('an expansion belongs to the request that was begun', (t) => {
  const { requests } = reduce(
    'E1',
    e1(`
      R=00000001 READAHEAD c=00000000 s=2000 1000
      R=00000001 EXPANDED  c=00000000 s=0 4000
      R=00000001 FREE   f=00`),
  );
  t.is(requests.length, 1);
  t.like(requests[0], { start: 0x2000, len: 0x1000, expanded_start: 0, expanded_len: 0x4000 });
});

test('a request whose begin was not seen has what was seen of it', (t) => {
  const { requests } = reduce('E3', [
    { event: 'netfs_sreq', text: 'R=00000009[2] DOWN TERM  f=02 s=0 1000/1000 e=0' },
    { event: 'netfs_rreq', text: 'R=00000009 RA DONE    f=00' },
    { event: 'netfs_rreq', text: 'R=00000009 RA FREE    f=00' },
  ]);
  t.like(requests[0], { begin_ns: null, start: null, kind: 'readahead', server_bytes: 0x1000 });
  t.is(requests[0]?.outcome, 'ok');
});

test('requests of an operation are counted until it ends', (t) => {
  const { reducer } = reduce('E1', [
    { event: 'netfs_read', text: 'R=00000001 READPAGE  c=00000000 s=0 1000', op: 4 },
    { event: 'netfs_read', text: 'R=00000002 READPAGE  c=00000000 s=0 1000', op: 4 },
    { event: 'netfs_rreq', text: 'R=00000001 FREE   f=00', op: 4 },
  ]);
  t.deepEqual(reducer.takeRequestCounts(4), { read: 2, write: 0 });
  t.deepEqual(reducer.takeRequestCounts(4), { read: 0, write: 0 });
});

/** The netfs events of an excerpt, with its times. */
const captured = (name: string) =>
  excerpt(name)
    .events.filter(({ event }) => tracepointNamed(event))
    .map(({ event, text, ns }) => ({ event, text, ts: ns }));

test('requests of Linux 6.1 whose server dies fail with its error', (t) => {
  const { requests } = reduce('E3', captured('server-killed'));
  t.deepEqual(
    requests.map(({ kind, outcome, error, failed_slices }) => [
      kind,
      outcome,
      error,
      failed_slices,
    ]),
    [
      ['readahead', 'failed', -111, 1],
      ['readpage', 'failed', -111, 1],
    ],
  );
});

test('a request of Linux 6.1 whose store is refused is well but has a skip', (t) => {
  const { requests, subrequests } = reduce('E3', captured('cache-full'));
  t.is(requests.length, 1);
  t.like(requests[0], {
    outcome: 'ok',
    refused_stores: 1,
    cache_bytes: 0x1000,
    server_bytes: 0x1e000,
    stored_bytes: 0,
    slices: 2,
  });
  t.deepEqual(
    subrequests.map(({ index, store_refused }) => [index, store_refused]),
    [
      [0, 0],
      [1, 1],
    ],
  );
});

test('a read before a write of Linux 6.1 is a write_begin request that is stored', (t) => {
  const { requests } = reduce('E3', captured('write-midpage'));
  t.like(requests[0], {
    kind: 'write_begin',
    start: 0x1388,
    len: 0x64,
    netfs_inode: 0x44467f,
    stored_bytes: 0x1000,
    outcome: 'ok',
  });
});

test('the verdict on a slice is that of the cache, whether it prints slice, object or our own', (t) => {
  const one: Record<string, Step[]> = {
    E1: [{ event: 'netfslab_prep_read', text: 'R=00000001[0] DOWN found-part s=2000 1000' }],
    E3: [
      {
        event: 'cachefiles_prep_read',
        text: 'R=00000001[0] DOWN found-part f=01 s=2000 1000 ni=2c B=45',
      },
    ],
    E4: [
      {
        event: 'cachefiles_prep_read',
        text: 'o=00000007 DOWN found-part f=01 s=2000 1000 ni=2c B=45',
      },
    ],
  };
  for (const [era, verdict] of Object.entries(one)) {
    const order = era === 'E1' ? 'PREP  DOWN' : 'DOWN PREP ';
    const slice = (index: number, start: number) => ({
      event: 'netfs_sreq',
      text: `R=00000001[${index}] ${order} f=01 s=${start}000 0/1000 e=0`,
    });
    const { subrequests } = reduce(era as Era, [...verdict, slice(0, 2), slice(1, 3)]);
    t.deepEqual(
      subrequests.map((each) => each.verdict),
      ['found-part', null],
      era,
    );
    // A verdict on something else is not this slice's.
    t.is(reduce(era as Era, [...verdict, slice(0, 4)]).subrequests[0]?.verdict, null);
  }
});

test('v6.12 adds a slice before the cache is asked, and other slices may come in between', (t) => {
  const verdict = (start: number) => ({
    event: 'cachefiles_prep_read',
    text: `o=00000000 DOWN no-data    f=01 s=${start}000 1000 ni=2c B=0`,
  });
  const slice = (rreq: number, step: string, start: number, got = 0) => ({
    event: 'netfs_sreq',
    text: `R=0000000${rreq}[1] ${step} f=00 s=${start}000 ${got}/1000 e=0`,
  });
  const { subrequests } = reduce('E6', [
    ...[slice(1, '---- ADD  ', 2), verdict(2), slice(2, '---- ADD  ', 5), verdict(7)],
    ...[slice(2, 'DOWN TERM ', 5, 1000), slice(1, 'DOWN TERM ', 2, 1000)],
  ]);
  const told = subrequests.map(({ start, verdict: is }) => [start, is]);
  t.deepEqual(
    told.sort(([a], [b]) => Number(a) - Number(b)),
    [
      [0x2000, 'no-data'],
      [0x5000, null],
    ],
  );
});

test('verdicts of Linux 6.1 are in the subrequests of a capture', (t) => {
  const { subrequests } = reduce('E3', captured('write-midpage'));
  t.deepEqual(
    subrequests.map(({ verdict }) => verdict),
    ['no-data'],
  );
});

test('a read and a write of one number that live at the same time are two requests', (t) => {
  const { requests, subrequests } = reduce('E6', [
    { event: 'netfs_sreq', text: 'R=00000003[1] WRIT SUBMT f=100 s=4000 0/8000 e=0' },
    { event: 'netfs_read', text: 'R=00000003 READAHEAD c=00000002 ni=118f s=c000 l=1000 sz=8000' },
    { event: 'netfs_sreq', text: 'R=00000003[1] DOWN TERM  f=01 s=c000 1000/1000 e=0' },
    { event: 'netfs_rreq', text: 'R=00000003 RA FREE    f=00' },
    { event: 'netfs_sreq', text: 'R=00000003[1] WRIT TERM  f=100 s=4000 8000/8000 e=0' },
    { event: 'netfs_rreq', text: 'R=00000003 2C FREE    f=2000' },
  ]);
  t.deepEqual(
    requests.map(({ kind, server_bytes, free_ns }) => [kind, server_bytes, free_ns]),
    [
      ['readahead', 0x1000, 4],
      [null, 0, 6],
    ],
  );
  t.deepEqual(
    subrequests.map(({ start, submit_ns, term_ns }) => [start, submit_ns, term_ns]),
    [
      [0xc000, null, 3],
      [0x4000, 1, 5],
    ],
  );
});

test('a read of any kind begins a request; only EXPANDED does not', (t) => {
  const begin = (what: string, rreq: number) => ({
    event: 'netfs_read',
    text: `R=0000000${rreq} ${what} c=00000002 ni=118f s=c000 l=1000 sz=8000`,
  });
  const { requests } = reduce('E6', [
    begin('PREFETCHW', 1),
    begin('DIO-READ ', 2),
    begin('READ-GAPS', 3),
    begin('SOMETHING', 4),
    begin('EXPANDED ', 4),
  ]);
  t.deepEqual(
    requests.map(({ kind, begin_ns, expanded_ns }) => [kind, begin_ns, expanded_ns]),
    [
      ['write_begin', 1, null],
      ['direct', 2, null],
      ['read_gaps', 3, null],
      [null, 4, 5],
    ],
  );
});

test('a slice of 9p that tells no SUBMT is under way since it was prepared, or born', (t) => {
  const { subrequests } = reduce('E12', [
    { event: 'netfs_read', text: 'R=00000001 READAHEAD c=00000000 ni=1 s=0 l=2000 sz=8000' },
    { event: 'netfs_rreq_ref', text: 'R=00000001 GET SUBREQ  r=3' },
    { event: 'netfs_sreq', text: 'R=00000001[1] DOWN TERM  f=112 s=0 2000/2000 s=0 e=0' },
    { event: 'netfs_rreq', text: 'R=00000001 RA FREE    f=102' },
    { event: 'netfs_read', text: 'R=00000002 READAHEAD c=00000003 ni=1 s=0 l=2000 sz=8000' },
    { event: 'netfs_rreq_ref', text: 'R=00000002 GET SUBREQ  r=3' },
    { event: 'netfs_sreq', text: 'R=00000002[1] ---- PREP  f=101 s=0 0/2000 s=0 e=0' },
    { event: 'netfs_sreq', text: 'R=00000002[1] DOWN TERM  f=113 s=0 2000/2000 s=0 e=0' },
    { event: 'netfs_rreq', text: 'R=00000002 RA FREE    f=102' },
  ]);
  t.deepEqual(
    subrequests.map(({ submit_ns, term_ns }) => [submit_ns, term_ns]),
    [
      [2, 3],
      [7, 8],
    ],
  );
});

test('a cache read that is retried from the server is one that failed', (t) => {
  const { subrequests } = reduce('E12', [
    { event: 'netfs_sreq', text: 'R=00000001[1] ---- PREP  f=100 s=0 0/2000 s=0 e=0' },
    { event: 'netfs_sreq', text: 'R=00000001[1] READ SUBMT f=100 s=0 0/2000 s=0 e=0' },
    { event: 'netfs_sreq', text: 'R=00000001[1] READ TERM  f=300 s=0 0/2000 s=0 e=-5' },
    { event: 'netfs_sreq', text: 'R=00000001[1] DOWN RETRY f=000 s=0 0/2000 s=0 e=-5' },
    { event: 'netfs_sreq', text: 'R=00000001[1] DOWN TERM  f=100 s=0 2000/2000 s=0 e=0' },
    { event: 'netfs_rreq', text: 'R=00000001 RA FREE    f=102' },
  ]);
  t.like(subrequests[0], { cache_fallbacks: 1, error: 0, transferred: 0x2000, submit_ns: 2 });
});

test('a write whose upload failed has failed, and one that the cache refused has not', (t) => {
  const { requests } = reduce('E12', [
    { event: 'netfs_sreq', text: 'R=00000001[1] UPLD TERM  f=500 s=0 0/2000 s=0 e=-5' },
    { event: 'netfs_rreq', text: 'R=00000001 WB FREE    f=902' },
    { event: 'netfs_sreq', text: 'R=00000002[1] WRIT TERM  f=500 s=0 0/2000 s=0 e=-105' },
    { event: 'netfs_rreq', text: 'R=00000002 WB FREE    f=902' },
  ]);
  t.deepEqual(
    requests.map(({ outcome }) => outcome),
    ['failed', 'ok'],
  );
});
