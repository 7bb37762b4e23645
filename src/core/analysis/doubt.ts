/**
 * Words of a trace that no table has, and what cannot be told because of them. The figures of
 * requests and slices are made of a few words: where one of these never occurs and a strange one
 * does, the strange one may be it. Called before any of these figures is given.
 */
import { UNKNOWN_WORDS } from '../store/schema.js';
import type { Capture } from '../store/types.js';
import { netfsSreqTraces } from '../trace/events/netfs_labels.js';

/** Tables and views whose rows are made of what the words of several events mean. */
const MADE_OF_WORDS = new Set([
  ...['request', 'request_timing', 'request_file', 'subrequest', 'subrequest_timing'],
  ...['provenance', 'latency'],
]);

/** Columns in which no strange word is harmless: the kind of a read, the source of a slice. */
const DECISIVE = ['netfs_read.what', 'netfs_sreq.source'];

/** Labels of `netfs_sreq.what` without which bytes and ends of slices are not known. */
const ESSENTIAL = ['terminated', 'write'] as const;

/** The words that no table has, by `event.column`. */
export function unknownWords({ info }: Pick<Capture, 'info'>): Readonly<Record<string, string[]>> {
  const options = JSON.parse(info.options || '{}') as Record<string, unknown>;
  return (options[UNKNOWN_WORDS] as Record<string, string[]> | undefined) ?? {};
}

/** Why what is made of these tables cannot be told; null if it can. */
export function doubtOf(capture: Capture, needs: readonly string[]): string | null {
  if (!needs.some((table) => MADE_OF_WORDS.has(table))) return null;
  const unknown = unknownWords(capture);
  for (const column of DECISIVE) {
    const words = unknown[column];
    if (words !== undefined) return `no table has the word ${told(words, column)}`;
  }
  const steps = unknown['netfs_sreq.what'];
  if (steps === undefined) return null;
  for (const id of ESSENTIAL) {
    const word = netfsSreqTraces.text('E1', netfsSreqTraces.id[id]);
    const sql = 'SELECT 1 FROM "netfs_sreq" WHERE "what" = @word LIMIT 1';
    if (capture.get(sql, { word }) !== undefined) continue;
    const which = told(steps, 'netfs_sreq.what');
    return `no slice has the word ${word}; it may be ${which}, which no table has`;
  }
  return null;
}

function told(words: readonly string[], column: string): string {
  const more = words.length > 3 ? ` and ${words.length - 3} more` : '';
  return `${words.slice(0, 3).join(' or ')}${more} (${column.split('.')[0]})`;
}
