/**
 * The frame of files in a tar archive (ustar), for those who write one. Called by
 * app/export/bundle.ts; importer/tar.ts reads.
 */

const BLOCK = 512;

/** What stands before and behind the bytes of a file. */
export interface TarFile {
  readonly header: Uint8Array;
  /** Fills the last block; empty if it is full. */
  readonly filler: Uint8Array;
}

/** Frames a file of `size` bytes, below 8 GiB; its name is ASCII of at most 100 bytes. */
export function tarFile(name: string, size: number): TarFile {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number): void => {
    header.write(value.toString(8).padStart(length - 1, '0'), at);
  };
  header.write(name, 0, 100, 'ascii');
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  // The sum counts its own field as blanks.
  header.fill(' ', 148, 156);
  header.write('0', 156);
  header.write('ustar\x0000', 257, 'latin1');
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  header[154] = 0;
  return { header, filler: Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK) };
}

/** What ends an archive. */
export function tarEnd(): Uint8Array {
  return Buffer.alloc(2 * BLOCK);
}
