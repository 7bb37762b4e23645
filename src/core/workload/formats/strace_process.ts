/**
 * Processes of an strace log: descriptors, the open files behind them with their positions, and
 * who shares them with whom. Kept by `strace.ts`.
 */

/** An open file: what several descriptors of several processes may share. */
export interface Description {
  /** The slot of the recording; -1: the file is not played (a pipe, a device, a directory). */
  readonly slot: number;
  /** As the log names it; '' where it does not. */
  readonly path: string;
  position: number;
  readonly append: boolean;
  /** Descriptors that refer to it. */
  uses: number;
}

/** A table of descriptors; threads of a process share one. */
interface Table {
  readonly entries: Map<number, Descriptor>;
  users: number;
}

interface Descriptor {
  readonly description: Description;
  /** Closed by execve. */
  closeOnExec: boolean;
}

/** One process or thread. */
export interface Process {
  readonly pid: number;
  table: Table;
  /** Its directory; '' where the log does not tell. */
  cwd: string;
  /** First half of a call that is under way. */
  unfinished: string;
  /** Where it came from is not known: it was traced from its middle on. */
  readonly orphan: boolean;
}

/** Every process of a log. */
export class Processes {
  readonly #byPid = new Map<number, Process>();
  /** Processes in a call that makes another. */
  readonly #forking = new Set<Process>();
  readonly #closed: (description: Description, pid: number) => void;

  /** `closed` is told of files whose last descriptor is closed. */
  constructor(closed: (description: Description, pid: number) => void) {
    this.#closed = closed;
  }

  /** The process; one that is new is a child of one that is forking, if any is. */
  get(pid: number): Process {
    const there = this.#byPid.get(pid);
    if (there !== undefined) return there;
    const [parent] = this.#forking;
    if (parent !== undefined) return this.#inherit(parent, pid, parent.unfinished);
    const made: Process = {
      pid,
      table: { entries: new Map(), users: 1 },
      cwd: '',
      unfinished: '',
      orphan: true,
    };
    this.#byPid.set(pid, made);
    return made;
  }

  /** A call that makes a process has begun. */
  forking(process: Process): void {
    this.#forking.add(process);
  }

  /** It has ended: the child, if there is one, has what the parent has. */
  forked(parent: Process, child: number, call: string): void {
    this.#forking.delete(parent);
    if (child > 0 && !this.#byPid.has(child)) this.#inherit(parent, child, call);
  }

  /** What a descriptor of a process refers to. */
  find(process: Process, fd: number): Description | undefined {
    const own = process.table.entries.get(fd)?.description;
    if (own !== undefined || !process.orphan) return own;
    // Threads that were attached to share a table that nothing in the log tells of.
    for (const other of this.#byPid.values()) {
      const found = other.orphan ? other.table.entries.get(fd)?.description : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Makes a descriptor refer to a file; what it referred to before is closed. */
  set(process: Process, fd: number, description: Description, closeOnExec: boolean): void {
    this.close(process, fd);
    description.uses++;
    process.table.entries.set(fd, { description, closeOnExec });
  }

  /** Changes whether execve closes a descriptor. */
  setCloseOnExec(process: Process, fd: number, closeOnExec: boolean): void {
    const entry = process.table.entries.get(fd);
    if (entry !== undefined) entry.closeOnExec = closeOnExec;
  }

  /** Closes a descriptor. */
  close(process: Process, fd: number): void {
    let { table } = process;
    if (!table.entries.has(fd) && process.orphan) {
      for (const other of this.#byPid.values()) {
        if (other.orphan && other.table.entries.has(fd)) table = other.table;
      }
    }
    const entry = table.entries.get(fd);
    if (entry === undefined) return;
    table.entries.delete(fd);
    this.#release(entry.description, process.pid);
  }

  /** Closes descriptors [first, last]. */
  closeRange(process: Process, first: number, last: number): void {
    for (const fd of [...process.table.entries.keys()]) {
      if (fd >= first && fd <= last) this.close(process, fd);
    }
  }

  /** execve: a table of its own, without what is closed then. */
  executed(process: Process): void {
    this.#unshare(process);
    for (const [fd, { closeOnExec }] of [...process.table.entries]) {
      if (closeOnExec) this.close(process, fd);
    }
  }

  /** The process has ended. */
  ended(process: Process): void {
    this.#byPid.delete(process.pid);
    this.#forking.delete(process);
    if (--process.table.users > 0) return;
    for (const fd of [...process.table.entries.keys()])
      this.close({ ...process, orphan: false }, fd);
  }

  #inherit(parent: Process, pid: number, call: string): Process {
    const shares = call.includes('CLONE_FILES');
    const table = shares ? parent.table : copyOf(parent.table);
    if (shares) table.users++;
    const child: Process = { pid, table, cwd: parent.cwd, unfinished: '', orphan: false };
    this.#byPid.set(pid, child);
    return child;
  }

  #unshare(process: Process): void {
    if (process.table.users === 1) return;
    process.table.users--;
    process.table = copyOf(process.table);
  }

  #release(description: Description, pid: number): void {
    if (--description.uses === 0) this.#closed(description, pid);
  }
}

function copyOf(table: Table): Table {
  const entries = new Map<number, Descriptor>();
  for (const [fd, entry] of table.entries) {
    entry.description.uses++;
    entries.set(fd, { ...entry });
  }
  return { entries, users: 1 };
}
