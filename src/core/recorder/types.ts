/**
 * What the recorder needs of tracefs. `tracefs.ts` is the real one; tests replay the pages of real
 * captures through another.
 */

/** One tracefs. Paths are relative to its root: `instances/x/tracing_on`. */
export interface TraceFs {
  /** Where it is mounted, for messages. */
  readonly root: string;
  /** Text of a file, null = it cannot be read. */
  read(path: string): string | null;
  /** Writes a file in one write(2): 0 or a negative errno. */
  write(path: string, text: string): number;
  /** Adds a line to a file of definitions (`uprobe_events`): 0 or a negative errno. */
  append(path: string, text: string): number;
  /** mkdir(2), which makes an instance: 0 or a negative errno. */
  makeDirectory(path: string): number;
  /** rmdir(2): 0 or a negative errno (-EBUSY: a file in it is open). */
  removeDirectory(path: string): number;
  /** Names in a directory; none if it cannot be read. */
  list(path: string): string[];
  /** The ring-buffer pages of `PATH/trace_pipe_raw`, or a negative errno. */
  openPages(path: string): PageSource | number;
}

/** The ring-buffer pages of one processor of one instance. */
export interface PageSource {
  /**
   * Moves the pages that are full to the end of file `fd`; returns bytes moved or a negative errno.
   */
  drain(fd: number): number;
  /** The same, including the page that is only partly full; each page is written whole. */
  finish(fd: number): number;
  close(): void;
}

/** A text that goes with a trace: a member of the bundle by its name, `stats.before`. */
export interface Snapshot {
  readonly name: string;
  readonly text: string;
}
