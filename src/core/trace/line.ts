/**
 * Whole ftrace lines and the heading above them, as the kernel of an era prints them. Called by the
 * store, which prints captures.
 *
 * Kernel: kernel/trace/trace_output.c, trace.c. Times are rounded to the nearest microsecond, as
 * the kernel does (checked against a trace.dat, which has nanoseconds).
 */
import { type Era, eraAge } from './eras.js';

/** What stands in front of an event's name. */
export interface LinePrefix {
  readonly comm: string;
  readonly pid: number;
  readonly cpu: number;
  readonly flags: string;
  /** Nanoseconds of the trace clock. */
  readonly ns: number;
}

/** Columns of latency flags: v5.17 has one for disabled migration. */
function flagColumns(era: Era): 4 | 5 {
  return eraAge(era) < eraAge('E2') ? 4 : 5;
}

/** A line without its newline. */
export function printLine(era: Era, prefix: LinePrefix, event: string, text: string): string {
  const task = `${prefix.comm.padStart(16)}-${String(prefix.pid).padEnd(7)}`;
  const cpu = String(prefix.cpu).padStart(3, '0');
  const flags = prefix.flags.padEnd(flagColumns(era), '.');
  return `${task} [${cpu}] ${flags} ${printTime(prefix.ns)}: ${event}: ${text}`;
}

/** A time as ftrace prints it: seconds in five columns, then microseconds. */
export function printTime(ns: number): string {
  const us = Math.round(ns / 1000);
  const seconds = Math.floor(us / 1e6);
  return `${String(seconds).padStart(5)}.${String(us % 1e6).padStart(6, '0')}`;
}

/** The heading of a trace that has `entries` of `written` events, on `cpus` processors. */
export function printHeading(era: Era, entries: number, written: number, cpus: number): string[] {
  const first = [
    '# tracer: nop',
    '#',
    `# entries-in-buffer/entries-written: ${entries}/${written}   #P:${cpus}`,
    '#',
  ];
  if (flagColumns(era) === 4) {
    return [
      ...first,
      '#                                _-----=> irqs-off',
      '#                               / _----=> need-resched',
      '#                              | / _---=> hardirq/softirq',
      '#                              || / _--=> preempt-depth',
      '#                              ||| /     delay',
      '#           TASK-PID     CPU#  ||||   TIMESTAMP  FUNCTION',
      '#              | |         |   ||||      |         |',
    ];
  }
  return [
    ...first,
    '#                                _-----=> irqs-off/BH-disabled',
    '#                               / _----=> need-resched',
    '#                              | / _---=> hardirq/softirq',
    '#                              || / _--=> preempt-depth',
    '#                              ||| / _-=> migrate-disable',
    '#                              |||| /     delay',
    '#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION',
    '#              | |         |   |||||     |         |',
  ];
}
