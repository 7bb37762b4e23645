/**
 * The use case `capture-script`: the shell script that records a machine on which nothing can be
 * installed, and packs one bundle that `trace import` reads. Called by the command, and by
 * `trace record --host`. It is text only; nothing is run here.
 *
 * POSIX sh, as busybox has it. What the kernel has is found out on the machine, so the script fits
 * any release. The same rules as recorder/session.ts: an instance of its own, everything as it was.
 */
import { UsageError } from '../../base/errors.js';
import {
  ALWAYS,
  CLIENTS,
  LEFT_OUT,
  OPERATION_CALLS,
  PRESETS,
  TABLES,
  TASK_EVENTS,
  type Trouble,
} from '../../recorder/presets.js';

export { PRESETS, type Trouble } from '../../recorder/presets.js';

/** What the script is to do. */
export interface ScriptOptions {
  readonly trouble: Trouble;
  /**
   * Stop after this many seconds; 0 = on Ctrl-C, or at the end of standard input without a
   * terminal.
   */
  readonly seconds: number;
  /** Events besides those of the trouble: a system, or `system/event`. */
  readonly events?: readonly string[];
  /** Ring buffer, all processors together, KiB; absent = as the trouble says. */
  readonly bufferKb?: number;
  /** Record the system calls of all processes. */
  readonly operations?: boolean;
  /** Write the bundle to standard output, not to a file. */
  readonly stdout?: boolean;
}

/** Names that may stand in a script unquoted. */
const PLAIN = /^[\w/-]+$/;

/** The script, line by line. `UsageError` for seconds, sizes or events that cannot be. */
export function captureScript(options: ScriptOptions): string[] {
  const { trouble, seconds, operations = false, stdout = false, events = [] } = options;
  const preset = PRESETS[trouble];
  const kb = options.bufferKb ?? preset.bufferKb;
  if (!Number.isInteger(seconds) || seconds < 0) {
    throw new UsageError('--seconds', `expected a number of seconds, got ${seconds}`);
  }
  const odd = events.find((event) => !PLAIN.test(event));
  if (odd !== undefined) throw new UsageError('--events', `'${odd}' is not the name of an event`);
  const calls = OPERATION_CALLS.flatMap((call) => [
    `syscalls/sys_enter_${call}`,
    `syscalls/sys_exit_${call}`,
  ]);
  const wanted = [
    ...[...ALWAYS, ...CLIENTS, ...preset.events, ...events],
    ...(operations ? [...calls, ...TASK_EVENTS] : []),
  ];
  return [
    '#!/bin/sh',
    `# Records netfs while ${preset.doc}. Run as root on the machine concerned and`,
    '# reproduce the trouble while it runs. The bundle is read by: netfslab trace import',
    '# Uses a trace instance of its own and removes it at the end, whatever happens.',
    'set -u',
    `WANTED='${wanted.join(' ')}'`,
    `UNWANTED='${LEFT_OUT.join(' ')}'`,
    `KB=${kb}; SECONDS_MAX=${seconds}; TROUBLE=${trouble}; TO_STDOUT=${stdout ? 1 : 0}`,
    `WATCH=${preset.watch ? 1 : 0}; OPS=${operations ? 1 : 0}`,
    ...TABLE_PATHS,
    ...BODY,
  ];
}

/** `stats='/proc/fs/netfs/stats /proc/fs/fscache/stats'` and so on. */
const TABLE_PATHS = [
  `TABLES='${Object.keys(TABLES).join(' ')}'`,
  'paths_of() { case $1 in',
  ...Object.entries(TABLES).map(
    ([name, paths]) => `  ${name}) echo ${paths.map((path) => `"${path}"`).join(' ')} ;;`,
  ),
  'esac; }',
];

/** NETFSLAB_ROOT is put before all paths of the system, for tests of the script. */
const BODY = `
R=\${NETFSLAB_ROOT:-}
T=$R/sys/kernel/tracing; [ -d "$T/events" ] || T=$R/sys/kernel/debug/tracing
fail() { echo "netfslab capture: $1" >&2; exit 1; }
[ -d "$T/events" ] || fail 'no tracefs here: mount -t tracefs nodev /sys/kernel/tracing'
[ -w "$T/instances" ] || fail 'run it as root: the trace instances are not writable'

start_of() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
remove() {
  echo 0 > "$1/tracing_on"; echo 0 > "$1/events/enable"; rmdir "$1"
} 2>/dev/null
# What a killed recording left is removed: its process is gone.
for old in "$T"/instances/netfslab_*; do
  [ -d "$old" ] || continue
  name=\${old##*/netfslab_}; pid=\${name%%_*}; rest=\${name#*_}; began=\${rest%%_*}
  [ "$(start_of "$pid")" = "$began" ] || remove "$old"
done

I=$T/instances/netfslab_$$_$(start_of $$)
HOST=$(hostname 2>/dev/null || uname -n)
NAME=netfs-$TROUBLE-$HOST-$(date +%Y%m%d-%H%M%S)
W=$(mktemp -d) || fail 'no temporary folder'
OUT=$W/$NAME
cleanup() {
  trap '' HUP INT TERM; trap - EXIT
  [ -d "$I" ] && remove "$I"
  rm -rf "$W"
}
trap cleanup EXIT
DONE=0
trap 'DONE=1' HUP INT TERM
mkdir "$OUT" || exit 1
mkdir "$I" 2>/dev/null || fail "the kernel refuses an instance (locked down? cat /sys/kernel/security/lockdown)"

snap() {
  for table in $TABLES; do
    for path in $(paths_of "$table"); do
      cat "$R$path" > "$OUT/$table.$1" 2>/dev/null && break
      rm -f "$OUT/$table.$1"
    done
  done
}
# Tasks in uninterruptible sleep and where they sleep.
stacks() {
  for stat in "$R"/proc/[0-9]*/stat; do
    state=$(sed 's/.*) //' "$stat" 2>/dev/null | cut -d' ' -f1)
    [ "$state" = D ] || continue
    dir=\${stat%/stat}
    echo "== \${dir##*/} $(cat "$dir/comm")"
    cat "$dir/stack"
  done > "$OUT/stacks.$1" 2>/dev/null
  [ -s "$OUT/stacks.$1" ] && return 0
  rm -f "$OUT/stacks.$1"; return 1
}
open_files() {
  for dir in "$R"/proc/[0-9]*; do
    pid=\${dir##*/}
    for link in "$dir/cwd" "$dir"/fd/*; do
      path=$(readlink "$link" 2>/dev/null) || continue
      case $path in /*) ;; *) continue ;; esac
      id=$(stat -L -c '%d %i' "$link" 2>/dev/null) || continue
      fd=\${link##*/}; pos=0; flags=0
      if [ "$fd" != cwd ]; then
        pos=$(sed -n 's/^pos:[[:space:]]*//p' "$dir/fdinfo/$fd" 2>/dev/null)
        flags=$(sed -n 's/^flags:[[:space:]]*//p' "$dir/fdinfo/$fd" 2>/dev/null)
      fi
      echo "$pid $pid $fd \${pos:-0} \${flags:-0} $id $path"
    done
  done > "$OUT/open-files" 2>/dev/null
}
formats() {
  for event in $WANTED; do
    for format in "$T/events/$event"/format "$T/events/$event"/*/format; do
      [ -r "$format" ] || continue
      to=$OUT/events/\${format#"$T/events/"}
      mkdir -p "\${to%/format}" && cat "$format" > "$to"
    done
  done
}

echo 0 > "$I/tracing_on"
echo mono > "$I/trace_clock" 2>/dev/null
cpus=$(find "$I/per_cpu" -maxdepth 1 -name 'cpu*' 2>/dev/null | wc -l)
[ "$cpus" -gt 0 ] || cpus=1
echo $((KB / cpus)) > "$I/buffer_size_kb" || fail "the kernel has no $KB KiB for the buffer"
some=0
for event in $WANTED; do
  if [ -e "$I/events/$event/enable" ] && echo 1 > "$I/events/$event/enable"; then some=1
  else echo "netfslab capture: no event $event" >&2; fi
done 2>/dev/null
for event in $UNWANTED; do
  [ -e "$I/events/$event/enable" ] && echo 0 > "$I/events/$event/enable"
done 2>/dev/null
[ $some = 1 ] || fail 'no event of netfs here: is the module loaded? (modprobe netfs)'

uname -r > "$OUT/kernel"
cat "$R/proc/self/mountinfo" > "$OUT/mountinfo" 2>/dev/null
cat "$R/proc/self/mountstats" > "$OUT/mountstats" 2>/dev/null
[ $OPS = 1 ] && open_files
formats
snap before
echo 1 > "$I/tracing_on"
if [ "$SECONDS_MAX" -gt 0 ]; then echo "netfslab capture: recording $SECONDS_MAX s" >&2
elif [ -t 0 ]; then echo 'netfslab capture: recording; Ctrl-C stops' >&2
else echo 'netfslab capture: recording until the input ends' >&2; fi
if [ "$SECONDS_MAX" -eq 0 ] && [ ! -t 0 ]; then
  # A background job reads from /dev/null, so the input is handed over.
  exec 3<&0
  { cat <&3 >/dev/null; kill -TERM $$ 2>/dev/null; } &
  reader=$!
fi
elapsed=0; during=0
while [ $DONE = 0 ]; do
  [ "$SECONDS_MAX" -gt 0 ] && [ $elapsed -ge "$SECONDS_MAX" ] && break
  sleep 1 & wait $! 2>/dev/null
  elapsed=$((elapsed + 1))
  if [ $WATCH = 1 ] && stacks "during$((during + 1))"; then
    during=$((during + 1)); snap "during$during"
  fi
done
trap '' HUP INT TERM
[ -n "\${reader:-}" ] && kill "$reader" 2>/dev/null
echo 0 > "$I/tracing_on"
snap after
stacks after
cat "$I/trace" > "$OUT/trace.txt"
cat "$I"/per_cpu/cpu*/stats > "$OUT/ringbuffer" 2>/dev/null
if [ $TO_STDOUT = 1 ]; then
  (cd "$W" && tar cf - "$NAME") | gzip
else
  (cd "$W" && tar cf - "$NAME") | gzip > "$NAME.tar.gz" && echo "$NAME.tar.gz"
fi
`
  .trim()
  .split('\n');
