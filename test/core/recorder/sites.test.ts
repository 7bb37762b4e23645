/** Where uprobes that record paths are set. */
import test from 'ava';
import { callSites } from '../../../src/core/recorder/elf.js';

/** An ELF file with one executable segment that holds `code` at byte 200. */
function elf(code: readonly number[], executable = true): Buffer {
  const file = Buffer.alloc(400);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, 64);
  file.writeUInt32LE(executable ? 5 : 4, 68);
  file.writeBigUInt64LE(128n, 72);
  file.writeBigUInt64LE(272n, 96);
  file.set(code, 200);
  return file;
}

const OPENAT = [0xb8, 0x01, 0x01, 0, 0, 0x0f, 0x05];

test('a system call in the code of a library is found with the register of its path', (t) => {
  t.deepEqual(callSites(elf(OPENAT), 'x64'), [{ call: 'openat', offset: 200, register: '%si' }]);
});

test('the same bytes outside of code are not a system call', (t) => {
  t.deepEqual(callSites(elf(OPENAT, false), 'x64'), []);
});

test('a file that is no ELF file, or ends early, has no sites', (t) => {
  t.deepEqual(callSites(Buffer.from('hello'), 'x64'), []);
  t.deepEqual(callSites(Buffer.alloc(1000), 'x64'), []);
  t.notThrows(() => callSites(elf(OPENAT).subarray(0, 90), 'x64'));
  t.deepEqual(callSites(elf(OPENAT), 'mips'), []);
});
