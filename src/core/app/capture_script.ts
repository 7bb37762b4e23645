/**
 * The use case `capture-script`: the shell that records what the analyses need on a real machine,
 * and packs one bundle that `trace import` reads. Called by the command. It is text only; nothing
 * is run here.
 */
import { UsageError } from '../base/errors.js';
import { type Era, inEra, type PerEra } from '../trace/eras.js';
import { TRACEPOINTS } from '../trace/index.js';

/** What goes wrong on the machine. */
export type Trouble = 'hang' | 'slow' | 'corrupt';

/** What to record for each trouble. */
interface Recipe {
  readonly doc: string;
  /** Events beside all of netfs, by system; `system/event` for one. */
  readonly events: readonly string[];
  readonly bufferKb: number;
  /** The stacks of hanging tasks are wanted. */
  readonly stacks: boolean;
}

/** Every recipe by what goes wrong. */
export const RECIPES: Readonly<Record<Trouble, Recipe>> = {
  hang: {
    doc: 'a request or a task hangs',
    events: ['fscache', 'cachefiles'],
    bufferKb: 16384,
    stacks: true,
  },
  slow: {
    doc: 'reads are slow, or do not come from the cache',
    events: ['fscache', 'cachefiles'],
    bufferKb: 65536,
    stacks: false,
  },
  corrupt: {
    doc: 'readers get wrong data',
    events: ['fscache', 'cachefiles', 'filemap/mm_filemap_add_to_page_cache'],
    bufferKb: 131072,
    stacks: false,
  },
};

/** Where the kernel shows the statistics. */
const STATS: PerEra<string> = { E0: '/proc/fs/fscache/stats', E4: '/proc/fs/netfs/stats' };

/** The script, line by line. `seconds` 0 = until interrupted. */
export function captureScript(trouble: Trouble, era: Era, seconds: number): string[] {
  if (!Number.isInteger(seconds) || seconds < 0) {
    throw new UsageError('--seconds', `expected a number of seconds, got ${seconds}`);
  }
  const { doc, events, bufferKb, stacks } = RECIPES[trouble];
  return [
    '#!/bin/sh',
    `# Records netfs while ${doc}. Run as root on the machine concerned;`,
    '# reproduce the trouble while it runs. The bundle is read by: netfslab trace import',
    'set -eu',
    'T=/sys/kernel/tracing; [ -d "$T/events" ] || T=/sys/kernel/debug/tracing',
    `OUT=netfs-${trouble}-$(hostname)-$(date +%Y%m%d-%H%M%S); mkdir "$OUT"`,
    'snap() {',
    `  cat ${inEra(STATS, era)} > "$OUT/stats.$1" 2>/dev/null || true`,
    '  cat /proc/fs/fscache/cookies > "$OUT/cookies.$1" 2>/dev/null || true',
    ...(hasRequestList(era)
      ? ['  cat /proc/fs/netfs/requests > "$OUT/requests.$1" 2>/dev/null || true']
      : []),
    '}',
    'finish() {',
    '  trap - INT TERM; echo 0 > "$T/tracing_on"; snap after',
    '  cat "$T/trace" > "$OUT/trace.txt"; uname -r > "$OUT/kernel"',
    '  cat "$T"/per_cpu/cpu*/stats > "$OUT/ringbuffer" 2>/dev/null || true',
    '  # how this kernel prints its events: by these a kernel nobody has seen yet is read',
    '  for e in netfs fscache cachefiles 9p afs nfs nfs4 cifs ceph rxrpc; do',
    '    for f in "$T/events/$e"/*/format; do [ -e "$f" ] || continue',
    '      d=$(basename "$(dirname "$f")"); mkdir -p "$OUT/events/$e/$d"',
    '      cat "$f" > "$OUT/events/$e/$d/format"; done; done',
    ...(stacks
      ? [
          "  for p in $(ps -eo pid,stat | awk '$2 ~ /^D/ {print $1}'); do",
          '    echo "== $p $(cat /proc/$p/comm)"; cat /proc/$p/stack; done > "$OUT/stacks" || true',
        ]
      : []),
    '  echo 0 > "$T/events/enable"; echo > "$T/trace"',
    '  tar czf "$OUT.tar.gz" "$OUT"; echo "$OUT.tar.gz"; exit 0',
    '}',
    'echo 0 > "$T/tracing_on"; echo 0 > "$T/events/enable"; echo > "$T/trace"',
    'echo mono > "$T/trace_clock"',
    `echo ${bufferKb} > "$T/buffer_size_kb"`,
    ...enables(['netfs', ...events], era),
    'snap before; trap finish INT TERM; echo 1 > "$T/tracing_on"',
    seconds > 0
      ? `sleep ${seconds} & wait $! || true; finish`
      : 'echo "recording; press Ctrl-C to stop" >&2; while :; do sleep 1 & wait $!; done',
  ];
}

/** v6.10 and later list their requests. */
function hasRequestList(era: Era): boolean {
  return inEra<boolean>({ E0: false, E4: true }, era) === true;
}

/** The lines that switch events on; systems that the kernel lacks are passed over. */
function enables(systems: readonly string[], era: Era): string[] {
  const known = systems.filter((each) => {
    const mine = TRACEPOINTS.filter(({ system }) => system === each);
    return mine.length === 0 || mine.some((tracepoint) => tracepoint.format(era) !== null);
  });
  return [
    `for e in ${known.join(' ')} 9p afs nfs cifs ceph; do`,
    '  [ -e "$T/events/$e/enable" ] && echo 1 > "$T/events/$e/enable" || true; done',
    '# one line per request is enough of the transport: leave out what dumps packets',
    'for e in 9p/9p_protocol_dump; do',
    '  [ -e "$T/events/$e/enable" ] && echo 0 > "$T/events/$e/enable" || true; done',
  ];
}
