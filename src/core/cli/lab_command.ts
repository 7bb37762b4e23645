/**
 * The base of every command: `--json`, one way to print data and messages, one way to fail. A
 * command parses its flags, calls one function of `app/`, and hands the result to `show`.
 */
import { Command, type Interfaces } from '@oclif/core';
import type { Table } from '../analysis/types.js';
import type { TraceTarget } from '../app/lab/trace_sink.js';
import { captureCaveat } from '../app/trace/captures.js';
import { type Plotted, plotOf } from '../app/trace/plots.js';
import { type AnalysisName, type Params, runAnalysis, statementOf } from '../app/trace/query.js';
import { UsageError } from '../base/errors.js';
import { jsonRow } from '../report/cell.js';
import { FORMATS } from '../report/index.js';
import { formatOf, type TableFlags } from './flags.js';
import { write, writeLines } from './output.js';
import { printError } from './print_error.js';

/** The shape of a table under `--json`: the capture asked, and one object per row. */
export interface JsonTable {
  readonly capture: string | null;
  readonly rows: readonly Readonly<Record<string, string | number | null>>[];
}

/** Base class of all commands. */
export abstract class LabCommand extends Command {
  static override enableJsonFlag = true;

  /**
   * Parses the arguments. oclif would fill a missing one from stdin, swallowing the input of a
   * shell loop around the command; here stdin is read only where `-` says so.
   */
  protected override parse<
    F extends Interfaces.OutputFlags<F>,
    B extends Interfaces.OutputFlags<B>,
    A extends Interfaces.OutputArgs<A>,
  >(
    options?: Interfaces.Input<F, B, A>,
    argv?: string[],
  ): Promise<Interfaces.ParserOutput<F, B, A>> {
    const args = ((options ?? this.ctor).args ?? {}) as Record<string, { ignoreStdin?: boolean }>;
    for (const arg of Object.values(args)) arg.ignoreStdin = true;
    return super.parse(options, argv);
  }

  /** Prints a message for the person at the terminal, on stderr. */
  protected note(message: string): void {
    process.stderr.write(`${message}\n`);
  }

  /** Says on stderr which capture is used, and if it is not whole. */
  protected noteCapture(path: string): void {
    const caveat = captureCaveat(path);
    this.note(caveat === null ? `capture: ${path}` : `capture: ${path} (${caveat})`);
  }

  /** Prints lines of data on stdout, unless `--json` asks for the returned value instead. */
  protected async print(lines: Iterable<string>): Promise<void> {
    if (!this.jsonEnabled()) await writeLines(lines);
  }

  /** Writes bytes to stdout, which must not be a terminal. Throws `UsageError`. */
  protected async printBytes(pieces: Iterable<Uint8Array>): Promise<void> {
    if (process.stdout.isTTY) {
      throw new UsageError('--out', 'is missing: this format is binary', '--out FILE, or a pipe');
    }
    for (const piece of pieces) if (!(await write(process.stdout, piece))) return;
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

  /** Prints the picture of an analysis. */
  protected async plot(name: Plotted, file: string | undefined): Promise<void> {
    const { capture, lines } = plotOf(name, file);
    this.noteCapture(capture);
    await writeLines(lines);
  }

  /** Asks an analysis and prints its table, or its statement under `--explain-sql`. */
  protected async ask(
    name: AnalysisName,
    file: string | undefined,
    params: Params,
    flags: TableFlags & { readonly 'explain-sql'?: boolean },
  ): Promise<JsonTable | undefined> {
    if (flags['explain-sql'] !== true) return this.show(runAnalysis(name, file, params), flags);
    await writeLines([statementOf(name, file)]);
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

  /** The capture that this invocation writes. */
  protected traceTarget(out: string, overflow = 'block'): TraceTarget {
    return {
      out,
      overflow: overflow as 'block' | 'drop',
      commandLine: [this.config.bin, ...process.argv.slice(2)].join(' '),
      toolVersion: this.config.version,
    };
  }

  /** Ends with this exit code once everything has been printed. */
  protected endWith(code: number): void {
    process.exitCode = code;
  }

  /** Prints an error beside the result and ends with the exit code of the first one. */
  protected endWithError(error: unknown): void {
    const code = printError(error, false, this.#commandLine());
    process.exitCode ??= code;
  }

  #commandLine(): string {
    return `${this.config.bin} ${(this.id ?? '').replaceAll(':', ' ')}`.trim();
  }

  /** Prints the error and ends with its exit code. */
  protected override async catch(error: Error): Promise<never> {
    return this.exit(printError(error, this.jsonEnabled(), this.#commandLine()));
  }
}
