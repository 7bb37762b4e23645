/**
 * The public Node.js API: open a lab, read and write files through it, and ask questions of a
 * capture.
 *
 *     import { openLab, openTrace } from 'netfslab';
 *     const lab = await openLab({ server: '.', trace: 'run.db' });
 *     const file = await lab.open('package.json');
 *     const buffer = new Uint8Array(4096);
 *     const bytes = await file.read(buffer, 0, buffer.byteLength, 0);
 *     file.close();
 *     await lab.close();
 *     const trace = openTrace('run.db');
 *     for (const line of trace.lines()) process.stdout.write(`${line}\n`);
 */
export {
  type LabFile,
  type LabNames,
  type LabStat,
  type OpenLabOptions,
  openLab,
  type PublicLab,
} from './core/app/lab/open_lab.js';
export { Bug, ErrnoError, StoreError, UsageError } from './core/base/errors.js';
export { openCapture as openTrace } from './core/store/database.js';
export type {
  Capture as Trace,
  CaptureInfo as TraceInfo,
  LineFilter,
  SqlRow,
  SqlValue,
} from './core/store/types.js';
export type { OpenFlags } from './core/vfs/types.js';
