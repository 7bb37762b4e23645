/**
 * The recorder on a simulated tracefs that replays the ring-buffer pages of real trace.dat files:
 * what is recorded is what the file holds, and nothing stays behind whatever goes wrong.
 */
import { mkdtempSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import { importToMemory } from '../../../src/core/app/import/import.js';
import { recordTrace } from '../../../src/core/app/record/record.js';
import { openTraceDat, type TraceDatFile } from '../../../src/core/importer/trace_dat/file.js';
import { budgetFor, PageReader } from '../../../src/core/importer/trace_dat/ring.js';
import { ownName } from '../../../src/core/recorder/instance.js';
import { Session } from '../../../src/core/recorder/session.js';
import type { PageSource, TraceFs } from '../../../src/core/recorder/types.js';
import { ROOT } from '../../helpers/source.js';

const SAMPLES = ['9p-two-cpus', 'afs-cache-error', 'cifs-reconnect'];

function sample(name: string): string {
  const path = join(folder(), 'trace.dat');
  writeFileSync(
    path,
    gunzipSync(readFileSync(join(ROOT, 'traces/trace-dat', name, 'trace.dat.gz'))),
  );
  return path;
}

function dat(path: string): TraceDatFile {
  const bytes = readFileSync(path);
  const source = {
    name: path,
    size: bytes.length,
    read: (offset: number, length: number) => bytes.subarray(offset, offset + length),
  };
  return openTraceDat(source, () => {});
}

/** A tracefs that holds the events of a trace.dat and hands out its pages once. */
class ReplayFs implements TraceFs {
  readonly root = '/simulated';
  readonly directories = new Set<string>(['instances']);
  readonly written = new Map<string, string>();
  opened = 0;
  /** Fails writes to files that end so. */
  refuse: readonly [end: string, errno: number] | null = null;
  readonly #pages = new Map<number, Buffer[]>();
  readonly #files = new Map<string, string>();

  constructor(path: string) {
    const file = dat(path);
    for (const buffer of file.buffers) {
      for (const data of buffer.cpus) {
        const reader = new PageReader(file, buffer, data, budgetFor(file), () => {});
        const pages: Buffer[] = [];
        for (let page = reader.next(); page !== null; page = reader.next()) {
          pages.push(Buffer.from(page));
        }
        if (pages.length > 0) this.#pages.set(data.cpu, pages);
      }
    }
    for (const { system, text } of file.formats.values()) {
      const name = /^name: (\S+)/m.exec(text)?.[1] ?? '';
      this.#files.set(`events/${system}/${name}/format`, text);
      this.#files.set(`events/${system}/enable`, '0');
    }
    const page =
      '\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n' +
      '\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n' +
      '\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;\n';
    this.#files.set('events/header_page', page).set('events/header_event', 'any\n');
    this.#files.set(
      'saved_cmdlines',
      [...file.comms].map(([pid, comm]) => `${pid} ${comm}\n`).join(''),
    );
    this.#files.set('printk_formats', file.printk);
  }

  read(path: string): string | null {
    return this.#files.get(path) ?? null;
  }

  write(path: string, text: string): number {
    if (this.refuse !== null && path.endsWith(this.refuse[0])) return this.refuse[1];
    this.written.set(path, text);
    const enabled = /^instances\/[^/]+\/events\/(.+)\/enable$/.exec(path)?.[1];
    if (enabled === undefined) return 0;
    const known = [...this.#files.keys()].some((file) => file.startsWith(`events/${enabled}/`));
    return known ? 0 : -2;
  }

  append(): number {
    return -2;
  }

  makeDirectory(path: string): number {
    if (this.directories.has(path)) return -17;
    this.directories.add(path);
    return 0;
  }

  removeDirectory(path: string): number {
    if (this.opened > 0) return -16;
    return this.directories.delete(path) ? 0 : -2;
  }

  list(path: string): string[] {
    if (path.endsWith('/per_cpu')) return [...this.#pages.keys()].map((cpu) => `cpu${cpu}`);
    const below = [...this.#files.keys(), ...this.directories].filter((each) =>
      each.startsWith(`${path}/`),
    );
    return [...new Set(below.map((each) => each.slice(path.length + 1).split('/')[0] ?? ''))];
  }

  openPages(path: string): PageSource | number {
    const cpu = Number(/cpu(\d+)$/.exec(path)?.[1]);
    const pages = this.#pages.get(cpu) ?? [];
    this.opened++;
    const some = (fd: number, count: number) =>
      pages.splice(0, count).reduce((sum, page) => sum + writeSync(fd, page), 0);
    return {
      drain: (fd) => some(fd, 1),
      finish: (fd) => some(fd, pages.length),
      close: () => {
        this.opened--;
      },
    };
  }
}

const request = (fs: TraceFs, out: string) => ({
  fs,
  target: { out, commandLine: 'test', toolVersion: '0' },
  trouble: 'slow' as const,
  events: [],
  forMs: 120,
  bufferBytes: null,
  limitBytes: 2 ** 31,
  operations: false,
  command: [],
  traceDat: `${out}.dat`,
});
const watch = { signal: new AbortController().signal, note: () => {}, progress: () => {} };
const folder = () => mkdtempSync(join(tmpdir(), 'netfslab-test-'));

for (const name of SAMPLES) {
  test(`pages of ${name} that are recorded give the events of the file`, async (t) => {
    const fs = new ReplayFs(sample(name));
    const out = join(folder(), 'a.db');
    // The counts of the simulated ring are not those of its pages, so they do not say "nothing".
    const session = new Session({
      fs,
      folder: folder(),
      events: [],
      bufferKb: 1024,
      operations: false,
    });
    session.start(null);
    session.pump();
    const { members } = session.finish();
    session.close();
    const recorded = await importToMemory(members[0] ?? '');
    const original = await importToMemory(sample(name));
    t.true(original.lines().length > 50);
    t.deepEqual(recorded.lines(), original.lines());
    t.deepEqual([...fs.directories], ['instances'], out);
  });
}

test('an instance is removed when the kernel refuses its size, its clock, or to start', async (t) => {
  for (const end of ['buffer_size_kb', 'trace_clock', 'tracing_on']) {
    const fs = new ReplayFs(sample('9p-two-cpus'));
    fs.refuse = [end, -12];
    await t.throwsAsync(recordTrace(request(fs, join(folder(), 'a.db')), watch), undefined, end);
    t.deepEqual([...fs.directories], ['instances'], end);
    t.is(fs.opened, 0, end);
  }
});

test('instances of processes that are gone are removed, those of others stay', (t) => {
  const fs = new ReplayFs(sample('9p-two-cpus'));
  const mine = `instances/${ownName()}_ops`;
  for (const each of ['instances/other', 'instances/netfslab_4000000_1', mine]) {
    fs.directories.add(each);
  }
  const session = new Session({
    fs,
    folder: folder(),
    events: [],
    bufferKb: 64,
    operations: false,
  });
  t.deepEqual(session.removed, ['netfslab_4000000_1']);
  session.close();
  t.deepEqual([...fs.directories], ['instances', 'instances/other', mine]);
});

test('the buffer is that of all processors together', (t) => {
  const fs = new ReplayFs(sample('9p-two-cpus'));
  const session = new Session({
    fs,
    folder: folder(),
    events: [],
    bufferKb: 1000,
    operations: false,
  });
  const sizes = [...fs.written].filter(([path]) => path.endsWith('buffer_size_kb'));
  t.deepEqual(
    sizes.map(([, kb]) => kb),
    [String(1000 / fs.list('x/per_cpu').length)],
  );
  session.close();
});

test('events that the kernel lacks are named', (t) => {
  const fs = new ReplayFs(sample('9p-two-cpus'));
  const events = ['nosuch', 'netfs/netfs_read'];
  const session = new Session({ fs, folder: folder(), events, bufferKb: 64, operations: false });
  t.deepEqual(session.lacking, ['nosuch']);
  session.close();
});
