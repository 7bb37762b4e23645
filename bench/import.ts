/**
 * The contests of `trace import` and of the questions asked of its result: against `sqlite3 .import`
 * of the same rows, split already, and against `trace-cmd report`.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { openCapture } from '../src/core/store/database.js';
import type { Contest, ContestSource, Setting } from './harness.js';
import { type Command, expectEqual, missingTool, NETFSLAB, runCommand } from './tools.js';
import { writeTraceDat } from './trace_dat.js';
import { countedSessions, REPEATED_COLUMNS, writeRepeated } from './trace_repeat.js';
import { CSV_COLUMNS, writeTrace } from './trace_text.js';

/** What a capture must hold: that many events, all of them in the tables of their tracepoints. */
function verifyCapture(path: string, lines: number): void {
  const capture = openCapture(path);
  try {
    const { events, unparsed_lines: unparsed } = capture.info;
    expectEqual('events', events, lines);
    expectEqual('lines not understood', unparsed, 0);
    const rows = capture.all(
      `SELECT count(*) AS "n" FROM "netfs_read" UNION ALL SELECT count(*) FROM "netfs_rreq"
      UNION ALL SELECT count(*) FROM "netfs_sreq" UNION ALL SELECT count(*) FROM "netfs_rreq_ref"
      UNION ALL SELECT count(*) FROM "netfs_sreq_ref"`,
    );
    expectEqual(
      'rows',
      rows.reduce((sum, { n }) => sum + Number(n), 0),
      lines,
    );
    const open = capture.get('SELECT count(*) AS "n" FROM "request" WHERE "begin_ns" IS NULL');
    expectEqual('requests without a begin', open?.n, 0);
  } finally {
    capture.close();
  }
}

function importCommand(input: string, out: string): Command {
  return [...NETFSLAB, 'trace', 'import', input, '--out', out];
}

/** What a text contest writes, and how it knows that all of it arrived. */
interface TextInput {
  of: string;
  columns: number;
  write(lines: number, input: string, csv: string): void;
  verify(capture: string, lines: number): void;
}

/** Text into the finished database, against the same rows as CSV into one table. */
const textContest = (name: string, text: TextInput): ContestSource => ({
  name,
  doc: `text ${text.of} into a capture, against sqlite3 .import of the same rows as CSV`,
  setUp({ folder, size }: Setting): Contest {
    const lines = size('import-lines', 5_000_000, 50_000);
    const input = join(folder, `${name}.txt`);
    const csv = join(folder, `${name}.csv`);
    const capture = join(folder, `${name}.db`);
    const plain = join(folder, `${name}-csv.db`);
    text.write(lines, input, csv);
    return {
      name,
      what: `${lines} lines ${text.of} into a database`,
      contestants: [
        {
          name: 'netfslab',
          prepare: () => rmSync(capture, { force: true }),
          run: () => runCommand(importCommand(input, capture)),
          verify: () => text.verify(capture, lines),
        },
        {
          name: 'sqlite3 .import',
          missing: missingTool('sqlite3'),
          prepare: () => rmSync(plain, { force: true }),
          run: () => runCommand(['sqlite3', plain], `.mode csv\n.import ${csv} event\n`),
          verify: () => verifyTable(plain, lines, text.columns),
        },
      ],
      goals: [{ faster: 'netfslab', than: 'sqlite3 .import', atLeast: 2.5 }],
    };
  },
});

const text = textContest('import-text', {
  of: 'of v5.13',
  columns: CSV_COLUMNS.length,
  write: writeTrace,
  verify: verifyCapture,
});

/** Traces of v7.3, of which the repeated one is made. */
const OF_7_3 = ['odd-size-cold', '9p-odd-size', '9p-cache-full', '9p-direct'];

const newText = textContest('import-new-text', {
  of: 'of v7.3',
  columns: REPEATED_COLUMNS.length,
  write(lines, input, csv) {
    const samples = OF_7_3.map((name) => sample(`linux-7.3/${name}.txt.gz`));
    writeRepeated(countedSessions(samples), lines, input, csv);
  },
  verify: (capture, lines) => expectEqual('events', eventCount(capture), lines),
});

function verifyTable(path: string, lines: number, columns: number): void {
  const sql = `SELECT (SELECT count(*) FROM event), count(*) FROM pragma_table_info('event')`;
  const { stdout } = spawnSync('sqlite3', [path, sql], { encoding: 'utf8' });
  expectEqual('rows|columns', stdout.trim(), `${lines}|${columns}`);
}

function sample(name: string): string {
  return fileURLToPath(new URL(`../../traces/${name}`, import.meta.url));
}

/** A real trace.dat of one processor, repeated, against its text being printed to nowhere. */
const datContest = (name: string, of: string, release: string): ContestSource => ({
  name,
  doc: `trace.dat of v${release} into a capture, against trace-cmd report > /dev/null`,
  setUp({ folder, size }: Setting): Contest {
    const file = sample(`trace-dat/${of}/trace.dat.gz`);
    const repeats = size('import-dat-repeats', 3000, 30);
    const input = join(folder, `${name}.dat`);
    const capture = join(folder, `${name}.db`);
    // Only trace-cmd can take the compression off, so without it there is nothing to import.
    const missing = missingTool('trace-cmd');
    let events = 0;
    if (missing === null) {
      writeTraceDat(uncompressed(file, folder), repeats, input);
      events = repeats * eventsOf(capture, file);
    }
    return {
      name,
      what: `${events} events of a trace.dat of v${release}`,
      contestants: [
        {
          name: 'netfslab',
          missing,
          prepare: () => rmSync(capture, { force: true }),
          run: () => runCommand(importCommand(input, capture)),
          verify: () => expectEqual('events', eventCount(capture), events),
        },
        {
          name: 'trace-cmd report',
          missing,
          run: () => runCommand(['trace-cmd', 'report', '-i', input]),
          verify: () => {},
        },
      ],
      goals: [{ faster: 'netfslab', than: 'trace-cmd report', atLeast: 1.3 }],
    };
  },
});
const dat = datContest('import-dat', 'afs-cache-error', '6.1');
const newDat = datContest('import-new-dat', 'afs-cache-error-7.3', '7.3');

/** A trace.dat as version 6, which knows no compression. */
function uncompressed(sample: string, folder: string): Buffer {
  const packed = join(folder, 'sample.dat');
  const plain = join(folder, 'sample-6.dat');
  writeFileSync(packed, gunzipSync(readFileSync(sample)));
  const args = ['convert', '--file-version', '6', '-i', packed, '-o', plain];
  spawnSync('trace-cmd', args, { stdio: 'ignore' });
  return readFileSync(plain);
}

function eventCount(path: string): number {
  const capture = openCapture(path);
  const { events } = capture.info;
  capture.close();
  return events;
}

/** Events of a small trace, found by importing it. */
function eventsOf(out: string, input: string): number {
  const [program, ...args] = importCommand(input, out);
  spawnSync(program, args, { stdio: 'ignore' });
  const events = eventCount(out);
  rmSync(out);
  return events;
}

/** A copy of the statistics, so that there are some to show. */
function statsFile(): string {
  const folder = '../../traces/import/linux-6.1-afs-odd-all-cold';
  return fileURLToPath(new URL(`${folder}/stats-after.txt`, import.meta.url));
}

/** The questions most asked, each with the start of the program, of a large capture. */
const QUESTIONS: readonly (readonly string[])[] = [
  ['trace', 'requests', '--slowest', '20'],
  ['trace', 'sources'],
  ['trace', 'latency'],
  ['stats', 'show'],
];

const questions: ContestSource = {
  name: 'import-ask',
  doc: 'what is asked of a large capture; each is to take less than a second',
  async setUp({ folder, size }: Setting): Promise<Contest> {
    const lines = size('import-lines', 5_000_000, 50_000);
    const input = join(folder, 'trace.txt');
    const capture = join(folder, 'ask.db');
    writeTrace(lines, input, null);
    await runCommand([...importCommand(input, capture), '--stats', statsFile()]);
    verifyCapture(capture, lines);
    return {
      name: 'import-ask',
      what: `questions to a capture of ${lines} events, less than 1.00 s each`,
      contestants: QUESTIONS.map((words) => ({
        name: words.join(' '),
        run: () => runCommand([...NETFSLAB, ...words, capture]),
        verify: () => {},
      })),
    };
  },
};

export const IMPORT_CONTESTS: readonly ContestSource[] = [text, newText, dat, newDat, questions];
