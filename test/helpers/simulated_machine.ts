/**
 * A machine made of files for the script of `capture-script`: a tracefs in which instances are
 * ordinary folders, a /proc, and commands that answer for it. What the script leaves is looked at.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** Events of the simulated kernel. */
const EVENTS = [
  'netfs/netfs_read',
  'netfs/netfs_sreq',
  'fscache/fscache_cookie',
  '9p/9p_protocol_dump',
];

export class SimulatedMachine {
  readonly #folder: string;
  /** Text of the instance's trace. */
  trace = '';
  release = '6.12.0';
  /** A command that happens while it is recorded. */
  during = ':';

  constructor(folder: string) {
    this.#folder = folder;
    for (const event of EVENTS) {
      this.write(`sys/kernel/tracing/events/${event}/format`, `name: ${event.split('/')[1]}\n`);
      this.write(`sys/kernel/tracing/events/${event}/enable`, '0\n');
      this.write(`sys/kernel/tracing/events/${dirname(event)}/enable`, '0\n');
    }
    for (const each of [
      'proc/fs/netfs',
      'proc/fs/fscache',
      'sys/kernel/tracing/instances',
      'work',
      'bin',
    ]) {
      mkdirSync(this.path(each), { recursive: true });
    }
  }

  path(relative: string): string {
    return join(this.#folder, relative);
  }

  write(relative: string, text: string): void {
    mkdirSync(dirname(this.path(relative)), { recursive: true });
    writeFileSync(this.path(relative), text);
  }

  /** Instances that are there now. */
  instances(): string[] {
    return readdirSync(this.path('sys/kernel/tracing/instances'));
  }

  /** Bundles that were packed. */
  bundles(): string[] {
    return readdirSync(this.path('work')).filter((name) => name.endsWith('.tar.gz'));
  }

  /** Runs a script to its end; the path of its bundle. */
  run(t: ExecutionContext, lines: readonly string[]): string {
    const { cwd, env } = this.prepare();
    const script = join(cwd, 'record.sh');
    writeFileSync(script, `${lines.join('\n')}\n`);
    const ran = spawnSync('sh', [script], {
      cwd,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    t.is(ran.status, 0, ran.stderr);
    t.deepEqual(this.instances(), [], 'the instance stays');
    return join(cwd, this.bundles()[0] ?? '');
  }

  /** Starts a script whose standard input is a pipe. */
  start(lines: readonly string[]) {
    const { cwd, env } = this.prepare();
    const script = join(cwd, 'record.sh');
    writeFileSync(script, `${lines.join('\n')}\n`);
    return spawn('sh', [script], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
  }

  /**
   * The kernel's part: mkdir below instances fills the folder, rmdir empties it. A wrapper of each
   * does that; others answer as the machine.
   */
  prepare() {
    const tracing = this.path('sys/kernel/tracing');
    const template = this.path('template');
    if (!existsSync(template)) {
      mkdirSync(join(template, 'per_cpu/cpu0'), { recursive: true });
      mkdirSync(join(template, 'per_cpu/cpu1'), { recursive: true });
      cpSync(join(tracing, 'events'), join(template, 'events'), { recursive: true });
      writeFileSync(join(template, 'events/enable'), '0');
      for (const file of ['tracing_on', 'buffer_size_kb', 'trace_clock']) {
        writeFileSync(join(template, file), '');
      }
    }
    writeFileSync(join(template, 'trace'), this.trace);
    const at = `${tracing}/instances/`;
    this.#command(
      'mkdir',
      `/bin/mkdir "$@" || exit 1; for d; do case $d in ${at}*) cp -r ${template}/. "$d";; esac; done`,
    );
    this.#command(
      'rmdir',
      `for d; do case $d in ${at}*) rm -r "$d";; *) /bin/rmdir "$d";; esac; done`,
    );
    this.#command('uname', `echo ${this.release}`);
    this.#command('sleep', `${this.during}; /bin/sleep 0.05`);
    const env = {
      ...process.env,
      NETFSLAB_ROOT: this.#folder,
      PATH: `${this.path('bin')}:${process.env.PATH}`,
    };
    return { cwd: this.path('work'), env };
  }

  #command(name: string, line: string): void {
    this.write(`bin/${name}`, `#!/bin/sh\n${line}\n`);
    chmodSync(this.path(`bin/${name}`), 0o755);
  }
}
