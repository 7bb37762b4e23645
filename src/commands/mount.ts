/** `netfslab mount`: a served directory as a filesystem through the engine. */
import { spawn } from 'node:child_process';
import { Args, Flags } from '@oclif/core';
import { lossError } from '../core/app/lab/unwritten.js';
import { type MountSummary, mountServer } from '../core/app/mount/mount.js';
import { newCapturePath } from '../core/app/trace/capture_path.js';
import { UsageError } from '../core/base/errors.js';
import { cacheFlags, engineFlags, labFrom } from '../core/cli/engine_flags.js';
import { sizeFlag } from '../core/cli/flags.js';
import { onInterrupt } from '../core/cli/interrupt.js';
import { LabCommand } from '../core/cli/lab_command.js';

const { server: _server, clock: _clock, ...flagsOfEngine } = engineFlags;

export default class Mount extends LabCommand {
  static override description =
    `Mount a directory through the engine, so that any program is a workload
Programs see SERVER at MOUNTPOINT; what they read and write goes through page cache, readahead, read helper and disk
cache, and is traced with their names and process numbers. Writes go into an overlay unless --server-writes says
otherwise. Runs until it is unmounted (netfslab unmount MOUNTPOINT) or interrupted, then writes what is dirty and
finishes the capture. As root it uses mount(2), else fusermount3.
The directory .netfslab of the mount, in no listing, tells what the engine is doing.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> /srv/data /mnt --cache /var/cache/netfslab --background',
    '<%= config.bin %> <%= command.id %> . /mnt --no-trace --server-writes direct',
    '<%= config.bin %> <%= command.id %> /usr/src /mnt --profile linux-6.1-afs --out build.db',
  ];

  static override args = {
    server: Args.string({ description: 'directory that is served', required: true }),
    mountpoint: Args.string({ description: 'directory it appears at', required: true }),
  };

  static override flags = {
    ...flagsOfEngine,
    ...cacheFlags,
    'kernel-cache': Flags.string({
      description:
        'on: the kernel keeps pages too, and reads of them are not traced; off: every read reaches the engine',
      options: ['off', 'on'],
      default: 'off',
    }),
    background: Flags.boolean({ description: 'return once it is mounted', default: false }),
    'allow-other': Flags.boolean({
      description: 'let other users in; default as root',
      default: process.geteuid?.() === 0,
      allowNo: true,
    }),
    fusermount: Flags.boolean({
      description: 'mount through fusermount3, also as root',
      default: false,
    }),
    out: Flags.string({ description: 'capture to write (must not exist)', helpValue: 'FILE' }),
    trace: Flags.boolean({ description: 'record the trace', default: true, allowNo: true }),
    rotate: sizeFlag({
      description: 'begin another capture, FILE-2.db and so on, after so much of trace; 0 = never',
      default: 0,
    }),
    'rotate-keep': Flags.integer({
      description: 'captures that --rotate keeps, the newest',
      default: 8,
      min: 1,
    }),
    'trace-overflow': Flags.string({
      description: 'when events come faster than they can be stored: wait, or drop and count',
      options: ['block', 'drop'],
      default: 'block',
    }),
  };

  async run(): Promise<MountSummary | undefined> {
    const { args, flags } = await this.parse(Mount);
    if (!flags.trace && flags.out !== undefined) {
      const why = 'there is nothing to write with --no-trace';
      throw new UsageError('--out', why, 'drop one of them');
    }
    if (flags.background) return this.#inBackground();
    const out = flags.trace ? newCapturePath('mount', flags.out) : undefined;
    const lab = labFrom({ ...flags, server: args.server, clock: 'real' }, 2);
    const interrupt = onInterrupt();
    const request = {
      lab,
      mountpoint: args.mountpoint,
      kernelCache: flags['kernel-cache'] === 'on',
      allowOther: flags['allow-other'],
      byHelper: flags.fusermount,
      trace: out === undefined ? undefined : this.traceTarget(out, flags['trace-overflow']),
      rotation:
        flags.rotate === 0 ? undefined : { bytes: flags.rotate, keep: flags['rotate-keep'] },
    };
    const summary = await mountServer(request, {
      signal: interrupt.signal,
      warn: (message) => this.note(message),
      mounted: () => {
        const cache = flags.cache === undefined ? '' : `, cache ${flags.cache}`;
        const how = `${flags.profile}, writes ${flags['server-writes']}${cache}`;
        this.note(`mounted ${args.server} at ${args.mountpoint} (${how})`);
        process.send?.('mounted');
      },
    }).finally(() => interrupt.stop());
    if (summary.capture !== null) this.noteCapture(summary.capture);
    for (const lost of summary.unwritten) this.endWithError(lossError(lost));
    const { calls, readBytes, writtenBytes } = summary;
    await this.print([`calls ${calls}, bytes read ${readBytes}, bytes written ${writtenBytes}`]);
    return summary;
  }

  // The same command, in a session of its own, until it says that it is mounted.
  async #inBackground(): Promise<undefined> {
    const args = process.argv.slice(1).filter((arg) => arg !== '--background');
    const child = spawn(process.execPath, [...process.execArgv, ...args], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    child.stderr?.on('data', (text: Buffer) => process.stderr.write(text));
    const code = await new Promise<number | null>((resolve) => {
      child.once('message', () => resolve(null));
      child.once('close', (ended) => resolve(ended ?? 1));
      child.once('error', () => resolve(1));
    });
    if (code !== null) this.endWith(code);
    child.stderr?.destroy();
    child.disconnect();
    child.unref();
  }
}
