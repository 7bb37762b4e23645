/**
 * Who is executing: the task (and interrupt state) that a tracepoint is attributed to. One object
 * per task, owned by the scheduler; the tracer reads the current one at each event.
 */

/** The identity printed in front of a trace line, and the workload operation being served. */
export interface ExecContext {
  readonly pid: number;
  readonly comm: string;
  cpu: number;
  /**
   * Latency flags as ftrace prints them: irqs-off, need-resched, hardirq/softirq, preempt-depth;
   * eras from v6.1 print one more column, which the printer adds.
   */
  flags: string;
  /** Workload operation being served, counted from 1; 0 = none. */
  op: number;
  /** A fatal signal is pending: killable waits return -EINTR. */
  killed: boolean;
  /** Owned by the tracer: identifier of this task in the trace, 0 until its first event. */
  traceTask: number;
}

/** Makes a context with nothing pending. */
export function makeContext(pid: number, comm: string, flags = '....'): ExecContext {
  return { pid, comm, cpu: 0, flags, op: 0, killed: false, traceTask: 0 };
}
