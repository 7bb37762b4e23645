/**
 * Packs a capture as `capture-script` packs its recordings: the trace, the statistics before and
 * after, the requests, the kernel's release, in a tar archive compressed by gzip. What
 * `trace import` reads.
 */
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { errnoFromNode } from '../../base/errno.js';
import { ErrnoError } from '../../base/errors.js';
import { tarEnd, tarFile } from '../../base/tar.js';
import type { Capture } from '../../store/types.js';
import { REQUEST_EVENTS } from '../import/request_list.js';
import { snapshotsOf } from '../stats/stats.js';
import type { PathExporter } from './types.js';

/** Row `bundle` of the registry. */
export const bundle: PathExporter = {
  kind: 'path',
  doc: 'what capture-script packs (a .tar.gz), with statistics and requests',
  options: [],
  write: writeBundle,
};

/** Lines that are written at a time. */
const LINES = 4096;

async function writeBundle(capture: Capture, out: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'netfslab-'));
  try {
    // A tar archive tells the length of a file before the file, so it is written out first.
    const trace = join(folder, 'trace.txt');
    await pipeline(Readable.from(pieces(capture)), createWriteStream(trace));
    await pipeline(
      Readable.from(members(capture, trace)),
      createGzip(),
      createWriteStream(out, { flags: 'wx' }),
    );
  } catch (error) {
    throw new ErrnoError(errnoFromNode(error), 'open', out, { cause: error });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function* pieces(capture: Capture): Iterable<string> {
  let lines = capture.heading();
  for (const line of capture.lines()) {
    lines.push(line);
    if (lines.length < LINES) continue;
    yield `${lines.join('\n')}\n`;
    lines = [];
  }
  if (lines.length > 0) yield `${lines.join('\n')}\n`;
}

async function* members(capture: Capture, trace: string): AsyncGenerator<Uint8Array> {
  for (const [name, text] of texts(capture)) yield* member(name, Buffer.from(`${text}\n`));
  const { size } = statSync(trace);
  yield tarFile('netfs/trace.txt', size).header;
  yield* createReadStream(trace) as AsyncIterable<Uint8Array>;
  yield tarFile('netfs/trace.txt', size).filler;
  yield tarEnd();
}

function* member(name: string, bytes: Uint8Array): Iterable<Uint8Array> {
  const { header, filler } = tarFile(`netfs/${name}`, bytes.length);
  yield header;
  yield bytes;
  yield filler;
}

/** The small texts of a bundle by name; those that the capture does not have are left out. */
function* texts(capture: Capture): Iterable<[string, string]> {
  const { kernel_release: kernel } = capture.info;
  if (kernel !== null) yield ['kernel', kernel];
  const snapshots = snapshotsOf(capture);
  const [first] = snapshots;
  const last = snapshots.at(-1);
  if (first !== undefined && snapshots.length > 1) yield ['stats.before', first];
  if (last !== undefined) yield ['stats.after', last];
  for (const [moment, event] of Object.entries(REQUEST_EVENTS)) {
    const sql = `SELECT "text" FROM "other_event" WHERE "system" = 'proc' AND "event" = ? ORDER BY "id"`;
    const lines = capture.all(sql, [event]).map(({ text }) => String(text));
    if (lines.length > 0) yield [`requests.${moment}`, lines.join('\n')];
  }
}
