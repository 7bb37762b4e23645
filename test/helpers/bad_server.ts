/**
 * A server that misbehaves: stands between the client and the real server (lab option `wrapServer`)
 * and cuts replies short, inflates them or turns them into errors. Delays and counters stay the
 * real server's.
 */
import type { SegmentList } from '../../src/core/io/types.js';
import type { FetchTarget, Server } from '../../src/core/server/types.js';
import { forward } from './forward_server.js';

/** What is wrong with one reply. */
export interface Misbehaviour {
  /** Send at most this many bytes. */
  readonly most?: number;
  /** Send nothing and answer with this negative errno. */
  readonly error?: number;
  /** Claim this many bytes more than were sent. */
  readonly surplus?: number;
}

/** One fetch, numbered from 0 in the order in which the server gets them. */
export interface Fetch {
  readonly number: number;
  readonly name: string;
  readonly position: number;
  readonly count: number;
}

/**
 * Makes a `wrapServer` option: `plan` says what is wrong with the reply to a fetch, if anything.
 */
export function misbehave(
  plan: (fetch: Fetch) => Misbehaviour | undefined,
): (server: Server) => Server {
  return (server) => {
    let number = 0;
    return forward(server, {
      fetch(file, position, into, done) {
        const { count } = into;
        const wrong = plan({ number: number++, name: file.name, position, count }) ?? {};
        const { error, surplus = 0 } = wrong;
        const most = error === undefined ? (wrong.most ?? count) : 0;
        server.fetch(file, position, firstBytes(into, most), ({ result, status }) => {
          if (error !== undefined) done({ result: error, status: undefined });
          else done({ result: result < 0 ? result : result + surplus, status });
        });
      },
    });
  };
}

/** The first `most` bytes of a target. */
export function firstBytes(target: FetchTarget, most: number): FetchTarget {
  const count = Math.min(most, target.count);
  return {
    count,
    segments(list: SegmentList) {
      target.segments(list);
      let left = count;
      let kept = 0;
      for (const segment of list.segments.slice(0, list.count)) {
        if (left === 0) break;
        segment.length = Math.min(segment.length, left);
        left -= segment.length;
        kept++;
      }
      list.count = kept;
    },
  };
}
