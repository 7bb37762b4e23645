/** The text of a lab's events with what differs from run to run left out. */
import type { MemorySink } from '../../src/core/trace/sink.js';

/** Events whose text matches, as `who event text`: reader, worker or irq. */
export function linesOf(sink: MemorySink, pattern: RegExp): string[] {
  return sink.lines().flatMap((line, i) => {
    if (!pattern.test(line)) return [];
    const comm = sink.rows[i]?.comm ?? '';
    const who = comm.startsWith('kworker') ? 'worker' : comm === '<idle>' ? 'irq' : 'reader';
    const text = line
      .replace(/ (ni|B|dB)=[0-9a-f]+/g, '')
      .replace(/([coRV])=0+(?=[0-9a-f])/g, '$1=')
      .replace(/^(netfs|cachefiles|fscache)_/, '')
      .replace(/ +/g, ' ');
    return `${who} ${text}`;
  });
}
