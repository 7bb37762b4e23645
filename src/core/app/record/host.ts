/**
 * The use case `trace record --host`: records another machine through ssh, on which nothing but a
 * shell is needed. Runs the script of `capture-script` there, streams its bundle back, imports it.
 * Called by the command.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ErrnoError, StoreError, UsageError } from '../../base/errors.js';
import { type ImportSummary, importTraces } from '../import/import.js';
import type { TraceTarget } from '../lab/trace_sink.js';
import { captureScript, type ScriptOptions } from './capture_script.js';
import { checkTarget } from './record.js';

/** What to record where. */
export interface HostRequest extends Omit<ScriptOptions, 'stdout'> {
  /** As ssh takes it: `user@host`, or a name of its configuration. */
  readonly host: string;
  readonly target: TraceTarget;
}

/**
 * Records until `signal` or as long as the request says. `ErrnoError` where ssh cannot be run;
 * `StoreError` where it or the script failed, which say why on stderr.
 */
export async function recordHost(
  request: HostRequest,
  signal: AbortSignal,
): Promise<ImportSummary> {
  const { host, target, ...options } = request;
  if (host === '') throw new UsageError('--host', 'names no machine');
  checkTarget(target.out);
  const folder = mkdtempSync(join(tmpdir(), 'netfslab-host-'));
  const bundle = join(folder, `${host.replaceAll(/[^\w.-]/g, '_')}.tar.gz`);
  try {
    const script = captureScript({ ...options, stdout: true }).join('\n');
    const status = await overSsh(host, `sh -c ${quoted(script)}`, bundle, signal);
    if (status !== 0 || statSync(bundle).size === 0) {
      throw new StoreError(host, `recorded nothing: ssh ended with ${status}`, {
        hint: `ssh ${host} id`,
      });
    }
    return await importTraces({ files: [bundle], target });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a command on a host with its output in a file; the end of its input is the sign to stop. */
async function overSsh(host: string, command: string, to: string, signal: AbortSignal) {
  // The signal of the terminal goes to this process only: ssh has to live until the bundle is here.
  const ssh = spawn('ssh', ['--', host, command], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const stop = () => ssh.stdin.end();
  signal.addEventListener('abort', stop);
  // It may end before it is told to.
  ssh.stdin.on('error', () => {});
  try {
    const ended = once(ssh, 'exit') as Promise<[number | null]>;
    const [[status]] = await Promise.all([ended, pipeline(ssh.stdout, createWriteStream(to))]);
    return status ?? 255;
  } catch (error) {
    throw new ErrnoError('ENOENT', 'spawn', 'ssh', { cause: error, hint: 'install an ssh client' });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** A text as one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
