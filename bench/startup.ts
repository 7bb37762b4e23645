/** The contest of starting up: against the smallest command that oclif can be. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runEngine } from './engine_tools.js';
import type { Contest, Contestant, ContestSource } from './harness.js';
import { type Command, NETFSLAB, runCommand } from './tools.js';

const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));
/** Starts of one round: one takes less than the machine's noise. */
const STARTS = 5;

/** A project with one command that says hello. */
function makeHello(folder: string): Command {
  const root = join(folder, 'hello');
  mkdirSync(join(root, 'commands'), { recursive: true });
  symlinkSync(MODULES, join(root, 'node_modules'));
  writeFileSync(
    join(root, 'package.json'),
    JSON.stringify({
      ...{ name: 'hello', version: '1.0.0', type: 'module' },
      oclif: { bin: 'hello', commands: './commands' },
    }),
  );
  writeFileSync(
    join(root, 'commands', 'hello.js'),
    `import { Command } from '@oclif/core';
export default class Hello extends Command { async run() { this.log('hello'); } }\n`,
  );
  writeFileSync(
    join(root, 'run.js'),
    `import { execute } from '@oclif/core';\nawait execute({ dir: import.meta.url });\n`,
  );
  return [process.execPath, join(root, 'run.js'), 'hello'];
}

function starts(name: string, command: Command): Contestant {
  return {
    name,
    async run() {
      for (let i = 0; i < STARTS; i++) await runCommand(command);
      return undefined;
    },
    // A command that fails has thrown.
    verify() {},
  };
}

/** Start-up. */
export const startUp: ContestSource = {
  name: 'start-up',
  doc: '--version and trace requests, against a bare oclif command',
  setUp({ folder, size }): Contest {
    const server = join(folder, 'start-up');
    const out = join(folder, 'start-up.db');
    mkdirSync(server);
    writeFileSync(join(server, 'f'), new Uint8Array(8 << 20));
    const lab = { server, pageCache: 1 << 20 } as const;
    // Each read is a request of nine events: 10 MB.
    const loops = size('start-up-loops', 8, 1);
    runEngine({ lab, run: { rw: 'randread', loops, opLog: 'none' }, out });
    return {
      name: 'start-up',
      what: `${STARTS} starts in a row`,
      contestants: [
        starts('--version', [...NETFSLAB, '--version']),
        starts('trace requests', [...NETFSLAB, 'trace', 'requests', out]),
        starts('oclif hello', makeHello(folder)),
      ],
      goals: [
        { faster: '--version', than: 'oclif hello', atLeast: 1 / 1.15 },
        { faster: 'trace requests', than: 'oclif hello', atLeast: 1 / 1.6 },
      ],
    };
  },
};
