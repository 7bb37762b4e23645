/** From when on silence counts. Called by the rules about requests and references. */

/** Since when nothing has happened before a request counts as stuck, nanoseconds. */
export const STUCK_NS = 1e9;
