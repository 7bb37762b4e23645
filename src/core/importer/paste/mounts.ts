/**
 * What /proc/self/mountstats says of a mount, as far as caching is concerned: options, bytes,
 * `fsc`, operations. Called by segments.ts and by what shows it.
 *
 * Kernel: fs/nfs/super.c, net/sunrpc/stats.c; iostat versions 1.0 and 1.1.
 */

/** One mount. */
export interface MountStats {
  readonly device: string;
  readonly mounted: string;
  readonly fstype: string;
  readonly rsize: number | null;
  readonly wsize: number | null;
  /** It is mounted with fsc. */
  readonly fsc: boolean;
  /** Bytes that programs read and wrote, without O_DIRECT. */
  readonly normalRead: number | null;
  readonly normalWritten: number | null;
  readonly directRead: number | null;
  readonly directWritten: number | null;
  /** Bytes asked of and sent to the server. */
  readonly serverRead: number | null;
  readonly serverWritten: number | null;
  /** Pages read, pages written to the cache and so on, as printed behind `fsc:`. */
  readonly cache: readonly number[];
  readonly operations: readonly Operation[];
}

/** One operation of the protocol. */
export interface Operation {
  readonly name: string;
  readonly count: number;
  readonly retries: number;
  readonly timeouts: number;
  /** Milliseconds in all: waiting to be sent, until the reply, from begin to end. */
  readonly queueMs: number;
  readonly rttMs: number;
  readonly executeMs: number;
}

/** The line that begins a mount. */
export const MOUNT =
  /^device (\S.*) mounted on (\S.*) with fstype (nfs4?|cifs|smb3|9p|afs|ceph)\b(?: statvers=\S+)?\s*$/;
/** Lines of a mount behind the first. */
export const MOUNT_LINE =
  /^\s*(?:opts|age|impl_id|caps|nfsv4|sec|events|bytes|fsc|xprt|per-op statistics|RPC iostats version)\b|^\s+[A-Z_]{3,24}:(?: -?\d+)+\s*$/;

/** Reads the lines of one mount; null if the first is none. */
export function mountStats(lines: readonly string[]): MountStats | null {
  const head = MOUNT.exec(lines[0]?.trim() ?? '');
  if (head === null) return null;
  const [, device = '', mounted = '', fstype = ''] = head;
  const rest = lines.slice(1).map((line) => line.trim());
  const textOf = (name: string) => rest.find((line) => line.startsWith(`${name}:`)) ?? '';
  const numbers = (name: string) =>
    textOf(name)
      .slice(name.length + 1)
      .trim()
      .split(/\s+/)
      .filter((each) => /^-?\d+$/.test(each))
      .map(Number);
  const opts = textOf('opts');
  const size = (name: string) => {
    const match = new RegExp(`\\b${name}=(\\d+)`).exec(opts)?.[1];
    return match === undefined ? null : Number(match);
  };
  const bytes = numbers('bytes');
  const at = (i: number) => bytes[i] ?? null;
  return {
    device,
    mounted,
    fstype,
    rsize: size('rsize'),
    wsize: size('wsize'),
    fsc: /(?:^|[\s,:])fsc(?:[,=]|$)/.test(opts),
    normalRead: at(0),
    normalWritten: at(1),
    directRead: at(2),
    directWritten: at(3),
    serverRead: at(4),
    serverWritten: at(5),
    cache: numbers('fsc'),
    operations: rest.flatMap(operationOf),
  };
}

function operationOf(line: string): Operation[] {
  const match = /^([A-Z_]{3,24}):((?: -?\d+)+)$/.exec(line.replaceAll(/\s+/g, ' '));
  if (match === null) return [];
  const [count = 0, sent = 0, timeouts = 0, , , queueMs = 0, rttMs = 0, executeMs = 0] = (
    match[2] as string
  )
    .trim()
    .split(' ')
    .map(Number);
  if (count === 0) return [];
  const name = match[1] as string;
  return [{ name, count, retries: sent - count, timeouts, queueMs, rttMs, executeMs }];
}

/** What the figures say, one sentence each. */
export function mountMeans(mount: MountStats): string[] {
  const { normalRead, directRead, serverRead, fsc, cache, rsize } = mount;
  const said: string[] = [];
  said.push(
    fsc
      ? 'Mounted with fsc: its files can be cached on disk.'
      : 'Mounted without fsc: nothing of it is cached on disk.',
  );
  if (normalRead !== null && serverRead !== null) {
    const direct = directRead === null || directRead === 0 ? '' : `, ${directRead} with O_DIRECT`;
    const rate =
      normalRead > 0 && directRead === 0
        ? ` (${(serverRead / normalRead).toFixed(2)} bytes per byte read)`
        : '';
    said.push(
      `Programs read ${normalRead} bytes normally${direct}; ${serverRead} were asked of the server${rate}.`,
    );
    if (serverRead > 4 * normalRead + (rsize ?? 0) && normalRead > 0) {
      said.push('Much more is fetched than read: readahead, or reads of small pieces.');
    }
  }
  if (fsc && cache.length > 0 && cache.every((each) => each === 0)) {
    said.push(
      'All fsc counters are 0: nothing went through the cache, or the kernel (v5.17 and later) does not count here.',
    );
  }
  return said;
}
