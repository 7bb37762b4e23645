/**
 * The oclif hook for a command that does not exist: names the nearest one that does. oclif also
 * comes here when a command that takes no arguments is given one.
 */
import type { Hook } from '@oclif/core';
import { UsageError } from '../base/errors.js';
import { closest } from '../base/suggest.js';

/** The error for an unknown command; `id` has its words joined by ':', arguments included. */
export function commandNotFound(id: string, commands: readonly string[], bin: string): UsageError {
  const words = id.split(':');
  const names = commands.map((command) => command.split(':'));
  const command = names.find((name) => words.join(' ').startsWith(`${name.join(' ')} `));
  if (command !== undefined) {
    const name = command.join(' ');
    const extra = words.slice(command.length).join(':');
    return new UsageError(name, `takes no argument '${extra}'`, `${bin} ${name} --help`);
  }
  const candidates = names.map((name) => name.join(' '));
  const typed = [...new Set(names.map((name) => words.slice(0, name.length).join(' ')))];
  // The most words first: 'trace evnts' is nearer to a command than 'trace' is.
  typed.sort((a, b) => b.length - a.length);
  const near = typed.map((text) => closest(text, candidates)).find((name) => name !== undefined);
  return new UsageError(
    words.slice(0, 2).join(' '),
    'no such command',
    near === undefined ? `${bin} --help` : `${bin} ${near}`,
  );
}

/** Registered as `command_not_found` in package.json. */
const hook: Hook.CommandNotFound = async ({ id, config }) => {
  throw commandNotFound(id, config.commandIDs, config.bin);
};

export default hook;
