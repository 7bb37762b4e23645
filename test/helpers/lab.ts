/**
 * The one constructor of a lab for tests: virtual clock, fixed seed, files in a directory of its
 * own.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { Lab } from '../../src/core/lab/lab.js';
import type { LabOptions } from '../../src/core/lab/options.js';
import { profileByName } from '../../src/core/profile/index.js';
import { type MemoryRow, MemorySink } from '../../src/core/trace/sink.js';
import type { File } from '../../src/core/vfs/file.js';
import type { OpenFlags, VfsFile } from '../../src/core/vfs/types.js';

/** Small, as V8 collects garbage for what it spans, and tests make many labs. */
const PAGE_CACHE = 4 << 20;

/** Content that tells position and file apart: no two pages of any file are alike. */
export function content(name: string, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  const salt = [...name].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) | 0, 7);
  for (let i = 0; i < size; i++) {
    bytes[i] = (i * 131 + (i >> 8) * 7 + (i >> 12) * 13 + (i >> 20) * 17 + salt) & 255;
  }
  return bytes;
}

/** A new directory that goes with the test. */
export function tempDir(t: ExecutionContext): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'netfslab-test-'));
  t.teardown(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Writes files of the given sizes with `content`; returns the directory. */
export function serverDir(t: ExecutionContext, files: Record<string, number>): string {
  const dir = tempDir(t);
  for (const [name, size] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    fs.writeFileSync(path.join(dir, name), content(name, size));
  }
  return dir;
}

/** A lab whose trace is kept in memory. */
export interface TestLab {
  readonly lab: Lab;
  readonly sink: MemorySink;
  readonly dir: string;
  /** Opens a file of a server that answers at once. */
  open(name: string, flags?: OpenFlags): VfsFile;
  /** Reads through the whole path, in a process of its own. */
  read(file: VfsFile, position: number, count: number): Promise<Buffer>;
  /** Lets everything in flight end, then gives the trace as `netfs_*` text, one event a line. */
  trace(): Promise<string[]>;
}

/** open(2) without waiting: of a server that answers at once. */
export function openNow(lab: Lab, name: string, flags?: OpenFlags): File {
  const opened = lab.vfs.open(name, flags).next();
  if (opened.done === true) return opened.value;
  throw new Error(`opening ${name} waits for ${opened.value.what}`);
}

/** open(2) in a process of its own, waiting as long as the server takes. */
export function opened(lab: Lab, name: string, flags?: OpenFlags): Promise<File> {
  return lab.run('opener', () => lab.vfs.open(name, flags));
}

// Also the server of a lab that the test does not close. A test may make thousands of labs, each
// with an arena of its own; and a function of its own, because what a closure can see it keeps.
function shutDownAfter(t: ExecutionContext, server: WeakRef<Lab['server']>): void {
  t.teardown(() => server.deref()?.shutDown());
}

/** Makes a lab over files of the given sizes. */
export function makeLab(
  t: ExecutionContext,
  files: Record<string, number>,
  options: Partial<LabOptions> = {},
): TestLab {
  const dir = options.server ?? serverDir(t, files);
  const sink = new MemorySink(profileByName(options.profile ?? 'linux-5.13-afs').era);
  const lab = new Lab({ sink, pageCache: PAGE_CACHE, ...options, server: dir });
  shutDownAfter(t, new WeakRef(lab.server));
  return {
    lab,
    sink,
    dir,
    open: (name, flags) => openNow(lab, name, flags),
    read: (file, position, count) =>
      lab.run('reader', function* () {
        const target = Buffer.alloc(count);
        const got = yield* file.read(target, 0, count, position);
        return target.subarray(0, got);
      }),
    async trace() {
      await lab.scheduler.drain();
      return sink.rows.map((row) => brief(row));
    },
  };
}

/** An event in the short form of the worked examples: `R1[0] TERM DOWN f=02 s=0 1000/1000 e=0`. */
export function brief(row: MemoryRow): string {
  const hex = (column: string): string => Number(row[column]).toString(16);
  const flags = (): string => `f=${hex('flags').padStart(2, '0')}`;
  const rreq = `R${hex('rreq')}`;
  const range = (): string => `s=${hex('start')} ${hex('transferred')}/${hex('len')}`;
  if (row.event === 'netfs_read') {
    const cookie = hex('cookie').padStart(8, '0');
    return `${rreq} ${row.what} c=${cookie} s=${hex('start')} ${hex('len')}`;
  }
  if (row.event === 'netfs_rreq') return `${rreq} ${row.what} ${flags()}`;
  const slice = `${rreq}[${row.index}]`;
  if (row.event === 'netfs_failure') {
    return `failure ${slice} ${row.source} ${flags()} ${range()} ${row.what} e=${row.error}`;
  }
  return `${slice} ${row.what} ${row.source} ${flags()} ${range()} e=${row.error}`;
}
