/**
 * The one place that prints errors: a clear line `error: ...`, a line `try: ...` where there is a
 * fix, and the same as JSON on stdout when `--json` was given. Bugs come with their stack.
 */
import { Errors } from '@oclif/core';
import { Bug } from '../base/errors.js';
import { closest } from '../base/suggest.js';
import { EXIT, exitCodeOf } from './exit.js';

/** What a user is told about an error. */
export interface ErrorReport {
  readonly name: string;
  readonly message: string;
  readonly hint: string | null;
  readonly exit: number;
}

interface UnknownFlags {
  readonly flags: readonly string[];
  readonly parse: { readonly input: { readonly flags: Record<string, unknown> } };
}

/** Describes any thrown value; parse errors of oclif get a hint that names the nearest flag. */
export function describeError(error: unknown, command = 'the command'): ErrorReport {
  const exit = exitCodeOf(error);
  const name = error instanceof Error ? error.name : 'Error';
  if (!(error instanceof Error)) return { name, message: String(error), hint: null, exit };
  if (isUnknownFlags(error)) return unknownFlag(error, exit);
  if (error instanceof Errors.CLIError) {
    return { name: 'UsageError', message: oneLine(error), hint: `${command} --help`, exit };
  }
  const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : null;
  if (exit !== EXIT.bug) return { name, message: oneLine(error), hint, exit };
  const seed = error instanceof Bug && error.seed !== undefined ? error.seed : null;
  return {
    name: 'Bug',
    message: error.stack ?? error.message,
    hint: seed === null ? hint : `rerun with --randseed ${seed} to see it again`,
    exit,
  };
}

/** oclif has headings for what its parser says, and a footer. */
function oneLine({ message }: Error): string {
  return message
    .replace(/\s*See more help with --help$/, '')
    .replace(/^The following errors? occurred:\s+/, '')
    .replaceAll(/Missing required flag (\S+)/g, '--$1: is needed')
    .replace(/^Parsing (--\S+)\s+(?:\1: )?/, '$1: ')
    .replaceAll(/\s*\n\s*/g, ' ');
}

function isUnknownFlags(error: Error): error is Error & UnknownFlags {
  return error.constructor.name === 'NonExistentFlagsError' && 'flags' in error;
}

function unknownFlag(error: UnknownFlags, exit: number): ErrorReport {
  const [flag = ''] = error.flags;
  const known = Object.keys(error.parse.input.flags);
  const near = closest(flag.replace(/^-+/, '').replace(/=.*$/s, ''), known);
  return {
    name: 'UsageError',
    message: `${flag}: no such flag`,
    hint: near === undefined ? '--help for the flags there are' : `--${near}`,
    exit,
  };
}

/** Prints an error and returns the exit code to end with; a plain exit prints nothing. */
export function printError(error: unknown, json: boolean, command?: string): number {
  if (error instanceof Errors.ExitError) return exitCodeOf(error);
  const report = describeError(error, command);
  process.stderr.write(`error: ${report.message}\n`);
  if (report.hint !== null) process.stderr.write(`try: ${report.hint}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ error: report }, null, 2)}\n`);
  return report.exit;
}
