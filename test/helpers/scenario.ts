/** The scenarios in traces/linux-6.1, and their traces in memory. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TraceView } from '../../src/core/analysis/structure/types.js';
import { readScenario } from '../../src/core/app/conform/scenario.js';
import { importToMemory } from '../../src/core/app/import/import.js';
import type { MemorySink } from '../../src/core/trace/sink.js';

/** Directory of a scenario: `9p/004-seq1m-64k-cold`; or of all of a filesystem: `9p`. */
export function scenarioDirectory(name: string): string {
  const path = fileURLToPath(new URL(`../../../traces/linux-6.1/${name}`, import.meta.url));
  if (!existsSync(path)) throw new Error(`no such scenario: ${path}`);
  return path;
}

/** The kernel's trace of a scenario, as the comparison takes it. */
export async function scenarioView(name: string): Promise<TraceView & { memory: MemorySink }> {
  const { trace, stats } = readScenario(scenarioDirectory(name));
  const memory = await importToMemory(trace);
  return { rows: memory.rows, ops: memory.ops, snapshots: stats ?? [], memory };
}
