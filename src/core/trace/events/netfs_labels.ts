/**
 * Label tables of the netfs events that requests and subrequests make, all eras.
 *
 * Called by the definitions of the events, and by netfs/ and the reducer for the numbers of labels.
 * Kernel: include/trace/events/netfs.h, include/linux/netfs.h. Rows stand in the kernel's order.
 */
import { symbols } from '../symbols.js';

/** Why a read request was made. */
export const netfsReadTraces = symbols('netfs_read_traces');

/** Where a request comes from (printed from E3 on). */
export const netfsRreqOrigins = symbols('netfs_rreq_origins');

/** Stages of a request. `write` is COPY from E3 on. */
export const netfsRreqTraces = symbols('netfs_rreq_traces');

/** Where a subrequest's data comes from or goes to; `INVL` is two values in E4 to E7. */
export const netfsSreqSources = symbols('netfs_sreq_sources');

/** Stages of a subrequest. */
export const netfsSreqTraces = symbols('netfs_sreq_traces');

/** Where something failed. */
export const netfsFailures = symbols('netfs_failures');

/** Who takes or drops a reference of a request. */
export const netfsRreqRefTraces = symbols('netfs_rreq_ref_traces');

/** Who takes or drops a reference of a subrequest. */
export const netfsSreqRefTraces = symbols('netfs_sreq_ref_traces');
