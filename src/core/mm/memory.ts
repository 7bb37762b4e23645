/**
 * A piece of shared memory that page frames and readers' buffers live in. System calls read into it
 * directly, worker threads see it without a copy, and it copies within itself.
 *
 * The copy is WebAssembly's `memory.copy`, through a module that has nothing else: no view is made
 * for it and nothing is allocated, which for a page would cost as much as copying it.
 */
import { ErrnoError } from '../base/errors.js';
import { adviseHuge, plainArray } from '../io/syscalls.js';

interface Memory {
  readonly buffer: SharedArrayBuffer;
}

/** Copies `length` bytes from byte `from` to byte `to`; the ranges may overlap. */
type Copy = (to: number, from: number, length: number) => void;

// The compiler's Node.js library has no WebAssembly types; this is the part used here.
declare const WebAssembly: {
  Memory: new (limits: { initial: number; maximum: number; shared: true }) => Memory;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (
    module: object,
    imports: { readonly m: { readonly m: Memory } },
  ) => { readonly exports: { readonly copy: Copy } };
};

/** Bytes of a WebAssembly page. */
const WASM_PAGE = 65_536;

/** (func (export "copy") (param i32 i32 i32) (memory.copy local 0, local 1, local 2)) */
const MODULE = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  // Type: of three 32-bit integers, without a result.
  ...[1, 7, 1, 0x60, 3, 0x7f, 0x7f, 0x7f, 0],
  // Import m.m: a shared memory of any size up to 4 GiB.
  ...[2, 11, 1, 1, 0x6d, 1, 0x6d, 2, 3, 0, 0x80, 0x80, 4],
  // One function, its name and its body.
  ...[3, 2, 1, 0],
  ...[7, 8, 1, 4, 0x63, 0x6f, 0x70, 0x79, 0, 0],
  ...[10, 14, 1, 12, 0, 0x20, 0, 0x20, 1, 0x20, 2, 0xfc, 0x0a, 0, 0, 0x0b],
);

let module: object | undefined;

/** Page-aligned memory of less than 4 GiB; takes room only where it is written. */
export class SharedMemory {
  /** For other threads. */
  readonly shared: SharedArrayBuffer;
  /** The same as what it is read and written as; valid as long as this object is. */
  readonly bytes: Uint8Array;
  /** Copies within the memory. Offsets are bytes; one out of range throws. */
  readonly copy: Copy;

  /**
   * Zeros; `length` is rounded up to 64 KiB. ENOMEM if there is no room for it. Of the
   * first `huge` bytes, if any, the memory is taken at once, in huge pages where they can be had.
   */
  constructor(length: number, huge: number) {
    const pages = Math.ceil(length / WASM_PAGE);
    let memory: Memory;
    try {
      memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    } catch (cause) {
      throw new ErrnoError('ENOMEM', 'mmap', undefined, {
        cause,
        hint: 'ask for less --page-cache',
      });
    }
    module ??= new WebAssembly.Module(MODULE);
    this.copy = new WebAssembly.Instance(module, { m: { m: memory } }).exports.copy;
    this.shared = memory.buffer;
    this.bytes = plainArray(memory.buffer);
    if (huge > 0) adviseHuge(this.bytes, huge);
  }
}
