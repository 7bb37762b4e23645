/**
 * Files of other tools that are binary: what they are by their first bytes, and the command that
 * makes a text of them. Called by `trace import`.
 */
import { StoreError } from '../../base/errors.js';
import type { OpenInput } from '../../importer/input.js';

interface Magic {
  readonly bytes: readonly number[] | string;
  readonly at?: number;
  readonly what: string;
  /** A command in which FILE stands for the file. */
  readonly hint: string;
}

const PACKETS = 'wireshark reads it; netfslab reads traces of netfs, fscache and cachefiles';

const MAGICS: readonly Magic[] = [
  {
    bytes: 'PERFILE2',
    what: 'perf.data is binary',
    hint: 'perf script -i FILE | netfslab trace import -',
  },
  {
    bytes: 'PERFFILE',
    what: 'perf.data is binary',
    hint: 'perf script -i FILE | netfslab trace import -',
  },
  {
    bytes: [0xc1, 0x1f, 0xfc, 0xc1],
    what: 'a stream of CTF is binary',
    hint: 'babeltrace2 DIRECTORY > trace.txt; netfslab reads ftrace, trace-cmd and perf',
  },
  {
    bytes: 'SQLite format 3\0',
    what: 'this is a database, perhaps a capture already',
    hint: 'netfslab trace summary FILE',
  },
  { bytes: [0xd4, 0xc3, 0xb2, 0xa1], what: 'a capture of network packets (pcap)', hint: PACKETS },
  { bytes: [0xa1, 0xb2, 0xc3, 0xd4], what: 'a capture of network packets (pcap)', hint: PACKETS },
  { bytes: [0x4d, 0x3c, 0xb2, 0xa1], what: 'a capture of network packets (pcap)', hint: PACKETS },
  { bytes: [0x0a, 0x0d, 0x0d, 0x0a], what: 'a capture of network packets (pcapng)', hint: PACKETS },
  {
    bytes: [0x7f, 0x45, 0x4c, 0x46],
    what: 'an ELF file: a program or a core dump',
    hint: 'crash vmlinux FILE, then `bt -a` and `log`: netfslab explain --dmesg reads both',
  },
  {
    bytes: 'KDUMP   ',
    what: 'a dump of the kernel',
    hint: 'crash vmlinux FILE, then `bt -a` and `log`: netfslab explain --dmesg reads both',
  },
  {
    bytes: [0x00, 0x05, 0x16, 0x07],
    what: 'AppleDouble: what macOS keeps beside a file, not the file',
    hint: 'name the file without ._ in front',
  },
  { bytes: 'PK\u0003\u0004', what: 'a zip archive', hint: 'unzip FILE, and name what is in it' },
  { bytes: '%PDF-', what: 'a PDF', hint: 'pdftotext -layout FILE trace.txt' },
  {
    bytes: [0x04, 0x22, 0x4d, 0x18],
    what: 'lz4 data',
    hint: 'lz4 -dc FILE | netfslab trace import -',
  },
  {
    bytes: 'LPKSHHRH',
    what: 'a journal of systemd is binary',
    hint: 'journalctl --file FILE -k | netfslab explain --dmesg -',
  },
];

/** The error for a binary file of another tool, null if it is none that is known. */
export function binaryOf(input: OpenInput): StoreError | null {
  const { head, name, size } = input;
  const found = MAGICS.find(({ bytes, at = 0 }) =>
    (typeof bytes === 'string' ? [...Buffer.from(bytes, 'latin1')] : bytes).every(
      (byte, i) => head[at + i] === byte,
    ),
  );
  if (found === undefined) return isPerfetto(head) ? perfetto(name) : null;
  const cut = found.what.startsWith('perf.data') && isCutPerf(head, size || head.length);
  const what = cut ? `${found.what}, and this one is cut off: its data is missing` : found.what;
  return new StoreError(name, `${what}: ${found.hint.replaceAll('FILE', name)}`);
}

/** The header of perf.data says where its events end. */
function isCutPerf(head: Uint8Array, size: number): boolean {
  if (head.length < 56) return true;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  if (view.getBigUint64(8, true) === 16n) return false;
  const end = view.getBigUint64(40, true) + view.getBigUint64(48, true);
  return end === 0n || end > BigInt(size) || view.getBigUint64(48, true) === 0n;
}

/** Perfetto is protobuf: packets of field 1, one after the other. */
function isPerfetto(head: Uint8Array): boolean {
  let at = 0;
  for (let packets = 0; packets < 3; packets++) {
    if (head[at] !== 0x0a) return false;
    let length = 0;
    let shift = 0;
    do {
      if (shift > 28 || ++at >= head.length) return false;
      length += ((head[at] as number) & 0x7f) * 2 ** shift;
      shift += 7;
    } while (((head[at] as number) & 0x80) !== 0);
    at += 1 + length;
    if (length === 0 || at >= head.length) return packets > 0 && head.subarray(0, at).includes(0);
  }
  return head.subarray(0, 4096).includes(0);
}

function perfetto(name: string): StoreError {
  return new StoreError(name, 'this looks like a trace of Perfetto', {
    hint: 'traceconv systrace FILE trace.txt; netfslab trace import trace.txt'.replaceAll(
      'FILE',
      name,
    ),
  });
}
