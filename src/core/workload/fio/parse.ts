/**
 * The text of a fio job file: sections, comments, includes, variables. What the options mean is
 * `options.ts`'s and `job.ts`'s affair. Facts: fio's HOWTO ("Job file format").
 */
import { TraceParseError } from '../../base/errors.js';

/** One option of a section, as written. */
export interface RawOption {
  readonly name: string;
  /** Text behind `=`, variables replaced; undefined: a bare name. */
  readonly value: string | undefined;
  /** The text as it stands in the file. */
  readonly written: string;
  /** First variable in it that the environment has not; there it is empty, as in fio. */
  readonly unset: string | undefined;
  readonly file: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

/** One job: the options of the globals above it, then its own. */
export interface RawJob {
  readonly name: string;
  readonly options: readonly RawOption[];
  /** How many of them are of globals. */
  readonly inherited: number;
  readonly file: string;
  readonly line: number;
}

/** What the text depends on. */
export interface JobFileContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text of an included file, by its name as resolved; throws if there is none. */
  readonly include: (
    name: string,
    from: string,
  ) => { readonly text: string; readonly file: string };
  /** Values of `$ncpus`, `$mb_memory`, `$pagesize`. */
  readonly keywords: Readonly<Record<string, number>>;
}

/** Depth of includes. */
const NESTED_MAX = 16;

const VARIABLE = /\$\{([^}]*)\}/g;

const SECTION = /^\[(.*)\]$/;

/** True if the beginning of a file looks like a job file: a section in front of the options. */
export function isFioJobFile(head: string): boolean {
  for (const line of head.split('\n')) {
    const text = withoutComment(line);
    if (text === '') continue;
    return (
      SECTION.test(text) &&
      /^\s*(rw|readwrite|bs|size|filename|directory|ioengine|numjobs|runtime|iodepth|direct|include|stonewall|filesize|nrfiles|blocksize|name|description|group_reporting|read_iolog|time_based)\b/m.test(
        head,
      )
    );
  }
  return false;
}

/** Reads a job file. Throws a `TraceParseError` at a line that cannot be. */
export function parseJobFile(text: string, file: string, context: JobFileContext): RawJob[] {
  const reader = new JobFileReader(context);
  reader.read(text, file, 0);
  return reader.jobs;
}

class JobFileReader {
  readonly jobs: Array<RawJob & { readonly options: RawOption[] }> = [];
  readonly #context: JobFileContext;
  readonly #global: RawOption[] = [];
  #into: RawOption[] | undefined;

  constructor(context: JobFileContext) {
    this.#context = context;
  }

  read(text: string, file: string, depth: number): void {
    for (const [i, raw] of text.split('\n').entries()) {
      const line = withoutComment(raw);
      if (line === '') continue;
      const column = raw.length - raw.trimStart().length + 1;
      const place = { file, line: i + 1, column };
      const section = SECTION.exec(line);
      if (section !== null && depth > 0) throw fail(place, 'no section in an included file', line);
      if (section !== null) this.#section((section[1] as string).trim(), place);
      else if (/^include(\s|$)/.test(line)) this.#include(line, place, depth);
      else this.#option(line, place);
    }
  }

  #section(name: string, place: Place): void {
    if (name === '') throw fail(place, 'the name of a job between [ and ]', '[]');
    if (name.toLowerCase() === 'global') {
      this.#into = this.#global;
      return;
    }
    const { file, line } = place;
    const job = { name, options: [...this.#global], inherited: this.#global.length, file, line };
    this.jobs.push(job);
    this.#into = job.options;
  }

  #include(line: string, place: Place, depth: number): void {
    const name = line.slice('include'.length).trim();
    if (name === '') throw fail(place, 'the name of a file behind include', 'end of line');
    if (this.#into === undefined) throw fail(place, 'a section in front of include', line);
    if (depth >= NESTED_MAX) throw fail(place, `includes at most ${NESTED_MAX} deep`, line);
    let included: ReturnType<JobFileContext['include']>;
    try {
      included = this.#context.include(name, place.file);
    } catch (cause) {
      throw fail(place, `a file that can be read (${(cause as Error).message})`, name);
    }
    this.read(included.text, included.file, depth + 1);
  }

  #option(line: string, place: Place): void {
    if (this.#into === undefined) throw fail(place, 'a section ([global] or [NAME])', line);
    const equals = line.indexOf('=');
    const name = (equals < 0 ? line : line.slice(0, equals)).trim();
    if (!/^[\w-]+$/.test(name)) throw fail(place, 'an option (NAME=VALUE)', line);
    const written = equals < 0 ? '' : line.slice(equals + 1).trim();
    const value = equals < 0 ? undefined : this.#expand(written);
    const names = [...written.matchAll(VARIABLE)].map(([, each = '']) => each);
    const unset = names.find((each) => this.#context.env[each] === undefined);
    this.#into.push({ name, value, written, unset, ...place });
  }

  // `${VAR}` is the environment's; `$ncpus` is a number.
  #expand(value: string): string {
    const { env, keywords } = this.#context;
    const filled = value.replaceAll(VARIABLE, (_, name: string) => env[name] ?? '');
    const words = Object.keys(keywords).filter((word) => filled.includes(word));
    if (words.length === 0) return filled;
    let text = filled;
    for (const word of words) text = text.replaceAll(word, String(keywords[word]));
    // What stands around a keyword is arithmetic: `8*$mb_memory`.
    return /^[\d\s+*/%^().-]+$/.test(text) && !text.startsWith('(') && /[-+*/%^]/.test(text)
      ? `(${text})`
      : text;
  }
}

type Place = Pick<RawOption, 'file' | 'line' | 'column'>;

function fail({ file, line, column }: Place, expected: string, got: string): TraceParseError {
  return new TraceParseError(file, line, column, expected, got.slice(0, 100));
}

// From the first `;` or `#` on, wherever it stands, as fio has it.
function withoutComment(line: string): string {
  const at = line.search(/[;#]/);
  return (at < 0 ? line : line.slice(0, at)).trim();
}
