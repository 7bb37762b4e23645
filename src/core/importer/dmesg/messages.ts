/**
 * Finds what a line of a kernel log says in the table of messages. Called by read_log.ts with lines
 * whose log prefix is taken off.
 *
 * In v6.8 fscache became part of the netfs module, so `FS-Cache: X` and `netfs: X` are one message:
 * every message is known under both prefixes.
 */
import { BUG_ROWS, MESSAGE_ROWS, WAIT_ROWS, WARNING_ROWS } from './messages_data.js';

/** First and last release that has something; '' = older than v5.1, or still there. */
export interface Releases {
  readonly since: string;
  readonly until: string;
}

/** A message of the kernel. */
export interface Message extends Releases {
  readonly prefix: string;
  /** As printf has it. */
  readonly format: string;
  readonly severity: string;
  /** `yes`, `mostly`, `usually` or `no`. */
  readonly harmless: string;
  readonly meaning: string;
  readonly cause: string;
  readonly next: string;
}

/** What a function in a call trace tells. */
export interface FunctionNote extends Releases {
  readonly name: string;
  /** What is wrong, or what the task waits for. */
  readonly meaning: string;
  /** The usual cause, or who wakes the task. */
  readonly cause: string;
  readonly next: string;
}

/** Prefixes that are one and the same. */
const FSCACHE = ['FS-Cache', 'netfs', 'fscache'];
/** Subsystems whose unknown messages are shown as unknown. */
const OWN = /^(?:netfs|FS-Cache|CacheFiles): (?=.)/;
const PREFIX =
  /^(netfs|FS-Cache|CacheFiles|9p(?:net(?:_\w+)?)?|kafs: addr_prefs|CIFS|ceph)(?:: (?:\[[^\]]{1,80}\]: )?| (?=VFS: ))/;

interface Pattern {
  readonly message: Message;
  readonly regex: RegExp;
  /** Longest piece of the format that is no number or text; looked for first, as that is quick. */
  readonly piece: string;
}

const rowsOf = (text: string) => text.split('\n').filter((line) => line !== '');

const NUMBERS: Readonly<Record<string, string>> = {
  d: '(-?\\d+)',
  u: '(\\d+)',
  x: '([0-9a-f]+)',
  o: '([0-7]+)',
  c: '(.)',
  p: '(\\S+)',
};

/** A conversion of printf, those of the kernel included. */
const CONVERSION = /(%%|%[-0*.\d]*(?:phN|pISp|pSR|pd2?|pU|px|p|(?:ll|l|hh|h|z)?[duxosc]))/;

/** The regular expression of a printf format, matched from the beginning of a text. */
function regexOf(format: string): RegExp {
  // Before v5.15 objects had no number.
  const source = format
    .replace(/ \[o=%08x\]$/, '')
    .split(CONVERSION)
    .map((piece, i) => {
      if (i % 2 === 0) {
        // The comparison of an assertion.
        if (piece === ' OP ') return ' \\S{1,2} ';
        return piece.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
      }
      if (piece === '%%') return '%';
      const kind = piece.at(-1) as string;
      if (/p(?:hN|ISp|SR|d2?|U|x)$/.test(piece) || kind === 's') return '(.*?)';
      return NUMBERS[kind] as string;
    })
    .join('');
  return new RegExp(`^${source}${/%\S*s$/.test(format) ? '\\s*$' : ''}`);
}

function pieceOf(format: string): string {
  const pieces = format
    .replace(/ \[o=%08x\]$/, '')
    .split(CONVERSION)
    .filter((piece, i) => i % 2 === 0 && piece !== ' OP ');
  return pieces.reduce((best, piece) => (piece.length > best.length ? piece : best), '').trim();
}

const PATTERNS: readonly Pattern[] = rowsOf(MESSAGE_ROWS).map((row) => {
  const [prefix = '', format = '', severity = '', since = '', until = '', ...rest] =
    row.split('\t');
  const [harmless = '', meaning = '', cause = '', next = ''] = rest;
  const message = { prefix, format, severity, since, until, harmless, meaning, cause, next };
  return { message, regex: regexOf(format), piece: pieceOf(format) };
});

const groupOf = (prefix: string) =>
  FSCACHE.includes(prefix) ? 'netfs' : prefix.startsWith('9p') ? '9p' : prefix;

const BY_PREFIX = new Map<string, Pattern[]>();
for (const pattern of PATTERNS) {
  const group = groupOf(pattern.message.prefix);
  BY_PREFIX.set(group, [...(BY_PREFIX.get(group) ?? []), pattern]);
}

/** A message that was found. */
export interface MatchedMessage {
  readonly message: Message;
  /** The text behind its prefix. */
  readonly text: string;
  /** What stands for the conversions of its format. */
  readonly values: readonly string[];
}

/** The message of a line, null if none is known. `within` also finds parts of a dump of netfs. */
export function matchMessage(line: string, within = false): MatchedMessage | null {
  const prefix = PREFIX.exec(line);
  const text = prefix === null ? line : line.slice(prefix[0].length);
  const group = prefix === null ? '' : groupOf(prefix[1] as string);
  const groups = [group, ...(prefix === null ? (within ? ['netfs', 'CacheFiles'] : []) : [''])];
  for (const each of groups) {
    for (const { message, regex, piece } of BY_PREFIX.get(each) ?? []) {
      if (!text.includes(piece)) continue;
      const match = regex.exec(text);
      if (match !== null) return { message, text, values: match.slice(1) };
    }
  }
  return null;
}

/** Filesystems of which what speaks of a failure or of a cache is shown, known or not. */
const OTHERS = /^(?:9p(?:net\w*)?|kAFS|AFS|CIFS|NFS|ceph|libceph|erofs)\b[^:]{0,40}: (?=.)/;
const FAILURE = /fail|error|fscache|cookie|cache|unable|timed out|not respond|no channels|\(-\d/i;

/** True for a line of a filesystem that tells a failure, or of a cache. */
export function isFailure(line: string): boolean {
  return OTHERS.test(line) && FAILURE.test(line);
}

/** True for a line of netfs, FS-Cache or CacheFiles, known or not. */
export function isOwnMessage(line: string): boolean {
  return OWN.test(line);
}

const notes = (rows: string): ReadonlyMap<string, FunctionNote> =>
  new Map(
    rowsOf(rows).map((row) => {
      const [name = '', since = '', until = '', meaning = '', cause = '', next = ''] =
        row.split('\t');
      return [name, { name, since, until, meaning, cause, next }];
    }),
  );

/** What a warning in a function means, by its name. */
export const WARNINGS = notes(WARNING_ROWS);
/** What a BUG in a function means. */
export const BUGS = notes(BUG_ROWS);
/** What a task that sleeps in a function waits for. */
export const WAITS = notes(WAIT_ROWS);

/** Every message, for tests and for documentation. */
export const MESSAGES: readonly Message[] = PATTERNS.map(({ message }) => message);

/** Releases in words, null where they are all. */
export function releasesText({ since, until }: Releases): string | null {
  if (since === '' && until === '') return null;
  if (since === '') return `up to v${until}`;
  return until === '' ? `v${since} and later` : `v${since} to v${until}`;
}
