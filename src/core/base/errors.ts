/**
 * Every class of error the program throws. Inside the engine failures are data (negative errno);
 * they become an `ErrnoError` once, in `vfs/`. Only `cli/` prints errors and knows exit codes.
 */
import { type ErrnoName, errnoName, errnoOf, errnoText } from './errno.js';

/** The simulated or real system failed; shaped as Node.js shapes system errors. */
export class ErrnoError extends Error {
  override readonly name = 'ErrnoError';
  /** Symbolic name, `EIO`. */
  readonly code: string;
  /** Negative number, as in the kernel: -5. */
  readonly errno: number;
  readonly syscall: string;
  readonly path: string | undefined;
  /** What the user can do about it, one sentence without a full stop. */
  readonly hint: string | undefined;

  constructor(
    errno: number | ErrnoName,
    syscall: string,
    path?: string,
    options: { cause?: unknown; hint?: string; text?: string } = {},
  ) {
    const number = typeof errno === 'string' ? errnoOf(errno) : Math.abs(errno);
    const code = errnoName(number);
    const text = options.text ?? errnoText(number);
    super(`${code}: ${text}, ${syscall}${path === undefined ? '' : ` '${path}'`}`, {
      cause: options.cause,
    });
    this.code = code;
    this.errno = -number;
    this.syscall = syscall;
    this.path = path;
    this.hint = options.hint;
  }
}

/** A flag, argument or parameter is wrong: names the option, what was expected and what came. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly option: string;
  readonly hint: string | undefined;

  constructor(option: string, message: string, hint?: string) {
    super(`${option}: ${message}`);
    this.option = option;
    this.hint = hint;
  }
}

/** A line of a trace is not what its format says. `line` and `column` count from 1. */
export class TraceParseError extends Error {
  override readonly name = 'TraceParseError';
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly text: string;

  constructor(file: string, line: number, column: number, expected: string, text: string) {
    super(`${file}:${line}:${column}: expected ${expected}, got ${JSON.stringify(text)}`);
    this.file = file;
    this.line = line;
    this.column = column;
    this.text = text;
  }
}

/** No importer recognised the input. */
export class TraceFormatError extends Error {
  override readonly name = 'TraceFormatError';
  readonly file: string;
  readonly tried: readonly string[];

  constructor(file: string, tried: readonly string[]) {
    super(`${file}: not recognised as any of: ${tried.join(', ')}`);
    this.file = file;
    this.tried = tried;
  }
}

/** Not a database of ours, one of another schema version, or one still being written. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly file: string;
  readonly hint: string | undefined;

  constructor(file: string, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(`${file}: ${message}`, { cause: options.cause });
    this.file = file;
    this.hint = options.hint;
  }
}

/** We are wrong. Carries the seed that shows it, where there is one. */
export class Bug extends Error {
  override readonly name = 'Bug';
  readonly seed: number | undefined;

  constructor(message: string, options: { seed?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.seed = options.seed;
  }
}

/** Bytes read through the engine are not the bytes of the source file. */
export class VerificationError extends Error {
  override readonly name = 'VerificationError';
  readonly file: string;
  /** Position of the first byte that differs. */
  readonly offset: number;
  readonly hint: string | undefined;

  constructor(file: string, offset: number, message: string, hint?: string) {
    super(`${file}: at byte ${offset}: ${message}`);
    this.file = file;
    this.offset = offset;
    this.hint = hint;
  }
}
