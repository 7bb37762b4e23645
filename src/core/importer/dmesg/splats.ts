/**
 * The kernel's general reports - BUG, WARNING, KASAN, Oops, general protection fault, soft lockup,
 * RCU stall, hung task, dumps of tasks - gathered line by line and told as one item each. Called by
 * read_log.ts. A report is told only if a function of netfs or its filesystems stands in it.
 */

import { type Frame, frameOf, placeOf } from './frames.js';
import { isOwnFunction, isPlumbing, phaseOf } from './functions.js';
import { BUGS, type FunctionNote, releasesText, WAITS, WARNINGS } from './messages.js';

/** What kind of report it is. */
interface Kind {
  readonly name: string;
  readonly head: RegExp;
  readonly weight: 'look' | 'harmful';
  readonly meaning: string;
  /** The trace is that of a task that sleeps. */
  readonly sleeps?: boolean;
}

const KINDS: readonly Kind[] = [
  {
    name: 'hung task',
    head: /^INFO: task (?<task>.{1,64}?):(?<pid>\d+) blocked for more than (?<s>\d+) seconds/,
    weight: 'harmful',
    meaning: 'a task sleeps without end, and signals do not wake it',
    sleeps: true,
  },
  {
    name: 'task',
    head: /^task:(?<task>\S{1,64}) +state:(?<state>\S) .*?\bpid:(?<pid>\d+)/,
    weight: 'look',
    meaning: 'what a task is doing',
    sleeps: true,
  },
  {
    name: 'task',
    head: /^(?<task>[\w/:.-]{1,32}) +(?<state>D) +(?:[0-9a-f]{8,16} +)?\d+ +(?<pid>\d+) +\d+ +0x/,
    weight: 'look',
    meaning: 'what a task is doing',
    sleeps: true,
  },
  {
    name: 'soft lockup',
    head: /(?:watchdog: )?BUG: soft lockup - CPU#\d+ stuck for (?<s>\d+)s! \[(?<task>.{1,64}?):(?<pid>\d+)\]/,
    weight: 'harmful',
    meaning: 'a processor has run kernel code without end: an endless loop, or a very long walk',
  },
  {
    name: 'hard lockup',
    head: /^(?:NMI )?watchdog: .*(?:hard LOCKUP|Watchdog detected)/i,
    weight: 'harmful',
    meaning: 'a processor takes no interrupts any more',
  },
  {
    name: 'RCU stall',
    head: /^rcu: INFO: \S+ (?:self-)?detected (?:expedited )?stall|^INFO: rcu_\w+ (?:self-)?detected/,
    weight: 'harmful',
    meaning:
      'a processor has not passed a quiet state for long: a loop with interrupts or preemption off',
  },
  {
    name: 'KASAN',
    head: /^BUG: K[AMC]?SAN: (?<what>[\w-]+)(?: in (?<place>[\w.]+))?/,
    weight: 'harmful',
    meaning: 'memory was used that was freed or belongs to something else',
  },
  {
    name: 'null pointer',
    head: /^BUG: kernel NULL pointer dereference|^BUG: unable to handle (?:kernel )?NULL pointer|^Unable to handle kernel NULL pointer/,
    weight: 'harmful',
    meaning: 'a pointer was null that may not be',
  },
  {
    name: 'page fault',
    head: /^BUG: unable to handle (?:kernel )?(?:page|paging)|^Unable to handle kernel paging/,
    weight: 'harmful',
    meaning: 'a pointer led nowhere: memory is not what it was taken for',
  },
  {
    name: 'general protection fault',
    head: /^(?:Oops: )?general protection fault/,
    weight: 'harmful',
    meaning: 'a pointer was no address (0xdead... and 0x6b6b... mark freed memory)',
  },
  {
    name: 'kernel BUG',
    head: /^kernel BUG at (?<file>[\w/.-]+):(?<at>\d+)!/,
    weight: 'harmful',
    meaning: 'an assertion failed and ended the task; the locks it held stay held, so hangs follow',
  },
  {
    name: 'refcount',
    head: /^refcount_t: (?<what>.{1,80})/,
    weight: 'harmful',
    meaning: 'an object was put once too often or taken after its end: use after free',
  },
  {
    name: 'bad page',
    head: /^BUG: Bad page (?<what>state|map|cache)/,
    weight: 'harmful',
    meaning: 'a page was freed with flags set or in use',
  },
  {
    name: 'locking',
    head: /^WARNING: (?<what>possible (?:circular|recursive) locking|inconsistent lock state|suspicious RCU)/,
    weight: 'look',
    meaning: 'lockdep found an order of locks that can deadlock',
  },
  {
    name: 'WARNING',
    head: /^WARNING: (?:CPU: \d+ PID: \d+ )?(?:at )?(?<file>[\w/.-]+):(?<at>\d+)(?: at)? (?<place>[\w.]+)\+0x/,
    weight: 'look',
    meaning: 'a check failed; the kernel goes on',
  },
  {
    name: 'Oops',
    head: /^(?:Internal error: )?Oops:? ?(?!general)/,
    weight: 'harmful',
    meaning: 'the kernel crashed in this task; the locks it held stay held',
  },
  {
    name: 'panic',
    head: /^Kernel panic - not syncing/,
    weight: 'harmful',
    meaning: 'the machine stopped',
  },
  {
    name: 'task',
    head: /^PID: (?<pid>\d+) +TASK: [0-9a-f]+ +CPU: \d+ +COMMAND: "(?<task>[^"]{1,32})"/,
    weight: 'look',
    meaning: 'what a task is doing',
    sleeps: true,
  },
  {
    name: 'stack',
    head: /^\[<0>\] [\w.]+\+0x/,
    weight: 'look',
    meaning: 'where a task sleeps',
    sleeps: true,
  },
];

/** Lines of a report beside call traces. */
const BODY =
  /^\s*(?:[\w/:.-]{1,32} +D +(?:[0-9a-f]+ +)?\d+ +\d+|CPU:? ?\d|IP: |PGD |Pid: |Process |Stack:|PC is at|LR is at|psr|r\d+ ?: |Hardware name|RIP:|Code:|R[A-Z0-9]{2}: |RSP:|EFLAGS|RAX|Call [Tt]race|<\/?[A-Z#]+>|Modules linked|Workqueue:|---\[|Tainted:|Not tainted|"echo 0|task:|PKRU|CS:|FS:|CR2|DR\d|irq event|hardirqs|softirqs|(?:Read|Write) of size|Allocated by|Freed by|Freed in|Allocated in|The buggy|which belongs|Last potentially|Second to last|\w+-\d+: |pc :|lr :|sp :|x\d+ ?:|pstate|Oops:|invalid opcode|Internal error|=====|page:|flags:|raw:|page dumped|Memory state|>?[0-9a-f]{16}:|\s*\^|Comm:|Showing all locks|NMI backtrace|Sending NMI|Stopper|Kernel Offset|Rebooting|note: |Fixing recursive|Future hung|INFO: task .{1,64} is blocked|INFO: lockdep|\d+ locks? held|#\d+:|Kernel panic|PID: \d+|which is located|allocated |The existing dependency|Possible unsafe|other info|but task is|-{6}|[0-9a-f]{16} \(|\S{1,32}\/\d+ is trying|which lock|\d+\.\d+\S* #\d|the existing|Exception|last sysfs|Stack:|\(t=\d+|\(detected|rcu:|kthread|ESI|EIP|Bad RIP|RAX:|ORIG_RAX|(?:kworker|nfs|kswapd)\S* +[A-Z] )/;

/** A report while its lines come in. */
export class Splat {
  readonly kind: Kind;
  readonly first: number;
  last: number;
  readonly title: string;
  /** What the warning says, in sentences. */
  readonly said: string[] = [];
  weight: 'look' | 'harmful';
  task: string;
  pid: string;
  kernel = '';
  workqueue = '';
  tainted = '';
  place: Frame | null = null;
  readonly frames: Frame[] = [];
  /** Who made and who freed the memory that KASAN complains of. */
  readonly #histories: { what: string; frames: Frame[] }[] = [];
  readonly #groups: RegExpExecArray['groups'];
  #into: Frame[];
  #foreign = 0;
  #ended = false;
  #lockOwner = '';

  constructor(kind: Kind, text: string, where: number, label: string) {
    this.kind = kind;
    this.first = where;
    this.last = where;
    this.weight = kind.weight;
    this.#groups = kind.head.exec(text)?.groups;
    this.title = label === '' ? text.trim() : label;
    const { task, pid, state } = this.#groups ?? {};
    if (kind.name === 'task') {
      this.title = `task ${task} (pid ${pid})${state === undefined ? '' : `, state ${state}`}`;
    }
    this.task = this.#groups?.task ?? '';
    this.pid = this.#groups?.pid ?? '';
    this.#into = this.frames;
    if (kind.name === 'stack') this.add(text, where);
  }

  /** What stands in the head under a name. */
  head(name: string): string {
    return this.#groups?.[name] ?? '';
  }

  /** Takes a line; false if it does not belong to the report. */
  add(text: string, where: number): boolean {
    if (this.#ended || this.frames.length > 512) return false;
    const frame = frameOf(text);
    if (frame !== null) {
      this.#into.push(frame);
    } else if (!this.#note(text)) {
      if (!BODY.test(text)) {
        // Other processors print in between.
        this.#foreign++;
        return this.#foreign <= 2 && text.trim() === '';
      }
    }
    this.#foreign = 0;
    this.last = where;
    return true;
  }

  #note(text: string): boolean {
    const place = placeOf(text);
    if (place !== null) {
      this.place ??= place;
      return true;
    }
    const comm =
      /\bPID: (\d+)(?:\/\S+)?,? Comm: (.{1,32}?) (?:Not tainted|Tainted: .{0,40}?|Kdump: \S+ (?:Not tainted|Tainted: .{0,40}?)) +(\d+\.\d+\S*)/.exec(
        text,
      ) ?? null;
    if (comm !== null) {
      if (this.pid === '') this.pid = comm[1] as string;
      if (this.task === '') this.task = comm[2] as string;
      this.kernel ||= comm[3] as string;
    }
    const old =
      /^\s*Pid: (\d+), comm: (.{1,32}?) (?:Not tainted|Tainted: .{0,40}?) \(?(\d+\.\d+\S*)/.exec(
        text,
      );
    if (old !== null) [, this.pid = '', this.task = '', this.kernel = ''] = old;
    const release = /^\s*(?:Not tainted|Tainted: [A-Z ]{1,40}?) +(\d+\.\d+\S*)/.exec(text);
    if (release !== null) this.kernel ||= release[1] as string;
    const by = /\bby task (.{1,32}?)\/(\d+)/.exec(text);
    if (by !== null && this.task === '') [, this.task = '', this.pid = ''] = by;
    const queue = /^\s*Workqueue: (\S+) ([\w.]+)/.exec(text);
    if (queue !== null) this.workqueue = `${queue[1]} ${queue[2]}`;
    const owner = /is blocked on an? (\S+).*(?:likely owned|owned) by task (\S+?):(\d+)/.exec(text);
    if (owner !== null) this.#lockOwner = `a ${owner[1]} that ${owner[2]} (pid ${owner[3]}) holds`;
    const history = /^\s*(Allocated|Freed) (?:by task|in)/.exec(text);
    if (history !== null) {
      this.#into = [];
      this.#histories.push({ what: history[1] as string, frames: this.#into });
    }
    if (/^\s*---\[ end trace|^\s*---\[ end Kernel panic/.test(text)) this.#ended = true;
    return comm !== null || old !== null || queue !== null || owner !== null || history !== null;
  }

  /** Frames of the chain, the place first, without what only keeps a task asleep. */
  get chain(): readonly Frame[] {
    const from = this.place === null ? this.frames : [this.place, ...this.frames];
    const sure = from.filter(({ sure }) => sure);
    // A trace that was cut may be made of doubtful frames only.
    return sure.some(({ name }) => phaseOf(name) !== null) ? sure : from;
  }

  /** The functions of netfs and its filesystems, innermost first. */
  get known(): readonly Frame[] {
    const here = this.head('place');
    const head = here === '' ? [] : [{ name: here.replace(/\..*$/, ''), sure: true, module: '' }];
    const all = [...head, ...this.chain, ...(this.place === null ? [] : [this.place])];
    const queue = this.workqueue.split(' ')[1];
    if (queue !== undefined) all.push({ name: queue, sure: true, module: '' });
    const seen = new Set<string>();
    return all.filter(({ name, module }) => {
      const ours = phaseOf(name) !== null || FILESYSTEMS.has(module) || isOwnFunction(name);
      return ours && !seen.has(name) && seen.add(name);
    });
  }

  /** Whether it is about netfs, its cache or its filesystems. */
  get isOurs(): boolean {
    const file = this.head('file');
    if (/^fs\/(?:netfs|fscache|cachefiles|9p|afs|nfs|smb|cifs|ceph)\//.test(file)) return true;
    if (this.known.length > 0) return true;
    return this.kind.name === 'hung task' && this.frames.length === 0;
  }

  /** Who it is that waits, in words. */
  get who(): string {
    if (this.task === '') return 'a task';
    return `${this.task}${this.pid === '' ? '' : ` (pid ${this.pid})`}`;
  }

  /** What the task waits for, null where the trace does not tell. */
  get wait(): {
    readonly note: FunctionNote;
    readonly frame: Frame;
    readonly inside: string;
  } | null {
    const { chain } = this;
    const at = chain.findIndex(({ name }) => noteOf(name) !== undefined);
    const frame = chain[at];
    if (frame === undefined) return null;
    const specific = chain.findIndex(
      ({ name }, i) => i > at && isOwnFunction(name) && WAITS.has(name),
    );
    // A wait for a page says little; whoever asked for it says for which.
    const generic = !isOwnFunction(frame.name) && specific >= 0 && at + 4 >= specific;
    const chosen = generic ? (chain[specific] as Frame) : frame;
    const callers = chain.slice(chain.indexOf(chosen) + 1);
    const caller = callers.find(({ name }) => phaseOf(name) !== null);
    const inside = caller === undefined ? '' : functionText(caller);
    return { note: noteOf(chosen.name) as FunctionNote, frame: chosen, inside };
  }

  /** What it means, in sentences. */
  get means(): string {
    const said: string[] = [];
    const file = this.head('file');
    if (this.kind.sleeps) said.push(this.#waitText());
    else said.push(`${capital(this.kind.meaning)}.`);
    if (this.kind.name === 'hung task') said.push(`Asleep for more than ${this.head('s')} s.`);
    const what = this.head('what');
    if (what !== '' && this.kind.name !== 'locking') said.push(`${capital(what)}.`);
    said.push(...this.said);
    const special = this.special;
    if (special !== null) said.push(special.meaning);
    const [inner] = this.known;
    if (!this.kind.sleeps && inner !== undefined) {
      const phase = phaseOf(inner.name);
      said.push(`In ${functionText(inner)}${phase === null ? '' : `: ${phase}`}.`);
    } else if (file !== '' && inner === undefined) {
      said.push(`In ${file}, line ${this.head('at')}.`);
    }
    if (!this.kind.sleeps && this.task !== '') said.push(`Task: ${this.who}.`);
    for (const { what: did, frames } of this.#histories) {
      const by = frames.find(({ name }) => phaseOf(name) !== null);
      if (by !== undefined) said.push(`${did} in ${functionText(by)}.`);
    }
    return said.join(' ');
  }

  #waitText(): string {
    const { wait } = this;
    const who = this.task === '' ? 'A task' : `Task ${this.who}`;
    if (this.frames.length === 0) {
      return `${who} sleeps; no call trace follows, so what it waits for cannot be told.`;
    }
    if (this.#lockOwner !== '') return `${who} waits for ${this.#lockOwner}.`;
    if (wait === null) {
      const at = this.chain.find(({ name }) => !isPlumbing(name));
      const [inner] = this.known;
      const where = inner === undefined || inner === at ? '' : `, called by ${functionText(inner)}`;
      return `${who} sleeps in ${at === undefined ? 'schedule' : functionText(at)}${where}.`;
    }
    const { note, frame, inside } = wait;
    const lock = lockOf(this.frames);
    const within = inside === '' ? '' : `, in ${inside}`;
    const held = lock === null ? '' : ` It sleeps on ${lock}.`;
    const by = note.cause === '' ? '' : ` Woken by: ${note.cause}.`;
    return `${who} waits for ${note.meaning} (${frame.name}${within}).${held}${by}`;
  }

  /** What is known of this function in this kind of report. */
  get special(): FunctionNote | null {
    const tables: Record<string, typeof BUGS> = { WARNING: WARNINGS, 'kernel BUG': BUGS };
    const table = tables[this.kind.name];
    for (const { name } of this.known.slice(0, 3)) {
      const note = table?.get(name);
      if (note !== undefined) return note;
    }
    return null;
  }

  /** What to look at next. */
  get next(): string {
    const { wait } = this;
    if (wait !== null && this.kind.sleeps && wait.note.next !== '') {
      return `${wait.note.next}; record the next one: netfslab capture-script --hang`;
    }
    if (this.kind.sleeps || /lockup|stall/.test(this.kind.name)) {
      return 'record the next one: netfslab capture-script --hang';
    }
    const known = this.special?.next ?? 'keep the whole report; update the kernel';
    return `${known}; record the next one: netfslab capture-script --corrupt`;
  }

  /** Releases that can print it, null = any. */
  get kernels(): string | null {
    if (this.kernel !== '') return this.kernel;
    const note = this.special ?? this.wait?.note ?? null;
    return note === null ? null : releasesText(note);
  }
}

/** What a function waits for; of those of netfs that are not in the table, that it waits. */
function noteOf(name: string): FunctionNote | undefined {
  const known = WAITS.get(name);
  if (known !== undefined || !name.startsWith('netfs_wait_')) return known;
  return {
    name,
    since: '',
    until: '',
    meaning: 'a request of netfs to end',
    cause: 'its collector, when its last slice has ended',
    next: 'cat /proc/fs/netfs/requests',
  };
}

const FILESYSTEMS: ReadonlySet<string> = new Set(
  'netfs fscache cachefiles 9p 9pnet 9pnet_virtio 9pnet_fd kafs nfs nfsv3 nfsv4 cifs ceph'.split(
    ' ',
  ),
);

function functionText({ name, module }: Frame): string {
  return module === '' ? name : `${name} [${module}]`;
}

/** The lock on which the innermost frames sleep. */
function lockOf(frames: readonly Frame[]): string | null {
  const inner = frames.filter(({ sure }) => sure).slice(0, 8);
  if (inner.some(({ name }) => /^(?:__)?mutex_lock/.test(name))) return 'a mutex';
  if (inner.some(({ name }) => /^rwsem_down_read|^down_read/.test(name)))
    return 'a read-write semaphore';
  if (inner.some(({ name }) => /^rwsem_down_write|^down_write/.test(name))) {
    return 'a read-write semaphore, to be the only one';
  }
  return null;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** True for a line that stands within reports. */
export function isBody(text: string): boolean {
  return BODY.test(text);
}

/** The report that a line begins, null if it begins none. */
export function splatOf(text: string, where: number, label: string): Splat | null {
  const kind = KINDS.find(({ head }) => head.test(text));
  return kind === undefined ? null : new Splat(kind, text, where, label);
}
