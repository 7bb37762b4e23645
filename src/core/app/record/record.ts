/**
 * The use case `trace record`: records this machine's kernel into a capture. Called by the command.
 * `recorder/session.ts` does the recording; here it is joined to a command to run, to the clock,
 * and to the importer, which reads what was recorded as it reads a bundle of `capture-script`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  accessSync,
  constants as constantsOfFs,
  copyFileSync,
  existsSync,
  mkdtempSync,
  rmSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { errnoFromNode } from '../../base/errno.js';
import { ErrnoError, StoreError } from '../../base/errors.js';
import { PRESETS, type Trouble } from '../../recorder/presets.js';
import { type Progress, Session } from '../../recorder/session.js';
import { openTraceFs } from '../../recorder/tracefs.js';
import type { TraceFs } from '../../recorder/types.js';
import { wallMs } from '../../sim/clock.js';
import { type ImportSummary, importTraces } from '../import/import.js';
import type { TraceTarget } from '../lab/trace_sink.js';

/** What to record. */
export interface RecordRequest {
  readonly target: TraceTarget;
  readonly trouble: Trouble;
  /** Events besides those of the preset: a system, or `system/event`. */
  readonly events: readonly string[];
  /** Stop after this, milliseconds; null = when the signal comes or COMMAND ends. */
  readonly forMs: number | null;
  /** Ring buffers, all processors together, bytes; null = as the preset says. */
  readonly bufferBytes: number | null;
  /** Bytes of pages on disk at which the recording stops. */
  readonly limitBytes: number;
  /** Record system calls as operations. */
  readonly operations: boolean;
  /** Command and arguments; empty = record the whole machine. */
  readonly command: readonly string[];
  /** Also keep what was recorded as a trace.dat there; null = do not. */
  readonly traceDat: string | null;
  /** Replaces the tracefs of this machine, for tests. */
  readonly fs?: TraceFs;
}

/** Hears of the recording while it lasts. */
export interface RecordWatch {
  readonly signal: AbortSignal;
  /** One line for people, said once. */
  note(line: string): void;
  /** Called several times a second. */
  progress(now: Progress, seconds: number): void;
}

/** What became of it. */
export interface RecordSummary extends ImportSummary {
  /** Events recorded and events lost. */
  readonly recorded: number;
  readonly lost: number;
  readonly lacking: readonly string[];
  /** Exit code of COMMAND (128 + N where signal N ended it); null without one. */
  readonly exitCode: number | null;
  /** Why it stopped, where it was not asked to; null = it was. */
  readonly stopped: string | null;
}

/** Milliseconds between two moves of pages to disk: a buffer of the default size lasts for more. */
const PUMP_MS = 50;
const WATCH_MS = 1000;

/**
 * Records, then imports. Throws `ErrnoError` where tracefs or the disk refuses, and `StoreError`
 * where nothing happened that could be recorded. The machine is as it was in any case.
 */
export async function recordTrace(
  request: RecordRequest,
  watch: RecordWatch,
): Promise<RecordSummary> {
  checkTarget(request.target.out);
  const fs = request.fs ?? openTraceFs();
  const folder = mkdtempSync(join(tmpdir(), 'netfslab-record-'));
  try {
    const recorded = await recordInto(folder, fs, request, watch);
    if (request.traceDat !== null) copyFileSync(recorded.trace, request.traceDat);
    if (recorded.progress.entries + recorded.progress.read === 0) {
      throw new StoreError(
        request.target.out,
        'nothing was recorded: none of the events happened',
        {
          hint: 'is a network filesystem mounted and used? name others with --events, or use --ops',
        },
      );
    }
    const summary = await importTraces({ files: [recorded.bundle], target: request.target });
    const { entries, read, lost } = recorded.progress;
    return { ...summary, ...recorded.outcome, recorded: entries + read, lost };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What cannot be written is refused before anything runs. `ErrnoError`: EEXIST, ENOENT, EACCES. */
export function checkTarget(out: string): void {
  if (existsSync(out)) {
    throw new ErrnoError('EEXIST', 'open', out, { hint: 'name another file, or remove this one' });
  }
  try {
    accessSync(dirname(out), constantsOfFs.W_OK);
  } catch (error) {
    throw new ErrnoError(errnoFromNode(error), 'open', out, { cause: error });
  }
}

interface Recorded {
  readonly bundle: string;
  readonly trace: string;
  readonly progress: Progress;
  readonly outcome: Pick<RecordSummary, 'lacking' | 'exitCode' | 'stopped'>;
}

async function recordInto(
  folder: string,
  fs: TraceFs,
  request: RecordRequest,
  watch: RecordWatch,
): Promise<Recorded> {
  const preset = PRESETS[request.trouble];
  const session = new Session({
    fs,
    folder,
    events: [...preset.events, ...request.events],
    bufferKb: (request.bufferBytes ?? preset.bufferKb * 1024) / 1024,
    operations: request.operations,
  });
  let command: Command | null = null;
  try {
    say(session, request, watch);
    command = request.command.length > 0 ? new Command(request.command) : null;
    session.start(command === null ? null : [command.pid]);
    command?.proceed();
    const stopped = await untilEnd(session, command, request, watch);
    const exitCode = command === null ? null : await command.end();
    const { members, progress } = session.finish();
    const { lacking } = session;
    const bundle = join(folder, 'bundle');
    return { bundle, trace: members[0] ?? '', progress, outcome: { lacking, exitCode, stopped } };
  } finally {
    command?.kill();
    session.close();
  }
}

function say(
  { removed, lacking, paths }: Session,
  { events }: RecordRequest,
  { note }: RecordWatch,
) {
  if (removed.length > 0) note(`removed what a killed recording left: ${removed.join(', ')}`);
  const named = lacking.filter((each) => events.includes(each));
  if (named.length > 0) note(`this kernel has no event ${named.join(', ')}`);
  const modules = lacking.filter((each) => ['netfs', 'fscache', 'cachefiles'].includes(each));
  if (modules.length > 0) {
    note(`no events of ${modules.join(', ')}: is the module loaded? (modprobe ${modules[0]})`);
  }
  if (paths !== null) note(paths);
}

/** Moves pages until it is over; returns why, where nobody asked for the end. */
async function untilEnd(
  session: Session,
  command: Command | null,
  { forMs, limitBytes, trouble }: RecordRequest,
  { signal, progress }: RecordWatch,
): Promise<string | null> {
  const began = wallMs();
  let watched = began;
  let snaps = 0;
  for (;;) {
    const now = session.pump();
    const elapsed = wallMs() - began;
    progress(now, elapsed / 1000);
    if (signal.aborted || command?.ended === true) return null;
    if (forMs !== null && elapsed >= forMs) return null;
    if (now.bytes > limitBytes) return `${limitBytes} bytes of events are on disk (--limit)`;
    if (PRESETS[trouble].watch && wallMs() - watched >= WATCH_MS) {
      watched = wallMs();
      if (session.snap(`during${snaps + 1}`)) snaps++;
    }
    await setTimeout(PUMP_MS, undefined, { signal }).catch(() => {});
  }
}

/** A command that waits to be told to go on, so that its first system call is recorded. */
class Command {
  readonly pid: number;
  ended = false;
  readonly #child: ChildProcess;
  readonly #end: Promise<number>;

  constructor(words: readonly string[]) {
    const script = 'read -r _ <&3; exec 3<&-; exec "$@"';
    this.#child = spawn('sh', ['-c', script, 'sh', ...words], {
      stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    });
    this.#end = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (code, signal) => {
        this.ended = true;
        resolve(code ?? 128 + (constants.signals[signal ?? 'SIGKILL'] ?? 0));
      });
    });
    // Whoever awaits it hears of the error.
    this.#end.catch(() => {});
    const { pid } = this.#child;
    if (pid === undefined) throw new ErrnoError('ENOENT', 'spawn', 'sh');
    this.pid = pid;
  }

  proceed(): void {
    (this.#child.stdio[3] as Writable).end('\n');
  }

  /** The exit code of the command; one that is still running is ended first. */
  end(): Promise<number> {
    if (!this.ended) this.#child.kill('SIGTERM');
    return this.#end;
  }

  kill(): void {
    if (!this.ended) this.#child.kill('SIGKILL');
  }
}

export type { Trouble } from '../../recorder/presets.js';
