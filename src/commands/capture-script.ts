/** `netfslab capture-script`: the shell that records what the analyses need. */
import { Flags } from '@oclif/core';
import { captureScript, type Trouble } from '../core/app/capture_script.js';
import { eraNamed } from '../core/app/explain_era.js';
import { LabCommand } from '../core/cli/lab_command.js';

export default class CaptureScript extends LabCommand {
  static override description = `Print a shell script that records netfs on a real machine
It switches on the events, sets the buffer, copies statistics and request lists before and after, and
packs one bundle. Read it, then run it as root on the machine concerned; trace import reads the bundle.
--json gives { lines: [text] }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> --hang > record.sh',
    '<%= config.bin %> <%= command.id %> --slow --kernel 6.1 --seconds 30 | ssh root@host sh',
  ];

  static override flags = {
    hang: Flags.boolean({ description: 'a request or task hangs', exclusive: ['slow', 'corrupt'] }),
    slow: Flags.boolean({ description: 'reads are slow or miss the cache (default)' }),
    corrupt: Flags.boolean({ description: 'readers get wrong data', exclusive: ['slow'] }),
    kernel: Flags.string({ description: 'kernel release of the machine', default: '6.12' }),
    seconds: Flags.integer({ description: 'stop after this; default on Ctrl-C', default: 0 }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(CaptureScript);
    const trouble: Trouble = flags.hang ? 'hang' : flags.corrupt ? 'corrupt' : 'slow';
    const lines = captureScript(trouble, eraNamed(flags.kernel) ?? 'E6', flags.seconds);
    await this.print(lines);
    return { lines };
  }
}
