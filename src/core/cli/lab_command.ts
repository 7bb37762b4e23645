/**
 * The base of every command: `--json`, one way to print data and messages, one way to fail. A
 * command parses its flags, calls one function of `app/`, and hands the result to `show`.
 */
import { Command } from '@oclif/core';
import type { Table } from '../analysis/types.js';
import { jsonRow } from '../report/cell.js';
import { FORMATS } from '../report/index.js';
import { formatOf, type TableFlags } from './flags.js';
import { writeLines } from './output.js';
import { printError } from './print_error.js';

/** The shape of a table under `--json`: the capture asked, and one object per row. */
export interface JsonTable {
  readonly capture: string | null;
  readonly rows: readonly Readonly<Record<string, string | number | null>>[];
}

/** Base class of all commands. */
export abstract class LabCommand extends Command {
  static override enableJsonFlag = true;

  /** Prints a message for the person at the terminal, on stderr. */
  protected note(message: string): void {
    process.stderr.write(`${message}\n`);
  }

  /** Says on stderr which capture is used. */
  protected noteCapture(path: string): void {
    this.note(`capture: ${path}`);
  }

  /** Prints lines of data on stdout, unless `--json` asks for the returned value instead. */
  protected async print(lines: Iterable<string>): Promise<void> {
    if (!this.jsonEnabled()) await writeLines(lines);
  }

  /** Prints a table as the flags ask, or returns it in the shape of `--json`. */
  protected async show(table: Table, flags: TableFlags): Promise<JsonTable | undefined> {
    if (table.capture !== null) this.noteCapture(table.capture);
    if (this.jsonEnabled()) {
      const rows = Array.from(table.rows, (row) => jsonRow(table.columns, row));
      return { capture: table.capture, rows };
    }
    const format = FORMATS[formatOf(flags) ?? 'table'];
    await writeLines(format.lines(table.columns, table.rows, (message) => this.note(message)));
    return undefined;
  }

  /** As `show`, for what is text unless a table is asked for. */
  protected async showText(
    lines: Iterable<string>,
    table: Table,
    flags: TableFlags,
  ): Promise<JsonTable | undefined> {
    if (this.jsonEnabled() || formatOf(flags) !== undefined) return this.show(table, flags);
    if (table.capture !== null) this.noteCapture(table.capture);
    await writeLines(lines);
    return undefined;
  }

  /** Prints the error and ends with its exit code. */
  protected override async catch(error: Error): Promise<never> {
    const command = `${this.config.bin} ${(this.id ?? '').replaceAll(':', ' ')}`.trim();
    return this.exit(printError(error, this.jsonEnabled(), command));
  }
}
