/** Reads the kernel log in a file. Called by `explain --dmesg`. */
import { type KernelLog, readLog } from '../importer/dmesg/read_log.js';
import { readSmallText } from './stats_source.js';

/** The log in a file, `-` for stdin. */
export async function kernelLogOf(file: string): Promise<KernelLog> {
  return readLog(readSmallText(file).split('\n'));
}
