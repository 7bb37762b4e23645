/**
 * A progress bar on stderr for work that lasts: shown after one second and only on a terminal, so
 * that quick commands and pipes never see it. The only user of cli-progress.
 */
import { Presets, SingleBar } from 'cli-progress';
import { formatBytes, formatCount } from '../base/units.js';
import { wallMs } from '../sim/clock.js';

/** A running progress display; `stop` removes it and may be called twice. */
export interface Progress {
  /** Says how much of how much is done; 0 = not known. Cheap: call it as often as you like. */
  update(done: number, total: number): void;
  stop(): void;
}

const DELAY_MS = 1000;
const INTERVAL_MS = 100;

/** Starts a progress display of bytes or items on `stream`. */
export function startProgress(
  label: string,
  unit: 'bytes' | 'count',
  stream: NodeJS.WriteStream = process.stderr,
): Progress {
  if (stream.isTTY !== true) return { update() {}, stop() {} };
  const format = unit === 'bytes' ? formatBytes : formatCount;
  const bar = new SingleBar(
    {
      stream,
      clearOnComplete: true,
      hideCursor: true,
      format: `${label} [{bar}] {percentage}% {done} of {of}, {eta_formatted} left`,
    },
    Presets.legacy,
  );
  const startedMs = wallMs();
  let shownMs = 0;
  return {
    update(done, total) {
      const now = wallMs();
      if (now - startedMs < DELAY_MS || now - shownMs < INTERVAL_MS) return;
      const shown = { done: format(done), of: total === 0 ? '?' : format(total) };
      if (shownMs === 0) bar.start(total, done, shown);
      else bar.update(done, shown);
      shownMs = now;
    },
    stop() {
      if (shownMs > 0) bar.stop();
    },
  };
}
