/**
 * Takes off what loggers put in front of a line: syslog, journalctl, dmesg with any of its times,
 * ISO collectors, docker, kubectl and CRI, caller ids of printk, grep. Called on lines of kernel
 * logs and on pasted traces. Lines are short and cut before, so the expressions stay quick.
 */

/** A line without its log prefixes. */
export interface LogLine {
  readonly text: string;
  /** The time as printed, as precise as there is one; null = none. */
  readonly time: string | null;
  /** Task or processor that printed it (`T88`, `C1`), '' = not told. */
  readonly caller: string;
  /** Something was taken off. */
  readonly prefixed: boolean;
  /** Tag of a program other than the kernel (`cachefilesd`), '' = the kernel or not told. */
  readonly program: string;
}

const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)';
const ISO = String.raw`(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z| ?[-+]\d\d:?\d\d| [A-Z]{3,5}(?= ))?`;
/** A host and a program, as syslog has them; two words of an oops are no host and program. */
const TAG = String.raw`(?!Hardware name:|Call Trace:)[\w.-]{1,253} {1,2}(?<p>[\w./@()-]{1,60})(?:\[\d{1,10}\])?`;
const SYSLOG = String.raw`${MONTH} {1,2}\d{1,2} (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{1,9})?`;
const DAY = String.raw`(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} {1,2}\d{1,2} \d\d:\d\d:\d\d \d{4}`;

/** Takes off one prefix: group `t` is its time, `c` a caller, `p` a program. */
const PREFIXES: readonly RegExp[] = [
  /^<\d{1,3}>(?:1 (?=\d{4}-))?/,
  // dmesg -x: facility and level.
  /^(?:kern|user|daemon|syslog|auth) {0,3}: ?(?:emerg|alert|crit|err|warn|notice|info|debug) {0,3}: ?/,
  // printk, its caller, and dmesg -T, -e, -d.
  /^\[(?<t> {0,8}\d{1,10}\.\d{1,9})(?: <[ \d.]{1,20}>)?\] ?/,
  /^\[ {0,6}(?<c>[TC]\d{1,8})(?:@C?\d+)?\]:? ?/,
  new RegExp(String.raw`^\[(?<t>${DAY}|${ISO}|${MONTH} {0,2}\d{1,2} \d\d:\d\d)\] ?`),
  /^\[ {0,8}\+\d{1,8}\.\d{3,9}\] ?/,
  // CRI, then plain ISO times with or without a host and a tag.
  new RegExp(`^(?<t>${ISO}) (?:stdout|stderr) [FP] ?`),
  new RegExp(String.raw`^(?<t>${ISO})[ \t]{1,4}${TAG}: ?(?=\S|$)`),
  new RegExp(String.raw`^(?<t>${ISO})[ \t]{1,4}(?<p>kernel): ?`),
  new RegExp(String.raw`^(?<t>${ISO})(?:[ \t|]{1,4}|$)`),
  new RegExp(`^(?<t>${SYSLOG}) ${TAG}: ?`),
  new RegExp(`^(?<t>${SYSLOG}) (?<p>kernel): ?`),
  new RegExp(String.raw`^(?<t>${SYSLOG}) (?:\S{1,253} )?(?=\[ *\d)`),
  // RFC 5424 behind its time: host, program, process, message id, data.
  /^\S{1,253} (?<p>kernel) (?:-|\d+) - - /,
  // journalctl -o cat with a tag left over; a host before it.
  /^(?:[\w.-]{1,64} )?(?<p>kernel)(?:\[\d+\])?: ?/,
  // kmsg as the device gives it.
  /^\d{1,3},\d{1,12},(?<t>\d{1,16}),[-cC,=\w]{1,40};/,
  // kubectl logs --prefix, docker compose.
  /^\[pod\/[\w.-]{1,253}\/[\w.-]{1,63}\] /,
  /^[\w.-]{1,63} {1,20}\| /,
  // serial consoles and test beds.
  /^(?:\[console\]|\(XEN\)|ttyS\d:) ?/,
];

/** Prefixes of one line that are taken off. */
const DEPTH = 6;

/** A line without what loggers put in front of it. */
export function withoutLogPrefix(line: string): LogLine {
  let text = openContainer(line);
  let prefixed = text !== line;
  let time: string | null = null;
  let caller = '';
  let program = '';
  for (let depth = 0; depth < DEPTH; depth++) {
    const match = firstPrefix(text);
    if (match === null) break;
    text = text.slice(match[0].length);
    prefixed = true;
    const { t, c, p } = match.groups ?? {};
    if (t !== undefined) time = t.trim();
    if (c !== undefined) caller = c;
    if (p !== undefined && p !== 'kernel') program = p;
    // A program's own line may look like anything.
    if (program !== '') break;
  }
  return { text, time, caller, prefixed, program };
}

function firstPrefix(text: string): RegExpExecArray | null {
  for (const prefix of PREFIXES) {
    const match = prefix.exec(text);
    if (match !== null && match[0] !== '') return match;
  }
  return null;
}

/** The message in a line of Docker's, the journal's or another collector's JSON. */
function openContainer(line: string): string {
  const start = line.trimStart();
  if (!start.startsWith('{') || !start.trimEnd().endsWith('}')) {
    const journal = /^MESSAGE=(.*)$/.exec(line);
    return journal?.[1] ?? line;
  }
  try {
    const parsed: unknown = JSON.parse(start);
    const fields = parsed as Record<string, unknown>;
    for (const name of ['log', 'MESSAGE', 'message', 'msg', 'line', 'text']) {
      const value = fields[name];
      if (typeof value === 'string') return value.replace(/\r?\n$/, '');
    }
  } catch {
    // Not JSON after all.
  }
  return line;
}
