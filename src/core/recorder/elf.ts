/**
 * Finds where a library makes a system call, for uprobes are set at offsets of its file. Called by
 * `probes.ts`. A site is the instruction that loads the number of the call right before the one
 * that enters the kernel, when all arguments are in their registers. Reads 64-bit ELF: elf(5).
 */
import { endianness } from 'node:os';

const PT_LOAD = 1;
const EXECUTABLE = 1;

/** A system call that takes a path. */
export interface CallSite {
  readonly call: string;
  /** Offset in the file, bytes. */
  readonly offset: number;
  /** The register that holds the path. */
  readonly register: string;
}

/** Bytes of the two instructions by call, and the register of the path. */
type Sites = readonly (readonly [call: string, bytes: readonly number[], register: string])[];

const OPENAT = [0xb8, 0x01, 0x01, 0, 0];
const SYSCALL = [0x0f, 0x05];

/** mov $NR,%eax; syscall. */
const X64: Sites = [
  ['open', [0xb8, 0x02, 0, 0, 0, ...SYSCALL], '%di'],
  ['openat', [...OPENAT, ...SYSCALL], '%si'],
  // mov %rdi,%rsi; mov $AT_FDCWD,%edi in between: the path is not where it belongs yet.
  ['openat', [...OPENAT, 0x48, 0x89, 0xfe, 0xbf, 0x9c, 0xff, 0xff, 0xff, ...SYSCALL], '%di'],
  ['openat2', [0xb8, 0xb5, 0x01, 0, 0, ...SYSCALL], '%si'],
  ['chdir', [0xb8, 0x50, 0, 0, 0, ...SYSCALL], '%di'],
];

/** mov x8, #NR; svc #0. */
const ARM64: Sites = [
  ['openat', [0x08, 0x07, 0x80, 0xd2, 0x01, 0, 0, 0xd4], '%x1'],
  ['openat2', [0xa8, 0x36, 0x80, 0xd2, 0x01, 0, 0, 0xd4], '%x1'],
  ['chdir', [0x28, 0x06, 0x80, 0xd2, 0x01, 0, 0, 0xd4], '%x0'],
];

const BY_ARCHITECTURE: Readonly<Record<string, Sites>> = { x64: X64, arm64: ARM64 };

/** The sites in a library; none if it is no ELF file of this machine. */
export function callSites(file: Buffer, architecture: string = process.arch): CallSite[] {
  const sites = BY_ARCHITECTURE[architecture] ?? [];
  return executable(file).flatMap(([start, end]) =>
    sites.flatMap(([call, bytes, register]) =>
      occurrences(file, Buffer.from(bytes), start, end).map((offset) => ({
        call,
        offset,
        register,
      })),
    ),
  );
}

/** The parts of an ELF file that hold instructions, half-open. */
function executable(file: Buffer): [number, number][] {
  if (file.length < 64 || file.toString('latin1', 1, 4) !== 'ELF' || file[4] !== 2) return [];
  const little = endianness() === 'LE';
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const u64 = (at: number) => Number(view.getBigUint64(at, little));
  const headers = Array.from(
    { length: view.getUint16(56, little) },
    (_, i) => u64(32) + i * view.getUint16(54, little),
  );
  return headers
    .filter((at) => at + 56 <= file.length && view.getUint32(at, little) === PT_LOAD)
    .filter((at) => (view.getUint32(at + 4, little) & EXECUTABLE) !== 0)
    .map((at) => [u64(at + 8), Math.min(file.length, u64(at + 8) + u64(at + 32))]);
}

function occurrences(file: Buffer, bytes: Buffer, start: number, end: number): number[] {
  const found: number[] = [];
  for (let at = file.indexOf(bytes, start); at >= 0 && at < end; at = file.indexOf(bytes, at + 1)) {
    found.push(at);
  }
  return found;
}
