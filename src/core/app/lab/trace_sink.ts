/**
 * Begins the capture of a lab: where the engine's trace goes, and what the row of the capture says.
 */
import { LAB_DEFAULTS, type LabOptions } from '../../lab/options.js';
import { profileByName } from '../../profile/index.js';
import { createCapture } from '../../store/capture_writer.js';
import type { TraceSink } from '../../trace/types.js';

/** A capture to be written. */
export interface TraceTarget {
  /** File that must not exist yet. */
  readonly out: string;
  /** When events come faster than they can be stored: wait, or drop and count. */
  readonly overflow?: 'block' | 'drop';
  readonly commandLine: string;
  readonly toolVersion: string;
}

/**
 * Creates the capture; `more` = options besides those of the lab. Throws `ErrnoError`: EEXIST,
 * ENOENT, EACCES, ENOSPC.
 */
export function traceSink(
  target: TraceTarget,
  workload: string,
  lab: Partial<LabOptions>,
  more: Readonly<Record<string, unknown>> = {},
): TraceSink {
  const profile = profileByName(lab.profile ?? LAB_DEFAULTS.profile);
  const options = Object.entries(lab).filter(
    ([, value]) => typeof value !== 'function' && typeof value !== 'object',
  );
  const meta = {
    source: 'run',
    era: profile.era,
    profile: profile.name,
    workload,
    kernel_release: profile.kernel,
    clock: lab.clock ?? LAB_DEFAULTS.clock,
    command_line: target.commandLine,
    options: { ...Object.fromEntries(options), ...more },
    tool_version: target.toolVersion,
  } as const;
  const { overflow } = target;
  return createCapture(target.out, meta, overflow === undefined ? {} : { overflow });
}
