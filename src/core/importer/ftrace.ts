/**
 * The text of tracefs: `trace`, `trace_pipe`, `trace-cmd show`.
 *
 *     kops-135     [000] .....     7.791543: netfs_read: R=00000001 ...
 *
 * With or without a TGID column, with latency flags of any width or none.
 */

import { type LineFormat, scanEvent, type TextLine } from './text/line.js';
import { PrefixScanner } from './text/prefix.js';
import { textImporter } from './text/text.js';

class FtraceFormat implements LineFormat {
  readonly #prefix = new PrefixScanner();

  get prefix(): string {
    return this.#prefix.prefix;
  }

  parse(line: string, to: TextLine): boolean {
    const rest = this.#prefix.scan(line, to);
    return rest > 0 && scanEvent(line, rest, to);
  }
}

/** The importer of ftrace text. */
export const ftrace = textImporter({
  name: 'ftrace',
  doc: 'text of tracefs: trace, trace_pipe, trace-cmd show',
  priority: 50,
  what: 'task-pid [cpu] flags time: event: text',
  format: () => new FtraceFormat(),
});
