/**
 * Help as oclif makes it, with the exit codes added to every command. A command with many flags
 * names its common ones (`static common`): `--help` shows these, `--help-all` all, by group.
 */
import { type Command, CommandHelp, Help } from '@oclif/core';
import { EXIT_DOC } from './exit.js';

class LabCommandHelp extends CommandHelp {
  protected override sections() {
    const body = EXIT_DOC.map(([code, meaning]) => `${String(code).padStart(3)}  ${meaning}`).join(
      '\n',
    );
    const common = this.#common();
    const more =
      common === undefined
        ? []
        : [{ header: 'MORE FLAGS', generate: () => this.#allHint(common.length) }];
    return [...super.sections(), ...more, { header: 'EXIT CODES', generate: () => body }];
  }

  protected override flags(flags: Parameters<CommandHelp['flags']>[0]) {
    const common = this.#common();
    if (common === undefined) return super.flags(flags);
    return super.flags(flags.filter(({ name }) => common.includes(name)));
  }

  /** The summary stands at the top already. */
  protected override description(): string | undefined {
    const { description } = this.command;
    return description === undefined ? undefined : this.wrap(this.render(description).trim());
  }

  /** Arguments and required flags by name; the list below has the rest. */
  protected override usage(): string {
    const { id, args, flags, strict } = this.command;
    const names = Object.values(args).filter(({ hidden }) => hidden !== true);
    const words = names.map(({ name, required }, i) => {
      const many = strict === false && i === names.length - 1 ? '...' : '';
      const word = `${name.toUpperCase()}${many}`;
      return required === true ? word : `[${word}]`;
    });
    const shown = Object.values(flags).filter(({ hidden }) => hidden !== true);
    const required = shown.filter((flag) => flag.required === true);
    for (const flag of required) words.push(`--${flag.name} ${helpValue(flag)}`);
    if (shown.length > required.length) words.push('[FLAGS]');
    return `$ ${[this.config.bin, id.replaceAll(':', ' '), ...words].join(' ')}`;
  }

  #common(): readonly string[] | undefined {
    const { common } = this.command as { common?: readonly string[] };
    return (this.opts as { all?: boolean }).all === true ? undefined : common;
  }

  #allHint(shown: number): string {
    const id = `${this.config.bin} ${this.command.id.replaceAll(':', ' ')}`;
    const rest = Object.keys(this.command.flags).length - shown;
    return `${rest} more, by group: ${id} --help-all`;
  }
}

/** The word that stands for the value of a flag. */
function helpValue(flag: Command.Flag.Any): string {
  const value = flag.type === 'option' ? flag.helpValue : undefined;
  return [value ?? flag.name.toUpperCase()].flat().join(' ');
}

/** Registered as `helpClass` in package.json. */
export default class LabHelp extends Help {
  protected override CommandHelpClass = LabCommandHelp;

  override async showHelp(argv: string[]): Promise<void> {
    const all = argv.includes('--help-all');
    if (all) (this.opts as { all?: boolean }).all = true;
    return super.showHelp(argv.map((word) => (word === '--help-all' ? '--help' : word)));
  }
}
