/** `netfslab capture-script`: the shell that records a machine without netfslab. */
import { Flags } from '@oclif/core';
import { captureScript, type Trouble } from '../core/app/record/capture_script.js';
import { sizeFlag } from '../core/cli/flags.js';
import { LabCommand } from '../core/cli/lab_command.js';

const TROUBLES = ['hang', 'slow', 'corrupt', 'cache'] as const;
const others = (name: string) => TROUBLES.filter((each) => each !== name);

export default class CaptureScript extends LabCommand {
  static override summary = 'Print a shell script that records a machine without netfslab';
  static override description =
    `The script needs a shell and root, records in a trace instance of its own, and removes it at the end, also after Ctrl-C or a hangup. It packs one bundle: trace, format files, statistics and tables before, during and after. Read it, run it on the machine concerned, and import the bundle.

On a machine with netfslab, use trace record. --json gives { lines: [text] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> --hang > record.sh',
    '<%= config.bin %> <%= command.id %> --slow --seconds 30 --stdout | ssh root@host sh > host.tar.gz',
  ];

  static override flags = {
    hang: Flags.boolean({ description: 'a request or task hangs', exclusive: others('hang') }),
    slow: Flags.boolean({
      description: 'reads are slow or miss the cache (default)',
      exclusive: others('slow'),
    }),
    corrupt: Flags.boolean({
      description: 'readers get wrong data',
      exclusive: others('corrupt'),
    }),
    cache: Flags.boolean({ description: 'the cache is not used', exclusive: others('cache') }),
    events: Flags.string({
      description: 'more events to record: a system or system/event; may be repeated',
      helpValue: 'EVENT',
      multiple: true,
      default: [],
    }),
    ops: Flags.boolean({ description: 'record the system calls of all processes, too' }),
    buffer: sizeFlag({ description: 'ring buffer, all processors together' }),
    seconds: Flags.integer({ description: 'stop after this; 0 = on Ctrl-C', default: 0 }),
    stdout: Flags.boolean({ description: 'the script writes the bundle to standard output' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(CaptureScript);
    const trouble: Trouble = TROUBLES.find((each) => flags[each]) ?? 'slow';
    const { seconds, events, ops: operations, stdout } = flags;
    const bufferKb = flags.buffer === undefined ? {} : { bufferKb: Math.ceil(flags.buffer / 1024) };
    const lines = captureScript({ trouble, seconds, events, operations, stdout, ...bufferKb });
    await this.print(lines);
    return { lines };
  }
}
