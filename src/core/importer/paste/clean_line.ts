/**
 * A line without its quote marks and other frames: `> > `, initials (`DH> `), `| `, Markdown code.
 * Called by segments.ts.
 */
import { withoutLogPrefix } from './log_prefix.js';

/** A line ready to be recognised. */
export interface CleanLine {
  /** Line of the document, counted from 1. */
  readonly where: number;
  /** Without quotes and trailing blanks; leading blanks kept. */
  readonly text: string;
  /** The same without what loggers put in front, and without leading blanks. */
  readonly bare: string;
  /** Without quotes and leading blanks, with what loggers put in front. */
  readonly raw: string;
  /** It had a log prefix. */
  readonly logged: boolean;
  /** A time or a caller of printk stood in front. */
  readonly stamped: boolean;
  /** How deep it is quoted. */
  readonly quoted: number;
  /** Characters of the line as it stood there, for what was wrapped. */
  readonly width: number;
}

/** Longest line that is looked at. */
const LINE_MAX = 8192;
const QUOTE = /^ ?(?:[A-Za-z]{0,3}>)(?: ?>){0,30} ?|^ {0,3}(?:> ?){1,30}/;

/** Cleans a line. */
export function cleanLine(line: string, where: number): CleanLine {
  const cut = line.length > LINE_MAX ? line.slice(0, LINE_MAX) : line;
  let text = cut.trimEnd();
  let quoted = 0;
  const quote = QUOTE.exec(text);
  // `->` and `=>` are no quotes; `<TASK>` has no mark in front.
  if (quote !== null) {
    quoted = quote[0].split('>').length - 1;
    text = text.slice(quote[0].length);
  }
  const log = withoutLogPrefix(text.trimStart());
  return {
    where,
    text: log.prefixed && (text.trimStart().startsWith('{') || log.time !== null) ? log.text : text,
    bare: log.text.trimStart(),
    raw: text.trimStart(),
    logged: log.prefixed,
    stamped: log.time !== null || log.caller !== '' || /^(?:kernel|<\d+>)/.test(text.trimStart()),
    quoted,
    width: cut.trimEnd().length,
  };
}
