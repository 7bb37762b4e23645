/** `netfslab trace record`: this machine's kernel into a capture. */
import { Flags } from '@oclif/core';
import type { ImportSummary } from '../../core/app/import/import.js';
import { importSummaryLines } from '../../core/app/import/summary.js';
import { recordHost } from '../../core/app/record/host.js';
import { type RecordSummary, recordTrace, type Trouble } from '../../core/app/record/record.js';
import { newCapturePath } from '../../core/app/trace/capture_path.js';
import { UsageError } from '../../core/base/errors.js';
import { formatBytes, formatCount } from '../../core/base/units.js';
import { EXIT } from '../../core/cli/exit.js';
import { durationFlag, sizeFlag } from '../../core/cli/flags.js';
import { onInterrupt } from '../../core/cli/interrupt.js';
import { LabCommand } from '../../core/cli/lab_command.js';

const EXCLUSIVE = ['hang', 'slow', 'corrupt', 'cache'] as const;
const others = (name: string) => EXCLUSIVE.filter((each) => each !== name);

export default class TraceRecord extends LabCommand {
  static override summary = 'Record the kernel of this machine into a capture';
  static override description =
    `Records netfs, fscache, cachefiles and the network filesystems in a trace instance of its own, and removes that instance at the end, also after an error or a signal. What a killed recording left is removed by the next one. Needs root.

With a COMMAND, the system calls of its processes become operations, and its exit code is kept. Without one, everything is recorded until Ctrl-C or --for.

--json gives { capture, recorded, lost, lacking, exitCode, stopped, files, era, events, counts }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> --for 10s',
    '<%= config.bin %> <%= command.id %> -o cp.db -- cp -r /mnt/src /tmp/copy',
    '<%= config.bin %> <%= command.id %> --hang --buffer 64m',
    '<%= config.bin %> <%= command.id %> --host root@fileserver --for 30s',
  ];

  static override strict = false;
  static override usage = '<%= command.id %> [flags] [-- COMMAND...]';

  static override flags = {
    hang: Flags.boolean({
      description: 'a request or task hangs: copy tables and stacks while one is stuck',
      exclusive: others('hang'),
    }),
    slow: Flags.boolean({
      description: 'reads are slow: record readahead, too (default)',
      exclusive: others('slow'),
    }),
    corrupt: Flags.boolean({
      description: 'readers get wrong data: record the page cache, too',
      exclusive: others('corrupt'),
    }),
    cache: Flags.boolean({ description: 'the cache is not used', exclusive: others('cache') }),
    events: Flags.string({
      description: 'more events to record: a system or system/event; may be repeated',
      helpValue: 'EVENT',
      multiple: true,
      default: [],
    }),
    ops: Flags.boolean({
      description: 'record system calls as operations; default with a COMMAND',
      allowNo: true,
    }),
    for: durationFlag({ description: 'stop after this' }),
    buffer: sizeFlag({ description: 'ring buffers, all processors together' }),
    limit: sizeFlag({ description: 'stop when this much is on disk; default 2g' }),
    host: Flags.string({
      description: 'record this machine through ssh; a shell and root are all it needs',
      helpValue: 'USER@HOST',
    }),
    out: Flags.string({ char: 'o', description: 'capture to write', helpValue: 'FILE' }),
    'trace-dat': Flags.string({
      description: 'also write a trace.dat, which trace-cmd and KernelShark read',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<RecordSummary | ImportSummary> {
    const { argv, flags } = await this.parse(TraceRecord);
    const command = argv as string[];
    const trouble: Trouble = EXCLUSIVE.find((each) => flags[each]) ?? 'slow';
    const out = newCapturePath(command[0]?.split('/').at(-1) ?? 'record', flags.out);
    const interrupt = onInterrupt();
    try {
      if (flags.host !== undefined)
        return await this.#host(flags.host, trouble, out, flags, command, interrupt.signal);
      const summary = await recordTrace(
        {
          target: this.traceTarget(out),
          trouble,
          events: flags.events,
          forMs: flags.for === undefined ? null : flags.for / 1e6,
          bufferBytes: flags.buffer ?? null,
          limitBytes: flags.limit ?? 2 ** 31,
          operations: flags.ops ?? command.length > 0,
          command,
          traceDat: flags['trace-dat'] ?? null,
        },
        {
          signal: interrupt.signal,
          note: (line) => this.note(line),
          progress: statusLine(command.length === 0),
        },
      );
      this.noteCapture(out);
      if (summary.stopped !== null) this.note(`stopped: ${summary.stopped}`);
      if (summary.lost > 0) this.note(`${summary.lost} events were lost: use a larger --buffer`);
      await this.print(importSummaryLines(summary));
      if (summary.exitCode !== null) this.endWith(summary.exitCode);
      else if (interrupt.signal.aborted && flags.for !== undefined) this.endWith(EXIT.interrupted);
      return summary;
    } finally {
      interrupt.stop();
    }
  }

  /** Records another machine. What needs this machine is refused by name. */
  async #host(
    host: string,
    trouble: Trouble,
    out: string,
    flags: HostFlags,
    command: readonly string[],
    signal: AbortSignal,
  ): Promise<ImportSummary> {
    const here = ['limit', 'trace-dat'] as const;
    const wrong = here.find((name) => flags[name] !== undefined);
    if (wrong !== undefined) {
      throw new UsageError(`--${wrong}`, 'has no effect with --host', 'leave one of them out');
    }
    if (command.length > 0) {
      throw new UsageError('COMMAND', 'cannot be run on --host', `run it there: ssh ${host} ...`);
    }
    const summary = await recordHost(
      {
        host,
        target: this.traceTarget(out),
        trouble,
        events: flags.events,
        seconds: Math.ceil((flags.for ?? 0) / 1e9),
        operations: flags.ops ?? false,
        ...(flags.buffer === undefined ? {} : { bufferKb: Math.ceil(flags.buffer / 1024) }),
      },
      signal,
    );
    this.noteCapture(out);
    await this.print(importSummaryLines(summary));
    return summary;
  }
}

/** The flags that --host looks at. */
interface HostFlags {
  readonly events: string[];
  readonly ops?: boolean | undefined;
  readonly for?: number | undefined;
  readonly buffer?: number | undefined;
  readonly limit?: number | undefined;
  readonly 'trace-dat'?: string | undefined;
}

/** Shows the state in one line on a terminal. A COMMAND has the terminal for itself. */
function statusLine(wanted: boolean) {
  if (!wanted || !process.stderr.isTTY) return () => {};
  let shown = 0;
  return (
    { entries, read, lost, bytes }: { entries: number; read: number; lost: number; bytes: number },
    seconds: number,
  ) => {
    if (seconds - shown < 0.5) return;
    shown = seconds;
    const events = formatCount(entries + read);
    const line = `recording ${seconds.toFixed(0)} s: ${events} events, ${formatBytes(bytes)}, ${lost} lost; Ctrl-C stops`;
    process.stderr.write(`\r\x1b[K${line}`);
  };
}
