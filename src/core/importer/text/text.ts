/**
 * Reads a trace that is text, whatever its form: bytes to lines, lines to events, several lines to
 * one event. Each form gives a `LineFormat` and is made an importer here.
 */
import { tracepointNamed } from '../../trace/index.js';
import { DamagedData } from '../decompress.js';
import { LINE_MAX, LineSplitter, utf8 } from '../lines.js';
import { MailCleaner } from '../mail.js';
import type {
  EventSink,
  ImportContext,
  Importer,
  Input,
  Sample,
  Sniffed,
  Survey,
} from '../types.js';
import { ByteLines } from './byte_lines.js';
import { type LineFormat, TextLine } from './line.js';

/** What one form of text is. */
export interface TextForm {
  readonly name: string;
  readonly doc: string;
  readonly priority: number;
  /** What a line looks like, for the evidence. */
  readonly what: string;
  /** A new format; it may remember lines. */
  format(): LineFormat;
  /** True for a line that only this form prints; without it, lines it can read are enough. */
  distinct?(line: string): boolean;
  /** A line that goes on an event, without what the form puts in front of every line. */
  bare?(line: string): string;
  /** True for a line that belongs to the form and carries no event. */
  skips?(line: string): boolean;
  /** Lines that are no events are usual among those of this form. */
  readonly noise?: boolean;
  /** It prints the numbers of words. */
  readonly numbers?: boolean;
}

/** Makes a form of text an importer. */
export function textImporter(form: TextForm): Importer {
  return {
    name: form.name,
    doc: form.doc,
    priority: form.priority,
    unit: 'line',
    numbers: form.numbers ?? false,
    sniff: (head) => sniff(form, head),
    survey: async (input, context) => survey(form, input, context),
    async read(input, out, context) {
      const reader = new TextReader(form, out, context);
      let done = 0;
      try {
        for await (const chunk of input.chunks()) {
          if (context.signal?.aborted) break;
          reader.feed(chunk);
          done += chunk.length;
          context.progress?.(done);
        }
        reader.end();
      } catch (error) {
        if (!(error instanceof DamagedData)) throw error;
        // First, as it is why the last line is cut off.
        reader.damaged(error.message);
        reader.end();
      }
    },
  };
}

/** Lines that are judged, and bytes they are looked for in. */
const JUDGED_LINES = 2000;
const JUDGED_BYTES = 1 << 18;

function sniff(form: TextForm, head: Uint8Array): Sniffed | null {
  const format = form.format();
  const line = new TextLine();
  const count = { events: 0, lines: 0, distinct: 0, damaged: 0 };
  const splitter = new LineSplitter((text) => {
    if (count.lines >= JUDGED_LINES || isHeading(text)) return;
    count.lines++;
    if (form.distinct?.(text)) count.distinct++;
    if (format.parse(text, line)) count.events++;
  });
  splitter.feed(head.subarray(0, JUDGED_BYTES));
  if (head.length <= JUDGED_BYTES) splitter.end();
  if (count.events === 0) return null;
  if (form.distinct !== undefined && count.distinct * 5 < count.events) return null;
  const evidence = `${count.events} of ${count.lines} lines are ${form.what}`;
  // What only this form prints outweighs what others can read too.
  const score = count.events / count.lines;
  return { score: form.distinct === undefined ? 0.9 * score : score, evidence };
}

/** Blank lines and headings, and what the kernel and trace-cmd print between events. */
function isHeading(line: string): boolean {
  const first = line.charCodeAt(0);
  // Nearly every line of a trace begins with a blank or a letter of a name.
  if (first === 35 || line === '') return true;
  return /^(?:\s*$|cpus=\d+$|version = |CPU \d+ is empty|CPU:\d+ \[|\s*\.\.\.\s*$|-+$)/.test(line);
}

/** Samples of one event that are enough. */
const SAMPLES = 200;

function survey(form: TextForm, input: Input, context: ImportContext): Survey {
  const samples: Sample[] = [];
  const counts = new Map<string, number>();
  let firstNs: bigint | null = null;
  const era = 'E3';
  const sample = (name: string, text: string): void => {
    const count = counts.get(name) ?? 0;
    if (count >= SAMPLES) return;
    counts.set(name, count + 1);
    samples.push([name, text]);
  };
  const out: EventSink = {
    era,
    origin(first) {
      firstNs ??= first;
      return firstNs;
    },
    event: (_head, _system, name, text) => sample(name, text),
    row() {},
    marker() {},
    lost() {},
    damaged() {},
    skipped() {},
  };
  const reader = new TextReader(form, out, context);
  reader.feed(input.head);
  reader.end();
  return { samples, kernel: null, clock: null, firstNs };
}

const NS_PER_S = 1_000_000_000;
/** What tracefs, trace-cmd and perf say of events that the kernel dropped, on a console or not. */
const LOST = /^(?:.{0,80}\] )?CPU:\d+ \[(?:LOST )?(\d*) ?EVENTS|PERF_RECORD_LOST\S* lost (\d+)/;
/** Longest text of an event of several lines. */
const TEXT_MAX = 1 << 16;

/** Most lines that are read the slow way without another look. */
const SLOW_MAX = 64;
const NEWLINE = 10;

/** Reads the lines of one input. */
class TextReader {
  readonly #form: TextForm;
  readonly #format: LineFormat;
  readonly #out: EventSink;
  readonly #splitter: LineSplitter;
  readonly #cleaner: MailCleaner | null;
  /** The line at hand, and the event that may go on in the next line. */
  #line = new TextLine();
  #held = new TextLine();
  #heldWhere = 0;
  #number = 0;
  /** The quick way; null where lines are changed before they are read. */
  readonly #bytes: ByteLines | null;
  /** Lines that are read the slow way before the quick one is tried again. */
  #slow = 1;
  /** Whether an event may have several lines, by its name. */
  readonly #several = new Map<string, boolean>();
  #originSeconds = -1;
  #originNs = 0;
  #lastNs = 0;

  constructor(form: TextForm, out: EventSink, { mail }: ImportContext) {
    this.#form = form;
    this.#format = form.format();
    this.#out = out;
    const quick = out.eventBytes !== undefined && mail === null;
    this.#bytes = quick ? new ByteLines(out) : null;
    this.#cleaner = mail === null ? null : new MailCleaner(mail, (line) => this.#take(line, false));
    this.#splitter = new LineSplitter((line, cut) => {
      this.#number++;
      if (this.#cleaner === null) this.#take(line, cut);
      else this.#cleaner.feed(line);
    });
  }

  feed(chunk: Uint8Array): void {
    if (this.#bytes === null || !this.#timesKnown) this.#splitter.feed(chunk);
    else this.#feedBytes(this.#bytes, chunk);
  }

  #feedBytes(bytes: ByteLines, chunk: Uint8Array): void {
    // What is left of the last piece goes on.
    let from = this.#splitter.pending ? this.#toSplitter(chunk, 0, 1) : 0;
    const whole = chunk.lastIndexOf(NEWLINE) + 1;
    while (from < whole) {
      // What may go on is let go by the slow way, when it knows that this is another event.
      let end = this.#heldWhere === 0 ? bytes.read(chunk, from) : -1;
      if (end < 0 && bytes.isNew && this.#learnFront(bytes, chunk, from)) {
        end = bytes.read(chunk, from);
      }
      if (end < 0) {
        from = this.#toSplitter(chunk, from, this.#slow);
        this.#slow = Math.min(2 * this.#slow, SLOW_MAX);
      } else {
        from = end;
        this.#number++;
        this.#lastNs = bytes.ns;
        this.#slow = 1;
      }
    }
    if (from < chunk.length) this.#splitter.feed(chunk.subarray(from));
  }

  /** Makes the front of a line known, whose rest may be read the quick way; false if it is none. */
  #learnFront(bytes: ByteLines, chunk: Uint8Array, from: number): boolean {
    const end = Math.min(chunk.indexOf(NEWLINE, from), from + LINE_MAX);
    const text = Buffer.from(chunk.buffer, chunk.byteOffset + from, end - from).toString('latin1');
    if (!this.#parse(text) || !this.#format.prefix) return false;
    bytes.learn(this.#format.prefix, this.#line);
    return true;
  }

  /** Reads a number of lines the slow way; returns where the next begins. */
  #toSplitter(chunk: Uint8Array, from: number, lines: number): number {
    let to = from;
    for (let i = 0; i < lines && to < chunk.length; i++) {
      const end = chunk.indexOf(NEWLINE, to);
      to = end < 0 ? chunk.length : end + 1;
    }
    this.#splitter.feed(chunk.subarray(from, to));
    return to;
  }

  end(): void {
    this.#splitter.end();
    this.#cleaner?.end();
    this.#release();
  }

  damaged(what: string): void {
    this.#out.damaged(this.#number, what);
  }

  /** Reads a line into `#line`; false if it is no event. A format sets what it finds, no more. */
  #parse(text: string): boolean {
    this.#line.timed = true;
    this.#line.system = '';
    return this.#format.parse(text, this.#line);
  }

  #take(text: string, cut: boolean): void {
    const line = this.#line;
    const isEvent = this.#parse(text);
    if (cut) {
      const kept = isEvent ? ', kept up to there' : '';
      this.#out.damaged(this.#number, `a line of more than ${LINE_MAX} bytes${kept}`);
    }
    if (!isEvent) {
      if (!cut) this.#other(text);
      return;
    }
    if (this.#heldWhere !== 0) this.#release();
    this.#setTime(line);
    if (this.#format.prefix) this.#bytes?.learn(this.#format.prefix, line);
    if (this.#cleaner === null && !this.#mayGoOn(line.event)) {
      const { system, event } = line;
      this.#out.event(line, system, event, line.text, this.#number);
      return;
    }
    this.#line = this.#held;
    this.#held = line;
    this.#heldWhere = this.#number;
  }

  /** A line that is no event: part of the last one, a heading, or not understood. */
  #other(text: string): void {
    const where = this.#number;
    if (this.#heldWhere !== 0 && this.#extend(text)) return;
    const lost = LOST.exec(text);
    const heading = /entries-in-buffer\/entries-written: (\d+)\/(\d+)/.exec(text.slice(0, 200));
    if (lost !== null) {
      this.#out.lost(Number(lost[1] ?? lost[2]), where);
    } else if (heading !== null && Number(heading[2]) > Number(heading[1])) {
      this.#out.lost(Number(heading[2]) - Number(heading[1]), where, heading[0]);
    } else if (this.#form.noise || this.#cleaner !== null || this.#isSkipped(text)) {
      this.#out.skipped(where);
    } else {
      this.#out.damaged(where, `not an event: ${JSON.stringify(utf8(text.slice(0, 60)))}`);
    }
  }

  #isSkipped(text: string): boolean {
    return isHeading(text) || (this.#form.skips?.(text) ?? false);
  }

  /** Adds a line to the event that is held; false if it does not belong to it. */
  #extend(text: string): boolean {
    const held = this.#held;
    if (held.text.length + text.length > TEXT_MAX) return false;
    if (this.#cleaner === null && !this.#form.noise) {
      if (text.startsWith('#') || LOST.test(text)) return false;
      held.text += `\n${text}`;
      return true;
    }
    // What was wrapped goes on until it is what the kernel prints.
    const tracepoint = tracepointNamed(held.event, this.#out.era);
    if (tracepoint === undefined || text.trim() === '') return false;
    if (tracepoint.parse(held.text.trimEnd(), this.#out.era) !== null) return false;
    const lines = tracepoint.format(this.#out.era)?.format.split('\n').length ?? 1;
    // An event of several lines first gets those; only then one may have been wrapped.
    const more = this.#form.bare?.(text) ?? text;
    if (lines > 1 && held.text.split('\n').length < lines) held.text += `\n${more}`;
    else held.text = `${held.text.trimEnd()} ${more.trim()}`.trimStart();
    return true;
  }

  #release(): void {
    if (this.#heldWhere === 0) return;
    const { system, event, text } = this.#held;
    const where = this.#heldWhere;
    this.#heldWhere = 0;
    const plain = this.#cleaner === null ? text : text.trimEnd();
    this.#out.event(this.#held, system, event, plain, where);
  }

  #mayGoOn(event: string): boolean {
    let several = this.#several.get(event);
    if (several === undefined) {
      const tracepoint = tracepointNamed(event, this.#out.era);
      const format = tracepoint?.format(this.#out.era);
      several = format === undefined || format === null || format.format.includes('\n');
      if (event === 'tracing_mark_write') several = true;
      // A name in a hostile file must not fill memory.
      if (this.#several.size < 4096) this.#several.set(utf8(event), several);
    }
    return several;
  }

  get #timesKnown(): boolean {
    return this.#originSeconds >= 0;
  }

  #setTime(line: TextLine): void {
    if (!line.timed) {
      // Lines without a time keep their order.
      line.ns = ++this.#lastNs;
      return;
    }
    if (!this.#timesKnown) {
      const first = BigInt(line.seconds) * BigInt(NS_PER_S) + BigInt(line.nanoseconds);
      const origin = this.#out.origin(first);
      this.#originSeconds = Number(origin / BigInt(NS_PER_S));
      this.#originNs = Number(origin % BigInt(NS_PER_S));
      this.#bytes?.origin(this.#originSeconds, this.#originNs);
    }
    line.ns = (line.seconds - this.#originSeconds) * NS_PER_S + line.nanoseconds - this.#originNs;
    this.#lastNs = line.ns;
  }
}
