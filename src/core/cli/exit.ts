/** The exit codes, and which error ends with which: the only place that knows them. */
import { Errors } from '@oclif/core';
import {
  Bug,
  ErrnoError,
  StoreError,
  TraceFormatError,
  TraceParseError,
  UsageError,
  VerificationError,
} from '../base/errors.js';

/** Exit codes of every command; `--help` prints them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  input: 3,
  verification: 4,
  bug: 70,
  interrupted: 130,
} as const;

/** What each exit code means, in the words of `--help` and of the README. */
export const EXIT_DOC: readonly (readonly [code: number, meaning: string])[] = [
  [EXIT.ok, 'done'],
  [EXIT.failed, 'findings, or the system (simulated or real) failed'],
  [EXIT.usage, 'a flag or argument is wrong'],
  [EXIT.input, 'an input file is not understood'],
  [EXIT.verification, 'bytes read differ from the source'],
  [EXIT.bug, 'a bug of netfslab: please report it'],
  [EXIT.interrupted, 'interrupted'],
];

/** The exit code an error ends the program with. Anything not foreseen is a bug of ours. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Errors.ExitError) return error.oclif.exit ?? EXIT.ok;
  if (error instanceof UsageError || error instanceof Errors.CLIError) return EXIT.usage;
  if (error instanceof VerificationError) return EXIT.verification;
  if (error instanceof Bug) return EXIT.bug;
  if (
    error instanceof TraceParseError ||
    error instanceof TraceFormatError ||
    error instanceof StoreError
  ) {
    return EXIT.input;
  }
  return error instanceof ErrnoError || isSystemError(error) ? EXIT.failed : EXIT.bug;
}

/** True for an error of the operating system as Node.js shapes it (`code`, `syscall`). */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}
