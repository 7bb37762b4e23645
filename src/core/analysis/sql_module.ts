/**
 * Reads the statements of the analyses, which stand in files of their own so that people can use
 * them with sqlite3 or DuckDB as well. The build copies them beside the compiled code.
 */
import { readFileSync } from 'node:fs';

/** The statement in `sql/NAME.sql`, with the comments that explain it and its parameters. */
export function sqlModule(name: string): string {
  return readFileSync(new URL(`./sql/${name}.sql`, import.meta.url), 'utf8').trim();
}
