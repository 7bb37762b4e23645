/**
 * Help as oclif makes it, with the exit codes added to every command. A command with many flags
 * names its common ones (`static common`): `--help` shows these, `--help-all` all, by group.
 */
import { CommandHelp, Help } from '@oclif/core';
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

  protected override usage(): string {
    const text = super.usage();
    const common = this.#common();
    // A usage line of forty flags tells nobody anything.
    if (common === undefined && (this.command as { common?: unknown }).common === undefined) {
      return text;
    }
    return text.replace(/ (\[|-)[\s\S]*$/, ' [FLAGS]');
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

/** Registered as `helpClass` in package.json. */
export default class LabHelp extends Help {
  protected override CommandHelpClass = LabCommandHelp;

  override async showHelp(argv: string[]): Promise<void> {
    const all = argv.includes('--help-all');
    if (all) (this.opts as { all?: boolean }).all = true;
    return super.showHelp(argv.map((word) => (word === '--help-all' ? '--help' : word)));
  }
}
