/**
 * The text of `trace-cmd report`, which pads the names of events and does without flags:
 *
 *     kops-135   [000]     7.791543: netfs_read:           R=00000001 ...
 *
 * Also with -R (raw fields), -t (nanoseconds), -l (latency format) and --ts-diff. Where it could
 * not find the words of an enum it prints their numbers; text.ts turns these into words again.
 */
import { ERAS } from '../trace/eras.js';
import { TRACEPOINTS } from '../trace/index.js';
import { blanksEnd, type LineFormat, scanEvent, type TextLine } from './text/line.js';
import { PrefixScanner } from './text/prefix.js';
import { textImporter } from './text/text.js';

/** What trace-cmd prints in front of a text written to trace_marker: an address or a function. */
const PRINT_PLACE = /^\s*(?:buf=|(?:0x[0-9a-f]+|[\w.]+(?:\+0x[0-9a-f]+)?): ?|ip=\S+ buf=)/;

/** Blanks that the kernel prints in front of the text of an event, which padding hides. */
const OWN_BLANKS = new Map(
  TRACEPOINTS.flatMap((each) => {
    const formats = ERAS.map((era) => each.format(era)?.format ?? '');
    const blanks = formats.map((format) => /^ */.exec(format)?.[0] ?? '').find((own) => own !== '');
    return blanks === undefined ? [] : [[each.name, blanks] as const];
  }),
);

class ReportFormat implements LineFormat {
  readonly #prefix = new PrefixScanner();

  parse(line: string, to: TextLine): boolean {
    let rest = this.#prefix.scan(line, to);
    if (rest < 0) return false;
    rest = blanksEnd(line, rest);
    if (line.startsWith('(+', rest)) rest = blanksEnd(line, line.indexOf(')', rest) + 1);
    if (!scanEvent(line, rest, to)) return false;
    if (to.event === 'print') {
      to.event = 'tracing_mark_write';
      to.text = to.text.replace(PRINT_PLACE, '');
    } else {
      to.text = (OWN_BLANKS.get(to.event) ?? '') + to.text.trimStart();
    }
    return true;
  }
}

/** The importer of trace-cmd's report. */
export const report = textImporter({
  name: 'report',
  doc: 'text of trace-cmd report, with any of its options',
  priority: 40,
  what: 'task-pid [cpu] time: event:  text in columns',
  format: () => new ReportFormat(),
  // Only trace-cmd pads names, of which hardly any is as long as its column.
  distinct: (line) => /\d: +(?:\(\+\d+\) +)?[\w-]+: {2,}\S/.test(line.slice(0, 200)),
  numbers: true,
});
