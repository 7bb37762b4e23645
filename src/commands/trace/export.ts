/** `netfslab trace export`: a capture for other tools and other people. */
import { Flags } from '@oclif/core';
import { Export } from '../../core/app/export/export.js';
import { EXPORT_FORMATS, type ExportFormat, exporterLines } from '../../core/app/export/index.js';
import { UsageError } from '../../core/base/errors.js';
import { captureArg } from '../../core/cli/flags.js';
import { LabCommand } from '../../core/cli/lab_command.js';

export default class TraceExport extends LabCommand {
  static override summary = 'Write a whole capture for other tools, or for other people';

  static override description = `${exporterLines().join('\n')}

--decode adds the names of flag bits, for people: f=22[COPY_TO_CACHE|IN_PROGRESS].

--anonymise replaces names of files, tasks and hosts, blanks the bytes of packets, and removes markers and events without a table of their own. Numbers stay (requests, cookies, inodes, positions, times), so every analysis gives the same answer. Kernel tasks keep their names.

--json gives { capture, rows: [{ id, ts, task, comm, pid, cpu, flags, system, event, text }] }, or with --out { capture, out, format, anonymised }.`;

  static override examples = [
    '<%= config.bin %> <%= command.id %> run.db > trace.txt',
    '<%= config.bin %> <%= command.id %> --format ndjson | jq .text',
    '<%= config.bin %> <%= command.id %> host.db --anonymise --format bundle --out report.tar.gz',
  ];

  static override args = { capture: captureArg };

  static override flags = {
    anonymise: Flags.boolean({ description: 'replace names, blank packets, remove other texts' }),
    decode: Flags.boolean({ description: 'name the flag bits behind each f=' }),
    format: Flags.string({
      description: 'what to print or write',
      options: EXPORT_FORMATS,
      default: 'ftrace',
    }),
    host: Flags.string({ description: 'machine that was traced, for parquet; default its folder' }),
    out: Flags.string({ char: 'o', description: 'file or folder to write' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(TraceExport);
    const { anonymise, decode, out, host = null } = flags;
    const format = flags.format as ExportFormat;
    const from = new Export(args.capture, format, { decode, host }, anonymise);
    try {
      this.noteCapture(from.named);
      if (out === undefined) return await this.#print(from, format);
      await from.write(out);
      this.note(`wrote ${out}`);
      return { capture: from.named, out, format, anonymised: anonymise };
    } finally {
      from.close();
    }
  }

  async #print(from: Export, format: string): Promise<unknown> {
    const { prints } = from;
    const table = this.jsonEnabled() ? from.table() : null;
    if (table !== null)
      return { ...(await this.show({ ...table, capture: null }, {})), capture: from.named };
    if (prints === null || this.jsonEnabled()) {
      throw new UsageError('--out', `is missing: --format ${format} writes a file`, `--out FILE`);
    }
    if (prints === 'lines') await this.print(from.lines());
    else await this.printBytes(from.bytes());
    return undefined;
  }
}
