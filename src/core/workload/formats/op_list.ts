/** Op lists of our own, as a recording: `docs/reference/op-lists.md`. */
import { parseOp } from '../ops/language.js';
import { type FrontEnd, type Recording, RecordingBuilder } from '../recording.js';

/** Operations on a numbered file that no other format writes in this way. */
const NUMBERED = /^(?:open|close|fstat|touch|poke|msync|munmap|mincore)\s+\d+\b/;

function isOp(line: string): boolean {
  try {
    parseOp(line, '');
    return true;
  } catch {
    return false;
  }
}

/** Op lists. */
export const opList: FrontEnd = {
  name: 'op list',
  doc: 'operations of netfslab itself, one a line (docs/reference/op-lists.md)',
  recognises: (head) => {
    const lines = head.split('\n').map((line) => line.trim());
    const first = lines.find((line) => line !== '' && !line.startsWith('#')) ?? '';
    return NUMBERED.test(first) || isOp(first);
  },
  parse(text: string, file: string): Recording {
    const builder = new RecordingBuilder();
    for (const [i, line] of text.split('\n').entries()) {
      const trimmed = line.trim();
      if (trimmed === '' || trimmed.startsWith('#')) continue;
      builder.add({ op: parseOp(line, file, i + 1), line: i + 1, atNs: Number.NaN, task: 0 });
    }
    return builder.build('op list');
  },
};
