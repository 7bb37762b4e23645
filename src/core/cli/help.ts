/** Help as oclif makes it, with the exit codes added to every command. */
import { CommandHelp, Help } from '@oclif/core';
import { EXIT_DOC } from './exit.js';

class LabCommandHelp extends CommandHelp {
  protected override sections() {
    const body = EXIT_DOC.map(([code, meaning]) => `${String(code).padStart(3)}  ${meaning}`).join(
      '\n',
    );
    return [...super.sections(), { header: 'EXIT CODES', generate: () => body }];
  }
}

/** Registered as `helpClass` in package.json. */
export default class LabHelp extends Help {
  protected override CommandHelpClass = LabCommandHelp;
}
